import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createTestDatabase } from "../../../../test/support/postgres.ts";
import { HeliostatError } from "../domain/errors.ts";
import { createMemberStore } from "./members.ts";
import { migrate } from "./migrate.ts";
import { createNamespaceStore } from "./namespaces.ts";
import { type Db, openDatabase } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { createUserStore } from "./users.ts";

const ADMIN = { isAdmin: true, passwordHash: null };
const NOBODY = { isAdmin: false, passwordHash: null };

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

test("of two admins who take the rights from each other at once, one stays an admin", async () => {
  const users = createUserStore(db);
  const waysOut = {
    demoted: (id: number) => users.update(id, { isAdmin: false }),
    blocked: (id: number) => users.setState(id, "blocked"),
    removed: (id: number) => users.remove(id),
  };
  for (const [way, leave] of Object.entries(waysOut)) {
    await db.deleteFrom("users").where("is_admin", "=", true).execute();
    const admins = await Promise.all(
      [`one-${way}`, `two-${way}`].map((username) =>
        users.create({ ...{ username, name: "x", email: `${username}@example.com` }, ...ADMIN }),
      ),
    );
    const codes = await codesOf(admins.map(({ id }) => leave(id)));
    assert.deepEqual(codes, ["done", "forbidden"], way);
    assert.equal((await users.listActiveAdmins()).length, 1, way);
  }
});

test("of two owners of a group who are removed at once, one stays", async () => {
  const users = createUserStore(db);
  const owners = await Promise.all(
    ["eve", "finn"].map((username) =>
      users.create({ ...{ username, name: "x", email: `${username}@example.com` }, ...NOBODY }),
    ),
  );
  const [eve, finn] = owners;
  assert(eve && finn);
  const namespace = await createNamespaceStore(db).createGroup({
    ...{ name: "tools", path: "tools", parentId: null, visibility: "private", description: null },
    creatorId: eve.id,
  });
  const finns = { userId: finn.id, accessLevel: 50, expiresAt: null, createdBy: eve.id };
  const members = createMemberStore(db);
  const source = { projectId: null, namespace };
  await members.add(source, finns);
  assert.deepEqual(await codesOf(owners.map(({ id }) => users.remove(id))), ["conflict", "done"]);
  assert.equal((await members.listPeople(source, 50)).length, 1);
});

/** How each ended, by the code of its error; sorted, as nobody knows who is first. */
async function codesOf(calls: readonly Promise<unknown>[]): Promise<string[]> {
  const ends = await Promise.allSettled(calls);
  return ends
    .map((end) => (end.status === "fulfilled" ? "done" : String(Object(end.reason).code ?? end.reason)))
    .sort();
}

test("nobody has a name that PostgreSQL has no place for", async () => {
  const users = createUserStore(db);
  for (const name of ["a\0da", "\0"]) {
    assert.equal(await users.findByUsername(name), null);
    assert.equal(await users.findForSignIn(name), null);
  }
});
