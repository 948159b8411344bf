import { type Selectable, sql } from "kysely";
import type { MirrorStore } from "../app/ports.ts";
import {
  type ListedUpdate,
  MAX_LISTED_RESULTS,
  type MirrorUpdate,
  type UpdateState,
} from "../domain/mirror.ts";
import { type Oid, parseOid } from "../domain/oid.ts";
import { parseRefName, type RefName } from "../domain/ref-name.ts";
import type { RefResult } from "../domain/refs.ts";
import { TAKEN_UP_AGAIN } from "./mirror-updates.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** The half of the mirror store that says what updates did and how far those are that run. */
export type UpdateHistory = Pick<
  MirrorStore,
  | "listUpdates"
  | "findUpdate"
  | "findNewestUpdate"
  | "findSeenRefs"
  | "findUpdateAfter"
  | "recordProgress"
  | "removeOldUpdates"
>;

/** What updates did. Lists and looks at progress leave out what is large: the outcomes of many refs, and the log. */
export function createUpdateHistory(db: Db): UpdateHistory {
  // One that looks every second must not carry the refs of a large update over each time.
  const states = (mirrorId: number) =>
    db
      .selectFrom("mirror_updates")
      .select([
        "id",
        "mirror_id",
        "trigger",
        "status",
        "started_at",
        "finished_at",
        "error",
        "counts",
        "progress",
      ])
      .where("mirror_id", "=", mirrorId)
      .limit(1);

  return {
    async listUpdates(mirrorId, page) {
      const { limit, offset } = windowOf(page);
      const ofMirror = db.selectFrom("mirror_updates").where("mirror_id", "=", mirrorId);
      const [rows, total] = await Promise.all([
        ofMirror
          .select([
            "id",
            "mirror_id",
            "trigger",
            "status",
            "started_at",
            "finished_at",
            "error",
            "notes",
            "user_id",
            "counts",
            "bytes_received",
            "bytes_sent",
            sql<RefResult[]>`jsonb_path_query_array(results, ${`$[0 to ${MAX_LISTED_RESULTS - 1}]`})`.as(
              "results",
            ),
          ])
          .orderBy("id", "desc")
          .limit(limit)
          .offset(offset)
          .execute(),
        countRows(ofMirror),
      ]);
      return { items: rows.map(toListed), total };
    },
    async findUpdate(mirrorId, updateId) {
      const row = await db
        .selectFrom("mirror_updates")
        .selectAll()
        .where("mirror_id", "=", mirrorId)
        .where("id", "=", updateId)
        .executeTakeFirst();
      return row ? toUpdate(row) : null;
    },
    async findNewestUpdate(mirrorId) {
      const row = await states(mirrorId).orderBy("id", "desc").executeTakeFirst();
      return row ? toState(row) : null;
    },
    async findSeenRefs(mirrorId, refs) {
      // Only of what is asked: an update may name very many refs.
      const row = await db
        .selectFrom("mirror_updates")
        .select([
          "finished_at",
          sql<{ ref: string; new: string | null }[]>`coalesce((select jsonb_agg(result)
            from jsonb_array_elements(results) as result where result ->> 'ref' = any(${refs})), '[]')`.as(
            "named",
          ),
          sql<string[]>`array(select ref from unnest(up_to_date_refs) as ref where ref = any(${refs}))`.as(
            "equal",
          ),
        ])
        .where("mirror_id", "=", mirrorId)
        .where("status", "in", ["finished", "failed"])
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst();
      if (row === undefined || row.finished_at === null) return null;
      const seen = new Map<RefName, Oid | "equal">();
      for (const ref of row.equal) seen.set(parseRefName(ref), "equal");
      for (const { ref, new: oid } of row.named) if (oid !== null) seen.set(parseRefName(ref), parseOid(oid));
      return { at: row.finished_at, refs: seen };
    },
    async findUpdateAfter(mirrorId, updateId) {
      const row = await states(mirrorId).where("id", ">", updateId).orderBy("id").executeTakeFirst();
      return row ? toState(row) : null;
    },
    async recordProgress(updateId, progress) {
      await db
        .updateTable("mirror_updates")
        .set({ progress: JSON.stringify(progress) })
        .where("id", "=", updateId)
        .where("status", "=", "started")
        .execute();
    },
    async removeOldUpdates(before, limit) {
      // Two nodes that clean at the same time each take other rows.
      const { numAffectedRows } = await sql`delete from mirror_updates where id in (
          select id from mirror_updates as old
            where started_at < ${before} and status <> 'started'
              and exists (select from mirror_updates as newer where newer.mirror_id = old.mirror_id and newer.id > old.id)
            order by started_at limit ${limit} for update skip locked)`.execute(db);
      return Number(numAffectedRows ?? 0);
    },
  };
}

type Row = Selectable<Database["mirror_updates"]>;
type ListedRow = Omit<Row, "up_to_date_refs" | "skipped_refs" | "log" | "progress">;

function toListed(row: ListedRow): ListedUpdate {
  return {
    ...toFacts(row),
    results: row.results,
    notes: row.notes,
    userId: row.user_id,
    bytesReceived: row.bytes_received,
    bytesSent: row.bytes_sent,
  };
}

function toUpdate(row: Row): MirrorUpdate {
  return {
    ...toListed(row),
    upToDate: row.up_to_date_refs.map(parseRefName),
    skipped: row.skipped_refs.map(parseRefName),
    log: row.log,
  };
}

type StateRow = Pick<
  Row,
  "id" | "mirror_id" | "trigger" | "status" | "started_at" | "finished_at" | "error" | "counts" | "progress"
>;

function toState(row: StateRow): UpdateState {
  // A shutdown ends a run without an error, and leaves the rest of it to the next start.
  const endedByShutdown = row.status === "cancelled" && row.error === null;
  return {
    ...toFacts(row),
    progress: row.progress,
    isTakenUp: endedByShutdown || row.error === TAKEN_UP_AGAIN,
  };
}

function toFacts(row: Omit<StateRow, "progress">): Omit<UpdateState, "progress" | "isTakenUp"> {
  return {
    id: row.id,
    mirrorId: row.mirror_id,
    trigger: row.trigger,
    status: row.status,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    error: row.error,
    counts: row.counts,
  };
}
