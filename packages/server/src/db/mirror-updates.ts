import { randomUUID } from "node:crypto";
import type { ErrorCode, UpdateStatus, UpdateTrigger } from "@heliostat/contract";
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { FinishedUpdate, LeaseState, MirrorStore, UpdateLease, UpdateWish } from "../app/ports.ts";
import { CREDENTIAL_FAILURES } from "../domain/credential.ts";
import { changesRef, MAX_NAMED_UNTOUCHED, type OutcomeCounts } from "../domain/mirror.ts";
import type { Hindrance } from "../domain/mirroring-switches.ts";
import { nameResults } from "../domain/named-results.ts";
import { HARD_FAILURE_AFTER, retryDelay } from "../domain/schedule.ts";
import { MIRROR_FACTS, toMirror } from "./mirror-row.ts";
import type { Db } from "./pool.ts";
import { hindrance, isRunnable } from "./runnable-mirrors.ts";
import type { Database } from "./schema.ts";
import { endProbe, takePlace } from "./update-places.ts";

/** The part of the mirror store that says what is to be done, by whom, and what came of it. */
export type UpdateStore = Pick<
  MirrorStore,
  | "requestUpdate"
  | "resume"
  | "startUpdate"
  | "endLapsedRuns"
  | "endLostLeases"
  | "renewLease"
  | "readLease"
  | "requestCancel"
  | "finishUpdate"
>;

const SUPERSEDED = "The mirror's URL was changed.";
const INTERRUPTED = "The update was interrupted.";
/** Of a run whose node died. */
export const TAKEN_UP_AGAIN = "The update was interrupted; it is taken up again.";

/**
 * The states of a mirror's work, all in its own row:
 * - *wish* (`requested_at`): an update is wanted, at that moment or later. Set by triggers, cleared by the start;
 * - *lease* (`lease_token`, `lease_expires_at`): one run is under way and renews it. A lapsed lease is a run whose
 *   node died: it is ended, and a wish made for its recovery;
 * - *due* (`next_check_at`): the time to look at the remote.
 *
 * A mirror that is on, and not paused for its failures, has at least one of the three at all times: else nothing would
 * ever come back to it. Whatever takes one away sees to another in the same statement.
 */
