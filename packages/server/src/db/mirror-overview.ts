import { sql } from "kysely";
import type { MirrorOverviewStore } from "../app/ports.ts";
import type { DirectionCounts, MirrorOverview } from "../domain/mirror-overview.ts";
import { HARD_FAILURE_AFTER } from "../domain/schedule.ts";
import { selectMirrorsSeenBy } from "./mirror-row.ts";
import type { Db } from "./pool.ts";
import { isRunnable } from "./runnable-mirrors.ts";

const HOUR_MS = 3_600_000;

/** Counts over all mirrors that one may see: the database alone can go over ten thousand of them at each look. */
export function createMirrorOverview(db: Db): MirrorOverviewStore {
  return {
    async read(viewer, now): Promise<MirrorOverview> {
      const seen = selectMirrorsSeenBy(db, viewer).clearSelect();
      const dueAt = sql<Date>`least(mirrors.requested_at, mirrors.next_check_at)`;
      const isLate = sql<boolean>`mirrors.lease_token is null and ${dueAt} < ${now} and ${isRunnable()}`;
      const [mirrors, late, lastHour] = await Promise.all([
        seen
          .select(({ fn }) => {
            const count = (condition: ReturnType<typeof sql<boolean>>) =>
              sql<number>`count(*) filter (where ${condition})`;
            const isOn = sql`mirrors.enabled`;
            return [
              "mirrors.direction",
              fn.countAll<number>().as("total"),
              count(sql`${isOn}`).as("enabled"),
              count(sql`${isOn} and mirrors.update_status = 'finished' and mirrors.requested_at is null`).as(
                "inStep",
              ),
              count(sql`mirrors.lease_token is not null`).as("running"),
              count(sql`${isOn} and mirrors.lease_token is null and mirrors.requested_at <= ${now}`).as(
                "waiting",
              ),
              count(sql`${isOn} and mirrors.update_status in ('failed', 'to_retry')`).as("failing"),
              count(
                sql`${isOn} and mirrors.direction = 'pull' and mirrors.retry_count > ${HARD_FAILURE_AFTER}`,
              ).as("paused"),
              count(sql`${isOn} and mirrors.last_update_started_at is null`).as("neverUpdated"),
            ];
          })
          .groupBy("mirrors.direction")
          .orderBy("mirrors.direction")
          .execute(),
        seen
          .where(isLate)
          .select([
            sql<number>`count(*)`.as("count"),
            ...(["p50", "p95", "max"] as const).map((name) =>
              sql<number>`coalesce(percentile_cont(${QUANTILES[name]}::float8) within group (
                order by extract(epoch from ${now}::timestamptz - ${dueAt})::float8), 0)`.as(name),
            ),
          ])
          .executeTakeFirstOrThrow(),
        seen
          .innerJoin("mirror_updates", "mirror_updates.mirror_id", "mirrors.id")
          .where("mirror_updates.finished_at", ">", new Date(now.getTime() - HOUR_MS))
          // By the index: no update takes a day.
          .where("mirror_updates.started_at", ">", new Date(now.getTime() - 25 * HOUR_MS))
          .select([
            ...(["finished", "failed", "cancelled"] as const).map((status) =>
              sql<number>`count(*) filter (where mirror_updates.status = ${status})`.as(status),
            ),
            sql<number>`coalesce(sum(mirror_updates.bytes_received + mirror_updates.bytes_sent), 0)::float8`.as(
              "bytes",
            ),
          ])
          .executeTakeFirstOrThrow(),
      ]);
      return { mirrors: mirrors as readonly DirectionCounts[], late, lastHour };
    },
  };
}

const QUANTILES = { p50: 0.5, p95: 0.95, max: 1 } as const;
