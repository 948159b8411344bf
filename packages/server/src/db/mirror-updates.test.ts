import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FinishedUpdate } from "../app/ports.ts";
import type { Mirror } from "../domain/mirror.ts";
import { parseRefName } from "../domain/ref-name.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { openMirrorStore, ROOM, seconds, success, T0 } from "./mirror-store.test-support.ts";

const { db, mirrors, userId, createMirror, historyOf } = await openMirrorStore();

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
