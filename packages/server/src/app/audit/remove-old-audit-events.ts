import type { AuditStore, Clock, InstanceSettings } from "../ports.ts";

/** Rows a statement, so that what runs besides does not wait for it. */
const BATCH = 1000;

const DAY_MS = 24 * 3600_000;

/** What removing old audit events needs of the world. */
export interface AuditRetentionPorts {
  readonly clock: Clock;
  readonly audit: Pick<AuditStore, "removeOld">;
  readonly settings: { read(): Promise<Pick<InstanceSettings, "auditEventRetentionDays">> };
}

/** Removes the audit events that are older than the admin wants them kept, if there is such a time. Answers how many. */
export async function removeOldAuditEvents(ports: AuditRetentionPorts, signal: AbortSignal): Promise<number> {
  const { auditEventRetentionDays: days } = await ports.settings.read();
  if (days === 0) return 0;
  const before = new Date(ports.clock.now().getTime() - days * DAY_MS);
  let total = 0;
  while (!signal.aborted) {
    const removed = await ports.audit.removeOld(before, BATCH);
    total += removed;
    if (removed < BATCH) break;
  }
  return total;
}
