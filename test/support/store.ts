import assert from "node:assert/strict";
import { migrate } from "../../packages/server/src/db/migrate.ts";
import { type Db, openDatabase } from "../../packages/server/src/db/pool.ts";
import { createProjectStore } from "../../packages/server/src/db/projects.ts";
import { createUserStore } from "../../packages/server/src/db/users.ts";
import type { User, Viewer } from "../../packages/server/src/domain/user.ts";
import { createTestDatabase } from "./postgres.ts";

/** A fresh database with all tables, for the tests of one file; whoever opens it destroys it. */
export async function openTestStore(): Promise<Db> {
  const database = await createTestDatabase(async (template) => {
    const fresh = openDatabase(template, { onIdleError: assert.ifError });
    await migrate(fresh);
    await fresh.destroy();
  });
  return openDatabase(database.connection, { onIdleError: assert.ifError });
}

/** For lists: with this user's eyes, signed in as they are. */
export function eyesOf({ id, isAdmin, isTokenBot }: User): Viewer {
  return { id, isAdmin, seesInternal: !isTokenBot };
}

/** The user `ada` with the private project `ada/p`, for a database that has neither. */
export async function makeProjectOfAda(db: Db): Promise<{ userId: number; projectId: number }> {
  const user = { username: "ada", name: "Ada", email: "ada@example.com", isAdmin: false, passwordHash: null };
  const { id: userId } = await createUserStore(db).create(user);
  const { id: namespaceId } = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
  const names = { name: "p", path: "p", description: null, visibility: "private" } as const;
  const { id: projectId } = await createProjectStore(db).create({ ...names, namespaceId, creatorId: userId });
  return { userId, projectId };
}
