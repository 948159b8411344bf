import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { CheckRoom, FinishedUpdate, MirrorStore, NewMirror } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type ListedUpdate, type Mirror } from "../domain/mirror.ts";
import { parseRefName } from "../domain/ref-name.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createMirrorStore } from "./mirrors.ts";
import type { Db } from "./pool.ts";
import { createProjectStore } from "./projects.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const ROOM: CheckRoom = { total: 10, perHost: 10, busy: new Map() };
const seconds = (count: number) => new Date(T0.getTime() + count * 1000);

let db: Db;
let mirrors: MirrorStore;
let projectId = 0;
let userId = 0;

before(async () => {
  db = await openTestStore();
  const sealer = createTestSealer();
  mirrors = createMirrorStore(db, sealer);
  ({ userId, projectId } = await makeProjectOfAda(db));
});

after(async () => {
  await db.destroy();
});

beforeEach(async () => {
  await db.deleteFrom("mirrors").execute();
});

async function createMirror(changes: Partial<NewMirror> = {}): Promise<Mirror> {
  return await mirrors.create({
    projectId,
    direction: "push",
    enabled: true,
    url: parseRemoteUrl("https://example.com/a.git").url,
    urlHadUserinfo: false,
    authMethod: "password",
    credential: {},
    options: DEFAULT_MIRROR_OPTIONS,
    userId,
    ...changes,
  });
}

async function historyOf(mirrorId: number): Promise<readonly ListedUpdate[]> {
  return (await mirrors.listUpdates(mirrorId, { page: 1, perPage: 100 })).items;
}

function success(now: Date, changes: Partial<FinishedUpdate> = {}): FinishedUpdate {
  return {
    status: "finished",
    error: null,
    errorCode: null,
    results: [],
    upToDate: [],
    skipped: [],
    notes: [],
    bytesReceived: 0,
    bytesSent: 0,
    log: [],
    now,
    appliedDigest: "d1",
    appliedGeneration: 1,
    retryCount: 0,
    nextCheckAt: seconds(3600),
    willRetry: false,
    ...changes,
  };
}

describe("a wish for an update", () => {
  it("waits until its time has come", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "retry", seconds(60));
    assert.deepEqual(await mirrors.listWaiting(seconds(59)), []);
    assert.deepEqual(await mirrors.listWaiting(seconds(60)), [id]);
    assert.equal(await mirrors.startUpdate(id, seconds(59), seconds(89)), null);
  });

  it("that is earlier wins over one that is later, whichever came first", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "retry", seconds(60));
    await mirrors.requestUpdate(id, "push", seconds(5));
    await mirrors.requestUpdate(id, "retry", seconds(90));
    const lease = await mirrors.startUpdate(id, seconds(5), seconds(35));
    assert.equal(lease?.trigger, "push");
  });

  it("is gone once a run started, and another can be made while that runs", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    const lease = await mirrors.startUpdate(id, T0, seconds(30));
    assert.ok(lease);
    assert.deepEqual(await mirrors.listWaiting(seconds(1)), []);
    await mirrors.requestUpdate(id, "push", seconds(1));
    assert.deepEqual(await mirrors.listWaiting(seconds(1)), [], "the lease is held");
    await mirrors.finishUpdate(lease, success(seconds(2)));
    assert.deepEqual(await mirrors.listWaiting(seconds(2)), [id]);
  });

  it("of a disabled mirror starts nothing", async () => {
    const { id } = await createMirror({ enabled: false });
    await mirrors.requestUpdate(id, "push", T0);
    assert.deepEqual(await mirrors.listWaiting(seconds(1)), []);
    assert.equal(await mirrors.startUpdate(id, seconds(1), seconds(31)), null);
  });

  it("makes a pull mirror read scheduled, but never a push mirror", async () => {
    const push = await createMirror();
    const pull = await createMirror({ direction: "pull" });
    for (const { id } of [push, pull]) await mirrors.requestUpdate(id, "manual", T0);
    assert.equal((await mirrors.find(push.id))?.updateStatus, "none");
    assert.equal((await mirrors.find(pull.id))?.updateStatus, "scheduled");
  });
});

