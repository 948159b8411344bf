import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock, watchCalls } from "../../../../test/support/fake-clock.ts";
import { requestUpdate } from "../app/mirrors/request-update.ts";
import { createInstanceSettingsStore } from "../db/instance-settings.ts";
import type { Mirror } from "../domain/mirror.ts";
import { hostOf } from "../domain/remote-url.ts";
import { HOUR, MINUTE, openSchedule, SECOND, T0 } from "./schedule-stage.test-support.ts";

const { node, db, troubles, troublesOf, listings, startNode, stopNode, createMirror, read, createDue } =
  await openSchedule();

describe("the schedule of many mirrors and of their hosts", () => {
  describe("after a restart", () => {
    it("does not stampede: a thousand overdue mirrors are checked in turn, those of others at their time", async () => {
      const later = new Date(T0.getTime() + 3 * HOUR);
      const others = await createDue(20, later, "other.example");
      await createDue(1000, T0);
      await stopNode();
      const calls = watchCalls();
      node.clock = new FakeClock(new Date(T0.getTime() + HOUR), calls.settled);
      node.listingMs = 50;
      startNode(calls.count);
      node.dispatcher.wakeAt(node.clock.now());
      await node.clock.advance(MINUTE);
      assert.equal(listings.length, 1000, "all were checked");
      assert.ok(node.mostAtOnce <= 8, `${node.mostAtOnce} at once with one host`);
      const rows = await db
        .selectFrom("mirrors")
        .select("next_check_at")
        .where(
          "id",
          "in",
          others.map(({ id }) => id),
        )
        .execute();
      assert.ok(rows.every((row) => row.next_check_at?.getTime() === later.getTime()));
      const updates = await db
        .selectFrom("mirror_updates")
        .select("id")
        .where("started_at", ">", T0)
        .execute();
      assert.deepEqual(updates, [], "nothing had changed, so nothing ran");
    });

    it("keeps to the capacity when a thousand have something to carry", async () => {
      await createInstanceSettingsStore(db).write({ mirrorMaxCapacity: 5, mirrorCapacityThreshold: 1 });
      const mirrors: Mirror[] = [];
      for (let i = 0; i < 60; i += 1)
        mirrors.push(await createMirror("pull", { host: `host-${i % 20}.example` }));
      for (const { id } of mirrors) await node.ports.mirrors.requestUpdate(id, "push", T0);
      node.listingMs = 1000;
      node.dispatcher.wakeAt(node.clock.now());
      await node.clock.advance(HOUR / 2);
      assert.equal(listings.length, 60);
      assert.equal(node.mostAtOnce, 5);
      const last = Math.max(...listings.map(({ at }) => at));
      assert.equal(last, 11 * SECOND, "a place that is free is taken at once");
      await createInstanceSettingsStore(db).write({ mirrorMaxCapacity: 100 });
    });
  });

  describe("of a host that does not answer", () => {
    const DEAD = "dead.example";

    it("has it probed by one mirror at a time, and all go on within seconds when it answers", async () => {
      await createInstanceSettingsStore(db).write({ mirrorMaxUpdatesPerHost: 50 });
      const mirrors = await createDue(50, new Date(T0.getTime() + MINUTE), DEAD);
      const healthy = await createDue(1, new Date(T0.getTime() + MINUTE));
      const before = await Promise.all(mirrors.map(read));
      troubles.set(DEAD, { code: "remote-timeout" });
      node.listingMs = 30;
      await node.clock.advance(6 * HOUR);
      const toDead = listings.filter(({ url }) => hostOf(url as Mirror["url"]) === DEAD);
      const beginning = toDead.filter(({ at }) => at < MINUTE + SECOND);
      const probes = toDead.slice(beginning.length);
      // Eight checks at the same time, and what came of the two first failures: two more checks, and two updates.
      assert.ok(beginning.length <= 12, `${beginning.length} at first`);
      // After 1, 2, 4 and 8 minutes, then every ten: (360 - 1 - 15) / 10.
      assert.equal(probes.length, 4 + 34);
      assert.deepEqual(
        probes.slice(0, 6).map(({ at }) => Math.round((at - MINUTE) / MINUTE)),
        [1, 3, 7, 15, 25, 35],
      );
      assert.ok(new Set(probes.map(({ url }) => url)).size > 10, "not always the same one");
      const waiting = await Promise.all(mirrors.map(read));
      assert.deepEqual(
        waiting.map(({ retryCount }) => retryCount),
        before.map(({ retryCount }) => retryCount),
      );
      assert.ok(listings.length - toDead.length >= 11, "the others went on");
      assert.equal((await read(healthy[0] ?? assert.fail())).updateStatus, "finished");

      troubles.clear();
      listings.length = 0;
      const paused = (await node.ports.hosts.list())[0] ?? assert.fail("it is paused");
      await node.clock.advance(
        (paused.pausedUntil?.getTime() ?? 0) - node.clock.now().getTime() + 5 * SECOND,
      );
      const back = new Set(
        listings.filter(({ url }) => hostOf(url as Mirror["url"]) === DEAD).map(({ url }) => url),
      );
      assert.equal(back.size, 50, "all were looked at");
      assert.deepEqual(await node.ports.hosts.list(), []);
    });

    it("knows it still after a restart", async () => {
      await createDue(20, new Date(T0.getTime() + MINUTE), DEAD);
      troubles.set(DEAD, { code: "remote-unreachable" });
      await node.clock.advance(HOUR);
      await stopNode();
      const calls = watchCalls();
      node.clock = new FakeClock(node.clock.now(), calls.settled);
      listings.length = 0;
      startNode(calls.count);
      node.dispatcher.wakeAt(node.clock.now());
      await node.clock.advance(HOUR);
      assert.equal(listings.length, 6);
    });

    it("takes any answer for one: a refused password shows that it is there", async () => {
      const mirrors = await createDue(5, new Date(T0.getTime() + MINUTE), DEAD);
      troubles.set(DEAD, { code: "remote-closed" });
      await node.clock.advance(HOUR);
      troubles.set(DEAD, { code: "remote-credential" });
      await node.clock.advance(11 * MINUTE);
      assert.deepEqual(await node.ports.hosts.list(), []);
      const states = await Promise.all(mirrors.map(read));
      assert.ok(states.every(({ lastErrorCode }) => lastErrorCode === "remote-credential"));

      troubles.set(DEAD, { code: "remote-closed" });
      await node.clock.advance(10 * HOUR);
      assert.equal((await node.ports.hosts.list()).length, 1);
      troubles.set(DEAD, { code: "host-key-changed" });
      await node.clock.advance(11 * MINUTE);
      assert.deepEqual(await node.ports.hosts.list(), [], "so does one that shows another host key");
    });

    it("lets a person try it at once", async () => {
      const [mirror = assert.fail()] = await createDue(5, new Date(T0.getTime() + MINUTE), DEAD);
      troubles.set(DEAD, { code: "remote-closed" });
      await node.clock.advance(2 * HOUR);
      listings.length = 0;
      await requestUpdate(node.ports, mirror, "manual");
      await node.clock.advance(SECOND);
      assert.deepEqual(
        listings.map(({ url }) => url),
        [mirror.url],
      );
      troubles.clear();
      listings.length = 0;
      await requestUpdate(node.ports, mirror, "manual");
      await node.clock.advance(10 * SECOND);
      assert.equal(new Set(listings.map(({ url }) => url)).size, 5, "and all go on when it is there");
    });

    it("is not paused for ever by one repository of which it says that it is busy", async () => {
      const others = await createDue(5, new Date(T0.getTime() + MINUTE), DEAD);
      const busy = await createMirror("pull", { host: DEAD });
      await node.clock.advance(2 * MINUTE);
      listings.length = 0;
      troublesOf.set(busy.url, { code: "remote-busy", retryAfterSeconds: 600 });
      await requestUpdate(node.ports, busy, "schedule");
      await node.clock.advance(24 * HOUR);
      const asked = listings.filter(({ url }) => url === busy.url).map(({ at }) => Math.floor(at / HOUR));
      assert.ok(asked.length < 25, `${asked.length} times in a day`);
      assert.ok(asked.filter((hour) => hour >= 18).length <= 4, `at these hours: ${asked}`);
      assert.ok((await read(busy)).retryCount > 5);
      for (const other of others) {
        const looks = listings.filter(({ url }) => url === other.url).length;
        assert.ok(looks > 30, `another one was looked at ${looks} times`);
      }
    });

    it("leaves it alone for as long as it asks, also pushes that were to be tried again", async () => {
      troubles.set(DEAD, { code: "remote-busy", retryAfterSeconds: 1800 });
      const pushes = [await createMirror("push", { host: DEAD }), await createMirror("push", { host: DEAD })];
      for (const mirror of pushes) await requestUpdate(node.ports, mirror, "push");
      await node.clock.advance(29 * MINUTE);
      assert.ok(listings.every(({ at }) => at === 0));
      troubles.clear();
      await node.clock.advance(2 * MINUTE);
      for (const mirror of pushes) assert.equal((await read(mirror)).updateStatus, "finished");
    });
  });
});
