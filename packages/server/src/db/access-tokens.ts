import { TOKEN_SCOPES, type TokenScope } from "@heliostat/contract";
import type { Selectable } from "kysely";
import type { TokenStore } from "../app/ports.ts";
import type { AccessToken } from "../domain/user.ts";
import { windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";
import { toUser } from "./users.ts";

/** A token in steady use is written at most this often: its `last_used_at` is a hint, not an audit. */
const TOUCH_EVERY_MS = 60_000;

export function createTokenStore(db: Db): TokenStore {
  return {
    async create(token) {
      const row = await db
        .insertInto("access_tokens")
        .values({
          user_id: token.userId,
          name: token.name,
          digest: token.digest,
          scopes: [...token.scopes],
          expires_at: token.expiresAt,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toToken(row);
    },
    async findLive(digest, now) {
      const row = await db
        .selectFrom("access_tokens")
        .selectAll()
        .where("digest", "=", digest)
        .where("revoked", "=", false)
        .where((where) => where.or([where("expires_at", "is", null), where("expires_at", ">", now)]))
        .executeTakeFirst();
      if (!row) return null;
      const user = await db
        .selectFrom("users")
        .selectAll()
        .where("id", "=", row.user_id)
        .executeTakeFirstOrThrow();
      return { token: toToken(row), user: toUser(user) };
    },
    async isKnown(digest) {
      const row = await db
        .selectFrom("access_tokens")
        .select("id")
        .where("digest", "=", digest)
        .executeTakeFirst();
      return row !== undefined;
    },
    async listOf(userId, page) {
      const { limit, offset } = windowOf(page);
      const ofUser = db.selectFrom("access_tokens").where("user_id", "=", userId);
      const rows = await ofUser.selectAll().orderBy("id").limit(limit).offset(offset).execute();
      const { total } = await ofUser
        .select(({ fn }) => fn.countAll<number>().as("total"))
        .executeTakeFirstOrThrow();
      return { items: rows.map(toToken), total };
    },
    async find(id) {
      const row = await db.selectFrom("access_tokens").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toToken(row) : null;
    },
    async revoke(id) {
      await db.updateTable("access_tokens").set({ revoked: true }).where("id", "=", id).execute();
    },
    async touch(id, now) {
      const before = new Date(now.getTime() - TOUCH_EVERY_MS);
      await db
        .updateTable("access_tokens")
        .set({ last_used_at: now })
        .where("id", "=", id)
        .where((where) => where.or([where("last_used_at", "is", null), where("last_used_at", "<", before)]))
        .execute();
    },
  };
}

function isScope(text: string): text is TokenScope {
  return (TOKEN_SCOPES as readonly string[]).includes(text);
}

function toToken(row: Selectable<Database["access_tokens"]>): AccessToken {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    description: row.description,
    scopes: row.scopes.filter(isScope),
    projectId: row.project_id,
    namespaceId: row.namespace_id,
    revoked: row.revoked,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
