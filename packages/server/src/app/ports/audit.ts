import type { AuditEntityType, AuditEvent, NewAuditEvent } from "../../domain/audit-event.ts";
import type { Page, Paged } from "./instance.ts";

/** Which audit events; what is left out does not matter. */
export interface AuditFilter {
  /** From this moment on, and up to this one; both included. */
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
  readonly entityType?: AuditEntityType;
  readonly entityId?: number;
  readonly authorId?: number;
  readonly action?: string;
}

/** The log of who did what. Rows are written and read, never changed. */
export interface AuditStore {
  record(event: NewAuditEvent): Promise<void>;
  find(id: number): Promise<AuditEvent | null>;
  /** The newest first. */
  list(filter: AuditFilter, page: Page): Promise<Paged<AuditEvent>>;
  /** All of them, the oldest first, read a part at a time; those that are recorded meanwhile may be among them. */
  readAll(filter: AuditFilter): AsyncIterable<AuditEvent>;
  /** Removes so many, the oldest first, of those that were recorded before that time, and answers how many it were. */
  removeOld(before: Date, limit: number): Promise<number>;
}
