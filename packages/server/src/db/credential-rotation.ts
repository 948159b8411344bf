import { type RawBuilder, sql } from "kysely";
import { CREDENTIAL_FAILURES } from "../domain/credential.ts";
import { withWish } from "./mirror-updates.ts";
import type { Db } from "./pool.ts";

/** So many mirrors are updated at once when their credential was changed, and the next ones so much later. */
const MIRRORS_AT_ONCE = 5;
const SECONDS_APART = 1;

/**
 * What a change of a named credential means for the mirrors that use it, in the transaction of that change: they forget
 * what failed by the old one, and those that are on get a wish each, a little apart from `now` on, but none later than
 * it is due by itself. Answers how many they are.
 */
export async function updateUsers(
  transaction: Db,
  credentialId: number,
  {
    now,
    userId,
    startsUpdates,
  }: {
    readonly now: Date;
    readonly userId: number;
    /** False: no host can know the new secret yet, and the mirrors stay as they are. */
    readonly startsUpdates: boolean;
  },
): Promise<number> {
  // A run begins with this row's lock, and reads the secret afterwards: whoever holds a lease here may have read the old
  // one, whoever takes it later reads the new one. In the order that all take who lock many.
  const mirrors = await transaction
    .selectFrom("mirrors")
    .select("id")
    .where("credential_id", "=", credentialId)
    .orderBy("id")
    .forNoKeyUpdate()
    .execute();
  const ids = mirrors.map(({ id }) => id);
  if (!startsUpdates) {
    await transaction
      .updateTable("mirrors")
      .set({ lease_shows_old_secret: sql<boolean>`lease_token is not null` })
      .where("credential_id", "=", credentialId)
      .execute();
    return mirrors.length;
  }
  const turn = sql`row_number() over (partition by enabled order by id) - 1`;
  const wait = sql`make_interval(secs => (wished.turn / ${MIRRORS_AT_ONCE}::bigint * ${SECONDS_APART}::integer)::float)`;
  // One that is paused is not due by itself.
  const dueAnyway = sql`case when next_check_at is not null then greatest(next_check_at, ${now}::timestamptz) end`;
  const at = sql<Date>`least(${now}::timestamptz + ${wait}, ${dueAnyway})`;
  const wish = withWish({ trigger: "configured", at, userId });
  const whereOn = <T>(changed: RawBuilder<T>, column: string): RawBuilder<T> =>
    sql<T>`case when enabled then ${changed} else ${sql.ref(column)} end`;
  // One statement: each that writes all rows anew keeps them from everybody else for so much longer.
  await transaction
    .updateTable("mirrors")
    .from(
      sql<{ wished_id: number; turn: number }>`(select id as wished_id, ${turn} as turn from mirrors
        where id = any(${ids}::integer[]))`.as<"wished">(sql`wished`),
    )
    .set({
      lease_shows_old_secret: sql<boolean>`lease_token is not null`,
      ...FORGOTTEN_FAILURE,
      update_status: whereOn(wish.update_status, "update_status"),
      requested_trigger: whereOn(wish.requested_trigger, "requested_trigger"),
      requested_by: whereOn(wish.requested_by, "requested_by"),
      requested_at: whereOn(wish.requested_at, "requested_at"),
    })
    .whereRef("mirrors.id", "=", "wished.wished_id")
    .execute();
  return mirrors.length;
}

/** What a mirror forgets of a failure that was, or may have been, the fault of its credential; others it keeps. */
const HAS_FAILED_BY_IT = sql<boolean>`last_error_code = any(${[...CREDENTIAL_FAILURES]}::text[])`;
const FORGOTTEN_FAILURE = {
  last_error: sql<string | null>`case when not coalesce(${HAS_FAILED_BY_IT}, false) then last_error end`,
  retry_count: sql<number>`case when ${HAS_FAILED_BY_IT} then 0 else retry_count end`,
  // It was perhaps paused for it.
  next_check_at: sql<Date | null>`case when ${HAS_FAILED_BY_IT} then coalesce(next_check_at, now()) else next_check_at end`,
  last_error_code: sql<null>`case when not coalesce(${HAS_FAILED_BY_IT}, false) then last_error_code end`,
} as const;
