import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock, watchCalls } from "../../../../test/support/fake-clock.ts";
import { requestUpdate } from "../app/mirrors/request-update.ts";
import { SHUTTING_DOWN } from "../app/updates/update-mirror.ts";
import { createInstanceSettingsStore } from "../db/instance-settings.ts";
import type { Mirror } from "../domain/mirror.ts";
import { HOUR, MINUTE, openSchedule, SECOND, T0 } from "./schedule-stage.test-support.ts";

const { node, db, userId, troubles, tips, listings, startNode, createMirror, read, startsOf } =
  await openSchedule();

describe("the schedule", () => {
  describe("of a pull mirror", () => {
    it("backs off with each failure and pauses at the fifteenth, 2,850 minutes after the first", async () => {
      troubles.set("host.example", { code: "remote-not-found" });
      const mirror = await createMirror();
      await requestUpdate(node.ports, mirror, "configured");
      await node.clock.advance(100 * HOUR);
      const starts = await startsOf(mirror);
      const waits = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
      assert.deepEqual(waits, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300, 300]);
      assert.equal(starts.at(-1), 2850);
      const { updateStatus, retryCount, nextCheckAt } = await read(mirror);
      assert.deepEqual([updateStatus, retryCount, nextCheckAt], ["failed", 15, null]);
    });

    it("pauses at the second refused credential in a row, and goes on when a person resumes it", async () => {
      troubles.set("host.example", { code: "remote-credential" });
      const mirror = await createMirror();
      await requestUpdate(node.ports, mirror, "configured");
      await node.clock.advance(48 * HOUR);
      assert.deepEqual(await startsOf(mirror), [0, 30]);
      troubles.clear();
      await requestUpdate(node.ports, mirror, "configured", { resumes: true });
      await node.clock.advance(HOUR);
      const { updateStatus, retryCount, lastUpdateAt } = await read(mirror);
      assert.deepEqual([updateStatus, retryCount], ["finished", 0]);
      const minute = Math.floor(((lastUpdateAt?.getTime() ?? 0) - T0.getTime()) / MINUTE);
      assert.equal(minute, 48 * 60 + 30, "it is checked every 30 minutes again");
    });

    it("does not pause for the proxy, however long that is down, and goes on when it is back", async () => {
      troubles.set("host.example", { code: "remote-proxy" });
      const mirror = await createMirror();
      await requestUpdate(node.ports, mirror, "configured");
      await node.clock.advance(120 * HOUR);
      assert.equal((await read(mirror)).lastErrorCode, "remote-proxy");
      troubles.clear();
      await node.clock.advance(6 * HOUR);
      const { updateStatus, retryCount } = await read(mirror);
      assert.deepEqual([updateStatus, retryCount], ["finished", 0]);
    });

    it("comes at its own interval", async () => {
      const mirror = await createMirror("pull", { intervalSeconds: 600 });
      await requestUpdate(node.ports, mirror, "configured");
      await node.clock.advance(6 * HOUR);
      // Each is written down 50 ms after it was made, together with others.
      const minutes = listings.map(({ at }) => Math.floor(at / MINUTE));
      assert.deepEqual(minutes.slice(0, 4), [0, 10, 20, 30]);
      assert.equal(listings.length, 36);
    });

    it("that adapts is dense after a change, and grows sparse over days of silence", async () => {
      const mirror = await createMirror("pull", { adaptiveInterval: true });
      await requestUpdate(node.ports, mirror, "configured");
      const checksIn = async (ms: number): Promise<number> => {
        listings.length = 0;
        await node.clock.advance(ms);
        return listings.length;
      };
      const firstHour = await checksIn(HOUR);
      const restOfDay = await checksIn(23 * HOUR);
      await node.clock.advance(24 * HOUR);
      const thirdDay = await checksIn(24 * HOUR);
      assert.ok(firstHour >= 10 && firstHour <= 14, `${firstHour} checks in the first hour`);
      assert.ok(restOfDay >= 7 && restOfDay <= 10, `${restOfDay} in the rest of the day`);
      // 300 minutes are the longest.
      assert.ok(thirdDay >= 4 && thirdDay <= 6, `${thirdDay} on the third day`);
      tips.set(mirror.url, "2".repeat(40));
      await node.clock.advance(5 * HOUR);
      const { lastChangedAt } = await read(mirror);
      assert.ok(lastChangedAt, "the change was seen");
      assert.ok((await checksIn(HOUR)) < 14);
      tips.set(mirror.url, "3".repeat(40));
      await node.clock.advance(5 * HOUR);
      const changed = (await read(mirror)).lastChangedAt ?? assert.fail();
      const soon = listings.filter(({ at }) => {
        const since = at + T0.getTime() - changed.getTime();
        return since > 0 && since <= 10 * MINUTE;
      });
      assert.ok(soon.length >= 4, `${soon.length} checks in the ten minutes after a change`);
    });
  });

  describe("of a push mirror", () => {
    it("tries again after 10, 60 and 300 s, then leaves it to the periodic check, which repairs it", async () => {
      troubles.set("host.example", { code: "object-format-mismatch" });
      const mirror = await createMirror("push");
      await requestUpdate(node.ports, mirror, "push");
      await node.clock.advance(HOUR);
      const tries = [0, 10, 70, 370].map((seconds) => seconds / 60);
      assert.deepEqual(await startsOf(mirror), tries);
      assert.equal((await read(mirror)).updateStatus, "failed");
      troubles.clear();
      await node.clock.advance(2 * HOUR);
      const repaired = await read(mirror);
      assert.deepEqual([repaired.updateStatus, repaired.retryCount], ["finished", 0]);
      assert.equal((await startsOf(mirror)).length, 5);
    });

    it("has all its tries again for the next change", async () => {
      troubles.set("host.example", { code: "object-format-mismatch" });
      const mirror = await createMirror("push");
      for (let change = 1; change <= 2; change += 1) {
        await requestUpdate(node.ports, mirror, "push");
        await node.clock.advance(20 * MINUTE);
        assert.equal((await startsOf(mirror)).length, 4 * change);
      }
    });

    it("does not try a refused certificate again before the periodic check", async () => {
      troubles.set("host.example", { code: "remote-tls" });
      const mirror = await createMirror("push");
      await requestUpdate(node.ports, mirror, "push");
      await node.clock.advance(29 * MINUTE);
      assert.deepEqual(await startsOf(mirror), [0]);
      await node.clock.advance(2 * MINUTE);
      assert.deepEqual(await startsOf(mirror), [0, 30]);
    });

    it("that waits for a person is tried less and less often, whatever it waits for", async () => {
      for (const code of ["remote-credential", "ssh-key-refused", "host-key-changed"] as const) {
        troubles.set("host.example", { code });
        const mirror = await createMirror("push");
        const since = (node.clock.now().getTime() - T0.getTime()) / MINUTE;
        await requestUpdate(node.ports, mirror, "push");
        await node.clock.advance(47 * HOUR);
        const starts = (await startsOf(mirror)).map((start) => Math.round(start - since));
        const waits = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
        assert.deepEqual(waits, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300], code);
      }
    });
  });

  describe("of a run", () => {
    it("that is cancelled says by whom, and runs again at its next time", async () => {
      const mirror = await createMirror();
      node.listingMs = 10 * MINUTE;
      await requestUpdate(node.ports, mirror, "push");
      await node.clock.advance(SECOND);
      assert.equal(await node.ports.mirrors.requestCancel(mirror.id, node.clock.now(), userId), "running");
      // As on another node: nobody here is told but by the lease.
      await node.clock.advance(11 * MINUTE);
      const cancelled = await read(mirror);
      assert.deepEqual(
        [cancelled.updateStatus, cancelled.lastError, cancelled.retryCount],
        ["failed", "The update was cancelled by Ada.", 0],
      );
      node.listingMs = 0;
      await node.clock.advance(HOUR);
      assert.equal((await read(mirror)).updateStatus, "finished");
    });

    describe("that looks a second time, because a ref moved", () => {
      /** A pull whose second look begins with `whenLooking`, and takes ten minutes. */
      async function startSecondLook(whenLooking: () => void): Promise<Mirror> {
        const mirror = await createMirror();
        tips.set(mirror.url, "2".repeat(40));
        node.hasMoved = () => {
          node.hasMoved = () => false;
          node.listingMs = 10 * MINUTE;
          whenLooking();
          return true;
        };
        await requestUpdate(node.ports, mirror, "push");
        await node.clock.advance(SECOND);
        return mirror;
      }

      async function updatesOf({ id }: Mirror) {
        return (await node.ports.mirrors.listUpdates(id, { page: 1, perPage: 10 })).items.map(
          ({ status, trigger, error, counts }) => ({ status, trigger, error, counts }),
        );
      }

      it("is cancelled then as at any other time, with what its first look did", async () => {
        const mirror = await startSecondLook(() => undefined);
        assert.equal(await node.ports.mirrors.requestCancel(mirror.id, node.clock.now(), userId), "running");
        await node.clock.advance(11 * MINUTE);
        assert.deepEqual(await updatesOf(mirror), [
          {
            ...{ status: "cancelled", trigger: "push", counts: { rejected: 1 } },
            error: "The update was cancelled by Ada.",
          },
        ]);
        assert.equal((await read(mirror)).retryCount, 0);
      });

      it("is taken up by the next node when its own goes down", async () => {
        const mirror = await startSecondLook(() => undefined);
        const stopped = Promise.all([node.dispatcher.stop(), node.running.drain(0, SHUTTING_DOWN)]);
        await node.clock.advance(11 * MINUTE);
        await stopped;
        const { updateStatus, retryCount } = await read(mirror);
        assert.deepEqual([updateStatus, retryCount], ["scheduled", 0]);
        node.listingMs = 0;
        const calls = watchCalls();
        node.clock = new FakeClock(node.clock.now(), calls.settled);
        startNode(calls.count);
        node.dispatcher.wakeAt(node.clock.now());
        await node.clock.advance(SECOND);
        const ends = (await updatesOf(mirror)).map(({ status, trigger }) => `${status} ${trigger}`);
        assert.deepEqual(ends, ["finished recovery", "cancelled push"]);
      });

      it("leaves its host alone when that asks for it then", async () => {
        const mirror = await startSecondLook(() =>
          troubles.set("host.example", { code: "remote-busy", retryAfterSeconds: 1800 }),
        );
        const asked = node.clock.now().getTime();
        await node.clock.advance(11 * MINUTE);
        const [host] = await node.ports.hosts.list();
        assert.ok((host?.pausedUntil?.getTime() ?? 0) >= asked + 1800 * SECOND + 9 * MINUTE);
        const { lastError, lastErrorCode } = await read(mirror);
        assert.equal(lastErrorCode, "remote-busy");
        assert.match(lastError ?? "", /^Some refs were not updated:\n\nrefs\/heads\/main\n\nremote-busy\.$/);
      });

      it("ends at the limit of time, and says so", async () => {
        const settings = createInstanceSettingsStore(db);
        const { mirrorUpdateTimeoutSeconds } = await settings.read();
        await settings.write({ mirrorUpdateTimeoutSeconds: 60 });
        const mirror = await startSecondLook(() => undefined);
        await node.clock.advance(11 * MINUTE);
        await settings.write({ mirrorUpdateTimeoutSeconds });
        assert.match(
          (await updatesOf(mirror))[0]?.error ?? "",
          /\n\nThe mirror update took too long to complete \(limit: 1 min\)\.$/,
        );
      });
    });

    it("whose node died is taken up again within 30 s", async () => {
      const mirror = await createMirror("push");
      await node.ports.mirrors.requestUpdate(mirror.id, "push", node.clock.now());
      const died = node.clock.now();
      assert.ok(
        await node.ports.mirrors.startUpdate(mirror.id, died, new Date(died.getTime() + 20 * SECOND)),
      );
      node.dispatcher.wakeAt(died);
      await node.clock.advance(30 * SECOND);
      const rows = await db
        .selectFrom("mirror_updates")
        .select(["status", "trigger"])
        .orderBy("id")
        .execute();
      assert.deepEqual(rows, [
        { status: "failed", trigger: "push" },
        { status: "finished", trigger: "recovery" },
      ]);
    });
  });
});
