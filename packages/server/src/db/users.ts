import type { Selectable } from "kysely";
import type { UserStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { User } from "../domain/user.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import { windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

export function createUserStore(db: Db): UserStore {
  return {
    async create(user) {
      try {
        return await db.transaction().execute(async (transaction) => {
          const row = await transaction
            .insertInto("users")
            .values({
              username: user.username,
              name: user.name,
              email: user.email,
              is_admin: user.isAdmin,
              password_hash: user.passwordHash,
            })
            .returningAll()
            .executeTakeFirstOrThrow();
          await transaction
            .insertInto("namespaces")
            .values({
              kind: "user",
              name: user.name,
              path: user.username,
              full_path: user.username,
              owner_id: row.id,
            })
            .execute();
          return toUser(row);
        });
      } catch (error) {
        const broken = brokenUniqueness(error);
        if (broken === null) throw error;
        const field = broken === "users_email" ? "email" : "username";
        throw new HeliostatError("model-invalid", `${field} has already been taken`, {
          fields: { [field]: ["has already been taken"] },
        });
      }
    },
    async find(id) {
      const row = await db.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toUser(row) : null;
    },
    async findByUsername(username) {
      const row = await selectByUsername(db, username);
      return row ? toUser(row) : null;
    },
    async findForSignIn(username) {
      const row = await selectByUsername(db, username);
      return row ? { user: toUser(row), passwordHash: row.password_hash } : null;
    },
    async list(page) {
      const { limit, offset } = windowOf(page);
      const rows = await db
        .selectFrom("users")
        .selectAll()
        .orderBy("id")
        .limit(limit)
        .offset(offset)
        .execute();
      return { items: rows.map(toUser), total: await count(db) };
    },
    count: () => count(db),
  };
}

async function selectByUsername(
  db: Db,
  username: string,
): Promise<Selectable<Database["users"]> | undefined> {
  return await db
    .selectFrom("users")
    .selectAll()
    .where((where) => where(where.fn("lower", ["username"]), "=", username.toLowerCase()))
    .executeTakeFirst();
}

async function count(db: Db): Promise<number> {
  const row = await db
    .selectFrom("users")
    .select(({ fn }) => fn.countAll<number>().as("total"))
    .executeTakeFirstOrThrow();
  return row.total;
}

/** A row as the domain's user: without the password hash. */
export function toUser(row: Selectable<Database["users"]>): User {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    email: row.email,
    isAdmin: row.is_admin,
    state: row.state,
    botOfProjectId: row.bot_of_project_id,
    createdAt: row.created_at,
  };
}