describe("the lease of a run", () => {
  it("is given to one of many who ask at the same time", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    const leases = await Promise.all(
      Array.from({ length: 12 }, () => mirrors.startUpdate(id, T0, seconds(30))),
    );
    assert.equal(leases.filter((lease) => lease !== null).length, 1);
    assert.equal((await historyOf(id)).length, 1);
  });

  it("that lapsed is taken over: the dead run is recorded as failed, the new one as recovery", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    const dead = await mirrors.startUpdate(id, T0, seconds(30));
    assert.ok(dead);
    await mirrors.endLapsedRuns(seconds(29));
    assert.deepEqual(await mirrors.listWaiting(seconds(29)), []);
    assert.deepEqual(await mirrors.nextDueAfter(seconds(29)), seconds(30));
    await mirrors.requestUpdate(id, "push", seconds(29));
    await mirrors.endLapsedRuns(seconds(30));
    assert.deepEqual(await mirrors.listWaiting(seconds(30)), [id]);
    const taker = await mirrors.startUpdate(id, seconds(31), seconds(61));
    assert.equal(taker?.trigger, "recovery");
    assert.equal((await mirrors.renewLease(dead, seconds(90))).kind, "lost");
    assert.equal(await mirrors.finishUpdate(dead, success(seconds(40))), false);
    const history = await historyOf(id);
    assert.deepEqual(
      history.map(({ status, trigger }) => ({ status, trigger })),
      [
        { status: "started", trigger: "recovery" },
        { status: "failed", trigger: "push" },
      ],
    );
  });

  it("renewed in time is not taken over", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    const lease = await mirrors.startUpdate(id, T0, seconds(30));
    assert.ok(lease);
    assert.equal((await mirrors.renewLease(lease, seconds(60))).kind, "held");
    await mirrors.endLapsedRuns(seconds(45));
    assert.deepEqual(await mirrors.listWaiting(seconds(45)), []);
    assert.equal((await mirrors.readLease(lease)).kind, "held");
  });

  it("cannot be renewed once the mirror was disabled or removed: the run must stop", async () => {
    for (const [expected, stop] of [
      [{ kind: "hindered", by: "disabled" }, (id: number) => mirrors.update(id, { enabled: false })],
      [{ kind: "lost" }, (id: number) => mirrors.remove(id)],
    ] as const) {
      const { id } = await createMirror();
      await mirrors.requestUpdate(id, "push", T0);
      const lease = await mirrors.startUpdate(id, T0, seconds(30));
      assert.ok(lease);
      await stop(id);
      assert.deepEqual(await mirrors.renewLease(lease, seconds(60)), expected);
    }
  });

  it("of a mirror that is off ends when it lapses: nothing reads started for ever", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "manual", T0);
    assert(await mirrors.startUpdate(id, T0, seconds(30)));
    await mirrors.update(id, { enabled: false });
    await mirrors.endLapsedRuns(seconds(30));
    assert.equal((await mirrors.find(id))?.updateStatus, "failed");
    const rows = await db.selectFrom("mirror_updates").select("status").where("mirror_id", "=", id).execute();
    assert.deepEqual(rows, [{ status: "failed" }]);
    await mirrors.update(id, { enabled: true });
    assert.deepEqual(await mirrors.listWaiting(seconds(31)), []);
  });

  it("of a killed server lapses at the next start, and a disabled mirror's run is over", async () => {
    const one = await createMirror();
    const two = await createMirror({ url: parseRemoteUrl("https://example.com/b.git").url });
    for (const { id } of [one, two]) {
      await mirrors.requestUpdate(id, "manual", T0);
      assert(await mirrors.startUpdate(id, T0, seconds(30)));
    }
    await mirrors.update(two.id, { enabled: false });
    await mirrors.endLostLeases(seconds(1));
    assert.deepEqual(await mirrors.listWaiting(seconds(1)), [one.id]);
    assert.equal((await mirrors.startUpdate(one.id, seconds(1), seconds(31)))?.trigger, "recovery");
    assert.deepEqual(
      (await historyOf(two.id)).map(({ status }) => status),
      ["failed"],
    );
    assert.equal((await mirrors.find(two.id))?.updateStatus, "failed");
  });

  it("goes for a look at the remote too, also where that was the probe of a paused host", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await db.updateTable("mirrors").set({ next_check_at: T0 }).execute();
    const host = {
      host: "example.com:443",
      failures: 3,
      last_error: "no",
      failing_since: T0,
      paused_until: T0,
    };
    await db.insertInto("remote_hosts").values(host).execute();
    const claim = async (now: Date) => (await mirrors.claimDue(now, seconds(120), ROOM)).map((one) => one.id);
    assert.deepEqual(await claim(seconds(1)), [id]);
    assert.deepEqual(await claim(seconds(2)), []);
    await mirrors.endLostLeases(seconds(2));
    assert.deepEqual(await claim(seconds(2)), [id]);
    await db.deleteFrom("remote_hosts").execute();
  });

  async function changeUrlDuringRun(direction: Mirror["direction"]) {
    const { id } = await createMirror({ direction });
    await mirrors.requestUpdate(id, "manual", T0);
    const lease = (await mirrors.startUpdate(id, T0, seconds(30))) ?? assert.fail();
    // On another node: the run hears of it when it next renews its lease.
    await mirrors.update(id, { url: parseRemoteUrl("https://example.com/c.git").url, resetState: true });
    await mirrors.requestUpdate(id, "configured", seconds(1), userId);
    return { id, lease };
  }

  it("keeps the run of the new URL waiting until that of the old one has ended, which records nothing", async () => {
    const { id, lease } = await changeUrlDuringRun("pull");
    assert.equal((await mirrors.find(id))?.updateStatus, "scheduled");
    assert.deepEqual(await mirrors.listWaiting(seconds(2)), []);
    assert.equal(await mirrors.startUpdate(id, seconds(2), seconds(32)), null, "the old run still goes on");
    assert.equal((await mirrors.renewLease(lease, seconds(35))).kind, "superseded");

    const failed = { status: "failed", error: "no", retryCount: 3 } as const;
    assert.equal(await mirrors.finishUpdate(lease, success(seconds(6), failed)), false);
    const { updateStatus, lastError, retryCount, lastUpdateAt } = (await mirrors.find(id)) ?? assert.fail();
    assert.deepEqual([updateStatus, lastError, retryCount, lastUpdateAt], ["scheduled", null, 0, null]);
    const next = await mirrors.startUpdate(id, seconds(6), seconds(36));
    assert.equal(next?.mirror.url, "https://example.com/c.git");
    assert.equal((await mirrors.renewLease(next, seconds(40))).kind, "held");
    const history = await historyOf(id);
    assert.deepEqual(
      history.map(({ status, error }) => [status, error]),
      [
        ["started", null],
        ["cancelled", "The mirror's URL was changed."],
      ],
    );
    const [second, first] = history;
    assert.ok(first?.finishedAt && second && second.startedAt >= first.finishedAt);
  });

  it("of a run whose URL was changed lapses with its node, and what it left is cleared up first", async () => {
    const { id } = await changeUrlDuringRun("push");
    await mirrors.endLapsedRuns(seconds(31));
    const next = await mirrors.startUpdate(id, seconds(31), seconds(61));
    assert.deepEqual([next?.trigger, next?.mirror.url], ["recovery", "https://example.com/c.git"]);
  });

  it("of a run whose URL was changed says nothing of the new one when that is switched off meanwhile", async () => {
    const { id } = await changeUrlDuringRun("pull");
    await mirrors.update(id, { enabled: false });
    await mirrors.endLapsedRuns(seconds(31));
    assert.equal((await mirrors.find(id))?.lastError, null);
  });

  it("of a run whose URL was changed is no run to cancel: the update that waits is", async () => {
    const { id, lease } = await changeUrlDuringRun("pull");
    assert.equal(await mirrors.requestCancel(id, seconds(2), userId), "waiting");
    assert.equal(await mirrors.requestCancel(id, seconds(2), userId), null);
    await mirrors.finishUpdate(lease, success(seconds(6)));
    assert.equal(await mirrors.startUpdate(id, seconds(6), seconds(36)), null);
    assert.equal((await mirrors.find(id))?.updateStatus, "none");
  });
});

