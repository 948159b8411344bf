import type { Selectable } from "kysely";
import type { AuditFilter, AuditStore } from "../app/ports.ts";
import type { AuditEvent } from "../domain/audit-event.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** Rows a query while all are read: some hundred kilobytes. */
const PART = 1000;

/** The audit log; nothing here changes or removes a row. */
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
    async find(id) {
      const row = await db.selectFrom("audit_events").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toAuditEvent(row) : null;
    },
    async list(filter, page) {
      const { limit, offset } = windowOf(page);
      const [total, rows] = await Promise.all([
        countRows(matching(db, filter)),
        matching(db, filter).selectAll().orderBy("id", "desc").limit(limit).offset(offset).execute(),
      ]);
      return { items: rows.map(toAuditEvent), total };
    },
    async *readAll(filter) {
      // By the id of the last one, not by an offset: the thousandth part is read as quickly as the first.
      for (let last = 0; ; ) {
        const rows = await matching(db, filter)
          .selectAll()
          .where("id", ">", last)
          .orderBy("id")
          .limit(PART)
          .execute();
        yield* rows.map(toAuditEvent);
        if (rows.length < PART) return;
        last = rows.at(-1)?.id ?? last;
      }
    },
    async removeOld(before, limit) {
      const { numDeletedRows } = await db
        .deleteFrom("audit_events")
        .where("id", "in", (query) =>
          query
            .selectFrom("audit_events")
            .select("id")
            .where("created_at", "<", before)
            .orderBy("created_at")
            .orderBy("id")
            .limit(limit),
        )
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

function matching(db: Db, filter: AuditFilter) {
  let query = db.selectFrom("audit_events");
  if (filter.createdAfter) query = query.where("created_at", ">=", filter.createdAfter);
  if (filter.createdBefore) query = query.where("created_at", "<=", filter.createdBefore);
  if (filter.entityType) query = query.where("entity_type", "=", filter.entityType);
  if (filter.entityId !== undefined) query = query.where("entity_id", "=", filter.entityId);
  if (filter.authorId !== undefined) query = query.where("author_id", "=", filter.authorId);
  if (filter.action !== undefined) query = query.where("action", "=", filter.action);
  return query;
}

function toAuditEvent(row: Selectable<Database["audit_events"]>): AuditEvent {
  return {
    id: row.id,
    at: row.created_at,
    author: { id: row.author_id, name: row.author_name },
    authenticatedBy: row.authenticated_by,
    from: row.door === null ? null : { door: row.door, address: row.address },
    action: row.action,
    entity: { type: row.entity_type, id: row.entity_id, path: row.entity_path },
    ...(row.target_type === null
      ? {}
      : { target: { type: row.target_type, id: row.target_id, details: row.target_details ?? "" } }),
    details: row.details,
  };
}
