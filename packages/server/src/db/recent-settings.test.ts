import assert from "node:assert/strict";
import { after, before, beforeEach, it } from "node:test";
import { FakeClock } from "../../../../test/support/fake-clock.ts";
import { openTestStore } from "../../../../test/support/store.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "./instance-settings.ts";
import type { Db } from "./pool.ts";
import { createRecentSettings } from "./recent-settings.ts";

let db: Db;
before(async () => {
  db = await openTestStore();
  await initInstanceSettings(db, { allowLocalRequests: false });
});
after(() => db.destroy());
beforeEach(() => createInstanceSettingsStore(db).write({ mirrorMaxDelay: 300 }));

it("what is written here counts at once, what another node writes within a second", async () => {
  const clock = new FakeClock(new Date(0));
  const [here, elsewhere] = [createInstanceSettingsStore(db), createInstanceSettingsStore(db)].map((store) =>
    createRecentSettings(store, clock),
  );
  assert(here && elsewhere);
  const delays = async () =>
    (await Promise.all([here.read(), elsewhere.read()])).map(({ mirrorMaxDelay }) => mirrorMaxDelay);
  assert.deepEqual(await delays(), [300, 300]);
  const reading = here.read();
  await here.write({ mirrorMaxDelay: 60 });
  await reading;
  assert.deepEqual(await delays(), [60, 300]);
  await clock.advance(1_001);
  assert.deepEqual(await delays(), [60, 60]);
});

it("a reading that failed is not kept", async () => {
  const store = createInstanceSettingsStore(db);
  let fails = true;
  const failing = { ...store, read: async () => (fails ? Promise.reject(new Error("gone")) : store.read()) };
  const settings = createRecentSettings(failing, new FakeClock(new Date(0)));
  await assert.rejects(settings.read(), /gone/);
  fails = false;
  assert.equal((await settings.read()).mirrorMaxDelay, 300);
});

it("settings are read by plans that outlive what a newer version adds", async () => {
  const store = createInstanceSettingsStore(db);
  for (let times = 0; times < 3; times += 1) await store.read();
  await db.schema.alterTable("instance_settings").addColumn("added_later", "text").execute();
  for (let times = 0; times < 20; times += 1) assert.equal((await store.read()).mirrorMaxDelay, 300);
});