describe("the end of a run", () => {
  async function runOnce(outcome: FinishedUpdate): Promise<Mirror> {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    const lease = await mirrors.startUpdate(id, T0, seconds(30));
    assert.ok(lease);
    assert.equal(await mirrors.finishUpdate(lease, outcome), true);
    const mirror = await mirrors.find(id);
    assert.ok(mirror);
    return mirror;
  }

  it("moves the time of the last success on success only", async () => {
    const good = await runOnce(success(seconds(3)));
    assert.equal(good.updateStatus, "finished");
    assert.deepEqual(good.lastSuccessfulUpdateAt, seconds(3));
    const failure = { status: "failed", error: "no", appliedDigest: null, retryCount: 1 } as const;
    const bad = await runOnce(success(seconds(3), failure));
    assert.equal(bad.updateStatus, "failed");
    assert.equal(bad.lastError, "no");
    assert.deepEqual(bad.lastUpdateAt, seconds(3));
    assert.equal(bad.lastSuccessfulUpdateAt, null);
    assert.equal(bad.appliedDigest, null);
  });

  it("reads to_retry when it is to be tried again, scheduled when a shutdown ended it", async () => {
    const retried = await runOnce(success(seconds(3), { status: "failed", error: "no", willRetry: true }));
    assert.equal(retried.updateStatus, "to_retry");
    assert.equal(retried.lastError, "no");
    assert.equal(retried.lastUpdateAt, null, "it is not over yet");
    const shutDown = await runOnce(success(seconds(3), { status: "cancelled", willRetry: true }));
    assert.equal(shutDown.updateStatus, "scheduled");
  });

  async function startAt(id: number, now: Date): Promise<string | undefined> {
    return (await mirrors.startUpdate(id, now, seconds(999)))?.trigger;
  }

  it("leaves the wish for the next try with the end of a run, so that no kill comes between them", async () => {
    const failure = { status: "failed", error: "no", willRetry: true, retryCount: 2 } as const;
    const retried = await runOnce(success(seconds(3), failure));
    assert.deepEqual([retried.requestedAt, await startAt(retried.id, seconds(63))], [seconds(63), "retry"]);
    const shutDown = await runOnce(success(seconds(3), { status: "cancelled", willRetry: true }));
    assert.deepEqual(
      [shutDown.requestedAt, await startAt(shutDown.id, seconds(3))],
      [seconds(3), "recovery"],
    );
    const done = await runOnce(success(seconds(3)));
    assert.equal(done.requestedAt, null);
  });

  it("reads scheduled for a pull mirror that was triggered meanwhile, whatever came of this run", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(id, "push", T0);
    const lease = await mirrors.startUpdate(id, T0, seconds(30));
    assert.ok(lease);
    await mirrors.requestUpdate(id, "manual", seconds(1));
    assert.equal((await mirrors.find(id))?.updateStatus, "started");
    await mirrors.finishUpdate(lease, success(seconds(2)));
    assert.equal((await mirrors.find(id))?.updateStatus, "scheduled");
  });

  it("notes when a ref last changed, and the code of an error", async () => {
    const ref = parseRefName("refs/heads/x");
    const changed = await runOnce(
      success(seconds(3), { results: [{ ref, outcome: "forced", old: null, new: null }] }),
    );
    assert.deepEqual(changed.lastChangedAt, seconds(3));
    const failed = await runOnce(
      success(seconds(3), {
        status: "failed",
        errorCode: "remote-tls",
        results: [{ ref, outcome: "rejected", old: null, new: null }],
      }),
    );
    assert.deepEqual([failed.lastChangedAt, failed.lastErrorCode], [null, "remote-tls"]);
  });

  it("keeps what became of each ref", async () => {
    const results = [
      { ref: parseRefName("refs/heads/x"), outcome: "rejected", old: null, new: null, message: "why" },
    ] as const;
    const mirror = await runOnce(success(seconds(3), { results }));
    const [update] = await historyOf(mirror.id);
    assert.deepEqual(update?.results, results);
  });
});

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

