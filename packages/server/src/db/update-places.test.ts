import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../test/support/store.ts";
import type { CheckRoom, FinishedUpdate, HostStore, MirrorStore, UpdateLease } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "./instance-settings.ts";
import { createMirrorStore } from "./mirrors.ts";
import type { Db } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { createHostStore } from "./remote-hosts.ts";
import { createUserStore } from "./users.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const seconds = (count: number) => new Date(T0.getTime() + count * 1000);
const ROOM: CheckRoom = { total: 100, perHost: 100, busy: new Map() };
const DEAD = "dead.example:443";
const FAILED: FinishedUpdate = {
  status: "failed",
  error: "no",
  errorCode: "remote-unreachable",
  results: [],
  upToDate: [],
  skipped: [],
  notes: [],
  bytesReceived: 0,
  bytesSent: 0,
  log: [],
  now: T0,
  appliedDigest: null,
  appliedGeneration: null,
  retryCount: 1,
  nextCheckAt: seconds(3600),
  willRetry: false,
};

let db: Db;
let mirrors: MirrorStore;
let hosts: HostStore;
let userId = 0;
let namespaceId = 0;
let count = 0;

before(async () => {
  db = await openTestStore();
  await initInstanceSettings(db, { allowLocalRequests: false });
  mirrors = createMirrorStore(db, createTestSealer());
  hosts = createHostStore(db);
  const user = { username: "ada", name: "Ada", email: "a@example.com", isAdmin: false, passwordHash: null };
  userId = (await createUserStore(db).create(user)).id;
  namespaceId = (await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow()).id;
});
after(async () => {
  await db.destroy();
});
beforeEach(async () => {
  await db.deleteFrom("projects").execute();
  await db.deleteFrom("remote_hosts").execute();
});

async function createMirror(host: string, direction: "pull" | "push" = "pull"): Promise<number> {
  count += 1;
  const names = { name: `p${count}`, path: `p${count}`, description: null, visibility: "private" } as const;
  const project = await createProjectStore(db).create({ ...names, namespaceId, creatorId: userId });
  const mirror = await mirrors.create({
    projectId: project.id,
    direction,
    enabled: true,
    url: parseRemoteUrl(`https://${host}/p${count}.git`).url,
    urlHadUserinfo: false,
    authMethod: "password",
    credential: {},
    options: DEFAULT_MIRROR_OPTIONS,
    userId,
  });
  return mirror.id;
}

async function createWaiting(host: string, many: number, direction: "pull" | "push" = "pull") {
  const ids: number[] = [];
  for (let i = 0; i < many; i += 1) {
    const id = await createMirror(host, direction);
    await mirrors.requestUpdate(id, "schedule", new Date(T0.getTime() + ids.length));
    ids.push(id);
  }
  return ids;
}

async function startAll(ids: readonly number[], at = seconds(1)): Promise<readonly UpdateLease[]> {
  const leases = await Promise.all(
    ids.map((id) => mirrors.startUpdate(id, at, new Date(at.getTime() + 20_000))),
  );
  return leases.filter((lease) => lease !== null);
}

async function setLimits(mirrorMaxCapacity: number, mirrorMaxUpdatesPerHost: number): Promise<void> {
  const changes = { mirrorMaxCapacity, mirrorMaxUpdatesPerHost, mirrorCapacityThreshold: 1 };
  await createInstanceSettingsStore(db).write(changes);
}

/** Three failures, the last of them now. */
async function pauseDeadHost(mirrorId: number): Promise<void> {
  for (let i = 0; i < 3; i += 1) await hosts.recordFailure(DEAD, { error: "refused", now: T0, mirrorId });
}

/** The dead host answers this mirror. */
async function answer(mirrorId: number, at: Date): Promise<boolean> {
  return await hosts.recordAnswers([{ host: DEAD, mirrorId }], at);
}

async function makeDue(ids: readonly number[]): Promise<void> {
  await db
    .updateTable("mirrors")
    .set({ next_check_at: T0, requested_at: null })
    .where("id", "in", ids)
    .execute();
}

