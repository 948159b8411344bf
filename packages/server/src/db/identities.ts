import type { Selectable } from "kysely";
import type { Identity, IdentityStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";
import { insertUser, toUser } from "./users.ts";

/** Whom a subject of an issuer is here; the two together are there once. */
export function createIdentityStore(db: Db): IdentityStore {
  return {
    async findUser({ issuer, subject }) {
      const row = await db
        .selectFrom("users")
        .innerJoin("identities", "identities.user_id", "users.id")
        .selectAll("users")
        .where("identities.issuer", "=", issuer)
        .where("identities.subject", "=", subject)
        .executeTakeFirst();
      return row ? toUser(row) : null;
    },
    async listOf(userId) {
      const rows = await db
        .selectFrom("identities")
        .selectAll()
        .where("user_id", "=", userId)
        .orderBy("id")
        .execute();
      return rows.map(toIdentity);
    },
    async connect(userId, external) {
      return await insertIdentity(db, userId, external);
    },
    async createUser(user, external) {
      return await db.transaction().execute(async (transaction) => {
        const created = await insertUser(transaction, user);
        await insertIdentity(transaction, created.id, external);
        return created;
      });
    },
    async remove(userId, id) {
      const row = await db
        .deleteFrom("identities")
        .where("user_id", "=", userId)
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst();
      return row ? toIdentity(row) : null;
    },
  };
}

async function insertIdentity(
  db: Db,
  userId: number,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
): Promise<Identity> {
  try {
    const row = await db
      .insertInto("identities")
      .values({ user_id: userId, issuer, subject })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toIdentity(row);
  } catch (error) {
    if (brokenUniqueness(error) === null) throw error;
    throw new HeliostatError("conflict", "This identity, or this user, is connected already.", {
      cause: error,
    });
  }
}

function toIdentity(row: Selectable<Database["identities"]>): Identity {
  return { id: row.id, issuer: row.issuer, subject: row.subject, createdAt: row.created_at };
}