describe("a change of a project's mirrors", () => {
  it("is not found where the project was removed meanwhile, and holds the removal up while it lasts", async () => {
    const projects = createProjectStore(db);
    const there = (await projects.find(projectId)) ?? assert.fail();
    const { id } = await projects.create({
      namespaceId: there.namespace.id,
      name: "gone",
      path: "gone",
      description: null,
      visibility: "private",
      creatorId: userId,
    });
    let removal: Promise<void> | undefined;
    let isRemoved = false;
    await mirrors.changeMirrorsOf(id, async (editor) => {
      removal = projects.remove(id).then(() => {
        isRemoved = true;
      });
      await createMirror();
      await editor.listOf(id);
      assert.equal(isRemoved, false);
    });
    await removal;
    await assert.rejects(
      mirrors.changeMirrorsOf(id, async () => assert.fail("there is nothing to change")),
      { code: "not-found", message: "Project Not Found" },
    );
  });
});

describe("a request to cancel", () => {
  it("reaches the run through its lease, with the name of who asks, and takes a wish back", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    const lease = await mirrors.startUpdate(id, T0, seconds(30));
    assert.ok(lease);
    await mirrors.requestUpdate(id, "push", seconds(1));
    assert.equal(await mirrors.requestCancel(id, seconds(2), userId), "running");
    const cancelled = { kind: "cancelled", by: "Ada" };
    assert.deepEqual(await mirrors.renewLease(lease, seconds(60)), cancelled);
    assert.deepEqual(await mirrors.readLease(lease), cancelled);
    await mirrors.finishUpdate(lease, success(seconds(3), { status: "cancelled", appliedDigest: null }));
    assert.deepEqual(await mirrors.listWaiting(seconds(4)), []);
    await mirrors.requestUpdate(id, "push", seconds(5));
    const next = await mirrors.startUpdate(id, seconds(5), seconds(35));
    assert.ok(next);
    assert.equal((await mirrors.readLease(next)).kind, "held", "it was about the run before");
  });

  it("takes back the wish of a mirror that waits, which reads as before", async () => {
    const { id } = await createMirror({ direction: "pull" });
    assert.equal(await mirrors.requestCancel(id, T0, userId), null);
    await mirrors.requestUpdate(id, "manual", T0);
    assert.equal(await mirrors.requestCancel(id, seconds(1), userId), "waiting");
    assert.deepEqual(await mirrors.listWaiting(seconds(2)), []);
    assert.equal((await mirrors.find(id))?.updateStatus, "none");
  });

  it("holds when the node of the run dies: it is not taken up again", async () => {
    const { id } = await createMirror();
    await mirrors.requestUpdate(id, "push", T0);
    assert.ok(await mirrors.startUpdate(id, T0, seconds(30)));
    await mirrors.requestCancel(id, seconds(1), userId);
    await mirrors.endLapsedRuns(seconds(31));
    assert.deepEqual(await mirrors.listWaiting(seconds(31)), []);
    assert.equal((await mirrors.find(id))?.updateStatus, "failed");
  });
});

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

