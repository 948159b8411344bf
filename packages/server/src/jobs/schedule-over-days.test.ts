import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { ErrorCode, MirrorDirection } from "@heliostat/contract";
import { sql } from "kysely";
import { FakeClock, watchCalls } from "../../../../test/support/fake-clock.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../test/support/store.ts";
import { requestUpdate } from "../app/mirrors/request-update.ts";
import type { Ports } from "../app/ports.ts";
import { SHUTTING_DOWN, updateMirror } from "../app/updates/update-mirror.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import { createMemberStore } from "../db/members.ts";
import { createMirrorStore } from "../db/mirrors.ts";
import type { Db } from "../db/pool.ts";
import { createProjectStore } from "../db/projects.ts";
import { createProtectedBranchStore } from "../db/protected-branches.ts";
import { createProtectedTagStore } from "../db/protected-tags.ts";
import { createHostStore } from "../db/remote-hosts.ts";
import { createUserStore } from "../db/users.ts";
import { HeliostatError } from "../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror, type MirrorOptions } from "../domain/mirror.ts";
import { parseOid } from "../domain/oid.ts";
import { branchRef } from "../domain/ref-name.ts";
import type { AdvertisedRefs } from "../domain/refs.ts";
import { hostOf, parseRemoteUrl } from "../domain/remote-url.ts";
import { type Dispatcher, startDispatcher } from "./dispatcher.ts";
import { createRunningUpdates, type RunningUpdates } from "./running-updates.ts";

const T0 = new Date("2030-01-01T00:00:00Z");
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MAIN = branchRef("main");
const FIRST = parseOid("1".repeat(40));

/** What a remote does when its refs are listed: nothing wrong (null), or this, perhaps after a while. */
interface Trouble {
  readonly code: ErrorCode;
  readonly retryAfterSeconds?: number;
}

interface Listing {
  readonly at: number;
  readonly url: string;
}

/**
 * The scheduler as it is, with the real database: dispatcher, checker, leases, limits and the record of updates. Remotes
 * and repositories follow a script, and time stands still until the test lets it go on.
 */