describe("the places for updates", () => {
  it("of pulls are no more than the capacity, however many ask at once; pushes have theirs beside them", async () => {
    await setLimits(3, 100);
    const pulls = await createWaiting("a.example", 10);
    const pushes = await createWaiting("a.example", 4, "push");
    assert.equal((await startAll([...pulls, ...pushes])).length, 3 + 4);
    assert.deepEqual(await mirrors.listWaiting(seconds(2)), []);
  });

  it("of one host are no more than its limit, in both directions together", async () => {
    await setLimits(100, 5);
    const ids = [...(await createWaiting("a.example", 4)), ...(await createWaiting("a.example", 4, "push"))];
    assert.equal((await startAll(ids)).length, 5);
  });

  it("go to whoever waits when one is free again", async () => {
    await setLimits(100, 1);
    const ids = await createWaiting("a.example", 3);
    const [lease, ...others] = await startAll(ids);
    assert.ok(lease);
    assert.deepEqual([others.length, await mirrors.listWaiting(seconds(2))], [0, []]);
    await mirrors.finishUpdate(lease, FAILED);
    const left = ids.filter((id) => id !== lease.mirror.id);
    assert.deepEqual(await mirrors.listWaiting(seconds(2)), left.slice(0, 1));
  });

  it("are listed in turns: a host with many that wait does not hide the others", async () => {
    await setLimits(6, 100);
    const many = await createWaiting("many.example", 20);
    const few = [...(await createWaiting("one.example", 1)), ...(await createWaiting("two.example", 2))];
    const listed = await mirrors.listWaiting(seconds(2));
    assert.equal(listed.length, 6);
    assert.deepEqual(
      few.filter((id) => !listed.includes(id)),
      [],
    );
    assert.equal(listed.filter((id) => many.includes(id)).length, 3);
  });

  it("go to a person first", async () => {
    await setLimits(100, 1);
    await createWaiting("a.example", 5);
    const asked = await createMirror("a.example");
    await mirrors.requestUpdate(asked, "manual", seconds(1));
    assert.deepEqual(await mirrors.listWaiting(seconds(2)), [asked]);
  });
});

describe("checks that are due", () => {
  it("of one host leave room for the others, and count what is under way", async () => {
    const many = await createWaiting("many.example", 20);
    const few = await createWaiting("few.example", 2);
    await makeDue([...many, ...few]);
    const busy = new Map([["many.example:443", 3]]);
    const claimed = await mirrors.claimDue(seconds(1), seconds(121), { total: 10, perHost: 5, busy });
    const ids = claimed.map(({ id }) => id);
    assert.deepEqual(
      [ids.filter((id) => many.includes(id)).length, ids.filter((id) => few.includes(id)).length],
      [2, 2],
    );
  });

  it("wait while their host is paused, then go one at a time until it answers", async () => {
    const ids = await createWaiting("dead.example", 5);
    await makeDue(ids);
    await pauseDeadHost(0);
    assert.deepEqual(await mirrors.claimDue(seconds(59), seconds(200), ROOM), []);
    assert.deepEqual(await mirrors.nextDueAfter(seconds(1)), seconds(60));
    const [probe, ...others] = await mirrors.claimDue(seconds(60), seconds(180), ROOM);
    assert.ok(probe);
    assert.deepEqual([others, await mirrors.claimDue(seconds(61), seconds(200), ROOM)], [[], []]);
    await hosts.recordFailure(DEAD, { error: "refused", now: seconds(62), mirrorId: probe.id });
    await mirrors.postponeCheck({ id: probe.id, claimedUntil: seconds(180) }, seconds(62));
    assert.deepEqual(await mirrors.claimDue(seconds(181), seconds(300), ROOM), [], "twice as long");
    const [second] = await mirrors.claimDue(seconds(182), seconds(302), ROOM);
    assert.notEqual(second?.id, probe.id, "another one is asked");
    assert.equal(await answer(second?.id ?? 0, seconds(182)), true);
    assert.equal((await mirrors.claimDue(seconds(183), seconds(303), ROOM)).length, 4);
  });

  it("that lead to an update leave the probe with their mirror", async () => {
    const [one = 0, two = 0] = await createWaiting("dead.example", 2);
    await makeDue([one]);
    await pauseDeadHost(0);
    await mirrors.claimDue(seconds(60), seconds(180), ROOM);
    await mirrors.requestUpdate(one, "schedule", seconds(60));
    assert.deepEqual(await mirrors.listWaiting(seconds(61)), [one]);
    assert.deepEqual(
      (await startAll([two, one], seconds(61))).map(({ mirror }) => mirror.id),
      [one],
    );
  });
});