describe("a pull mirror that is changed while it runs", () => {
  it("reads as waiting without the error of the run under its old settings, which the history keeps", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(id, "manual", seconds(0));
    const lease = await mirrors.startUpdate(id, seconds(1), seconds(30));
    assert.ok(lease);
    await mirrors.update(id, { clearsError: true });
    await mirrors.requestUpdate(id, "configured", seconds(2));
    const failure = { status: "failed", error: "refused", appliedDigest: null, retryCount: 1 } as const;
    await mirrors.finishUpdate(lease, success(seconds(3), failure));
    const mirror = await mirrors.find(id);
    assert.deepEqual([mirror?.updateStatus, mirror?.lastError], ["scheduled", null]);
    assert.equal((await historyOf(id))[0]?.error, "refused");
  });
});

describe("a mirror whose settings were changed", () => {
  it("shows no error of a run of the settings before, also of one that ended just before the wish", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(id, "configured", T0);
    const lease = (await mirrors.startUpdate(id, T0, seconds(30))) ?? assert.fail();
    await mirrors.update(id, { clearsError: true });
    await mirrors.finishUpdate(lease, success(seconds(1), { status: "failed", error: "refused" }));
    assert.equal((await mirrors.find(id))?.lastError, "refused");
    await mirrors.requestUpdate(id, "configured", seconds(2));
    const mirror = await mirrors.find(id);
    assert.deepEqual([mirror?.updateStatus, mirror?.lastError], ["scheduled", null]);
  });
});

describe("a mirror that is switched off while it waits", () => {
  it("reads as its last run left it, and waits again when it is switched on and asked for", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(id, "manual", seconds(0));
    assert.equal((await mirrors.find(id))?.updateStatus, "scheduled");
    assert.equal((await mirrors.update(id, { enabled: false })).updateStatus, "none");

    await mirrors.update(id, { enabled: true });
    const lease = await mirrors.startUpdate(id, seconds(1), seconds(30));
    assert.ok(lease);
    await mirrors.finishUpdate(lease, success(seconds(2)));
    await mirrors.requestUpdate(id, "manual", seconds(3));
    assert.equal((await mirrors.find(id))?.updateStatus, "scheduled");
    assert.equal((await mirrors.update(id, { enabled: false })).updateStatus, "finished");
  });
});

