import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { createTestDatabase } from "../../../../test/support/postgres.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import { initInstanceSettings } from "../db/instance-settings.ts";
import { migrate } from "../db/migrate.ts";
import { type Db, openDatabase } from "../db/pool.ts";
import { createProjectStore } from "../db/projects.ts";
import { createUserStore } from "../db/users.ts";
import { createHousekeeper, type HousekeeperPorts } from "./housekeeper.ts";

describe("the housekeeper", { timeout: 30_000 }, () => {
  let db: Db;
  let ids: readonly number[];

  before(async () => {
    const { connection } = await createTestDatabase();
    db = openDatabase(connection, { onIdleError: assert.ifError });
    await migrate(db);
    await initInstanceSettings(db, { allowLocalRequests: false });
    const user = { username: "ada", name: "Ada", email: "a@example.com", isAdmin: false, passwordHash: null };
    const { id: creatorId } = await createUserStore(db).create(user);
    const { id: namespaceId } = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
    const projects = createProjectStore(db);
    const made: number[] = [];
    for (const path of ["a", "b", "c"]) {
      const names = { name: path, path, description: null, visibility: "private" } as const;
      made.push((await projects.create({ ...names, namespaceId, creatorId })).id);
    }
    ids = made;
  });
  after(() => db.destroy());

  /** A node with a clock that does not wait, and work that takes until it is released or aborted. */
  function makeNode(hold: Promise<void> = Promise.resolve()) {
    const worked: string[] = [];
    const looked: string[] = [];
    let fails = false;
    const ports: HousekeeperPorts = {
      clock: {
        now: () => new Date(),
        after: (_ms, work) => {
          setImmediate(work);
          return { cancel: () => undefined };
        },
      },
      log: makeMemoryLog(),
      projects: createProjectStore(db),
      repositories: {
        pathOf: String,
        async keepHouse(path, signal, alone) {
          looked.push(path);
          if (fails) throw new Error("the repository is broken");
          return await alone(async () => {
            worked.push(path);
            const aborted = Promise.withResolvers<never>();
            signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
            await Promise.race([hold, aborted.promise]);
          });
        },
      },
    };
    const housekeeper = createHousekeeper(ports);
    return { housekeeper, worked, looked, fail: () => (fails = true) };
  }

  it("looks once for a burst of writes, and again for the next", async () => {
    const { housekeeper, looked } = makeNode();
    const [id = 0] = ids;
    for (let i = 0; i < 5; i += 1) housekeeper.noteWrite(id);
    await waitFor(() => looked.length > 0, { message: "a look" });
    await housekeeper.stop();
    assert.deepEqual(looked, [String(id)]);
  });

  it("is at a repository on one node only, and at two repositories of a node at most", async () => {
    const hold = Promise.withResolvers<void>();
    const one = makeNode(hold.promise);
    const other = makeNode();
    for (const id of ids) one.housekeeper.noteWrite(id);
    await waitFor(() => one.worked.length === 2, { message: "two at work" });
    const [first = 0] = ids;
    other.housekeeper.noteWrite(first);
    await waitFor(() => other.looked.length === 1, { message: "the other looked" });
    await other.housekeeper.stop();
    assert.deepEqual(other.worked, []);
    assert.equal(one.worked.length, 2);

    hold.resolve();
    await waitFor(() => one.worked.length === 3, { message: "the third" });
    await one.housekeeper.stop();
    const again = makeNode();
    again.housekeeper.noteWrite(first);
    await waitFor(() => again.worked.length === 1, { message: "the first is free again" });
    await again.housekeeper.stop();
  });

  it("ends what is under way when it stops, and gives the repository free", async () => {
    const never = makeNode(new Promise<void>(() => {}));
    const [id = 0] = ids;
    never.housekeeper.noteWrite(id);
    await waitFor(() => never.worked.length === 1, { message: "at work" });
    await never.housekeeper.stop();
    never.housekeeper.noteWrite(id);
    const rows = await db.selectFrom("projects").select("housekeeping_until").execute();
    assert.deepEqual(
      rows.map((row) => row.housekeeping_until),
      [null, null, null],
    );
    assert.equal(never.worked.length, 1);
  });

  it("leaves a repository alone for a while after a failure", async () => {
    const broken = makeNode();
    broken.fail();
    const [id = 0, next = 0] = ids;
    broken.housekeeper.noteWrite(id);
    await waitFor(() => broken.looked.length === 1, { message: "a look" });
    broken.housekeeper.noteWrite(id);
    broken.housekeeper.noteWrite(next);
    await waitFor(() => broken.looked.length === 2, { message: "the next" });
    await broken.housekeeper.stop();
    assert.deepEqual(broken.looked, [String(id), String(next)]);
  });
});
