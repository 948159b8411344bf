import type { AuditStore } from "../app/ports.ts";
import type { Db } from "./pool.ts";

export function createAuditStore(db: Db): AuditStore {
  return {
    async record(event) {
      await db
        .insertInto("audit_events")
        .values({
          created_at: event.at,
          author_id: event.author.id,
          author_name: event.author.name,
          authenticated_by: event.authenticatedBy,
          address: event.from?.address ?? null,
          door: event.from?.door ?? null,
          action: event.action,
          entity_type: event.entity.type,
          entity_id: event.entity.id,
          entity_path: event.entity.path,
          target_type: event.target?.type ?? null,
          target_id: event.target?.id ?? null,
          target_details: event.target?.details ?? null,
          details: JSON.stringify(event.details ?? {}),
        })
        .execute();
    },
  };
}
