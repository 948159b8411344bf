import { randomUUID } from "node:crypto";
import type { UpdateStatus, UpdateTrigger } from "@heliostat/contract";
import { type ExpressionBuilder, type Selectable, sql } from "kysely";
import type { FinishedUpdate, MirrorStore } from "../app/ports.ts";
import { MAX_NAMED, type MirrorUpdate, type OutcomeCounts } from "../domain/mirror.ts";
import { parseRefName } from "../domain/ref-name.ts";
import { toMirror } from "./mirror-row.ts";
import type { Db } from "./pool.ts";
import { isRunnable } from "./runnable-mirrors.ts";
import type { Database } from "./schema.ts";

/** The half of the mirror store that says what is to be done, by whom, and what came of it. */
export type UpdateStore = Pick<
  MirrorStore,
  | "requestUpdate"
  | "listWaiting"
  | "claimDue"
  | "recordUnchanged"
  | "nextDueAfter"
  | "startUpdate"
  | "endLostLeases"
  | "renewLease"
  | "finishUpdate"
  | "listUpdates"
>;

const INTERRUPTED = "The update was interrupted; it is taken up again.";

/**
 * The states of a mirror's work, all in its own row:
 * - *wish* (`requested_at`): an update is wanted, at that moment or later. Set by triggers, cleared by the start;
 * - *lease* (`lease_token`, `lease_expires_at`): one run is under way and renews it. A lapsed lease is a run whose
 *   node died: the next start takes it over and counts as recovery;
 * - *due* (`next_check_at`): the time to look at the remote.
 */
export function createUpdateStore(db: Db): UpdateStore {
  return {
    async requestUpdate(id, trigger, at, userId = null) {
      await db
        .updateTable("mirrors")
        .set({
          // As GitLab: a pull mirror that waits reads `scheduled`, and who polls for the end keeps polling.
          update_status: sql<UpdateStatus>`case when direction = 'pull' and lease_token is null then 'scheduled' else update_status end`,
          // The earlier wish wins, with its trigger.
          requested_trigger: sql<UpdateTrigger>`case when requested_at <= ${at} then requested_trigger else ${trigger} end`,
          requested_by: sql<
            number | null
          >`case when requested_at <= ${at} then requested_by else ${userId}::integer end`,
          requested_at: sql<Date>`least(coalesce(requested_at, ${at}), ${at})`,
        })
        .where("id", "=", id)
        .execute();
    },
    async listWaiting(now) {
      const rows = await db
        .selectFrom("mirrors")
        .select("id")
        .where(isRunnable)
        .where((where) => isWaiting(where, now))
        .orderBy("requested_at")
        .limit(1000)
        .execute();
      return rows.map((row) => row.id);
    },
    async claimDue(now, until, limit) {
      const rows = await db
        .updateTable("mirrors")
        .set({ next_check_at: until })
        .where((where) =>
          where(
            "id",
            "in",
            where
              .selectFrom("mirrors")
              .select("id")
              .where(isRunnable)
              .where("next_check_at", "<=", now)
              .where("lease_token", "is", null)
              .where("requested_at", "is", null)
              .orderBy("next_check_at")
              .limit(limit)
              .forUpdate()
              .skipLocked(),
          ),
        )
        .returningAll()
        .execute();
      return rows.map(toMirror);
    },
    async recordUnchanged(checks, now) {
      if (checks.length === 0) return;
      const ids = checks.map((check) => check.id);
      const claims = checks.map((check) => check.claimedUntil.toISOString());
      const times = checks.map((check) => check.nextCheckAt.toISOString());
      await sql`update mirrors
        set next_check_at = checked.next, update_status = 'finished', last_error = null, retry_count = 0,
          last_update_started_at = ${now}, last_update_at = ${now}, last_successful_update_at = ${now}
        from unnest(${ids}::integer[], ${claims}::timestamptz[], ${times}::timestamptz[]) as checked (id, claim, next)
        where mirrors.id = checked.id and mirrors.next_check_at = checked.claim and mirrors.requested_at is null
          and mirrors.lease_token is null and mirrors.applied_digest is not null`.execute(db);
    },
    async nextDueAfter(moment) {
      // One smallest value for each column: each is the first entry of an index, however many mirrors there are.
      const [check, wish] = await Promise.all(
        (["next_check_at", "requested_at"] as const).map((column) =>
          db
            .selectFrom("mirrors")
            .select(column)
            .where(isRunnable)
            .where("lease_token", "is", null)
            .where(column, ">", moment)
            .orderBy(column)
            .limit(1)
            .executeTakeFirst(),
        ),
      );
      const times = [check?.next_check_at, wish?.requested_at].filter((time) => time instanceof Date);
      return times.length === 0 ? null : new Date(Math.min(...times.map((time) => time.getTime())));
    },
    async startUpdate(id, now, expiresAt) {
      return await db.transaction().execute(async (transaction) => {
        const before = await transaction
          .selectFrom("mirrors")
          .select(["requested_trigger", "requested_by", "lease_token"])
          .where("id", "=", id)
          .where(isRunnable)
          .where((where) => isWaiting(where, now))
          .forUpdate()
          .executeTakeFirst();
        if (!before) return null;
        // Whatever is wished for besides: who takes over must know that it does.
        const trigger = (before.lease_token === null ? before.requested_trigger : null) ?? "recovery";
        if (before.lease_token !== null) {
          await transaction
            .updateTable("mirror_updates")
            .set({ status: "failed", finished_at: now, error: INTERRUPTED })
            .where("mirror_id", "=", id)
            .where("status", "=", "started")
            .execute();
        }
        const token = randomUUID();
        const row = await transaction
          .updateTable("mirrors")
          .set({
            update_status: "started",
            last_update_started_at: now,
            requested_at: null,
            requested_trigger: null,
            requested_by: null,
            cancel_requested_at: null,
            lease_token: token,
            lease_expires_at: expiresAt,
          })
          .where("id", "=", id)
          .returningAll()
          .executeTakeFirstOrThrow();
        const update = await transaction
          .insertInto("mirror_updates")
          .values({
            mirror_id: id,
            trigger,
            user_id: before.requested_by,
            status: "started",
            started_at: now,
            results: "[]",
          })
          .returning("id")
          .executeTakeFirstOrThrow();
        return { mirror: toMirror(row), updateId: update.id, trigger, token };
      });
    },
    async endLostLeases(now) {
      await db.transaction().execute(async (transaction) => {
        const disabled = await transaction
          .updateTable("mirrors")
          .set({
            update_status: "failed",
            last_error: "The update was interrupted.",
            lease_token: null,
            lease_expires_at: null,
          })
          .where("lease_token", "is not", null)
          .where("enabled", "=", false)
          .returning("id")
          .execute();
        if (disabled.length > 0) {
          const ids = disabled.map((row) => row.id);
          await transaction
            .updateTable("mirror_updates")
            .set({ status: "failed", finished_at: now, error: "The update was interrupted." })
            .where("mirror_id", "in", ids)
            .where("status", "=", "started")
            .execute();
        }
        await transaction
          .updateTable("mirrors")
          .set({ lease_expires_at: new Date(now.getTime() - 1) })
          .where("lease_token", "is not", null)
          .execute();
      });
    },
    async renewLease(lease, expiresAt) {
      const row = await db
        .updateTable("mirrors")
        .set({ lease_expires_at: expiresAt })
        .where("id", "=", lease.mirror.id)
        .where("lease_token", "=", lease.token)
        .returning(isRunnable().as("is_runnable"))
        .executeTakeFirst();
      return row?.is_runnable ?? false;
    },
    async finishUpdate(lease, outcome) {
      return await db.transaction().execute(async (transaction) => {
        const { now } = outcome;
        const succeeded = outcome.status === "finished";
        const row = await transaction
          .updateTable("mirrors")
          .set({
            // A wish that came during the run: the mirror waits again, as `requestUpdate` has it.
            update_status: sql<UpdateStatus>`case when direction = 'pull' and enabled and requested_at is not null then 'scheduled' else ${statusAfter(outcome)} end`,
            last_error: outcome.error,
            last_update_at: now,
            ...(succeeded
              ? {
                  last_successful_update_at: now,
                  applied_digest: outcome.appliedDigest,
                  applied_generation: outcome.appliedGeneration,
                }
              : {}),
            retry_count: outcome.retryCount,
            next_check_at: outcome.nextCheckAt,
            lease_token: null,
            lease_expires_at: null,
          })
          .where("id", "=", lease.mirror.id)
          .where("lease_token", "=", lease.token)
          .returning("id")
          .executeTakeFirst();
        if (!row) return false;
        await transaction
          .updateTable("mirror_updates")
          .set({
            status: outcome.status,
            finished_at: now,
            error: outcome.error,
            results: JSON.stringify(outcome.results),
            notes: [...outcome.notes],
            counts: JSON.stringify(countsOf(outcome)),
            up_to_date_refs: outcome.upToDate.slice(0, MAX_NAMED),
            skipped_refs: outcome.skipped.slice(0, MAX_NAMED),
            bytes_received: outcome.bytesReceived,
            bytes_sent: outcome.bytesSent,
            log: JSON.stringify(outcome.log),
            progress: null,
          })
          .where("id", "=", lease.updateId)
          .execute();
        return true;
      });
    },
    async listUpdates(mirrorId, limit) {
      const rows = await db
        .selectFrom("mirror_updates")
        .selectAll()
        .where("mirror_id", "=", mirrorId)
        .orderBy("id", "desc")
        .limit(limit)
        .execute();
      return rows.map(toUpdate);
    },
  };
}