describe("updates of a paused host", () => {
  it("wait, but for one when the pause is over", async () => {
    const ids = await createWaiting("dead.example", 5);
    const other = await createWaiting("alive.example", 1);
    await pauseDeadHost(0);
    assert.deepEqual(await mirrors.listWaiting(seconds(59)), other);
    assert.deepEqual(await startAll(ids, seconds(59)), []);
    assert.deepEqual(await mirrors.listWaiting(seconds(60)), [ids[0], ...other]);
    const [lease, ...more] = await startAll(ids, seconds(60));
    assert.ok(lease);
    assert.deepEqual([more, await mirrors.listWaiting(seconds(61))], [[], other]);
    // It ended without a word about the host: the next one may be the probe.
    await mirrors.finishUpdate(lease, FAILED);
    assert.equal((await mirrors.listWaiting(seconds(61))).length, 2);
  });

  it("do not wait for a probe whose mirror was removed, switched off or sent elsewhere", async () => {
    await setLimits(100, 100);
    const elsewhere = parseRemoteUrl("https://elsewhere.example/a.git").url;
    const ends = [
      (id: number) => mirrors.remove(id),
      (id: number) => mirrors.update(id, { enabled: false }),
      (id: number) => mirrors.update(id, { url: elsewhere, resetState: true }),
    ];
    for (const end of ends) {
      const [probe = 0, next = 0, due = 0] = await createWaiting("dead.example", 3);
      await pauseDeadHost(0);
      assert.equal((await startAll([probe], seconds(60))).length, 1);
      assert.equal((await startAll([next], seconds(61))).length, 0);
      await end(probe);
      assert.deepEqual(await mirrors.listWaiting(seconds(61)), [next]);
      assert.equal((await startAll([next], seconds(61))).length, 1);
      await end(next);
      await makeDue([due]);
      assert.deepEqual(
        (await mirrors.claimDue(seconds(62), seconds(180), ROOM)).map(({ id }) => id),
        [due],
      );
      await db.deleteFrom("mirrors").execute();
      await db.deleteFrom("remote_hosts").execute();
    }
  });

  it("start at once when a person asks, one at a time", async () => {
    const [one = 0, two = 0] = [await createMirror("dead.example"), await createMirror("dead.example")];
    for (const id of [one, two]) await mirrors.requestUpdate(id, "manual", T0);
    await pauseDeadHost(0);
    assert.deepEqual(await mirrors.listWaiting(seconds(1)), [one]);
    assert.equal((await startAll([one, two])).length, 1);
  });

  it("all go on when it answers", async () => {
    await setLimits(100, 100);
    const ids = await createWaiting("dead.example", 5);
    await pauseDeadHost(0);
    const [probe] = await startAll(ids, seconds(60));
    const answers = [
      { host: DEAD, mirrorId: probe?.mirror.id ?? 0 },
      { host: "never-failed.example:443", mirrorId: 0 },
    ];
    assert.equal(await hosts.recordAnswers(answers, seconds(61)), true);
    assert.equal((await startAll(ids, seconds(62))).length, 4);
    assert.deepEqual([await hosts.list(), await answer(0, seconds(182))], [[], false]);
  });

  it("wait on when it answers what had begun before the pause", async () => {
    const ids = await createWaiting("dead.example", 2);
    const failure = { error: "HTTP 429", now: seconds(2), mirrorId: ids[0] ?? 0, retryAfterSeconds: 600 };
    const [early] = await startAll(ids.slice(1));
    await hosts.recordFailure(DEAD, failure);
    assert.equal(await answer(early?.mirror.id ?? 0, seconds(3)), false);
    assert.deepEqual((await hosts.list())[0]?.pausedUntil, seconds(602));
    assert.deepEqual(await mirrors.listWaiting(seconds(4)), []);
    // A pause that is over leaves nothing that its end could be kept from.
    assert.equal(await answer(early?.mirror.id ?? 0, seconds(602)), true);
  });

  it("that failed before are due when it answers, but for those that are being checked", async () => {
    const [claimed = 0, failed = 0, other = 0] = await createWaiting("dead.example", 3);
    const changes = { requested_at: null, last_error_code: "remote-timeout" } as const;
    await db
      .updateTable("mirrors")
      .set({ ...changes, next_check_at: T0 })
      .execute();
    const later = { next_check_at: seconds(3600) };
    await db.updateTable("mirrors").set(later).where("id", "in", [failed, other]).execute();
    await db.updateTable("mirrors").set({ last_error_code: null }).where("id", "=", other).execute();
    assert.equal((await mirrors.claimDue(seconds(1), seconds(121), ROOM)).length, 1);
    await pauseDeadHost(0);
    assert.equal(await answer(0, seconds(60)), true);
    const dueAt = async (id: number) => (await mirrors.find(id))?.nextCheckAt;
    assert.deepEqual(
      [await dueAt(claimed), await dueAt(failed), await dueAt(other)],
      [seconds(121), seconds(60), seconds(3600)],
    );
  });

  it("may start while it answers: neither waits for the other for ever", async () => {
    const ids = await createWaiting("dead.example", 20);
    await db
      .updateTable("mirrors")
      .set({ last_error_code: "remote-timeout", next_check_at: seconds(3600) })
      .execute();
    for (let i = 0; i < 10; i += 1) {
      await pauseDeadHost(0);
      await Promise.all([
        answer(0, seconds(60)),
        ...ids.map((id) => mirrors.startUpdate(id, seconds(60), seconds(90))),
      ]);
      await db.deleteFrom("mirror_updates").execute();
      await db.deleteFrom("remote_hosts").execute();
      await db
        .updateTable("mirrors")
        .set({ lease_token: null, lease_expires_at: null, requested_at: T0, next_check_at: seconds(3600) })
        .execute();
    }
  });
});