describe("the schedule", () => {
  let db: Db;
  let clock: FakeClock;
  let ports: Ports;
  let dispatcher: Dispatcher;
  let running: RunningUpdates;
  let userId = 0;
  let namespaceId = 0;
  let count = 0;
  /** By host. */
  let troubles: Map<string, Trouble>;
  /** By URL: of one repository. */
  let troublesOf: Map<string, Trouble>;
  let tips: Map<string, string>;
  let listings: Listing[];
  /** How long a listing takes, and how many are under way. */
  let listingMs = 0;
  let atOnce = 0;
  let mostAtOnce = 0;
  /** Called when a pull writes its refs; true: they had moved meanwhile, and the run looks again. */
  let hasMoved: () => boolean;

  before(async () => {
    db = await openTestStore();
    await initInstanceSettings(db, { allowLocalRequests: false });
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
    troubles = new Map();
    troublesOf = new Map();
    tips = new Map();
    listings = [];
    listingMs = 0;
    mostAtOnce = 0;
    hasMoved = () => false;
    const calls = watchCalls();
    clock = new FakeClock(T0, calls.settled);
    startNode(calls.count);
  });
  afterEach(async () => {
    await stopNode();
  });

  /** One node of the server: it may be stopped and started again, as a process may. */
  function startNode(counted: <T extends object>(port: T) => T): void {
    running = createRunningUpdates(clock);
    const ours = new Map<string, string>();
    const queue: Ports["queue"] = {
      // Not waited for, as with the real queue.
      async send(id) {
        void running.run(id, (signal) => updateMirror(ports, id, signal));
      },
      wakeAt: (at) => dispatcher.wakeAt(at),
      cancel: (id) => running.cancel(id),
    };
    const all = {
      clock,
      log: makeMemoryLog(),
      instance: { random: () => 0 },
      mails: null,
      users: counted(createUserStore(db)),
      settings: counted(createInstanceSettingsStore(db)),
      projects: counted(createProjectStore(db)),
      protectedBranches: counted(createProtectedBranchStore(db)),
      protectedTags: counted(createProtectedTagStore(db)),
      members: counted(createMemberStore(db)),
      mirrors: counted(createMirrorStore(db, createTestSealer())),
      hosts: counted(createHostStore(db)),
      background: { run: () => undefined },
      housekeeping: { noteWrite: () => undefined },
      progress: { begin: () => ({ report: () => undefined, end: () => undefined }) },
      queue,
      remotes: {
        open: async (url: Mirror["url"]) => ({ url, credential: null, address: "192.0.2.1" }),
        listRefs: async ({ url }: { url: Mirror["url"] }, { signal }: { signal: AbortSignal }) => {
          const listed = await listRefs(url);
          signal.throwIfAborted();
          return listed;
        },
      },
      repositories: {
        pathOf: (id: number) => `/${id}`,
        readRefs: async (path: string) => ({
          objectFormat: "sha1",
          refs: new Map([[MAIN, ours.get(path) ?? FIRST]]),
          symrefs: new Set(),
          head: MAIN,
        }),
        readDefaultBranch: async () => null,
        adoptHead: async () => null,
        removeRemains: async () => undefined,
        fetchObjects: async () => undefined,
        answerAncestry: async () => () => "yes",
        applyChanges: async (path: string, changes: readonly { ref: string; old: string; new: string }[]) => {
          if (hasMoved())
            return changes.map((change) => ({ ...change, outcome: "rejected", reason: "stale-lease" }));
          for (const change of changes) ours.set(path, change.new);
          return changes.map(({ ref, old, new: oid }) => ({ ref, outcome: "fast-forward", old, new: oid }));
        },
      },
    };
    ports = all as object as Ports;
    dispatcher = startDispatcher(() => ports, { sweepMs: 24 * HOUR });
  }

  async function stopNode(): Promise<void> {
    await dispatcher.stop();
    await running.drain(0, "the end");
  }

  async function listRefs(url: Mirror["url"]): Promise<AdvertisedRefs> {
    listings.push({ at: clock.now().getTime() - T0.getTime(), url });
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    if (listingMs > 0) await new Promise<void>((resolve) => clock.after(listingMs, resolve));
    atOnce -= 1;
    const trouble = troublesOf.get(url) ?? troubles.get(hostOf(url));
    if (trouble) {
      const { code, retryAfterSeconds } = trouble;
      throw new HeliostatError(
        code,
        `${code}.`,
        retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      );
    }
    const oid = parseOid(tips.get(url) ?? FIRST);
    return { objectFormat: "sha1", refs: new Map([[MAIN, { oid }]]), head: MAIN };
  }

  async function createMirror(
    direction: MirrorDirection = "pull",
    { host = "host.example", ...options }: Partial<MirrorOptions> & { readonly host?: string } = {},
  ): Promise<Mirror> {
    count += 1;
    const names = { name: `p${count}`, path: `p${count}`, description: null, visibility: "private" } as const;
    const project = await createProjectStore(db).create({ ...names, namespaceId, creatorId: userId });
    const mirror = await ports.mirrors.create({
      projectId: project.id,
      direction,
      enabled: true,
      url: parseRemoteUrl(`https://${host}/p${count}.git`).url,
      urlHadUserinfo: false,
      authMethod: "password",
      credential: {},
      options: { ...DEFAULT_MIRROR_OPTIONS, ...options },
      userId,
    });
    await db.updateTable("mirrors").set({ created_at: T0 }).where("id", "=", mirror.id).execute();
    return mirror;
  }

  async function read({ id }: Pick<Mirror, "id">): Promise<Mirror> {
    return (await ports.mirrors.find(id)) ?? assert.fail("the mirror is gone");
  }

  /** Pull mirrors of one host that are in step, and due for a look at this moment. */
  async function createDue(many: number, at: Date, host = "host.example"): Promise<readonly Mirror[]> {
    const first = await createMirror("pull", { host });
    await requestUpdate(ports, first, "configured");
    await clock.advance(0);
    // The others as copies of it: a thousand through the front door take most of a minute.
    await sql`with made as (
        insert into projects (namespace_id, name, path, visibility, creator_id)
          select ${namespaceId}, ${host} || n, ${host} || n, 'private', ${userId} from generate_series(2, ${many}::integer) as n
          returning id, path
      )
      insert into mirrors (project_id, direction, enabled, url, remote_host, user_id, update_status, last_update_at,
          last_successful_update_at, applied_digest, applied_generation)
        select made.id, 'pull', true, 'https://' || ${host} || '/' || made.path || '.git', remote_host, user_id,
            'finished', last_update_at, last_successful_update_at, applied_digest, 0
          from made, mirrors where mirrors.id = ${first.id}`.execute(db);
    const rows = await db
      .updateTable("mirrors")
      .set({ next_check_at: at })
      .where("remote_host", "=", `${host}:443`)
      .returning("id")
      .execute();
    listings = [];
    mostAtOnce = 0;
    return await Promise.all(rows.map(read));
  }

  /** Minutes at which updates began. */
  async function startsOf({ id }: Mirror): Promise<readonly number[]> {
    const rows = await db
      .selectFrom("mirror_updates")
      .select("started_at")
      .where("mirror_id", "=", id)
      .orderBy("id")
      .execute();
    return rows.map((row) => (row.started_at.getTime() - T0.getTime()) / MINUTE);
  }

  describe("of a pull mirror", () => {
    it("backs off with each failure and pauses at the fifteenth, 2,850 minutes after the first", async () => {
      troubles.set("host.example", { code: "remote-not-found" });
      const mirror = await createMirror();
      await requestUpdate(ports, mirror, "configured");
      await clock.advance(100 * HOUR);
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
      await requestUpdate(ports, mirror, "configured");
      await clock.advance(48 * HOUR);
      assert.deepEqual(await startsOf(mirror), [0, 30]);
      troubles.clear();
      await requestUpdate(ports, mirror, "configured", { resumes: true });
      await clock.advance(HOUR);
      const { updateStatus, retryCount, lastUpdateAt } = await read(mirror);
      assert.deepEqual([updateStatus, retryCount], ["finished", 0]);
      const minute = Math.floor(((lastUpdateAt?.getTime() ?? 0) - T0.getTime()) / MINUTE);
      assert.equal(minute, 48 * 60 + 30, "it is checked every 30 minutes again");
    });

    it("does not pause for the proxy, however long that is down, and goes on when it is back", async () => {
      troubles.set("host.example", { code: "remote-proxy" });
      const mirror = await createMirror();
      await requestUpdate(ports, mirror, "configured");
      await clock.advance(120 * HOUR);
      assert.equal((await read(mirror)).lastErrorCode, "remote-proxy");
      troubles.clear();
      await clock.advance(6 * HOUR);
      const { updateStatus, retryCount } = await read(mirror);
      assert.deepEqual([updateStatus, retryCount], ["finished", 0]);
    });

    it("comes at its own interval", async () => {
      const mirror = await createMirror("pull", { intervalSeconds: 600 });
      await requestUpdate(ports, mirror, "configured");
      await clock.advance(6 * HOUR);
      // Each is written down 50 ms after it was made, together with others.
      const minutes = listings.map(({ at }) => Math.floor(at / MINUTE));
      assert.deepEqual(minutes.slice(0, 4), [0, 10, 20, 30]);
      assert.equal(listings.length, 36);
    });

    it("that adapts is dense after a change, and grows sparse over days of silence", async () => {
      const mirror = await createMirror("pull", { adaptiveInterval: true });
      await requestUpdate(ports, mirror, "configured");
      const checksIn = async (ms: number): Promise<number> => {
        listings = [];
        await clock.advance(ms);
        return listings.length;
      };
      const firstHour = await checksIn(HOUR);
      const restOfDay = await checksIn(23 * HOUR);
      await clock.advance(24 * HOUR);
      const thirdDay = await checksIn(24 * HOUR);
      assert.ok(firstHour >= 10 && firstHour <= 14, `${firstHour} checks in the first hour`);
      assert.ok(restOfDay >= 7 && restOfDay <= 10, `${restOfDay} in the rest of the day`);
      // 300 minutes are the longest.
      assert.ok(thirdDay >= 4 && thirdDay <= 6, `${thirdDay} on the third day`);
      tips.set(mirror.url, "2".repeat(40));
      await clock.advance(5 * HOUR);
      const { lastChangedAt } = await read(mirror);
      assert.ok(lastChangedAt, "the change was seen");
      assert.ok((await checksIn(HOUR)) < 14);
      tips.set(mirror.url, "3".repeat(40));
      await clock.advance(5 * HOUR);
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
      await requestUpdate(ports, mirror, "push");
      await clock.advance(HOUR);
      const tries = [0, 10, 70, 370].map((seconds) => seconds / 60);
      assert.deepEqual(await startsOf(mirror), tries);
      assert.equal((await read(mirror)).updateStatus, "failed");
      troubles.clear();
      await clock.advance(2 * HOUR);
      const repaired = await read(mirror);
      assert.deepEqual([repaired.updateStatus, repaired.retryCount], ["finished", 0]);
      assert.equal((await startsOf(mirror)).length, 5);
    });

    it("has all its tries again for the next change", async () => {
      troubles.set("host.example", { code: "object-format-mismatch" });
      const mirror = await createMirror("push");
      for (let change = 1; change <= 2; change += 1) {
        await requestUpdate(ports, mirror, "push");
        await clock.advance(20 * MINUTE);
        assert.equal((await startsOf(mirror)).length, 4 * change);
      }
    });

    it("does not try a refused certificate again before the periodic check", async () => {
      troubles.set("host.example", { code: "remote-tls" });
      const mirror = await createMirror("push");
      await requestUpdate(ports, mirror, "push");
      await clock.advance(29 * MINUTE);
      assert.deepEqual(await startsOf(mirror), [0]);
      await clock.advance(2 * MINUTE);
      assert.deepEqual(await startsOf(mirror), [0, 30]);
    });

    it("that waits for a person is tried less and less often, whatever it waits for", async () => {
      for (const code of ["remote-credential", "ssh-key-refused", "host-key-changed"] as const) {
        troubles.set("host.example", { code });
        const mirror = await createMirror("push");
        const since = (clock.now().getTime() - T0.getTime()) / MINUTE;
        await requestUpdate(ports, mirror, "push");
        await clock.advance(47 * HOUR);
        const starts = (await startsOf(mirror)).map((start) => Math.round(start - since));
        const waits = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
        assert.deepEqual(waits, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300], code);
      }
    });
  });

  describe("after a restart", () => {
    it("does not stampede: a thousand overdue mirrors are checked in turn, those of others at their time", async () => {
      const later = new Date(T0.getTime() + 3 * HOUR);
      const others = await createDue(20, later, "other.example");
      await createDue(1000, T0);
      await stopNode();
      const calls = watchCalls();
      clock = new FakeClock(new Date(T0.getTime() + HOUR), calls.settled);
      listingMs = 50;
      startNode(calls.count);
      dispatcher.wakeAt(clock.now());
      await clock.advance(MINUTE);
      assert.equal(listings.length, 1000, "all were checked");
      assert.ok(mostAtOnce <= 8, `${mostAtOnce} at once with one host`);
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
      for (const { id } of mirrors) await ports.mirrors.requestUpdate(id, "push", T0);
      listingMs = 1000;
      dispatcher.wakeAt(clock.now());
      await clock.advance(HOUR / 2);
      assert.equal(listings.length, 60);
      assert.equal(mostAtOnce, 5);
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
      listingMs = 30;
      await clock.advance(6 * HOUR);
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
      listings = [];
      const paused = (await ports.hosts.list())[0] ?? assert.fail("it is paused");
      await clock.advance((paused.pausedUntil?.getTime() ?? 0) - clock.now().getTime() + 5 * SECOND);
      const back = new Set(
        listings.filter(({ url }) => hostOf(url as Mirror["url"]) === DEAD).map(({ url }) => url),
      );
      assert.equal(back.size, 50, "all were looked at");
      assert.deepEqual(await ports.hosts.list(), []);
    });

    it("knows it still after a restart", async () => {
      await createDue(20, new Date(T0.getTime() + MINUTE), DEAD);
      troubles.set(DEAD, { code: "remote-unreachable" });
      await clock.advance(HOUR);
      await stopNode();
      const calls = watchCalls();
      clock = new FakeClock(clock.now(), calls.settled);
      listings = [];
      startNode(calls.count);
      dispatcher.wakeAt(clock.now());
      await clock.advance(HOUR);
      assert.equal(listings.length, 6);
    });

    it("takes any answer for one: a refused password shows that it is there", async () => {
      const mirrors = await createDue(5, new Date(T0.getTime() + MINUTE), DEAD);
      troubles.set(DEAD, { code: "remote-closed" });
      await clock.advance(HOUR);
      troubles.set(DEAD, { code: "remote-credential" });
      await clock.advance(11 * MINUTE);
      assert.deepEqual(await ports.hosts.list(), []);
      const states = await Promise.all(mirrors.map(read));
      assert.ok(states.every(({ lastErrorCode }) => lastErrorCode === "remote-credential"));

      troubles.set(DEAD, { code: "remote-closed" });
      await clock.advance(10 * HOUR);
      assert.equal((await ports.hosts.list()).length, 1);
      troubles.set(DEAD, { code: "host-key-changed" });
      await clock.advance(11 * MINUTE);
      assert.deepEqual(await ports.hosts.list(), [], "so does one that shows another host key");
    });

    it("lets a person try it at once", async () => {
      const [mirror = assert.fail()] = await createDue(5, new Date(T0.getTime() + MINUTE), DEAD);
      troubles.set(DEAD, { code: "remote-closed" });
      await clock.advance(2 * HOUR);
      listings = [];
      await requestUpdate(ports, mirror, "manual");
      await clock.advance(SECOND);
      assert.deepEqual(
        listings.map(({ url }) => url),
        [mirror.url],
      );
      troubles.clear();
      listings = [];
      await requestUpdate(ports, mirror, "manual");
      await clock.advance(10 * SECOND);
      assert.equal(new Set(listings.map(({ url }) => url)).size, 5, "and all go on when it is there");
    });

    it("is not paused for ever by one repository of which it says that it is busy", async () => {
      const others = await createDue(5, new Date(T0.getTime() + MINUTE), DEAD);
      const busy = await createMirror("pull", { host: DEAD });
      await clock.advance(2 * MINUTE);
      listings = [];
      troublesOf.set(busy.url, { code: "remote-busy", retryAfterSeconds: 600 });
      await requestUpdate(ports, busy, "schedule");
      await clock.advance(24 * HOUR);
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
      for (const mirror of pushes) await requestUpdate(ports, mirror, "push");
      await clock.advance(29 * MINUTE);
      assert.ok(listings.every(({ at }) => at === 0));
      troubles.clear();
      await clock.advance(2 * MINUTE);
      for (const mirror of pushes) assert.equal((await read(mirror)).updateStatus, "finished");
    });
  });

  describe("of a run", () => {
    it("that is cancelled says by whom, and runs again at its next time", async () => {
      const mirror = await createMirror();
      listingMs = 10 * MINUTE;
      await requestUpdate(ports, mirror, "push");
      await clock.advance(SECOND);
      assert.equal(await ports.mirrors.requestCancel(mirror.id, clock.now(), userId), "running");
      // As on another node: nobody here is told but by the lease.
      await clock.advance(11 * MINUTE);
      const cancelled = await read(mirror);
      assert.deepEqual(
        [cancelled.updateStatus, cancelled.lastError, cancelled.retryCount],
        ["failed", "The update was cancelled by Ada.", 0],
      );
      listingMs = 0;
      await clock.advance(HOUR);
      assert.equal((await read(mirror)).updateStatus, "finished");
    });

    describe("that looks a second time, because a ref moved", () => {
      /** A pull whose second look begins with `whenLooking`, and takes ten minutes. */
      async function startSecondLook(whenLooking: () => void): Promise<Mirror> {
        const mirror = await createMirror();
        tips.set(mirror.url, "2".repeat(40));
        hasMoved = () => {
          hasMoved = () => false;
          listingMs = 10 * MINUTE;
          whenLooking();
          return true;
        };
        await requestUpdate(ports, mirror, "push");
        await clock.advance(SECOND);
        return mirror;
      }

      async function updatesOf({ id }: Mirror) {
        return (await ports.mirrors.listUpdates(id, { page: 1, perPage: 10 })).items.map(
          ({ status, trigger, error, counts }) => ({ status, trigger, error, counts }),
        );
      }

      it("is cancelled then as at any other time, with what its first look did", async () => {
        const mirror = await startSecondLook(() => undefined);
        assert.equal(await ports.mirrors.requestCancel(mirror.id, clock.now(), userId), "running");
        await clock.advance(11 * MINUTE);
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
        const stopped = Promise.all([dispatcher.stop(), running.drain(0, SHUTTING_DOWN)]);
        await clock.advance(11 * MINUTE);
        await stopped;
        const { updateStatus, retryCount } = await read(mirror);
        assert.deepEqual([updateStatus, retryCount], ["scheduled", 0]);
        listingMs = 0;
        const calls = watchCalls();
        clock = new FakeClock(clock.now(), calls.settled);
        startNode(calls.count);
        dispatcher.wakeAt(clock.now());
        await clock.advance(SECOND);
        const ends = (await updatesOf(mirror)).map(({ status, trigger }) => `${status} ${trigger}`);
        assert.deepEqual(ends, ["finished recovery", "cancelled push"]);
      });

      it("leaves its host alone when that asks for it then", async () => {
        const mirror = await startSecondLook(() =>
          troubles.set("host.example", { code: "remote-busy", retryAfterSeconds: 1800 }),
        );
        const asked = clock.now().getTime();
        await clock.advance(11 * MINUTE);
        const [host] = await ports.hosts.list();
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
        await clock.advance(11 * MINUTE);
        await settings.write({ mirrorUpdateTimeoutSeconds });
        assert.match(
          (await updatesOf(mirror))[0]?.error ?? "",
          /\n\nThe mirror update took too long to complete \(limit: 1 min\)\.$/,
        );
      });
    });

    it("whose node died is taken up again within 30 s", async () => {
      const mirror = await createMirror("push");
      await ports.mirrors.requestUpdate(mirror.id, "push", clock.now());
      const died = clock.now();
      assert.ok(await ports.mirrors.startUpdate(mirror.id, died, new Date(died.getTime() + 20 * SECOND)));
      dispatcher.wakeAt(died);
      await clock.advance(30 * SECOND);
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
