import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import { eyesOf, makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { Part, StoredProjectFilter } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { Project } from "../domain/project.ts";
import type { Viewer } from "../domain/user.ts";
import { createNamespaceStore } from "./namespaces.ts";
import type { Db } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { createUserStore } from "./users.ts";

/** More than are counted. */
const MANY = 10_500;
const ORDERS = ["id", "name", "path", "created_at", "updated_at", "last_activity_at"] as const;

let db: Db;
let ada: Viewer;
let few: StoredProjectFilter;

before(async () => {
  db = await openTestStore();
  const { userId } = await makeProjectOfAda(db);
  const user = await createUserStore(db).find(userId);
  assert(user);
  ada = eyesOf(user);
  // Many have the same times, of microseconds that no Date holds, and names in no order.
  await sql`insert into projects (namespace_id, name, path, visibility, created_at, updated_at, last_activity_at)
    select namespaces.id, 'n' || (i * 7919 % 100), 'p' || i, 'public',
      timestamptz '2026-01-01 00:00:00.000001Z' + (i % 50) * interval '3 microseconds', now(), now()
    from namespaces, generate_series(1, ${MANY}) as i`.execute(db);
  few = { visibleTo: ada, search: "p10" };
});
after(() => db.destroy());

async function listAll(filter: StoredProjectFilter, perPage: number): Promise<readonly number[]> {
  const ids: number[] = [];
  let cursor: string | null = null;
  do {
    const part: Part<Project> = await createProjectStore(db).list(filter, { cursor, perPage });
    assert.equal(part.total, null);
    ids.push(...part.items.map(({ id }) => id));
    cursor = part.next;
  } while (cursor !== null);
  return ids;
}

for (const by of ORDERS) {
  test(`behind its cursors a list sorted by ${by} comes whole, each row once, as by pages`, async () => {
    const projects = createProjectStore(db);
    for (const descending of [false, true]) {
      const filter = { ...few, order: { by, descending } };
      const whole = await projects.list(filter, { page: 1, perPage: 1000 });
      assert.equal(whole.total, whole.items.length);
      assert(whole.items.length > 100, String(whole.items.length));
      assert.deepEqual(
        await listAll(filter, 90),
        whole.items.map(({ id }) => id),
      );
    }
  });
}

test("a list of more than ten thousand is not counted, and its last page is told all the same", async () => {
  const projects = createProjectStore(db);
  const filter = { visibleTo: ada };
  const first = await projects.list(filter, { page: 1, perPage: 100 });
  assert.deepEqual([first.items.length, first.total, first.next === null], [100, null, false]);
  const last = await projects.list(filter, { page: 106, perPage: 100 });
  assert.deepEqual([last.items.length, last.total, last.next], [1, null, null]);
  const beyond = await projects.list(filter, { page: 107, perPage: 100 });
  assert.deepEqual([beyond.items.length, beyond.total, beyond.next], [0, null, null]);
  const none = await projects.list({ visibleTo: ada, search: "nothing" }, { page: 1, perPage: 100 });
  assert.deepEqual([none.items.length, none.total, none.next], [0, 0, null]);
  const past = await projects.list(few, { page: 99, perPage: 100 });
  assert.deepEqual([past.items.length, past.total], [0, 612]);
});

test("a cursor that is none, or one of another order, is refused and never reaches the database", async () => {
  const projects = createProjectStore(db);
  const part = await projects.list(few, { cursor: null, perPage: 5 });
  assert(part.next);
  const forged = [
    "x",
    "",
    ...[["id", 1.5, null], ["id", -1, null], ["id", 2 ** 31, null], ["id", 1, "x"], ["id"], 7].map((value) =>
      Buffer.from(JSON.stringify(value)).toString("base64url"),
    ),
  ];
  for (const cursor of forged) await assert.rejects(projects.list(few, { cursor, perPage: 5 }), isRefused);
  const byTime = { ...few, order: { by: "created_at", descending: true } } as const;
  await assert.rejects(projects.list(byTime, { cursor: part.next, perPage: 5 }), isRefused);
  for (const value of ["99999999999999999", "1 or 1=1", "\0"]) {
    const cursor = Buffer.from(JSON.stringify(["created_at", 1, value])).toString("base64url");
    await assert.rejects(projects.list(byTime, { cursor, perPage: 5 }), isRefused);
  }
  const byName = { ...few, order: { by: "name", descending: true } } as const;
  const nul = Buffer.from(JSON.stringify(["name", 1, "\0"])).toString("base64url");
  await assert.rejects(projects.list(byName, { cursor: nul, perPage: 5 }), isRefused);
});

function isRefused(error: unknown): boolean {
  return error instanceof HeliostatError && error.code === "parameter-invalid";
}

test("groups and users are listed behind cursors too", async () => {
  const namespaces = createNamespaceStore(db);
  for (let index = 0; index < 7; index += 1) {
    await namespaces.createGroup({
      name: `same ${index % 2}`,
      path: `g${index}`,
      parentId: null,
      visibility: "public",
      description: null,
    });
  }
  const filter = { visibleTo: null, order: { by: "name", descending: true } } as const;
  const whole = await namespaces.list(filter, { page: 1, perPage: 20 });
  assert.equal(whole.total, 7);
  const first = await namespaces.list(filter, { cursor: null, perPage: 4 });
  const second = await namespaces.list(filter, { cursor: first.next, perPage: 4 });
  assert.equal(second.next, null);
  assert.deepEqual([...first.items, ...second.items], whole.items);

  const users = createUserStore(db);
  for (const username of ["bob", "cy"]) {
    const email = `${username}@example.com`;
    await users.create({ username, name: username, email, isAdmin: false, passwordHash: null });
  }
  const one = await users.list({ withBots: false }, { cursor: null, perPage: 2 });
  const rest = await users.list({ withBots: false }, { cursor: one.next, perPage: 2 });
  assert.deepEqual(
    [...one.items, ...rest.items].map(({ username }) => username),
    ["ada", "bob", "cy"],
  );
});