describe("failures of a host", () => {
  it("count one by one when they come at the same time", async () => {
    const failure = { error: "refused", now: T0, mirrorId: 0 };
    await Promise.all([hosts.recordFailure(DEAD, failure), hosts.recordFailure(DEAD, failure)]);
    const { failures, pausedUntil, failingSince } = (await hosts.list())[0] ?? assert.fail();
    assert.deepEqual([failures, pausedUntil, failingSince], [2, null, T0]);
  });

  it("pause it at once for as long as it asks", async () => {
    const failure = { error: "HTTP 429", now: T0, mirrorId: 0, retryAfterSeconds: 90 };
    assert.deepEqual((await hosts.recordFailure(DEAD, failure)).pausedUntil, seconds(90));
  });
});

describe("mirrors that are paused", () => {
  it("are listed by host, and count from the beginning once their failures are forgotten", async () => {
    const [one = 0, two = 0] = [await createMirror("a.example"), await createMirror("b.example")];
    const ids = async (host: string | null) => (await mirrors.listPaused(host)).map(({ id }) => id);
    await db.updateTable("mirrors").set({ retry_count: 15 }).execute();
    await createMirror("a.example");
    assert.deepEqual([await ids(null), await ids("b.example:443")], [[one, two], [two]]);
    assert.deepEqual([await ids("a.example"), await ids("example")], [[one], []]);
    await mirrors.resume([one], { trigger: "configured", at: T0, userId });
    assert.deepEqual(await ids(null), [two]);
    assert.deepEqual(await mirrors.listWaiting(T0), [one]);
    assert.equal((await mirrors.startUpdate(one, T0, seconds(30)))?.trigger, "configured");
  });
});
