import type { Ports } from "../app/ports.ts";
import { repeat } from "./repeat.ts";

const EVERY_MS = 3600_000;

/** What was signed this long ago may be told once more: a caught message starts an update then, and no more. */
const KEPT_MS = 24 * 3600_000;

/** Forgets old messages of webhooks at once and then every hour, in the background. Answers how to stop that. */
export function forgetHookMessages(ports: Pick<Ports, "clock" | "log" | "mirrorHooks">): () => Promise<void> {
  return repeat(ports.clock, EVERY_MS, async (signal) => {
    try {
      await ports.mirrorHooks.removeOldMessages(new Date(ports.clock.now().getTime() - KEPT_MS));
    } catch (error) {
      if (!signal.aborted) ports.log.warn({ err: error }, "old messages of webhooks could not be removed");
    }
  });
}
