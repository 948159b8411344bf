import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { finishedUpdate } from "../../../../test/support/finished-update.ts";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { FinishedUpdate, MirrorStore } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS, MAX_LISTED_RESULTS, MAX_NAMED_UNTOUCHED } from "../domain/mirror.ts";
import { MAX_NAMED_RESULTS } from "../domain/named-results.ts";
import { branchRef } from "../domain/ref-name.ts";
import type { RefResult } from "../domain/refs.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createMirrorStore } from "./mirrors.ts";
import type { Db } from "./pool.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const days = (count: number) => new Date(T0.getTime() + count * 24 * 3600_000);

let db: Db;
let mirrors: MirrorStore;
let projectId = 0;
let userId = 0;

before(async () => {
  db = await openTestStore();
  const noSecrets = () => assert.fail("no secret is kept here");
  mirrors = createMirrorStore(db, { seal: noSecrets, open: noSecrets });
  ({ userId, projectId } = await makeProjectOfAda(db));
});

after(() => db.destroy());

beforeEach(async () => {
  await db.deleteFrom("mirrors").execute();
});

async function createMirror(): Promise<number> {
  const mirror = await mirrors.create({
    projectId,
    direction: "push",
    enabled: true,
    url: parseRemoteUrl("https://example.com/a.git").url,
    urlHadUserinfo: false,
    authMethod: "password",
    credential: {},
    options: DEFAULT_MIRROR_OPTIONS,
    userId,
  });
  return mirror.id;
}

/** Starts an update that somebody asked for; answers its lease. */
async function start(mirrorId: number, at: Date) {
  await mirrors.requestUpdate(mirrorId, "manual", at, userId);
  const lease = await mirrors.startUpdate(mirrorId, at, new Date(at.getTime() + 30_000));
  assert.ok(lease);
  return lease;
}

async function runOnce(mirrorId: number, at: Date, changes: Partial<FinishedUpdate> = {}): Promise<number> {
  const lease = await start(mirrorId, at);
  await mirrors.finishUpdate(lease, finishedUpdate(at, changes));
  return lease.updateId;
}

