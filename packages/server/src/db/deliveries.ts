import { type Expression, type ExpressionBuilder, type Selectable, type SqlBool, sql } from "kysely";
import type {
  AttemptRecord,
  ClaimedDelivery,
  DeliveryDraft,
  DeliveryFilter,
  DeliveryLogEntry,
  DeliveryStore,
} from "../app/ports.ts";
import type { DeliveryTarget, TargetHealth } from "../domain/delivery.ts";
import { windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { Database, DeliveriesTable } from "./schema.ts";

/** What may wait for one target: a receiver that is down for a day must not fill the disk. */
const MOST_WAITING = 2_000;

/** Of all that is due, so much is looked at for one claim: thousands that wait for one target cost it no more. */
const LOOKED_AT = 500;

/** In one statement. */
const ROWS_AT_ONCE = 500;

/** What is sent to hooks and pipeline triggers. `onPut` is called when there may be something to send. */
export function createDeliveryStore(db: Db, options: { readonly onPut: () => void }): DeliveryStore {
  /** What there is room for, and when it is due at the earliest; null: nothing may be put in for this target. */
  async function roomOf(target: DeliveryTarget): Promise<{ room: number; from: Date | null } | null> {
    const health = await selectHealth(db, target).executeTakeFirst();
    if (health === undefined) return null;
    const { disabledUntil } = toHealth(health);
    if (disabledUntil === "for-good") return null;
    const { count } = await db
      .selectFrom("deliveries")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .where(isOf(target))
      .where("next_attempt_at", "is not", null)
      .executeTakeFirstOrThrow();
    return { room: Math.max(0, MOST_WAITING - count), from: disabledUntil };
  }

  return {
    async put(drafts, now) {
      let put = 0;
      for (const [target, own] of byTarget(drafts)) {
        const place = await roomOf(target);
        if (place === null) continue;
        const next = place.from !== null && place.from > now ? place.from : now;
        const rows = own.slice(0, place.room).map((draft) => ({
          ...columnsOf(draft),
          ...{ next_attempt_at: next, created_at: now },
        }));
        for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
          const lot = rows.slice(at, at + ROWS_AT_ONCE);
          await db.insertInto("deliveries").values(lot).execute();
          put += lot.length;
        }
      }
      if (put > 0) options.onPut();
      return put;
    },
    async putClaimed(draft, now, until) {
      if ((await selectHealth(db, draft.target).executeTakeFirst()) === undefined) return null;
      const row = await db
        .insertInto("deliveries")
        .values({
          ...columnsOf(draft),
          ...{ next_attempt_at: until, leased_until: until, created_at: now, attempts: 1 },
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toClaimed(row);
    },
    async claimDue(now, until, { limit, busy }) {
      const idsOf = (kind: DeliveryTarget["kind"]) =>
        busy.filter((target) => target.kind === kind).map(({ id }) => id);
      const { rows } = await sql<Selectable<DeliveriesTable>>`
        with due as (
          select id, hook_id, pipeline_trigger_id, next_attempt_at from deliveries
          where next_attempt_at <= ${now}
            and (hook_id is null or hook_id <> all(${idsOf("hook")}::integer[]))
            and (pipeline_trigger_id is null
              or pipeline_trigger_id <> all(${idsOf("pipeline-trigger")}::integer[]))
          order by next_attempt_at, id limit ${LOOKED_AT}
        ), firsts as (
          select distinct on (hook_id, pipeline_trigger_id) id, next_attempt_at from due
          order by hook_id, pipeline_trigger_id, next_attempt_at, id
        )
        update deliveries set next_attempt_at = ${until}, leased_until = ${until}, attempts = attempts + 1
        where id in (
          select id from deliveries
          where id in (select id from firsts order by next_attempt_at, id limit ${limit})
            and next_attempt_at <= ${now}
          for update skip locked
        )
        returning *`.execute(db);
      return rows.map(toClaimed);
    },
    async putBack(id, at) {
      await db
        .updateTable("deliveries")
        .set((column) => ({
          attempts: column("attempts", "-", 1),
          next_attempt_at: at,
          leased_until: null,
        }))
        .where("id", "=", id)
        .execute();
    },
    async recordAttempt(id, record, nextAttemptAt, now) {
      await db
        .updateTable("deliveries")
        .set({
          ...attemptColumnsOf(record),
          ...{ next_attempt_at: nextAttemptAt, leased_until: null },
          finished_at: nextAttemptAt === null ? now : null,
        })
        .where("id", "=", id)
        .execute();
    },
    async changeHealth(target, change, now) {
      const { health, isAwake } = await db.transaction().execute(async (transaction) => {
        const row = await selectHealth(transaction, target).forNoKeyUpdate().executeTakeFirst();
        if (row === undefined) return { health: null, isAwake: false };
        const before = toHealth(row);
        const after = change(before);
        if (after === before) return { health: after, isAwake: false };
        await transaction
          .updateTable(tableOf(target))
          .set({
            failure_count: after.failureCount,
            backoff_count: after.backoffCount,
            disabled_until:
              after.disabledUntil === "for-good" ? Number.POSITIVE_INFINITY : after.disabledUntil,
          })
          .where("id", "=", target.id)
          .execute();
        const isAwake = before.disabledUntil !== null && after.disabledUntil === null;
        await moveWaiting(transaction, target, { before, after, now });
        return { health: after, isAwake };
      });
      if (isAwake) options.onPut();
      return health;
    },
    async giveUpDue(reason, now) {
      const { numUpdatedRows } = await db
        .updateTable("deliveries")
        .set({ next_attempt_at: null, leased_until: null, finished_at: now, error: reason })
        .where("next_attempt_at", "<=", now)
        .executeTakeFirst();
      return Number(numUpdatedRows);
    },
    async nextDueAfter(now) {
      const row = await db
        .selectFrom("deliveries")
        .select("next_attempt_at")
        .where("next_attempt_at", ">", now)
        .orderBy("next_attempt_at")
        .limit(1)
        .executeTakeFirst();
      return row?.next_attempt_at ?? null;
    },
    async list(target, filter, page) {
      const { limit, offset } = windowOf(page);
      const matching = db.selectFrom("deliveries").where(isOf(target)).where(hasStatus(filter));
      const { total } = await matching
        .select(({ fn }) => fn.countAll<number>().as("total"))
        .executeTakeFirstOrThrow();
      const rows = await matching.selectAll().orderBy("id", "desc").limit(limit).offset(offset).execute();
      return { items: rows.map(toLogEntry), total };
    },
    async find(target, id) {
      const row = await db
        .selectFrom("deliveries")
        .selectAll()
        .where(isOf(target))
        .where("id", "=", id)
        .executeTakeFirst();
      return row === undefined ? null : toLogEntry(row);
    },
    async removeOld(before) {
      const { numDeletedRows } = await db
        .deleteFrom("deliveries")
        .where("finished_at", "<", before)
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
    async endLostLeases(now) {
      await db
        .updateTable("deliveries")
        .set({ next_attempt_at: now, leased_until: null })
        .where("leased_until", "is not", null)
        .where("next_attempt_at", "is not", null)
        .execute();
    },
  };
}

/** What waits for a target goes by its health. What is being attempted at this moment is left alone. */
async function moveWaiting(
  transaction: Db,
  target: DeliveryTarget,
  { before, after, now }: { before: TargetHealth; after: TargetHealth; now: Date },
): Promise<void> {
  const waiting = transaction
    .updateTable("deliveries")
    .where(isOf(target))
    .where("next_attempt_at", "is not", null)
    .where("leased_until", "is", null);
  const until = after.disabledUntil;
  if (until === "for-good") {
    const error = "The receiver has failed too often: nothing more is sent to it until a test goes well.";
    await waiting.set({ next_attempt_at: null, finished_at: now, error }).execute();
  } else if (until !== null) {
    await waiting.where("next_attempt_at", "<", until).set({ next_attempt_at: until }).execute();
  } else if (before.disabledUntil !== null) {
    await waiting.where("next_attempt_at", ">", now).set({ next_attempt_at: now }).execute();
  }
}

function tableOf({ kind }: DeliveryTarget): "hooks" | "pipeline_triggers" {
  return kind === "hook" ? "hooks" : "pipeline_triggers";
}

function selectHealth(db: Db, target: DeliveryTarget) {
  return db
    .selectFrom(tableOf(target))
    .select(["failure_count", "backoff_count", "disabled_until"])
    .where("id", "=", target.id);
}

function isOf({ kind, id }: DeliveryTarget) {
  return (where: ExpressionBuilder<Database, "deliveries">): Expression<SqlBool> =>
    where(kind === "hook" ? "hook_id" : "pipeline_trigger_id", "=", id);
}

function hasStatus({ statuses }: DeliveryFilter) {
  return (where: ExpressionBuilder<Database, "deliveries">): Expression<SqlBool> => {
    if (statuses === undefined) return sql<boolean>`true`;
    const numbers = statuses.filter((status) => status !== "failed");
    const isAnswered = sql<boolean>`response_status = any(${numbers}::integer[])`;
    if (!statuses.includes("failed")) return isAnswered;
    return where.or([
      isAnswered,
      where.and([where("response_status", "is", null), where("error", "is not", null)]),
    ]);
  };
}

/** The health of a hook or a pipeline trigger, from its row. */
export function toHealth(row: {
  readonly failure_count: number;
  readonly backoff_count: number;
  readonly disabled_until: Date | number | null;
}): TargetHealth {
  return {
    failureCount: row.failure_count,
    backoffCount: row.backoff_count,
    // The driver's word for infinity is a number.
    disabledUntil: typeof row.disabled_until === "number" ? "for-good" : row.disabled_until,
  };
}

function byTarget(drafts: readonly DeliveryDraft[]): ReadonlyMap<DeliveryTarget, readonly DeliveryDraft[]> {
  const groups = Map.groupBy(drafts, ({ target }) => `${target.kind} ${target.id}`);
  return new Map([...groups.values()].flatMap((own) => (own[0] ? [[own[0].target, own]] : [])));
}

function columnsOf(draft: DeliveryDraft) {
  const { kind, id } = draft.target;
  return {
    project_id: draft.projectId,
    hook_id: kind === "hook" ? id : null,
    pipeline_trigger_id: kind === "pipeline-trigger" ? id : null,
    event: draft.event,
    event_uuid: draft.eventUuid,
    idempotency_key: draft.idempotencyKey,
    payload: storable(draft.payload),
  };
}

function attemptColumnsOf(record: AttemptRecord) {
  const json = (value: Readonly<Record<string, string>> | null) =>
    value === null ? null : storable(JSON.stringify(value));
  return {
    url: record.url,
    request_headers: json(record.requestHeaders),
    response_status: record.responseStatus,
    response_headers: json(record.responseHeaders),
    response_body: record.responseBody === null ? null : storable(record.responseBody),
    execution_duration: record.duration,
    error: record.error === null ? null : storable(record.error),
  };
}

/** PostgreSQL has no NUL in texts, nor its escape in JSON. */
function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD").replaceAll("\\u0000", "\\ufffd").toWellFormed();
}

function toDraft(row: Selectable<DeliveriesTable>): DeliveryDraft {
  return {
    projectId: row.project_id,
    target:
      row.hook_id === null
        ? { kind: "pipeline-trigger", id: row.pipeline_trigger_id ?? 0 }
        : { kind: "hook", id: row.hook_id },
    event: row.event,
    eventUuid: row.event_uuid,
    idempotencyKey: row.idempotency_key,
    payload: row.payload,
  };
}

function toClaimed(row: Selectable<DeliveriesTable>): ClaimedDelivery {
  return { ...toDraft(row), id: row.id, attempts: row.attempts, createdAt: row.created_at };
}

function toLogEntry(row: Selectable<DeliveriesTable>): DeliveryLogEntry {
  return {
    ...toDraft(row),
    id: row.id,
    url: row.url,
    requestHeaders: row.request_headers,
    responseStatus: row.response_status,
    responseHeaders: row.response_headers,
    responseBody: row.response_body,
    duration: row.execution_duration,
    error: row.error,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
