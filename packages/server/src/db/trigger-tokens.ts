import type { Selectable } from "kysely";
import type { TriggerToken, TriggerTokenStore } from "../app/ports.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** As for access tokens: `last_used_at` is a hint. */
const TOUCH_EVERY_MS = 60_000;

/** Trigger tokens, found by digest; the secret itself is nowhere. */
export function createTriggerTokenStore(db: Db): TriggerTokenStore {
  return {
    async create({ mirrorId, name, digest, createdBy }) {
      const row = await db
        .insertInto("mirror_trigger_tokens")
        .values({ mirror_id: mirrorId, name, digest, created_by: createdBy })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toTriggerToken(row);
    },
    async listOf(mirrorId) {
      const rows = await db
        .selectFrom("mirror_trigger_tokens")
        .selectAll()
        .where("mirror_id", "=", mirrorId)
        .orderBy("id")
        .execute();
      return rows.map(toTriggerToken);
    },
    async findByDigest(digest) {
      const row = await db
        .selectFrom("mirror_trigger_tokens")
        .selectAll()
        .where("digest", "=", digest)
        .executeTakeFirst();
      return row ? toTriggerToken(row) : null;
    },
    async remove(mirrorId, id) {
      const row = await db
        .deleteFrom("mirror_trigger_tokens")
        .where("mirror_id", "=", mirrorId)
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst();
      return row ? toTriggerToken(row) : null;
    },
    async touch({ id, lastUsedAt }, now) {
      const before = new Date(now.getTime() - TOUCH_EVERY_MS);
      if (lastUsedAt !== null && lastUsedAt >= before) return;
      await db.updateTable("mirror_trigger_tokens").set({ last_used_at: now }).where("id", "=", id).execute();
    },
  };
}

function toTriggerToken(row: Selectable<Database["mirror_trigger_tokens"]>): TriggerToken {
  return {
    id: row.id,
    mirrorId: row.mirror_id,
    name: row.name,
    createdBy: row.created_by,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}
