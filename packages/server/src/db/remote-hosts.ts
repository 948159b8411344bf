import type { Selectable } from "kysely";
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
    async recordAnswers(hosts, now) {
      if (hosts.length === 0) return false;
      const rows = await db
        .deleteFrom("remote_hosts")
        .where("host", "in", [...new Set(hosts)])
        .returning(["host", "paused_until"])
        .execute();
      const back = rows.flatMap((row) => (row.paused_until === null ? [] : [row.host]));
      // Those that failed before the pause began, too: what they waited for is over.
      if (back.length > 0) {
        await db
          .updateTable("mirrors")
          .set({ next_check_at: now })
          .where("remote_host", "in", back)
          .where("last_error_code", "in", [...SILENT_CODES])
          .where("next_check_at", ">", now)
          .where("lease_token", "is", null)
          .execute();
      }
      return back.length > 0;
    },
  };
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