describe("an update's record", () => {
  it("that the database refuses is written without its texts: the update has ended all the same", async () => {
    for (const bad of [{ error: "no\0" }, { notes: ["no\0"] }, { log: [{ at: "now", text: "\ud83d" }] }]) {
      const mirrorId = await createMirror();
      const changes = { status: "failed", error: "why", appliedDigest: null, retryCount: 3, ...bad } as const;
      const id = await runOnce(mirrorId, T0, changes);
      const update = await mirrors.findUpdate(mirrorId, id);
      assert.equal(update?.status, "failed");
      assert.match(update?.notes[0] ?? "", /could not be stored whole: .*(UTF8|json|Unicode)/i);
      const mirror = await mirrors.find(mirrorId);
      assert.deepEqual([mirror?.retryCount, mirror?.updateStatus], [3, "failed"]);
    }
  });

  it("is kept whole: who asked, counts of all refs, names of some, bytes, log", async () => {
    const mirrorId = await createMirror();
    const results: RefResult[] = Array.from({ length: MAX_LISTED_RESULTS + 5 }, (_, index) => ({
      ref: branchRef(`r${index}`),
      outcome: "rejected",
      old: null,
      new: null,
      message: "why",
      reason: "hook-declined",
      fix: "how",
    }));
    const upToDate = Array.from({ length: MAX_NAMED_UNTOUCHED + 1 }, (_, index) => branchRef(`u${index}`));
    const log = [{ at: T0.toISOString(), text: "Started" }];
    const id = await runOnce(mirrorId, T0, {
      results,
      upToDate,
      skipped: [branchRef("s")],
      bytesReceived: 2 ** 40,
      bytesSent: 7,
      log,
    });

    const update = await mirrors.findUpdate(mirrorId, id);
    assert.ok(update);
    assert.equal(update.userId, userId);
    assert.deepEqual(update.counts, {
      rejected: MAX_LISTED_RESULTS + 5,
      "up-to-date": MAX_NAMED_UNTOUCHED + 1,
      skipped: 1,
    });
    assert.deepEqual(update.results, results);
    assert.deepEqual(update.upToDate, upToDate.slice(0, MAX_NAMED_UNTOUCHED));
    assert.deepEqual(update.skipped, [branchRef("s")]);
    assert.deepEqual([update.bytesReceived, update.bytesSent, update.log], [2 ** 40, 7, log]);

    const { items } = await mirrors.listUpdates(mirrorId, { page: 1, perPage: 10 });
    assert.deepEqual(items[0]?.results, results.slice(0, MAX_LISTED_RESULTS), "a list names some refs only");
    assert.deepEqual(items[0]?.counts, update.counts);
    assert.equal(await mirrors.findUpdate(await createMirror(), id), null, "it is another mirror's");
  });

  it("names no more refs than the history is to hold, counts them all and says so", async () => {
    const mirrorId = await createMirror();
    const results: RefResult[] = Array.from({ length: MAX_NAMED_RESULTS + 2 }, (_, index) => ({
      ref: branchRef(`r${index}`),
      outcome: index > MAX_NAMED_RESULTS ? "rejected" : "created",
      old: null,
      new: null,
    }));
    const id = await runOnce(mirrorId, T0, { results, notes: ["first"] });
    const update = await mirrors.findUpdate(mirrorId, id);
    assert.equal(update?.results.length, MAX_NAMED_RESULTS);
    assert.deepEqual(update?.results[0], results.at(-1), "what was left behind is named before what arrived");
    assert.deepEqual(update?.counts, { created: MAX_NAMED_RESULTS + 1, rejected: 1 });
    assert.equal(update?.notes[0], "first");
    assert.match(update?.notes[1] ?? "", /^2 more refs/);
  });

  it("is found by pages, the newest first", async () => {
    const mirrorId = await createMirror();
    const ids: number[] = [];
    for (let day = 0; day < 5; day += 1) ids.unshift(await runOnce(mirrorId, days(day)));
    const page = await mirrors.listUpdates(mirrorId, { page: 2, perPage: 2 });
    assert.equal(page.total, 5);
    assert.deepEqual(
      page.items.map(({ id }) => id),
      ids.slice(2, 4),
    );
  });

  it("holds how far the update is until it ends", async () => {
    const mirrorId = await createMirror();
    const progress = { phase: "Receiving objects", done: 1, total: 2, bytes: 3, bytesPerSecond: 4 };
    const lease = await start(mirrorId, T0);
    assert.equal((await mirrors.findNewestUpdate(mirrorId))?.progress, null);
    await mirrors.recordProgress(lease.updateId, progress);
    assert.deepEqual((await mirrors.findNewestUpdate(mirrorId))?.progress, progress);
    await db.updateTable("mirrors").set({ lease_token: null, lease_expires_at: null }).execute();
    await db.updateTable("mirror_updates").set({ status: "failed", progress: null }).execute();
    await mirrors.recordProgress(lease.updateId, progress);
    assert.equal((await mirrors.findNewestUpdate(mirrorId))?.progress, null, "a late word is too late");

    const second = await runOnce(mirrorId, days(1));
    assert.equal((await mirrors.findUpdateAfter(mirrorId, lease.updateId - 1))?.id, lease.updateId);
    assert.equal((await mirrors.findUpdateAfter(mirrorId, lease.updateId))?.id, second);
    assert.equal(await mirrors.findUpdateAfter(mirrorId, second), null);
  });
});

describe("old updates", () => {
  it("go in batches, but never a mirror's newest, nor one that runs", async () => {
    const [busy, idle, running] = [await createMirror(), await createMirror(), await createMirror()];
    for (let day = 0; day < 5; day += 1) await runOnce(busy, days(day));
    const fresh = await runOnce(busy, days(40));
    const onlyOne = await runOnce(idle, days(0));
    const runs = await start(running, days(0));

    assert.equal(await mirrors.removeOldUpdates(days(4), 3), 3);
    assert.equal(await mirrors.removeOldUpdates(days(4), 3), 1);
    assert.equal(await mirrors.removeOldUpdates(days(4), 3), 0);
    const left = await db.selectFrom("mirror_updates").select(["id", "started_at"]).orderBy("id").execute();
    assert.deepEqual(
      left.map(({ id }) => id),
      [fresh - 1, fresh, onlyOne, runs.updateId],
      "the one that began on the day itself stays",
    );
  });
});