/** A due wish and nobody at it, or a run whose lease lapsed. */
function isWaiting(where: ExpressionBuilder<Database, "mirrors">, now: Date) {
  return where.or([
    where.and([where("requested_at", "<=", now), where("lease_token", "is", null)]),
    where("lease_expires_at", "<", now),
  ]);
}

/** Every ref by what became of it. */
function countsOf({ results, upToDate, skipped }: FinishedUpdate): OutcomeCounts {
  const counts: OutcomeCounts = {};
  for (const { outcome } of results) counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (upToDate.length > 0) counts["up-to-date"] = upToDate.length;
  if (skipped.length > 0) counts.skipped = skipped.length;
  return counts;
}

function statusAfter(outcome: FinishedUpdate): UpdateStatus {
  switch (outcome.status) {
    case "finished":
      return "finished";
    case "failed":
      return outcome.willRetry ? "to_retry" : "failed";
    case "cancelled":
      return outcome.willRetry ? "scheduled" : "failed";
  }
}

function toUpdate(row: Selectable<Database["mirror_updates"]>): MirrorUpdate {
  return {
    id: row.id,
    mirrorId: row.mirror_id,
    trigger: row.trigger,
    status: row.status,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    error: row.error,
    results: row.results,
    notes: row.notes,
    userId: row.user_id,
    counts: row.counts,
    upToDate: row.up_to_date_refs.map(parseRefName),
    skipped: row.skipped_refs.map(parseRefName),
    bytesReceived: row.bytes_received,
    bytesSent: row.bytes_sent,
    log: row.log,
  };
}
