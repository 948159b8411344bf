import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type MirrorAnswer, mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { type Api, createApi, type MirrorName, projectPath } from "../support/api.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { git, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

const KILLS = 100;
/** A machine on which so many take longer ends with those it had: each of them is a start of the server. */
const KILLING_MS = 330_000;
const LOOK_EVERY = 10;
/** A server that is ready is killed within so many milliseconds; most of its work is done by then. */
const LATEST_KILL_MS = 700;
const PULLED = 3;
const COMMITS = 150;
/** A mirror that is out of step may rest this long: what it is to carry is written a moment before it is asked for. */
const REST_MS = 20_000;
/** Longer than the first two retries of a push wait. */
const PROMISE_MS = 150_000;

const seed = Number(process.env["KILL_SEED"] ?? randomBytes(4).readUInt32LE());

/** A repository that changes all the time: it has all its commits from the start, and only its refs move. */
interface Restless {
  readonly path: string;
  readonly commits: readonly string[];
}

interface MirrorPair {
  readonly project: string;
  readonly projectId: number;
  readonly mirror: MirrorName;
  /** Where the refs come from, and where they are to be. */
  readonly from: () => string;
  readonly to: () => string;
}

describe(`a server that is killed with -9 up to ${KILLS} times (KILL_SEED=${seed})`, {
  timeout: 570_000,
}, () => {
  const random = makeRandom(seed);
  let root: string;
  let removeRoot = async (): Promise<void> => undefined;
  let peer: GitHttpPeer;
  let server: TestServer;
  let api: Api;
  const upstreams: Restless[] = [];
  let client: Restless;
  const pairs: MirrorPair[] = [];

  before(async () => {
    root = await makeTempDir({ after: (clean) => (removeRoot = clean) });
    peer = await startGitHttpPeer({ root });
    server = await startServer({ database: "embedded", env: { HELIOSTAT_LOG_LEVEL: "info" } });
    api = createApi(server);
    // The client forces and deletes, the default branch too.
    const protection = { default_branch_protection: 0 };
    const settings = {
      ...protection,
      pull_mirror_min_interval_seconds: 0,
      push_mirror_min_interval_seconds: 0,
    };
    await api.put("/application/settings", settings);
    for (let i = 0; i < PULLED; i += 1) {
      const upstream = await makeRestless(join(root, `upstream-${i}.git`));
      upstreams.push(upstream);
      const options = { mirror: true, import_url: peer.urlOf(`upstream-${i}.git`) };
      const { id } = await api.createProject(`pulled-${i}`, options);
      await api.createPullMirror(`root/pulled-${i}`, peer.urlOf(`upstream-${i}.git`), {
        mirror_overwrites_diverged_branches: true,
      });
      const from = () => upstream.path;
      const to = () => repositoryOf(id);
      pairs.push({ project: `root/pulled-${i}`, projectId: id, mirror: "pull", from, to });
      await addDownstream(`root/pulled-${i}`, id, `copy-${i}.git`);
    }
    client = await makeRestless(join(root, "client.git"));
    const { id } = await api.createProject("pushed");
    await addDownstream("root/pushed", id, "copy-of-pushed.git");
  });
  after(async () => {
    await server?.stop();
    await peer?.close();
    await removeRoot();
  });

  async function addDownstream(project: string, projectId: number, name: string): Promise<void> {
    const copy = await makeRepository(join(root, name));
    const { id } = await api.createPushMirror(project, peer.urlOf(name));
    const from = () => repositoryOf(projectId);
    pairs.push({ project, projectId, mirror: id, from, to: () => copy });
  }

  test("loses nothing, leaves nothing under way, and ends in step", async (t) => {
    const began = performance.now();
    const moveAll = () => Promise.all([...upstreams, client].map((repository) => move(repository, random)));
    await moveAll();
    let isLast = false;
    for (let kill = 1; !isLast; kill += 1) {
      isLast = kill === KILLS || performance.now() - began > KILLING_MS;
      const work = Promise.allSettled([
        ...pairs.map(({ project, mirror }) => api.post(startPath(project, mirror))),
        pushAll()
          .then(() => move(client, random))
          .then(pushAll),
      ]);
      await sleep(random() * LATEST_KILL_MS);
      await server.kill("SIGKILL");
      await work;
      await server.assertNoGitLeft();
      if (kill % LOOK_EVERY === 0) await nothingIsBroken(`after kill ${kill}`);
      // Not after the last one: what is new would hide that something before was forgotten.
      await Promise.all([server.restart(), isLast || moveAll()]);
      if (isLast) t.diagnostic(`${kill} kills`);
    }

    await waitFor(
      () =>
        pushAll().then(
          () => true,
          () => false,
        ),
      { message: "the client's push arrives" },
    );
    for (const { project, mirror } of pairs)
      if (mirror === "pull") await api.post(startPath(project, mirror));
    for (const pair of pairs) await inStep(pair);
    await nothingIsBroken("at the end");
    const interrupted = { pull: 0, push: 0 };
    for (const { project, mirror } of pairs) {
      for (const update of await api.listUpdates(project, mirror)) {
        assert.notEqual(update.status, "started", `${project} ${mirror}`);
        assert.notEqual(update.finished_at, null);
        if (update.trigger === "recovery") interrupted[mirror === "pull" ? "pull" : "push"] += 1;
      }
    }
    // Else the kills came when nothing was under way, and the test says nothing.
    assert(interrupted.pull >= 3 && interrupted.push >= 3, JSON.stringify(interrupted));
  });

  function repositoryOf(projectId: number): string {
    return join(server.dataDir, "repositories", String(Math.floor(projectId / 1000)), `${projectId}.git`);
  }

  async function pushAll(): Promise<void> {
    const url = withCredentials(`${server.url}/root/pushed.git`, "root", server.token);
    const refspecs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    await git(client.path, ["push", "--quiet", "--prune", url, ...refspecs]);
  }

  /** Every ref leads to objects that are all there, on both sides of every mirror. */
  async function nothingIsBroken(when: string): Promise<void> {
    const repositories = new Set(pairs.flatMap(({ from, to }) => [from(), to()]));
    for (const repository of repositories) {
      const said = await git(repository, ["fsck", "--connectivity-only", "--no-dangling"]).catch(String);
      assert.doesNotMatch(said, /error|missing|broken|invalid/i, `${repository} ${when} (seed ${seed})`);
    }
  }

  /**
   * Waits for as long as the mirror is at it, or promises to be: a retry may have its delay. One that rests while its
   * sides differ has forgotten what it was to carry.
   */
  async function inStep(pair: MirrorPair): Promise<void> {
    let restsSince: number | null = null;
    await waitFor(
      async () => {
        const mirror = await readMirror(pair);
        const isDone = mirror.update_status === "finished" && (await differingRefs(pair)).length === 0;
        if (!rests(mirror)) {
          restsSince = null;
          return false;
        }
        if (isDone) return true;
        restsSince ??= performance.now();
        if (performance.now() - restsSince < REST_MS) return false;
        throw new Error(`at rest, but not in step: ${await describePair(pair)}`);
      },
      { timeoutMs: PROMISE_MS, message: async () => `in step: ${await describePair(pair)}` },
    );
  }

  async function readMirror({ project, mirror }: MirrorPair): Promise<MirrorAnswer> {
    const mirrors = mirrorSchema.array().parse(await api.get(`${projectPath(project)}/mirrors`));
    const found = mirrors.find(({ id, direction }) =>
      mirror === "pull" ? direction === "pull" : id === mirror,
    );
    assert(found);
    return found;
  }

  /** What is known of a pair that is not in step, the most telling first: the end of a log may be all that is seen. */
  async function describePair(pair: MirrorPair): Promise<string> {
    const [row, refs, updates] = await Promise.all([
      readMirror(pair),
      differingRefs(pair),
      api.listUpdates(pair.project, pair.mirror),
    ]);
    const hosts = JSON.stringify(await api.get("/mirrors/hosts"));
    const locks = [pair.from(), pair.to()].map((side) => locksIn(side).join(" ") || "none");
    return [
      `${pair.project} ${pair.mirror}, KILL_SEED=${seed}, ${refs.length} refs differ: ${refs.slice(0, 3).join(" ")}`,
      `now ${new Date().toISOString()}, ${row.update_status}, next update ${row.next_update_at}, retries ${row.retry_count}`,
      `locks: ${locks.join("; ")}; silent hosts: ${hosts}`,
      ...updates
        .slice(0, 5)
        .map(
          ({ id, trigger, status, started_at, finished_at, error }) =>
            `${id} ${trigger} ${status} ${started_at}/${finished_at} ${error?.replace(/\s+/g, " ").slice(0, 200) ?? ""}`,
        ),
    ].join("\n");
  }
});

