import type { Log } from "../app/ports.ts";
import { type RetentionPorts, removeOldUpdates } from "../app/updates/remove-old-updates.ts";
import { repeat } from "./repeat.ts";

const EVERY_MS = 3600_000;

/** Removes old updates at once and then every hour, in the background. Answers how to stop that. */
export function keepHistoryShort(ports: RetentionPorts & { readonly log: Log }): () => Promise<void> {
  return repeat(ports.clock, EVERY_MS, async (signal) => {
    try {
      const removed = await removeOldUpdates(ports, signal);
      if (removed > 0) ports.log.info({ removed }, "removed updates from the history that are old enough");
    } catch (error) {
      if (!signal.aborted) ports.log.warn({ err: error }, "old updates could not be removed");
    }
  });
}