describe("the secret of a mirror", () => {
  it("is sealed in its row, opened for a run, and never part of the mirror", async () => {
    const mirror = await createMirror({ credential: { username: "ada", password: "s3cret-value" } });
    assert.equal(mirror.hasPassword, true);
    assert.equal(JSON.stringify(mirror).includes("s3cret"), false);
    const row = await db.selectFrom("credentials").selectAll().executeTakeFirstOrThrow();
    assert.equal(
      JSON.stringify({ ...row, sealed: row.password_sealed?.toString("latin1") }).includes("s3cret"),
      false,
    );
    assert.deepEqual((await mirrors.readRemote(mirror.id)).secret, {
      username: "ada",
      password: "s3cret-value",
    });
  });

  it("may be the user name: then that is sealed too, with a password or alone", async () => {
    const token = "token-in-place-of-a-user-name";
    const { id, ...made } = await createMirror({ credential: { username: token } });
    const read = async () => (await mirrors.readRemote(id)).secret;
    const stored = async () => JSON.stringify(await db.selectFrom("credentials").selectAll().execute());
    assert.deepEqual([made.username, made.hasPassword], ["*****", false]);
    assert.deepEqual(await read(), { username: token });
    assert.equal((await stored()).includes("token-in"), false);

    const both = await mirrors.update(id, { credential: { password: "x-oauth-basic" } });
    assert.deepEqual([both.username, both.hasPassword], ["*****", true]);
    assert.deepEqual(await read(), { username: token, password: "x-oauth-basic" });

    await mirrors.update(id, { credential: { username: "ada" } });
    assert.deepEqual(await read(), { username: "ada", password: "x-oauth-basic" });
    await mirrors.update(id, { credential: { username: token, password: null } });
    assert.deepEqual(await read(), { username: token });
    await mirrors.update(id, { credential: { username: null, password: null } });
    assert.deepEqual(await read(), {});
    assert.equal((await stored()).includes("token-in"), false);
  });

  it("may be given again when the key that sealed a token and its password is lost", async () => {
    const sealed = { username: "token-in-place-of-a-user-name", password: "x-oauth-basic" };
    const { id } = await createMirror({ credential: sealed });
    await db.updateTable("credentials").set({ password_key_id: "lost" }).execute();
    await mirrors.update(id, { credential: { password: "another" } });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { password: "another" });
  });

  it("does not open in another mirror's row", async () => {
    const one = await createMirror({ credential: { password: "s3cret-value" } });
    const two = await createMirror({ url: parseRemoteUrl("https://example.com/b.git").url });
    await db.updateTable("credentials").set({ mirror_id: two.id }).where("mirror_id", "=", one.id).execute();
    await assert.rejects(
      mirrors.readRemote(two.id),
      (error: unknown) => error instanceof HeliostatError && error.code === "secret-unreadable",
    );
  });

  it("is kept, replaced or taken away as asked", async () => {
    const { id } = await createMirror({ credential: { username: "ada", password: "one" } });
    await mirrors.update(id, { enabled: false });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { username: "ada", password: "one" });
    await mirrors.update(id, { credential: { password: "two" } });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { username: "ada", password: "two" });
    await mirrors.update(id, { credential: { username: null, password: null } });
    assert.deepEqual((await mirrors.readRemote(id)).secret, {});
  });

  it("is read together with the URL that it is for", async () => {
    const { id } = await createMirror({ credential: { username: "ada", password: "one" } });
    const { url } = parseRemoteUrl("https://other.example.com/a.git");
    await mirrors.update(id, { url, credential: { username: "bob", password: "two" }, resetState: true });
    const remote = await mirrors.readRemote(id);
    assert.deepEqual([remote.url, remote.secret], [url, { username: "bob", password: "two" }]);
  });

  it("is opened as far as the URL and auth_method use it: what is lost beside it does no harm", async () => {
    const keyPair = { publicKey: "ssh-ed25519 AAAA x", privateKey: "PRIVATE" };
    const { id } = await createMirror({
      credential: { username: "ada", password: "one", keyPair },
      clientCertificate: { certificate: "CERTIFICATE", privateKey: "CLIENT" },
    });
    const lost = createMirrorStore(db, createTestSealer("n"));
    await assert.rejects(lost.readRemote(id), { code: "secret-unreadable" });
    await lost.update(id, { credential: { password: "two" } });
    await assert.rejects(lost.readRemote(id), { code: "secret-unreadable" }, "the client key is lost");
    await lost.update(id, { clientCertificate: { certificate: "C2", privateKey: "CLIENT 2" } });
    const password = { username: "ada", password: "two", clientKey: "CLIENT 2" };
    assert.deepEqual((await lost.readRemote(id)).secret, password);
    const { url } = parseRemoteUrl("ssh://git@example.com/a.git");
    await mirrors.update(id, { url, authMethod: "ssh_public_key" });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { username: "ada", privateKey: "PRIVATE" });
    await assert.rejects(lost.readRemote(id), { code: "secret-unreadable" }, "the key pair is used now");
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
