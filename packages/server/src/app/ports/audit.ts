import type { NewAuditEvent } from "../../domain/audit-event.ts";

/** The log of who did what. Rows are written and read, never changed. */
export interface AuditStore {
  record(event: NewAuditEvent): Promise<void>;
}
