import { type AuditRetentionPorts, removeOldAuditEvents } from "../app/audit/remove-old-audit-events.ts";
import type { Log } from "../app/ports.ts";
import { type RetentionPorts, removeOldUpdates } from "../app/updates/remove-old-updates.ts";
import { repeat } from "./repeat.ts";

const EVERY_MS = 3600_000;

/**
 * Removes old updates, and old audit events where they are not kept for ever, at once and then every hour, in the
 * background. Answers how to stop that.
 */
export function keepHistoryShort(
  ports: RetentionPorts & AuditRetentionPorts & { readonly log: Log },
): () => Promise<void> {
  async function removeOld(what: string, remove: () => Promise<number>, signal: AbortSignal): Promise<void> {
    try {
      const removed = await remove();
      if (removed > 0) ports.log.info({ removed }, `removed ${what} that are old enough`);
    } catch (error) {
      if (!signal.aborted) ports.log.warn({ err: error }, `old ${what} could not be removed`);
    }
  }

  return repeat(ports.clock, EVERY_MS, async (signal) => {
    await removeOld("updates from the history", () => removeOldUpdates(ports, signal), signal);
    await removeOld("audit events", () => removeOldAuditEvents(ports, signal), signal);
  });
}
