import type { AuditEvent } from "../../domain/audit-event.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { AuditFilter, Page, Paged } from "../ports.ts";

/** What of the filter is left where the entity is given. */
export type AuditFilterWithin = Omit<AuditFilter, "entityType" | "entityId">;

/** A project or a group whose own events are asked for. */
export type AuditedPlace =
  | { readonly kind: "project"; readonly which: PathOrId }
  | { readonly kind: "group"; readonly which: PathOrId };

/**
 * Who did what to which thing, from where. All of it is for admins; the events of one project or group, without those
 * of what is below it, for its owners too.
 */
export interface AuditUseCases {
  /** The newest first. */
  listAuditEvents(principal: Principal, filter: AuditFilter, page: Page): Promise<Paged<AuditEvent>>;
  findAuditEvent(principal: Principal, id: number): Promise<AuditEvent>;
  /** All of them, the oldest first. What the principal may not do is thrown by the call, not by the iteration. */
  exportAuditEvents(principal: Principal, filter: AuditFilter): Promise<AsyncIterable<AuditEvent>>;
  listAuditEventsOf(
    principal: Principal,
    place: AuditedPlace,
    filter: AuditFilterWithin,
    page: Page,
  ): Promise<Paged<AuditEvent>>;
  findAuditEventOf(principal: Principal, place: AuditedPlace, id: number): Promise<AuditEvent>;
}
