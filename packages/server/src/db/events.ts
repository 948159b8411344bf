import type { Visibility } from "@heliostat/contract";
import { type RawBuilder, type Selectable, type SqlBool, sql } from "kysely";
import type { AuthoredEvent, EventFilter, EventStore, Page, Paged } from "../app/ports.ts";
import { type Oid, parseOid } from "../domain/oid.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import type { ProjectEvent } from "../domain/project-event.ts";
import { isMemberOfProject } from "./members.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { EventsTable } from "./schema.ts";
import { toUser } from "./users.ts";

const DAY_MS = 86_400_000;

/** The activity feeds of projects. */
export function createEventStore(db: Db): EventStore {
  return {
    async record(events) {
      if (events.length === 0) return;
      await db
        .insertInto("events")
        .values(
          events.map((event) => ({
            project_id: event.projectId,
            author_id: event.authorId,
            action: event.action,
            ref_type: event.refType,
            ref: event.ref,
            ref_count: event.refCount,
            commit_from: event.commitFrom,
            commit_to: event.commitTo,
            commit_count: event.commitCount,
            commit_title: event.commitTitle,
            created_at: event.createdAt,
          })),
        )
        .execute();
    },
    async list(projectId, filter, page) {
      return await readPage(db, select(db, filter).where("events.project_id", "=", projectId), filter, page);
    },
    async listAcross(viewer, authorId, filter, page) {
      const isMember = isMemberOfProject(viewer, ACCESS_LEVELS.reporter);
      if (authorId === null)
        return await readPage(db, select(db, filter).where(inProject(isMember)), filter, page);
      const ofAuthor = select(db, filter).where("events.author_id", "=", authorId);
      if (viewer.isAdmin) return await readPage(db, ofAuthor, filter, page);
      const visible: Visibility[] = viewer.seesInternal ? ["public", "internal"] : ["public"];
      const isSeen = sql<SqlBool>`(projects.visibility = any (${visible}::text[]) or ${isMember})`;
      return await readPage(db, ofAuthor.where(inProject(isSeen)), filter, page);
    },
  };
}

/** Whether that holds for the project of an event. */
function inProject(condition: RawBuilder<SqlBool>): RawBuilder<SqlBool> {
  return sql<SqlBool>`exists (select from projects
    where projects.id = events.project_id and ${condition})`;
}

async function readPage(
  db: Db,
  query: ReturnType<typeof select>,
  filter: EventFilter,
  page: Page,
): Promise<Paged<AuthoredEvent>> {
  const { limit, offset } = windowOf(page);
  const [total, rows] = await Promise.all([
    countRows(query),
    query
      .selectAll("events")
      .orderBy("events.created_at", filter.sort)
      .orderBy("events.id", filter.sort)
      .limit(limit)
      .offset(offset)
      .execute(),
  ]);
  const ids = new Set(rows.flatMap((row) => row.author_id ?? []));
  const authors =
    ids.size === 0
      ? []
      : await db
          .selectFrom("users")
          .selectAll()
          .where("id", "in", [...ids])
          .execute();
  const byId = new Map(authors.map((author) => [author.id, toUser(author)]));
  return {
    total,
    items: rows.map((row) => ({ event: toEvent(row), author: byId.get(row.author_id ?? 0) ?? null })),
  };
}

function select(db: Db, { before, after }: EventFilter) {
  let query = db.selectFrom("events");
  if (before) query = query.where("events.created_at", "<", before);
  if (after) query = query.where("events.created_at", ">=", new Date(after.getTime() + DAY_MS));
  return query;
}

function toEvent(row: Selectable<EventsTable>): ProjectEvent {
  return {
    id: row.id,
    projectId: row.project_id,
    authorId: row.author_id,
    action: row.action,
    refType: row.ref_type,
    ref: row.ref,
    refCount: row.ref_count,
    commitFrom: toOid(row.commit_from),
    commitTo: toOid(row.commit_to),
    commitCount: row.commit_count,
    commitTitle: row.commit_title,
    createdAt: row.created_at,
  };
}

function toOid(text: string | null): Oid | null {
  return text === null ? null : parseOid(text);
}
