import { type Selectable, sql, type Transaction } from "kysely";
import type { FailingHost, HostStore } from "../app/ports.ts";
import { addHostFailure, SILENT_CODES } from "../domain/host-breaker.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** What is known of hosts that do not answer, in a table that has rows only for those. */
export function createHostStore(db: Db): HostStore {
  return {
    async list() {
      const rows = await db.selectFrom("remote_hosts").selectAll().orderBy("host").execute();
      return rows.map(toHost);
    },
    async recordFailure(host, { error, now, mirrorId, retryAfterSeconds }) {
      return await db.transaction().execute(async (transaction) => {
        // Makes the row or locks it: failures that come at the same time count one after the other.
        const row = await transaction
          .insertInto("remote_hosts")
          .values({ host, failures: 0, last_error: error, failing_since: now })
          .onConflict((conflict) =>
            conflict.column("host").doUpdateSet({ host: (excluded) => excluded.ref("excluded.host") }),
          )
          .returningAll()
          .executeTakeFirstOrThrow();
        const before = row.failures === 0 && row.paused_until === null ? null : toHost(row);
        const isProbe = row.probe_mirror_id === mirrorId;
        const after = addHostFailure(before, { error, now, isProbe, retryAfterSeconds });
        const written = await transaction
          .updateTable("remote_hosts")
          .set({
            failures: after.failures,
            last_error: after.lastError,
            paused_until: after.pausedUntil,
            ...(isProbe ? { probe_mirror_id: null, probe_expires_at: null } : {}),
          })
          .where("host", "=", host)
          .returningAll()
          .executeTakeFirstOrThrow();
        return toHost(written);
      });
    },
    async recordAnswers(answers, now) {
      if (answers.length === 0) return false;
      return await db.transaction().execute(async (transaction) => {
        const rows = await transaction
          .deleteFrom("remote_hosts")
          .where("host", "in", [...new Set(answers.map(({ host }) => host))])
          // While it is paused, only its probe counts: what was under way when the pause began says nothing new.
          .where((where) =>
            where.or([
              where("paused_until", "is", null),
              where("paused_until", "<=", now),
              where("probe_mirror_id", "in", [...new Set(answers.map(({ mirrorId }) => mirrorId))]),
            ]),
          )
          .returning(["host", "paused_until"])
          .execute();
        const back = rows.flatMap((row) => (row.paused_until === null ? [] : [row.host]));
        if (back.length > 0) await makeDue(transaction, back, now);
        return back.length > 0;
      });
    },
  };
}

/** Mirrors that failed before the pause of their host began, too, are due: what they waited for is over. */
async function makeDue(
  transaction: Transaction<Database>,
  hosts: readonly string[],
  now: Date,
): Promise<void> {
  await transaction
    .updateTable("mirrors")
    .set({ next_check_at: now })
    .where((where) =>
      where(
        "id",
        "in",
        where
          .selectFrom("mirrors")
          .select("id")
          .where("remote_host", "in", hosts)
          .where("last_error_code", "in", SILENT_CODES)
          .where("next_check_at", ">", now)
          .where("lease_token", "is", null)
          // One that is being checked would be given to a second checker.
          .where(sql<boolean>`next_check_at is distinct from check_claimed_until`)
          .forUpdate()
          // Who begins or ends a run holds the mirror, and may wait for its host, which we hold.
          .skipLocked(),
      ),
    )
    .execute();
}

function toHost(row: Selectable<Database["remote_hosts"]>): FailingHost {
  return {
    host: row.host,
    failures: row.failures,
    lastError: row.last_error,
    failingSince: row.failing_since,
    pausedUntil: row.paused_until,
  };
}
