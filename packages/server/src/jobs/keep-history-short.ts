import type { Ports } from "../app/ports.ts";
import { removeOldUpdates } from "../app/updates/remove-old-updates.ts";

const EVERY_MS = 3600_000;

/** Removes old updates at once and then every hour, in the background. Answers how to stop that. */
export function keepHistoryShort(
  ports: Pick<Ports, "clock" | "log" | "mirrors" | "settings">,
): () => Promise<void> {
  const stopping = new AbortController();
  const clean = async (): Promise<void> => {
    try {
      const removed = await removeOldUpdates(ports, stopping.signal);
      if (removed > 0) ports.log.info({ removed }, "removed updates from the history that are old enough");
    } catch (error) {
      if (!stopping.signal.aborted) ports.log.warn({ err: error }, "old updates could not be removed");
    }
  };
  let cleaning = clean();
  const timer = setInterval(() => {
    cleaning = cleaning.then(clean);
  }, EVERY_MS);
  return async () => {
    stopping.abort();
    clearInterval(timer);
    await cleaning;
  };
}
