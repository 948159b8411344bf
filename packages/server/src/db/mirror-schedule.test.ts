import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FinishedUpdate } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror } from "../domain/mirror.ts";
import { openMirrorStore, ROOM, seconds, success, T0 } from "./mirror-store.test-support.ts";
import { createProjectStore } from "./projects.ts";

const { db, mirrors, userId, projectId, createMirror } = await openMirrorStore();

/** Nothing would ever come back to them: on, not paused, and without a wish, a run and a time to be looked at. */
async function listStuck(): Promise<readonly number[]> {
  const rows = await db
    .selectFrom("mirrors")
    .select("id")
    .where("enabled", "=", true)
    .where((where) => where.or([where("direction", "=", "push"), where("retry_count", "<=", 14)]))
    .where("requested_at", "is", null)
    .where("lease_token", "is", null)
    .where("next_check_at", "is", null)
    .execute();
  return rows.map(({ id }) => id);
}

describe("due mirrors", () => {
  async function createDue(at: Date): Promise<number> {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    const lease = await mirrors.startUpdate(id, T0, seconds(30));
    assert.ok(lease);
    await mirrors.finishUpdate(lease, success(seconds(1), { nextCheckAt: at }));
    return id;
  }

  it("are claimed by one of many who ask at the same time", async () => {
    const ids = [await createDue(seconds(10)), await createDue(seconds(20)), await createDue(seconds(99))];
    const claims = await Promise.all(
      Array.from({ length: 6 }, () => mirrors.claimDue(seconds(50), seconds(200), ROOM)),
    );
    const claimed = claims.flat().map((mirror) => mirror.id);
    assert.deepEqual(claimed.sort(), ids.slice(0, 2).sort());
    assert.deepEqual(await mirrors.nextDueAfter(seconds(50)), seconds(99));
    await mirrors.requestUpdate(ids[0] ?? 0, "retry", seconds(60));
    assert.deepEqual(await mirrors.nextDueAfter(seconds(50)), seconds(60));
    assert.equal(await mirrors.nextDueAfter(seconds(200)), null);
  });

  it("that are unchanged get their next time and read finished", async () => {
    const id = await createDue(seconds(10));
    await mirrors.claimDue(seconds(10), seconds(130), ROOM);
    await mirrors.recordUnchanged(
      [{ id, claimedUntil: seconds(130), nextCheckAt: seconds(500) }],
      seconds(11),
    );
    const mirror = await mirrors.find(id);
    assert.deepEqual(mirror?.nextCheckAt, seconds(500));
    assert.deepEqual(mirror?.lastSuccessfulUpdateAt, seconds(11));
  });

  it("are not recorded as unchanged once there is a wish, or a run that began or even failed meanwhile", async () => {
    const id = await createDue(seconds(10));
    await mirrors.claimDue(seconds(10), seconds(130), ROOM);
    const record = async (): Promise<Mirror | null> => {
      await mirrors.recordUnchanged(
        [{ id, claimedUntil: seconds(130), nextCheckAt: seconds(500) }],
        seconds(12),
      );
      return await mirrors.find(id);
    };
    await mirrors.requestUpdate(id, "manual", seconds(11));
    assert.equal((await record())?.lastUpdateAt?.getTime(), seconds(1).getTime(), "a wish waits");
    const lease = await mirrors.startUpdate(id, seconds(11), seconds(41));
    assert.equal((await record())?.updateStatus, "started");
    assert.ok(lease);
    const failure = { status: "failed", error: "no", retryCount: 1, nextCheckAt: seconds(60) } as const;
    await mirrors.finishUpdate(lease, success(seconds(12), failure));
    const mirror = await record();
    assert.deepEqual([mirror?.lastError, mirror?.retryCount, mirror?.nextCheckAt], ["no", 1, seconds(60)]);
  });
});

describe("a mirror that failed only for refs that a person must decide about", () => {
  const HELD = { status: "failed", error: "Some refs have diverged", nextCheckAt: seconds(10) } as const;

  async function runAndCheck(...outcomes: readonly FinishedUpdate[]): Promise<Mirror | null> {
    const { id } = await createMirror({ direction: "pull" });
    for (const outcome of outcomes) {
      await mirrors.requestUpdate(id, "push", T0);
      const lease = await mirrors.startUpdate(id, T0, seconds(30));
      assert.ok(lease);
      await mirrors.finishUpdate(lease, outcome);
    }
    await mirrors.claimDue(seconds(10), seconds(130), ROOM);
    const check = { id, claimedUntil: seconds(130), nextCheckAt: seconds(500) };
    await mirrors.recordUnchanged([check], seconds(11));
    return await mirrors.find(id);
  }

  it("stays failed, with its error, while nothing changes", async () => {
    const mirror = await runAndCheck(success(seconds(1), HELD));
    assert.deepEqual(
      [mirror?.updateStatus, mirror?.lastError, mirror?.lastSuccessfulUpdateAt],
      ["failed", HELD.error, null],
    );
    assert.deepEqual([mirror?.lastUpdateAt, mirror?.nextCheckAt], [seconds(11), seconds(500)]);
  });

  it("is planned anew after an error of another kind, which took the place of its own", async () => {
    const other = { ...HELD, error: "unreachable", appliedDigest: null } as const;
    const mirror = await runAndCheck(success(seconds(1), HELD), success(seconds(2), other));
    assert.deepEqual([mirror?.appliedDigest, mirror?.lastError], [null, "unreachable"]);
  });

  it("finishes like any other once that is decided", async () => {
    const good = success(seconds(2), { nextCheckAt: seconds(10) });
    const mirror = await runAndCheck(success(seconds(1), HELD), good);
    assert.deepEqual([mirror?.updateStatus, mirror?.lastError], ["finished", null]);
  });
});