/** Nothing runs, and nothing is due so soon that it could be called the carrying on of what was asked for. */
function rests({ update_status, next_update_at }: MirrorAnswer): boolean {
  if (update_status === "started") return false;
  return next_update_at === null || Date.parse(next_update_at) > Date.now() + PROMISE_MS;
}

async function differingRefs({ from, to }: MirrorPair): Promise<string[]> {
  const [there, here] = await Promise.all([mirroredRefs(from()), mirroredRefs(to())]);
  return [...new Set([...Object.keys(there), ...Object.keys(here)])].filter(
    (ref) => there[ref] !== here[ref],
  );
}

function locksIn(repository: string): string[] {
  return readdirSync(repository, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".lock"),
  );
}

function startPath(project: string, mirror: MirrorName): string {
  return mirror === "pull"
    ? `${projectPath(project)}/mirror/pull`
    : `${projectPath(project)}/remote_mirrors/${mirror}/sync`;
}

async function mirroredRefs(repository: string): Promise<Record<string, string>> {
  const refs = Object.entries(await refsOf(repository));
  return Object.fromEntries(refs.filter(([ref]) => /^refs\/(heads|tags)\//.test(ref)));
}

/** Two lines of history that have nothing in common, in commits that take a moment to send. */
async function makeRestless(path: string): Promise<Restless> {
  await makeRepository(path);
  const lines = [0, 1].flatMap((line) =>
    Array.from({ length: COMMITS }, (_, i) => {
      const content = randomBytes(6_000).toString("base64");
      const message = `${line} ${i}`;
      return [
        `commit refs/pool/${line}\ncommitter C O Mitter <committer@example.com> ${1_700_000_000 + i} +0000`,
        `data ${message.length}\n${message}`,
        `M 100644 inline file-${i % 20}\ndata ${content.length}\n${content}\n`,
      ].join("\n");
    }),
  );
  await git(path, ["fast-import", "--quiet"], { input: lines.join("\n") });
  const commits = (await git(path, ["rev-list", "--reverse", "refs/pool/0", "refs/pool/1"])).split("\n");
  await git(path, ["update-ref", "refs/heads/main", commits[0] ?? ""]);
  return { path, commits };
}

/** Moves some refs somewhere: forward, back, to the other line, or into being. */
async function move({ path, commits }: Restless, random: () => number): Promise<void> {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const lines = Array.from({ length: 1 + Math.floor(random() * 8) }, () => {
    const name = pick(["heads/main", "heads/topic/a", "heads/topic/b", "heads/x", "tags/v1", "tags/v2"]);
    return [`refs/${name}${random() < 0.5 ? "" : `-${Math.floor(random() * 40)}`}`, pick(commits)] as const;
  });
  const input = [...new Map(lines)].map(([ref, oid]) => `update ${ref} ${oid}\n`).join("");
  await git(path, ["update-ref", "--stdin"], { input });
}

/** Numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
function makeRandom(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