export function createUpdateStore(db: Db): UpdateStore {
  return {
    async requestUpdate(id, trigger, at, userId = null) {
      await db.updateTable("mirrors").set(withWish({ trigger, at, userId })).where("id", "=", id).execute();
    },
    async resume(ids, wish) {
      if (ids.length === 0) return;
      // As one array: PostgreSQL takes no more than 65,535 values one by one. Locked in the order that all take who lock
      // many, so that none waits for the other in a circle.
      const locked = sql`(select id from mirrors where id = any(${[...ids]}::integer[]) order by id for no key update)`;
      await db
        .updateTable("mirrors")
        .set({ ...withWish(wish), retry_count: 0, last_error_code: null })
        .where(sql<boolean>`id in ${locked}`)
        .execute();
    },
    async startUpdate(id, now, expiresAt) {
      return await db.transaction().execute(async (transaction) => {
        const before = await transaction
          .selectFrom("mirrors")
          .select(["direction", "remote_host", "requested_trigger", "requested_by"])
          .where("id", "=", id)
          .where(isRunnable)
          .where("requested_at", "<=", now)
          .where("lease_token", "is", null)
          .forUpdate()
          .executeTakeFirst();
        if (!before) return null;
        const trigger = before.requested_trigger ?? "recovery";
        const candidate = {
          id,
          direction: before.direction,
          host: before.remote_host,
          isManual: trigger === "manual",
        };
        if (!(await takePlace(transaction, candidate, now))) return null;
        const token = randomUUID();
        const row = await transaction
          .updateTable("mirrors")
          .set({
            update_status: "started",
            last_update_started_at: now,
            ...NO_WISH,
            ...NO_CANCEL,
            lease_token: token,
            lease_expires_at: expiresAt,
          })
          .where("id", "=", id)
          .returningAll()
          .returning(MIRROR_FACTS)
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
    endLapsedRuns: (now) => endLapsedRuns(db, now),
    async endLostLeases(now) {
      await db
        .updateTable("mirrors")
        .set({ lease_expires_at: now })
        .where("lease_token", "is not", null)
        .execute();
      await endLapsedRuns(db, now);
      // A look that was under way keeps others off until it would have lasted too long.
      await db
        .updateTable("mirrors")
        .set({ next_check_at: now })
        .whereRef("next_check_at", "=", "check_claimed_until")
        .where("next_check_at", ">", now)
        .execute();
      await db.updateTable("remote_hosts").set({ probe_mirror_id: null, probe_expires_at: null }).execute();
    },
    async renewLease(lease, expiresAt) {
      const row = await db
        .updateTable("mirrors")
        .set({ lease_expires_at: expiresAt })
        .where("id", "=", lease.mirror.id)
        .where("lease_token", "=", lease.token)
        .returning(LEASE_COLUMNS)
        .executeTakeFirst();
      return toLeaseState(row);
    },
    async readLease(lease) {
      const row = await db
        .selectFrom("mirrors")
        .select(LEASE_COLUMNS)
        .where("id", "=", lease.mirror.id)
        .where("lease_token", "=", lease.token)
        .executeTakeFirst();
      return toLeaseState(row);
    },
    async requestCancel(id, now, userId) {
      return await db.transaction().execute(async (transaction) => {
        const before = await transaction
          .selectFrom("mirrors")
          .select(["lease_token", "lease_superseded", "requested_at"])
          .where("id", "=", id)
          .forUpdate()
          .executeTakeFirst();
        // A run of the URL before ends anyway.
        const isRunning = before?.lease_token != null && !before.lease_superseded;
        if (!before || (!isRunning && before.requested_at === null)) return null;
        await transaction
          .updateTable("mirrors")
          .set({
            ...NO_WISH,
            ...(isRunning
              ? { cancel_requested_at: now, cancel_requested_by: userId }
              : // Nothing happened: it reads as it did before the wish.
                {
                  next_check_at: dueLater(now),
                  update_status: sql<UpdateStatus>`case when last_error is not null then 'failed'
                    when last_update_at is not null then 'finished' else 'none' end`,
                }),
          })
          .where("id", "=", id)
          .execute();
        return isRunning ? "running" : "waiting";
      });
    },
    async finishUpdate(lease, outcome) {
      return await db.transaction().execute(async (transaction) => {
        const { now } = outcome;
        const succeeded = outcome.status === "finished";
        const isStale = isFailureOfOldSecret(outcome);
        const row = await transaction
          .updateTable("mirrors")
          .set({
            // A wish that came during the run: the mirror waits again, as `requestUpdate` has it.
            update_status: sql<UpdateStatus>`case when (direction = 'pull' or ${isStale}) and enabled and requested_at is not null then 'scheduled' else ${statusAfter(outcome)} end`,
            // What failed under the settings before is in the history; who changed them waits for the run with the new ones.
            last_error: sql<
              string | null
            >`case when (direction = 'pull' and enabled and requested_trigger = 'configured') or ${isStale} then null else ${outcome.error} end`,
            last_error_code: sql<ErrorCode | null>`case when not ${isStale} then ${outcome.errorCode} end`,
            // As GitLab: a run that is to be tried again is not over for who reads the mirror.
            ...(outcome.willRetry ? {} : { last_update_at: now }),
            ...(succeeded ? { last_successful_update_at: now } : {}),
            ...(outcome.results.some(({ outcome: what }) => changesRef(what))
              ? { last_changed_at: now }
              : {}),
            ...(succeeded || outcome.appliedDigest !== null
              ? {
                  applied_digest: outcome.appliedDigest,
                  applied_generation: outcome.appliedGeneration,
                }
              : // What was settled but for a decision reads another error now: the next run is to say it anew.
                { applied_digest: sql<string | null>`case when not holds_refs then applied_digest end` }),
            holds_refs: !succeeded && outcome.appliedDigest !== null,
            retry_count: sql<number>`case when ${isStale} then 0 else ${outcome.retryCount}::integer end`,
            next_check_at: sql<Date | null>`case when ${isStale} then coalesce(${outcome.nextCheckAt}::timestamptz, ${now}) else ${outcome.nextCheckAt} end`,
            // Not in a statement of its own: who is killed between the two must not forget it.
            ...nextWish(outcome),
            ...NO_LEASE,
            ...NO_CANCEL,
          })
          .where("id", "=", lease.mirror.id)
          .where("lease_token", "=", lease.token)
          .where("lease_superseded", "=", false)
          .returning("id")
          .executeTakeFirst();
        if (!row) {
          await letGoOfSuperseded(transaction, lease, now);
          return false;
        }
        await endProbe(transaction, row.id);
        const named = nameResults(outcome.results);
        await transaction
          .updateTable("mirror_updates")
          .set({
            status: outcome.status,
            finished_at: now,
            error: outcome.error,
            results: JSON.stringify(named.results),
            notes: named.note === null ? [...outcome.notes] : [...outcome.notes, named.note],
            counts: JSON.stringify(countsOf(outcome)),
            up_to_date_refs: outcome.upToDate.slice(0, MAX_NAMED_UNTOUCHED),
            skipped_refs: outcome.skipped.slice(0, MAX_NAMED_UNTOUCHED),
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
  };
}

/**
 * Whether the run failed with a secret that was replaced since: that says nothing of the one that is there now, which
 * the run that is wished for tries. The history keeps what happened.
 */
function isFailureOfOldSecret({ errorCode }: FinishedUpdate): RawBuilder<boolean> {
  const mayBeIt = errorCode !== null && CREDENTIAL_FAILURES.includes(errorCode);
  return mayBeIt ? sql<boolean>`lease_shows_old_secret` : sql<boolean>`false`;
}

/** Ends the run of a URL that its mirror no longer has: nothing of it is recorded but that it ended. */
async function letGoOfSuperseded(
  transaction: Transaction<Database>,
  lease: UpdateLease,
  now: Date,
): Promise<void> {
  const row = await transaction
    .updateTable("mirrors")
    .set(NO_LEASE)
    .where("id", "=", lease.mirror.id)
    .where("lease_token", "=", lease.token)
    .returning("id")
    .executeTakeFirst();
  if (!row) return;
  await endProbe(transaction, row.id);
  await transaction
    .updateTable("mirror_updates")
    .set({ status: "cancelled", finished_at: now, error: SUPERSEDED, progress: null })
    .where("id", "=", lease.updateId)
    .execute();
}

async function endLapsedRuns(db: Db, now: Date): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const lapsed = await transaction
      .selectFrom("mirrors")
      .select(["id", "enabled", "lease_superseded", "cancel_requested_at"])
      .where("lease_token", "is not", null)
      .where("lease_expires_at", "<=", now)
      .forUpdate()
      .skipLocked()
      .execute();
    for (const { id, enabled, lease_superseded, cancel_requested_at } of lapsed) {
      const goesOn = enabled && cancel_requested_at === null;
      const error = goesOn ? TAKEN_UP_AGAIN : INTERRUPTED;
      await transaction
        .updateTable("mirrors")
        .set({
          ...NO_LEASE,
          ...NO_CANCEL,
          ...(goesOn
            ? {
                update_status: sql<UpdateStatus>`case direction when 'pull' then 'scheduled' else 'to_retry' end`,
                requested_at: sql<Date>`least(coalesce(requested_at, ${now}), ${now})`,
                // Whatever is wished for besides: who takes up the work of a dead node must know that it does.
                requested_trigger: "recovery" as const,
              }
            : { next_check_at: dueLater(now) }),
          // What became of a URL that the mirror no longer has says nothing of it.
          ...(goesOn || lease_superseded
            ? {}
            : { update_status: "failed" as const, last_error: error, last_error_code: null }),
        })
        .where("id", "=", id)
        .execute();
      await transaction
        .updateTable("mirror_updates")
        .set({ status: "failed", finished_at: now, error, progress: null })
        .where("mirror_id", "=", id)
        .where("status", "=", "started")
        .execute();
      await endProbe(transaction, id);
    }
  });
}

/** What a run that is to be tried again wishes for, beside what was wished for meanwhile. */
function nextWish({ status, willRetry, retryCount, now }: FinishedUpdate) {
  if (!willRetry) return {};
  if (status === "cancelled") return wishFields({ trigger: "recovery", at: now, userId: null });
  const delaySeconds = retryDelay(retryCount) ?? 0;
  return wishFields({
    trigger: "retry",
    at: new Date(now.getTime() + delaySeconds * 1000),
    userId: null,
  });
}

/** As `UpdateWish`, where the database may say when. */
type Wish = Omit<UpdateWish, "at"> & { readonly at: Date | RawBuilder<Date> };

/** The earlier wish wins, with its trigger. Only a person's own is not lost in it: it may go where that has to wait. */
function wishFields({ trigger, at, userId }: Wish) {
  const givesWay = trigger === "manual" ? sql`requested_trigger <> 'recovery'` : sql`false`;
  const keepsTrigger = sql<boolean>`requested_at <= ${at} and not ${givesWay}`;
  return {
    requested_trigger: sql<UpdateTrigger>`case when ${keepsTrigger} then requested_trigger else ${trigger} end`,
    requested_by: sql<number | null>`case when ${keepsTrigger} then requested_by else ${userId}::integer end`,
    requested_at: sql<Date>`least(coalesce(requested_at, ${at}), ${at})`,
  };
}

/** All columns that change with a wish. */
export function withWish(wish: Wish) {
  return {
    // As GitLab: a pull mirror that waits reads `scheduled`, and who polls for the end keeps polling.
    update_status: sql<UpdateStatus>`case when direction = 'pull' and (lease_token is null or lease_superseded) then 'scheduled' else update_status end`,
    // A run of the settings before may have ended between their change and this wish: its error is not theirs.
    ...(wish.trigger === "configured"
      ? { last_error: sql<string | null>`case when lease_token is null then null else last_error end` }
      : {}),
    ...wishFields(wish),
  };
}

/**
 * When a mirror is due that somebody did not want updated now: in an interval, as after a run that was cancelled. One
 * that is paused for its failures stays so.
 */
function dueLater(now: Date): RawBuilder<Date | null> {
  return sql<Date | null>`case when direction = 'pull' and retry_count > ${HARD_FAILURE_AFTER} then next_check_at
    else greatest(next_check_at, ${now}::timestamptz + make_interval(secs => coalesce(
      case direction when 'pull' then interval_seconds end,
      (select pull_mirror_interval_seconds from instance_settings), 0))) end`;
}

const NO_WISH = { requested_at: null, requested_trigger: null, requested_by: null } as const;
const NO_CANCEL = { cancel_requested_at: null, cancel_requested_by: null } as const;
const NO_LEASE = {
  lease_token: null,
  lease_expires_at: null,
  lease_superseded: false,
  lease_shows_old_secret: false,
} as const;

const LEASE_COLUMNS = [
  hindrance().as("hindered_by"),
  "lease_superseded",
  "cancel_requested_at",
  sql<string | null>`(select name from users where users.id = mirrors.cancel_requested_by)`.as(
    "cancelled_by",
  ),
] as const;

function toLeaseState(
  row:
    | {
        hindered_by: Hindrance | null;
        lease_superseded: boolean;
        cancel_requested_at: Date | null;
        cancelled_by: string | null;
      }
    | undefined,
): LeaseState {
  if (!row) return { kind: "lost" };
  if (row.lease_superseded) return { kind: "superseded" };
  if (row.cancel_requested_at !== null) return { kind: "cancelled", by: row.cancelled_by };
  return row.hindered_by === null ? { kind: "held" } : { kind: "hindered", by: row.hindered_by };
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
