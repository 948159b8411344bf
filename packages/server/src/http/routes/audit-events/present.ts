import type { AuditEventAnswer } from "@heliostat/contract/api/audit-events.ts";
import type { AuditEvent } from "../../../domain/audit-event.ts";

/** An audit event with GitLab's keys, and ours behind them. */
export function presentAuditEvent(event: AuditEvent): AuditEventAnswer {
  const { author, entity, target, from } = event;
  const target_type = target?.type ?? entity.type;
  const target_id = target === undefined ? entity.id : target.id;
  const target_details = target === undefined ? entity.path : target.details;
  const ip_address = from?.address ?? null;
  return {
    id: event.id,
    author_id: author.id,
    author_name: author.name,
    entity_id: entity.id,
    entity_type: entity.type,
    entity_path: entity.path,
    target_type,
    target_id,
    target_details,
    ip_address,
    created_at: event.at.toISOString(),
    details: {
      ...event.details,
      author_name: author.name,
      target_id,
      target_type,
      target_details,
      ip_address,
      entity_path: entity.path,
    },
    event_name: event.action,
    authenticated_by: event.authenticatedBy,
    door: from?.door ?? null,
  };
}
