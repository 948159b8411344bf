import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createTestDatabase } from "../../../../test/support/postgres.ts";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { isMirroringAvailable } from "../domain/mirroring-switches.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "./instance-settings.ts";
import { migrate } from "./migrate.ts";
import { createMirrorStore } from "./mirrors.ts";
import { type Db, openDatabase } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { hindrance, isRunnable } from "./runnable-mirrors.ts";
import { createUserStore } from "./users.ts";

let db: Db;
let projectId = 0;
let userId = 0;

before(async () => {
  const database = await createTestDatabase();
  db = openDatabase(database.connection, { onIdleError: assert.ifError });
  await migrate(db);
  await initInstanceSettings(db, { allowLocalRequests: false });
  const user = { username: "ada", name: "Ada", email: "a@example.com", isAdmin: false, passwordHash: null };
  userId = (await createUserStore(db).create(user)).id;
  const { id: namespaceId } = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
  const draft = {
    namespaceId,
    name: "p",
    path: "p",
    description: null,
    visibility: "private",
    creatorId: userId,
  } as const;
  projectId = (await createProjectStore(db).create(draft)).id;
});
after(() => db.destroy());

test("SQL and domain agree on every position of every switch", async () => {
  const mirrors = createMirrorStore(db, createTestSealer());
  const projects = createProjectStore(db);
  const settings = createInstanceSettingsStore(db);
  for (const direction of ["pull", "push"] as const) {
    await mirrors.create({
      projectId,
      direction,
      enabled: true,
      url: parseRemoteUrl("https://example.com/a.git").url,
      urlHadUserinfo: false,
      authMethod: "password",
      credential: {},
      options: DEFAULT_MIRROR_OPTIONS,
      userId,
    });
  }
  const both = [true, false];
  const overrides = [true, false, null];
  let runnable = 0;
  for (const mirrorAvailable of both) {
    for (const silentModeEnabled of both) {
      const switches = await settings.write({ mirrorAvailable, silentModeEnabled });
      for (const archived of both) {
        for (const pullMirrorAvailable of overrides) {
          for (const pushMirrorsAvailable of overrides) {
            const changes = { archived, pullMirrorAvailable, pushMirrorsAvailable };
            const project = await projects.update(projectId, changes);
            const rows = await db
              .selectFrom("mirrors")
              .select(["direction", isRunnable().as("is_runnable"), hindrance().as("hindered_by")])
              .execute();
            for (const row of rows) {
              const expected =
                !silentModeEnabled && !archived && isMirroringAvailable(row.direction, project, switches);
              assert.equal(row.is_runnable, expected, JSON.stringify({ ...row, ...changes, ...switches }));
              const reason = archived ? "archived" : silentModeEnabled ? "silent-mode" : "unavailable";
              assert.equal(row.hindered_by, expected ? null : reason);
              if (expected) runnable += 1;
            }
          }
        }
      }
    }
  }
  // 9 overrides × 2 mirrors while it is available, and a third of them while it is not.
  assert.equal(runnable, 18 + 6);
  await db.updateTable("mirrors").set({ enabled: false }).execute();
  const on = await db.selectFrom("mirrors").select("id").where(isRunnable).execute();
  assert.deepEqual(on, []);
  const off = await db.selectFrom("mirrors").select(hindrance().as("by")).execute();
  assert.deepEqual(off, [{ by: "disabled" }, { by: "disabled" }]);
});