describe("a mirror that is on and not paused always has a next step", () => {
  async function createHardFailed(): Promise<Mirror> {
    const mirror = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(mirror.id, "schedule", T0);
    const lease = (await mirrors.startUpdate(mirror.id, T0, seconds(30))) ?? assert.fail();
    const failed = { status: "failed", error: "no", retryCount: 15, nextCheckAt: null } as const;
    await mirrors.finishUpdate(lease, success(seconds(1), failed));
    return mirror;
  }

  it("when its node dies before its first update was asked for", async () => {
    await createMirror();
    await createMirror({ direction: "pull", enabled: false });
    await db.updateTable("mirrors").set({ enabled: true }).execute();
    assert.deepEqual(await listStuck(), []);
  });

  it("when its first update is cancelled while it waits, and not at once again", async () => {
    const options = { ...DEFAULT_MIRROR_OPTIONS, intervalSeconds: 600 };
    const { id } = await createMirror({ direction: "pull", options });
    await db.updateTable("mirrors").set({ next_check_at: null }).execute();
    await mirrors.requestUpdate(id, "configured", T0);
    await mirrors.requestCancel(id, seconds(1), userId);
    assert.deepEqual([await listStuck(), (await mirrors.find(id))?.nextCheckAt], [[], seconds(601)]);
  });

  it("when its first run is cancelled and the node of that dies", async () => {
    const options = { ...DEFAULT_MIRROR_OPTIONS, intervalSeconds: 600 };
    const { id } = await createMirror({ direction: "pull", options });
    await mirrors.requestUpdate(id, "configured", T0);
    assert.ok(await mirrors.startUpdate(id, T0, seconds(30)));
    await db.updateTable("mirrors").set({ next_check_at: null }).execute();
    await mirrors.requestCancel(id, seconds(1), userId);
    await mirrors.endLapsedRuns(seconds(31));
    assert.deepEqual([await listStuck(), (await mirrors.find(id))?.nextCheckAt], [[], seconds(631)]);
  });

  it("when it was paused for its failures, is resumed, and that is cancelled while it waits", async () => {
    const { id } = await createHardFailed();
    await mirrors.resume([id], { trigger: "manual", at: seconds(60), userId });
    assert.deepEqual(await mirrors.listWaiting(seconds(60)), [id]);
    await mirrors.requestCancel(id, seconds(61), userId);
    assert.deepEqual(await listStuck(), []);
    assert.equal((await mirrors.find(id))?.retryCount, 0);
  });

  it("when it was paused for its failures, and its node dies after somebody mended it", async () => {
    for (const changes of [{ clearsError: true }, { clearsError: true, resetState: true }]) {
      const { id } = await createHardFailed();
      await mirrors.update(id, changes);
      assert.deepEqual(await listStuck(), []);
      await mirrors.remove(id);
    }
  });

  it("but stays paused for its failures when somebody cancels what it waits for", async () => {
    const { id } = await createHardFailed();
    await mirrors.requestUpdate(id, "recovery", seconds(2));
    await mirrors.requestCancel(id, seconds(3), userId);
    assert.equal((await mirrors.find(id))?.nextCheckAt, null);
  });
});

describe("the generation of a project's refs", () => {
  it("is unknown while somebody writes, and one higher for each write that ended", async () => {
    const projects = createProjectStore(db);
    const before = (await projects.find(projectId))?.refsGeneration ?? 0;
    await projects.beginRefsWrite(projectId);
    await projects.beginRefsWrite(projectId);
    assert.equal((await projects.find(projectId))?.refsGeneration, null);
    assert.equal(await projects.endRefsWrite(projectId), null);
    assert.equal(await projects.endRefsWrite(projectId), before + 2);
    await projects.beginRefsWrite(projectId);
    await projects.endLostRefsWrites();
    assert.equal((await projects.find(projectId))?.refsGeneration, before + 3);
  });

  it("that a killed server was writing makes the project's mirrors due at once, and no other's", async () => {
    const projects = createProjectStore(db);
    const { id } = await createMirror();
    const later = new Date(Date.now() + 3_600_000);
    await db.updateTable("mirrors").set({ next_check_at: later }).execute();
    await projects.endLostRefsWrites();
    assert.deepEqual((await mirrors.find(id))?.nextCheckAt, later);
    await projects.beginRefsWrite(projectId);
    await projects.endLostRefsWrites();
    // The database counts microseconds, we do not: this very millisecond may be over for us and not for it.
    const due = await mirrors.claimDue(new Date(Date.now() + 1), later, ROOM);
    assert.deepEqual(
      due.map((mirror) => mirror.id),
      [id],
    );
  });
});
