import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { openTestStore } from "../../../../test/support/store.ts";
import type { EventFilter, EventStore } from "../app/ports.ts";
import { parseOid } from "../domain/oid.ts";
import type { NewProjectEvent } from "../domain/project-event.ts";
import { createEventStore } from "./events.ts";
import type { Db } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { createUserStore } from "./users.ts";

describe("the event store", () => {
  let db: Db;
  let events: EventStore;
  let projectId = 0;
  let userId = 0;

  before(async () => {
    db = await openTestStore();
    events = createEventStore(db);
    const user = { username: "ada", name: "Ada", email: "a@example.com", isAdmin: false, passwordHash: null };
    userId = (await createUserStore(db).create(user)).id;
    const { id: namespaceId } = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
    const names = { name: "p", path: "p", description: null, visibility: "private" } as const;
    projectId = (await createProjectStore(db).create({ ...names, namespaceId, creatorId: userId })).id;
  });
  after(async () => {
    await db.destroy();
  });
  beforeEach(async () => {
    await db.deleteFrom("events").execute();
  });

  function event(
    ref: string | null,
    createdAt: string,
    changes: Partial<NewProjectEvent> = {},
  ): NewProjectEvent {
    return {
      projectId,
      authorId: userId,
      action: "pushed",
      refType: "branch",
      ref,
      refCount: ref === null ? 9 : null,
      commitFrom: parseOid("a".repeat(40)),
      commitTo: parseOid("b".repeat(40)),
      commitCount: 1,
      commitTitle: "title",
      createdAt: new Date(createdAt),
      ...changes,
    };
  }

  async function refs(filter: EventFilter, page = { page: 1, perPage: 20 }) {
    const { items, total } = await events.list(projectId, filter, page);
    return [total, items.map((item) => item.event.ref)];
  }

  it("gives back what was recorded, with its author", async () => {
    const bulk = event(null, "2026-01-02T00:00:00Z", { commitFrom: null, commitTo: null, commitTitle: null });
    await events.record([bulk]);
    const { items } = await events.list(projectId, { sort: "desc" }, { page: 1, perPage: 20 });
    const { id, ...rest } = items[0]?.event ?? assert.fail("no event");
    assert.deepEqual(rest, bulk);
    assert.equal(id > 0, true);
    assert.equal(items[0]?.author?.username, "ada");
    await events.record([]);
    assert.deepEqual(await refs({ sort: "desc" }), [1, [null]]);
  });

  it("lists by time, whatever was written first, and one push in its order", async () => {
    await events.record([event("later", "2026-01-03T00:00:00Z")]);
    await events.record([event("a", "2026-01-02T00:00:00Z"), event("b", "2026-01-02T00:00:00Z")]);
    assert.deepEqual(await refs({ sort: "desc" }), [3, ["later", "b", "a"]]);
    assert.deepEqual(await refs({ sort: "asc" }), [3, ["a", "b", "later"]]);
    assert.deepEqual(await refs({ sort: "asc" }, { page: 2, perPage: 2 }), [3, ["later"]]);
  });

  it("counts whole days: before a day, after a day", async () => {
    await events.record([
      event("eve", "2026-01-01T23:59:59.999Z"),
      event("dawn", "2026-01-02T00:00:00Z"),
      event("dusk", "2026-01-02T23:59:59.999Z"),
      event("morrow", "2026-01-03T00:00:00Z"),
    ]);
    const day = new Date("2026-01-02T00:00:00Z");
    assert.deepEqual(await refs({ sort: "asc", before: day }), [1, ["eve"]]);
    assert.deepEqual(await refs({ sort: "asc", after: day }), [1, ["morrow"]]);
    const between = { after: new Date("2026-01-01T00:00:00Z"), before: new Date("2026-01-03T00:00:00Z") };
    assert.deepEqual(await refs({ sort: "asc", ...between }), [2, ["dawn", "dusk"]]);
  });

  it("keeps the events of an author who is removed", async () => {
    const user = { username: "gone", name: "G", email: "g@example.com", isAdmin: false, passwordHash: null };
    const { id } = await createUserStore(db).create(user);
    await events.record([event("main", "2026-01-02T00:00:00Z", { authorId: id })]);
    await db.deleteFrom("users").where("id", "=", id).execute();
    const { items } = await events.list(projectId, { sort: "desc" }, { page: 1, perPage: 20 });
    assert.deepEqual([items[0]?.author, items[0]?.event.authorId], [null, null]);
  });

  it("says nothing of other projects", async () => {
    await events.record([event("main", "2026-01-02T00:00:00Z")]);
    const { total } = await events.list(projectId + 1, { sort: "desc" }, { page: 1, perPage: 20 });
    assert.equal(total, 0);
  });
});
