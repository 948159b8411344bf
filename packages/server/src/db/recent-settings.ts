import type { Clock, InstanceSettings, InstanceSettingsStore } from "../app/ports.ts";

/** For so long another node may go by what was set before. */
const RECENT_MS = 1_000;

/**
 * The same settings, read at most once a second: nearly every request goes by them. What is written here counts here at
 * once.
 */
export function createRecentSettings(store: InstanceSettingsStore, clock: Clock): InstanceSettingsStore {
  let recent: { readonly settings: Promise<InstanceSettings>; readonly readAt: number } | null = null;

  return {
    async read() {
      const now = clock.now().getTime();
      if (recent === null || Math.abs(now - recent.readAt) > RECENT_MS) {
        const settings = store.read();
        recent = { settings, readAt: now };
        // A failure is only for those who asked meanwhile.
        settings.catch(() => {
          if (recent?.settings === settings) recent = null;
        });
      }
      return await recent.settings;
    },
    async write(changes) {
      try {
        return await store.write(changes);
      } finally {
        // Also a reading that began before the change and is not over.
        recent = null;
      }
    },
  };
}
