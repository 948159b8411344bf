import type { Selectable } from "kysely";
import type { SessionStore } from "../app/ports.ts";
import type { Session } from "../domain/session.ts";
import { inTransaction } from "./in-transaction.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";
import { toUser } from "./users.ts";

/**
 * Sessions, found by the digest of their secret. None is made for a user who was blocked or has another password
 * meanwhile.
 */
export function createSessionStore(db: Db): SessionStore {
  return {
    async create(session) {
      return await inTransaction(db, async (transaction) => {
        // Until the session is there nobody changes the user: who then ends all their sessions finds it.
        const user = await transaction
          .selectFrom("users")
          .select(["state", "password_hash"])
          .where("id", "=", session.userId)
          .forShare()
          .executeTakeFirst();
        const isAsBefore = session.passwordHash === null || user?.password_hash === session.passwordHash;
        if (user?.state !== "active" || !isAsBefore) return null;
        const row = await transaction
          .insertInto("sessions")
          .values({
            digest: session.digest,
            user_id: session.userId,
            method: session.method,
            csrf_token: session.csrfToken,
            created_at: session.createdAt,
            rotated_at: session.createdAt,
            last_seen_at: session.createdAt,
            expires_at: session.expiresAt,
            address: session.address,
            user_agent: session.userAgent,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        return toSession(row);
      });
    },
    async findByDigest(digest) {
      const row = await db
        .selectFrom("sessions")
        .selectAll()
        .where((where) => where.or([where("digest", "=", digest), where("previous_digest", "=", digest)]))
        .executeTakeFirst();
      if (!row) return null;
      const user = await db
        .selectFrom("users")
        .selectAll()
        .where("id", "=", row.user_id)
        .executeTakeFirstOrThrow();
      return { session: toSession(row), isPrevious: !row.digest.equals(digest), user: toUser(user) };
    },
    async find(id) {
      const row = await db.selectFrom("sessions").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toSession(row) : null;
    },
    async touch(id, { at, address, rotatedAt }) {
      await db
        .updateTable("sessions")
        .set({ last_seen_at: at, address, rotation_confirmed: true })
        .where("id", "=", id)
        .where("rotated_at", "=", rotatedAt)
        .execute();
    },
    async rotate(id, { digest, next }, { at, address, rotatedAt }) {
      const row = await db
        .updateTable("sessions")
        .set({
          digest: next,
          previous_digest: digest,
          rotated_at: at,
          rotation_confirmed: false,
          last_seen_at: at,
          address,
        })
        .where("id", "=", id)
        .where("rotated_at", "=", rotatedAt)
        .where((where) => where.or([where("digest", "=", digest), where("previous_digest", "=", digest)]))
        .returning("id")
        .executeTakeFirst();
      return row !== undefined;
    },
    async listOf(userId, now, seenAfter) {
      const rows = await db
        .selectFrom("sessions")
        .selectAll()
        .where("user_id", "=", userId)
        .where("expires_at", ">", now)
        .where("last_seen_at", ">", seenAfter)
        .orderBy("last_seen_at", "desc")
        .orderBy("id", "desc")
        .execute();
      return rows.map(toSession);
    },
    async end(userId, id) {
      const { numDeletedRows } = await db
        .deleteFrom("sessions")
        .where("user_id", "=", userId)
        .where("id", "=", id)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async endAllOf(userId, except) {
      let ending = db.deleteFrom("sessions").where("user_id", "=", userId);
      if (except !== null) ending = ending.where("id", "!=", except);
      const { numDeletedRows } = await ending.executeTakeFirst();
      return Number(numDeletedRows);
    },
    async removeExpired(now, seenAfter) {
      const { numDeletedRows } = await db
        .deleteFrom("sessions")
        .where((where) => where.or([where("expires_at", "<=", now), where("last_seen_at", "<=", seenAfter)]))
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

function toSession(row: Selectable<Database["sessions"]>): Session {
  return {
    id: row.id,
    userId: row.user_id,
    method: row.method,
    csrfToken: row.csrf_token,
    createdAt: row.created_at,
    rotatedAt: row.rotated_at,
    isRotationConfirmed: row.rotation_confirmed,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    address: row.address,
    userAgent: row.user_agent,
  };
}
