import type { Ports } from "../app/ports.ts";
import { removeOldSignIns } from "../app/sign-in/remove-old-sign-ins.ts";
import { repeat } from "./repeat.ts";

const EVERY_MS = 3600_000;

/** Removes sessions, failures and unconfirmed second factors that are over, at once and then every hour, in the background. Answers how to stop. */
export function clearSignIns(
  ports: Parameters<typeof removeOldSignIns>[0] & Pick<Ports, "log">,
): () => Promise<void> {
  return repeat(ports.clock, EVERY_MS, async (signal) => {
    try {
      const removed = await removeOldSignIns(ports);
      if (removed > 0)
        ports.log.info(
          { removed },
          "removed sessions, failed sign-ins and unconfirmed second factors that are over",
        );
    } catch (error) {
      if (!signal.aborted) ports.log.warn({ err: error }, "old sessions could not be removed");
    }
  });
}
