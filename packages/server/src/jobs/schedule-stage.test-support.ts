import assert from "node:assert/strict";
import { after, afterEach, beforeEach } from "node:test";
import type { ErrorCode, MirrorDirection } from "@heliostat/contract";
import { sql } from "kysely";
import { FakeClock, watchCalls } from "../../../../test/support/fake-clock.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../test/support/store.ts";
import { requestUpdate } from "../app/mirrors/request-update.ts";
import type { Ports } from "../app/ports.ts";
import { updateMirror } from "../app/updates/update-mirror.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import { createMemberStore } from "../db/members.ts";
import { createMirrorStore } from "../db/mirrors.ts";
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

export const T0 = new Date("2030-01-01T00:00:00Z");
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
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
export async function openSchedule() {
  const db = await openTestStore();
  await initInstanceSettings(db, { allowLocalRequests: false });
  const user = { username: "ada", name: "Ada", email: "a@example.com", isAdmin: false, passwordHash: null };
  const userId = (await createUserStore(db).create(user)).id;
  const namespaceId = (await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow()).id;
  let clock: FakeClock;
  let ports: Ports;
  let dispatcher: Dispatcher;
  let running: RunningUpdates;
  let count = 0;
  /** By host. */
  const troubles = new Map<string, Trouble>();
  /** By URL: of one repository. */
  const troublesOf = new Map<string, Trouble>();
  const tips = new Map<string, string>();
  const listings: Listing[] = [];
  /** How long a listing takes, and how many are under way. */
  let listingMs = 0;
  let atOnce = 0;
  let mostAtOnce = 0;
  /** Called when a pull writes its refs; true: they had moved meanwhile, and the run looks again. */
  let hasMoved: () => boolean;

  after(async () => {
    await db.destroy();
  });

  beforeEach(async () => {
    await db.deleteFrom("projects").execute();
    await db.deleteFrom("remote_hosts").execute();
    for (const each of [troubles, troublesOf, tips]) each.clear();
    listings.length = 0;
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
    listings.length = 0;
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

  return {
    ...{ db, userId, troubles, troublesOf, tips, listings },
    ...{ startNode, stopNode, createMirror, read, createDue, startsOf },
    /** What changes from test to test, or with each start of the node. */
    node: {
      get clock() {
        return clock;
      },
      set clock(value) {
        clock = value;
      },
      get ports() {
        return ports;
      },
      get dispatcher() {
        return dispatcher;
      },
      get running() {
        return running;
      },
      get mostAtOnce() {
        return mostAtOnce;
      },
      /** How long a listing takes. */
      get listingMs() {
        return listingMs;
      },
      set listingMs(value) {
        listingMs = value;
      },
      /** Called when a pull writes its refs; true: they had moved meanwhile, and the run looks again. */
      get hasMoved() {
        return hasMoved;
      },
      set hasMoved(value) {
        hasMoved = value;
      },
    },
  };
}
