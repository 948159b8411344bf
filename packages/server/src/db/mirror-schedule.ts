import { sql } from "kysely";
import type { MirrorStore } from "../app/ports.ts";
import { HARD_FAILURE_AFTER } from "../domain/schedule.ts";
import { MIRROR_FACTS, selectMirrors, toMirror } from "./mirror-row.ts";
import type { Db } from "./pool.ts";
import { isRunnable } from "./runnable-mirrors.ts";
import { beginProbe, readLimits, readPlaces } from "./update-places.ts";

/** The part of the mirror store that says what is to be looked at, and when. */
export type ScheduleStore = Pick<
  MirrorStore,
  | "listWaiting"
  | "claimDue"
  | "recordUnchanged"
  | "postponeCheck"
  | "nextDueAfter"
  | "listPaused"
  | "readPlaces"
>;

/** More than there are places on any sensible machine; what is left is listed the next time. */
const MOST_LISTED = 1000;

/** What waits and what is due, by the database's own rows; the limits of the instance are read each time. */
export function createScheduleStore(db: Db): ScheduleStore {
  return {
    async listWaiting(now) {
      const limits = await readLimits(db);
      // The n-th of each host before the (n+1)-th of any: hosts take turns. A person does not queue behind a schedule.
      const { rows } = await sql<{ id: number }>`
        with running as (
          select remote_host, count(*) filter (where direction = 'pull') as pulls, count(*) as updates
            from mirrors where lease_token is not null group by remote_host
        ), waiting as (
          select mirrors.id, mirrors.direction, mirrors.requested_at,
              row_number() over (
                partition by mirrors.remote_host
                order by (hosts.probe_mirror_id = mirrors.id) is true desc, mirrors.requested_trigger = 'manual' desc,
                  mirrors.requested_at, mirrors.id) as nth,
              case
                when hosts.paused_until is null then ${limits.perHost}::bigint - coalesce(running.updates, 0)
                when hosts.probe_expires_at > ${now} and hosts.probe_mirror_id is not null
                  then (hosts.probe_mirror_id = mirrors.id)::integer
                when hosts.paused_until <= ${now} or mirrors.requested_trigger = 'manual' then 1
                else 0
              end as places
            from mirrors
              left join remote_hosts as hosts on hosts.host = mirrors.remote_host
              left join running on running.remote_host = mirrors.remote_host
            where ${isRunnable()} and mirrors.requested_at <= ${now} and mirrors.lease_token is null
              -- Thousands may wait for a paused host: they are left out before anything is looked up for them.
              and (mirrors.remote_host <> all (array(select host from remote_hosts where paused_until > ${now}))
                or mirrors.requested_trigger = 'manual'
                or mirrors.id = any (array(select probe_mirror_id from remote_hosts)))
        ), admitted as (
          select *, row_number() over (partition by direction order by nth, requested_at, id) as turn
            from waiting where nth <= places
        )
        select id from admitted
          where direction = 'push'
            or turn <= ${limits.pulls}::bigint - (select coalesce(sum(pulls), 0) from running)
          order by nth, requested_at, id limit ${MOST_LISTED}`.execute(db);
      return rows.map((row) => row.id);
    },
    async claimDue(now, until, { total, perHost, busy }) {
      return await db.transaction().execute(async (transaction) => {
        const probed = await transaction
          .selectFrom("remote_hosts")
          .select("host")
          .where("paused_until", "<=", now)
          .where((where) =>
            where.or([
              where("probe_mirror_id", "is", null),
              where("probe_expires_at", "is", null),
              where("probe_expires_at", "<=", now),
            ]),
          )
          .forUpdate()
          .skipLocked()
          .execute();
        const probes = probed.map((row) => row.host);
        const isDue = sql<boolean>`${isRunnable()} and mirrors.next_check_at <= ${now}
          and mirrors.lease_token is null and mirrors.requested_at is null`;
        const ranked = sql<number>`(
          select id from (
            select mirrors.id, mirrors.next_check_at,
                row_number() over (partition by mirrors.remote_host order by mirrors.next_check_at, mirrors.id) as nth,
                case
                  when hosts.paused_until is null then ${perHost}::bigint - coalesce(busy.checks, 0)
                  when hosts.host = any(${probes}::text[]) then 1
                  else 0
                end as places
              from mirrors
                left join remote_hosts as hosts on hosts.host = mirrors.remote_host
                left join unnest(${[...busy.keys()]}::text[], ${[...busy.values()]}::integer[])
                  as busy (host, checks) on busy.host = mirrors.remote_host
              where ${isDue} and mirrors.remote_host <> all (array(
                select host from remote_hosts where paused_until is not null and host <> all(${probes}::text[])))
          ) as due
          where nth <= places order by next_check_at, id limit ${total})`;
        const rows = await transaction
          .updateTable("mirrors")
          .set({ next_check_at: until, check_claimed_until: until })
          .where((where) =>
            where(
              "id",
              "in",
              where
                .selectFrom("mirrors")
                .select("id")
                .where(sql<boolean>`mirrors.id in ${ranked}`)
                // Once more, on the row as it is when it is locked.
                .where(isDue)
                .forUpdate()
                .skipLocked(),
            ),
          )
          .returningAll()
          .returning(MIRROR_FACTS)
          .execute();
        for (const host of probes) {
          const probe = rows.find((row) => row.remote_host === host);
          if (probe) await beginProbe(transaction, host, probe.id, now);
        }
        return rows.map(toMirror);
      });
    },
    async recordUnchanged(checks, now) {
      if (checks.length === 0) return;
      const ids = checks.map((check) => check.id);
      const claims = checks.map((check) => check.claimedUntil.toISOString());
      const times = checks.map((check) => check.nextCheckAt.toISOString());
      // A check is no start of a push: the next one must not keep its distance from it.
      // Locked first, in the order that all take who lock many. What somebody else changes at this moment is left: it is
      // due again when the claim is over.
      await sql`with locked as (
          select mirrors.id, checked.next
            from mirrors join unnest(${ids}::integer[], ${claims}::timestamptz[], ${times}::timestamptz[])
              as checked (id, claim, next) on mirrors.id = checked.id
            where mirrors.next_check_at = checked.claim and mirrors.requested_at is null
              and mirrors.lease_token is null and mirrors.applied_digest is not null
            order by mirrors.id for no key update of mirrors skip locked
        )
        update mirrors
        set next_check_at = locked.next, retry_count = 0, last_update_at = ${now},
          update_status = case when holds_refs then 'failed' else 'finished' end,
          last_error = case when holds_refs then last_error end,
          last_error_code = case when holds_refs then last_error_code end,
          last_update_started_at = case when direction = 'push' then last_update_started_at else ${now} end,
          last_successful_update_at = case when holds_refs then last_successful_update_at else ${now} end
        from locked where mirrors.id = locked.id`.execute(db);
    },
    async postponeCheck({ id, claimedUntil }, dueAt) {
      await db
        .updateTable("mirrors")
        .set({ next_check_at: dueAt })
        .where("id", "=", id)
        .where("next_check_at", "=", claimedUntil)
        .execute();
    },
    async nextDueAfter(moment) {
      // One smallest value for each column: each is the first entry of an index, however many mirrors there are.
      const checksAndWishes = (["next_check_at", "requested_at"] as const).map((column) =>
        db
          .selectFrom("mirrors")
          .select(`${column} as time`)
          .where(isRunnable)
          .where("lease_token", "is", null)
          .where(column, ">", moment)
          .orderBy(column)
          .limit(1)
          .executeTakeFirst(),
      );
      const lapse = db
        .selectFrom("mirrors")
        .select(({ fn }) => fn.min("lease_expires_at").as("time"))
        .where("lease_token", "is not", null)
        .where("lease_expires_at", ">", moment)
        .executeTakeFirst();
      const endOfPause = db
        .selectFrom("remote_hosts")
        .select(({ fn }) => fn.min("paused_until").as("time"))
        .where("paused_until", ">", moment)
        .executeTakeFirst();
      const found = await Promise.all([...checksAndWishes, lapse, endOfPause]);
      const times = found.flatMap((row) => (row?.time ? [row.time.getTime()] : []));
      return times.length === 0 ? null : new Date(Math.min(...times));
    },
    readPlaces: (host) => readPlaces(db, host),
    async listPaused(host) {
      let query = selectMirrors(db)
        .where("direction", "=", "pull")
        .where("enabled", "=", true)
        .where("retry_count", ">", HARD_FAILURE_AFTER)
        .orderBy("id");
      if (host !== null) {
        const withoutPort = sql<string>`regexp_replace(remote_host, ':[0-9]+$', '')`;
        query = query.where((where) =>
          where.or([where("remote_host", "=", host), where(withoutPort, "=", host)]),
        );
      }
      return (await query.execute()).map(toMirror);
    },
  };
}
