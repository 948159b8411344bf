import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createTestDatabase } from "../../../../test/support/postgres.ts";
import { HeliostatError } from "../domain/errors.ts";
import { migrate } from "./migrate.ts";
import { type Db, openDatabase } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { createUserStore } from "./users.ts";

let db: Db;
let projectId = 0;
let ownerId = 0;

before(async () => {
  const database = await createTestDatabase();
  db = openDatabase(database.connection, { onIdleError: assert.ifError });
  await migrate(db);
  const user = { username: "ada", name: "Ada", email: "a@example.com", isAdmin: false, passwordHash: null };
  ownerId = (await createUserStore(db).create(user)).id;
  const { id: namespaceId } = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
  const project = await createProjectStore(db).create({
    namespaceId,
    name: "p",
    path: "p",
    description: null,
    visibility: "private",
    creatorId: ownerId,
  });
  projectId = project.id;
});
after(() => db.destroy());

test("a user in whose namespace a project is stays, namespace and all", async () => {
  const users = createUserStore(db);
  await assert.rejects(
    users.remove(ownerId),
    (error) => error instanceof HeliostatError && error.code === "conflict",
  );
  assert.equal((await users.find(ownerId))?.username, "ada");
});

test("the own identity of a project is made once, whoever has its name and however many ask", async () => {
  const users = createUserStore(db);
  const taken = `project_${projectId}_bot`;
  const draft = { username: taken, name: "x", email: "x@example.com", isAdmin: false, passwordHash: null };
  await users.create(draft);
  const bots = await Promise.all(
    Array.from({ length: 6 }, () => users.findOrCreateBot({ id: projectId, name: "p" })),
  );
  assert.equal(new Set(bots.map(({ id }) => id)).size, 1);
  const [bot] = bots;
  assert.deepEqual(
    [bot?.username, bot?.name, bot?.botOfProjectId, bot?.isAdmin],
    [`${taken}_2`, "p mirror bot", projectId, false],
  );
  assert.equal((await users.findForSignIn(`${taken}_2`))?.passwordHash, null);
  const page = { page: 1, perPage: 100 };
  assert.equal((await users.list({ withBots: false }, page)).total, 2);
  assert.equal((await users.list({ withBots: true }, page)).items.length, 3);
  await createProjectStore(db).remove(projectId);
  assert.equal(await users.find(bot?.id ?? 0), null);
});
