import type { Selectable } from "kysely";
import type { InstanceSettings, InstanceSettingsStore } from "../app/ports.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

export function createInstanceSettingsStore(db: Db): InstanceSettingsStore {
  return {
    async read() {
      return toSettings(await db.selectFrom("instance_settings").selectAll().executeTakeFirstOrThrow());
    },
    async write(changes) {
      const columns = {
        allow_local_requests: changes.allowLocalRequests,
        mirror_available: changes.mirrorAvailable,
        pull_mirror_interval_seconds: changes.pullMirrorIntervalSeconds,
        pull_mirror_min_interval_seconds: changes.pullMirrorMinIntervalSeconds,
        push_mirror_min_interval_seconds: changes.pushMirrorMinIntervalSeconds,
      };
      // `only_row` makes an empty change a valid statement too.
      const row = await db
        .updateTable("instance_settings")
        .set({ only_row: true, ...columns })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toSettings(row);
    },
  };
}

/** Makes the one row at the first start; later starts leave what an admin set. */
export async function initInstanceSettings(db: Db, first: { allowLocalRequests: boolean }): Promise<void> {
  await db
    .insertInto("instance_settings")
    .values({ allow_local_requests: first.allowLocalRequests })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function toSettings(row: Selectable<Database["instance_settings"]>): InstanceSettings {
  return {
    allowLocalRequests: row.allow_local_requests,
    mirrorAvailable: row.mirror_available,
    pullMirrorIntervalSeconds: row.pull_mirror_interval_seconds,
    pullMirrorMinIntervalSeconds: row.pull_mirror_min_interval_seconds,
    pushMirrorMinIntervalSeconds: row.push_mirror_min_interval_seconds,
  };
}
