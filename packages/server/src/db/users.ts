import { type Selectable, sql } from "kysely";
import type { NewUser, UserStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { User } from "../domain/user.ts";
import { brokenUniqueness, brokeReference } from "./broken-constraint.ts";
import { inTransaction } from "./in-transaction.ts";
import { insertNamespace } from "./insert-namespace.ts";
import { keepingAnAdmin } from "./last-admin.ts";
import { refuseOnlyOwner } from "./last-owner.ts";
import { containing } from "./like.ts";
import { countRows } from "./page.ts";
import { countUpTo, planPart, type SortKey, takePart } from "./part.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** More than anybody takes away by chance. */
const MAX_BOT_NAMES = 20;

const BY_ID: SortKey = {
  name: "id",
  column: sql.ref("users.id"),
  id: sql.ref("users.id"),
  kind: "id",
  descending: false,
};

/** Users, found by name in any case. `model-invalid` for a name or an address that is taken. */
export function createUserStore(db: Db): UserStore {
  return {
    async create(user) {
      return await db.transaction().execute((transaction) => insertUser(transaction, user));
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
    async list({ withBots, search, byEmail, state, admins }, window) {
      let matching = db.selectFrom("users");
      if (!withBots) {
        matching = matching.where("bot_of_project_id", "is", null).where("is_token_bot", "=", false);
      }
      if (state !== undefined) matching = matching.where("state", "=", state);
      if (admins !== undefined) matching = matching.where("is_admin", "=", admins);
      if (search !== undefined) {
        const pattern = containing(search);
        matching = matching.where((where) =>
          where.or([
            where("username", "ilike", pattern),
            where("name", "ilike", pattern),
            ...(byEmail ? [where(where.fn("lower", ["email"]), "=", search.toLowerCase())] : []),
          ]),
        );
      }
      const plan = planPart(BY_ID, window);
      const rows = await (plan.behind === null ? matching : matching.where(plan.behind))
        .selectAll()
        .select(plan.cursorValue.as("cursor_value"))
        .orderBy(plan.order)
        .limit(plan.limit)
        .offset(plan.offset)
        .execute();
      const part = await takePart(BY_ID, window, rows, () =>
        countUpTo(db, sql`${matching.select(sql`1`.as("one"))}`),
      );
      return { ...part, items: part.items.map(toUser) };
    },
    async count() {
      return await countRows(db.selectFrom("users"));
    },
    async listActiveAdmins() {
      const rows = await db
        .selectFrom("users")
        .selectAll()
        .where("is_admin", "=", true)
        .where("state", "=", "active")
        .where("bot_of_project_id", "is", null)
        .where("is_token_bot", "=", false)
        .orderBy("id")
        .execute();
      return rows.map(toUser);
    },
    async setPasswordHash(id, passwordHash) {
      await db.updateTable("users").set({ password_hash: passwordHash }).where("id", "=", id).execute();
    },
    async setState(id, state) {
      const row = await inTransaction(db, (transaction) =>
        keepingAnAdmin(transaction, () =>
          transaction
            .updateTable("users")
            .set({ state })
            .where("id", "=", id)
            .returningAll()
            .executeTakeFirst(),
        ),
      );
      if (!row) throw new HeliostatError("not-found", "User Not Found");
      return toUser(row);
    },
    async update(id, { username, name, email, isAdmin }) {
      try {
        return await db.transaction().execute(async (transaction) => {
          const write = () =>
            transaction
              .updateTable("users")
              // Always something: a statement that sets nothing is none.
              .set({ username: username ?? sql`username`, name, email, is_admin: isAdmin })
              .where("id", "=", id)
              .returningAll()
              .executeTakeFirst();
          const row = isAdmin === false ? await keepingAnAdmin(transaction, write) : await write();
          if (!row) throw new HeliostatError("not-found", "User Not Found");
          await transaction
            .updateTable("namespaces")
            .set({ path: row.username, full_path: row.username, name: row.name })
            .where("owner_id", "=", id)
            .execute();
          return toUser(row);
        });
      } catch (error) {
        throw namedTaken(error);
      }
    },
    async remove(id) {
      try {
        await inTransaction(db, async (transaction) => {
          await refuseOnlyOwner(transaction, id);
          await keepingAnAdmin(transaction, () =>
            transaction.deleteFrom("users").where("id", "=", id).execute(),
          );
        });
      } catch (error) {
        // The namespace goes with its user, and no project may be without one.
        if (!brokeReference(error)) throw error;
        if (brokeReference(error, "mirrors_credential_id_fkey")) {
          throw new HeliostatError(
            "conflict",
            "Mirrors of others use credentials of this user: give them other ones, or remove them, first.",
            { cause: error },
          );
        }
        throw new HeliostatError(
          "conflict",
          "There are projects in the namespace of this user: remove them, or move them elsewhere, first.",
          { cause: error },
        );
      }
    },
    async findOrCreateBot({ id, name }) {
      // Somebody may have the name, and somebody else may make the same one at this moment.
      for (let attempt = 1; attempt <= MAX_BOT_NAMES; attempt += 1) {
        const found = await db
          .selectFrom("users")
          .selectAll()
          .where("bot_of_project_id", "=", id)
          .executeTakeFirst();
        if (found) return toUser(found);
        const username = `project_${id}_bot${attempt === 1 ? "" : `_${attempt}`}`;
        const row = await db
          .insertInto("users")
          .values({
            username,
            name: `${name} mirror bot`,
            email: `${username}@noreply.invalid`,
            bot_of_project_id: id,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst();
        if (row) return toUser(row);
      }
      throw new HeliostatError("conflict", `All names for the own identity of project ${id} are taken.`);
    },
  };
}

/** The complaint about a name or an address that somebody else has; any other error as it is. */
function namedTaken(error: unknown): unknown {
  const broken = brokenUniqueness(error);
  if (broken === null) return error;
  const field = broken === "users_email" ? "email" : "username";
  return new HeliostatError("model-invalid", `${field} has already been taken`, {
    fields: { [field]: ["has already been taken"] },
  });
}

/** As `UserStore.create`, in a transaction that is open. */
export async function insertUser(transaction: Db, user: NewUser): Promise<User> {
  try {
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
    const path = user.username;
    await insertNamespace(
      transaction,
      { kind: "user", name: user.name, path, full_path: path, owner_id: row.id },
      [],
    );
    return toUser(row);
  } catch (error) {
    throw namedTaken(error);
  }
}

async function selectByUsername(
  db: Db,
  username: string,
): Promise<Selectable<Database["users"]> | undefined> {
  // Doors ask for whatever came; PostgreSQL has no place for NUL in a text, and nobody is called so.
  if (username.includes("\0")) return undefined;
  return await db
    .selectFrom("users")
    .selectAll()
    .where((where) => where(where.fn("lower", ["username"]), "=", username.toLowerCase()))
    .executeTakeFirst();
}

/** A row as the domain's user: without the password hash. */
export type UserRow = Pick<
  Selectable<Database["users"]>,
  | ("id" | "username" | "name" | "email" | "is_admin" | "state")
  | ("bot_of_project_id" | "is_token_bot" | "totp_confirmed_at" | "created_at")
>;

/** A row as the domain's user. */
export function toUser(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    email: row.email,
    isAdmin: row.is_admin,
    state: row.state,
    botOfProjectId: row.bot_of_project_id,
    isTokenBot: row.is_token_bot,
    hasSecondFactor: row.totp_confirmed_at !== null,
    createdAt: row.created_at,
  };
}
