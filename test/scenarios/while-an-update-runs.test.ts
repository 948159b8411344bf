import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { MirrorUpdateAnswer } from "@heliostat/contract/api/mirrors.ts";
import { Client } from "pg";
import { type Api, createApi, type MirrorName, projectPath } from "../support/api.ts";
import { type GatedProxy, startGatedProxy } from "../support/gated-proxy.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { writeHook } from "../support/mirror-stage.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const MB = 1024 * 1024;

describe("while an update runs", () => {
  let root: string;
  let peer: GitHttpPeer;
  /** Between the server and the hosts of its remotes: an update runs as long as a test holds its transfer. */
  let proxy: GatedProxy;
  let database: TestDatabase;
  let server: TestServer;
  let api: Api;

  before(async () => {
    root = await makeTempDir({ after });
    peer = await startGitHttpPeer({ root });
    proxy = await startGatedProxy(peer);
    database = await createTestDatabase();
    server = await startServer({ database: "embedded", env: { HELIOSTAT_DATABASE_URL: database.url } });
    api = createApi(server);
    const settings = { pull_mirror_min_interval_seconds: 0, push_mirror_min_interval_seconds: 0 };
    await api.put("/application/settings", settings);
  });
  after(async () => {
    proxy?.open();
    await server?.stop();
    await database?.drop();
    await proxy?.close();
    await peer?.close();
  });
  afterEach(() => proxy.open());

  /** A project whose first pull is in the middle of its transfer. */
  async function startPull(name: string): Promise<{ upstream: string; project: string; repository: string }> {
    const upstream = await makeRepository(join(root, `${name}.git`));
    await makeNoise(upstream, 2 * MB);
    const held = proxy.hold("from-target", MB);
    const { id } = await api.createProject(name, { mirror: true, import_url: proxy.urlOf(`${name}.git`) });
    await held;
    return { upstream, project: `root/${name}`, repository: repositoryOf(id) };
  }

  /** A project whose first push to its downstream is in the middle of its transfer. */
  async function startPush(
    name: string,
  ): Promise<{ downstream: string; project: string; repository: string; mirrorId: number; tip: string }> {
    const { id } = await api.createProject(name);
    const client = await makeRepository(join(root, `${name}-client.git`));
    const tip = await makeNoise(client, 2 * MB);
    await git(client, ["push", "--quiet", gitUrl(`root/${name}`), "refs/heads/main"]);
    const downstream = await makeRepository(join(root, `${name}-copy.git`));
    const held = proxy.hold("to-target", MB);
    const mirror = await api.createPushMirror(id, proxy.urlOf(`${name}-copy.git`));
    await held;
    return { downstream, project: `root/${name}`, repository: repositoryOf(id), mirrorId: mirror.id, tip };
  }

  function repositoryOf(projectId: number): string {
    return join(server.dataDir, "repositories", String(Math.floor(projectId / 1000)), `${projectId}.git`);
  }

  function gitUrl(project: string): string {
    return `${server.url.replace("http://", `http://root:${server.token}@`)}/${project}.git`;
  }

  describe("a client pushes to the project", () => {
    test("another branch: both survive", async () => {
      const { upstream, project, repository } = await startPull("other-branch");
      const client = await makeRepository(join(root, "other-branch-client.git"));
      const mine = await makeCommit(client, { ref: "refs/heads/mine" });
      await git(client, ["push", "--quiet", gitUrl(project), "refs/heads/mine"]);
      proxy.open();

      await api.waitForMirror(project, "pull", "finished");
      assert.deepEqual(await refsOf(repository), { ...(await refsOf(upstream)), "refs/heads/mine": mine });
      await checkRepository(repository);
    });

    test("a branch that upstream has too: the push stays, and the mirror says what it could not do", async () => {
      const { upstream, project, repository } = await startPull("same-branch");
      const client = await makeRepository(join(root, "same-branch-client.git"));
      const mine = await makeCommit(client);
      await git(client, ["push", "--quiet", gitUrl(project), "refs/heads/main"]);
      proxy.open();

      // The branch was not there when the run looked, and was when it came to write: the run looks again by itself.
      const first = await api.waitForMirror(project, "pull", "failed");
      assert.deepEqual(outcomesOf(first), { "refs/heads/main": "diverged" });
      assert.match(
        first.error ?? "",
        /^The default branch \(main\) has diverged from its upstream counterpart/,
      );
      assert.deepEqual(await refsOf(repository), { "refs/heads/main": mine });

      const second = await api.update(project, "pull");
      assert.equal(second.status, "failed");
      assert.match(second.error ?? "", /diverged/i);
      assert.deepEqual(await refsOf(repository), { "refs/heads/main": mine });
      assert.notDeepEqual(await refsOf(upstream), { "refs/heads/main": mine });
      await checkRepository(repository);
    });

    test("the very commit that upstream has: in step in the end, and no failure stays", async () => {
      const { upstream, project, repository } = await startPull("same-commit");
      await git(upstream, ["push", "--quiet", gitUrl(project), "refs/heads/main"]);
      proxy.open();

      await waitFor(async () => (await api.listUpdates(project, "pull"))[0]?.finished_at, {
        message: "the update has ended",
      });
      const again = await api.update(project, "pull");
      assert.equal(again.status, "finished");
      assert.equal((await api.readPullMirror(project)).last_error, null);
      assert.deepEqual(await refsOf(repository), await refsOf(upstream));
    });

    test("more than the running push carries: a second push brings the rest downstream", async () => {
      const { downstream, project, tip } = await startPush("push-during-push");
      const client = join(root, "push-during-push-client.git");
      const next = await makeCommit(client);
      assert.notEqual(next, tip);
      await git(client, ["push", "--quiet", gitUrl(project), "refs/heads/main"]);
      proxy.open();

      await waitFor(async () => (await refsOf(downstream))["refs/heads/main"] === next, {
        message: "the later push has arrived too",
      });
      await checkRepository(downstream);
    });
  });

  describe("its mirror is taken away or changed", () => {
    test("a push mirror is deleted: its git ends, the project stays, the downstream is as it was", async () => {
      const { downstream, project, repository, mirrorId, tip } = await startPush("delete-mirror");
      await api.delete(`${projectPath(project)}/remote_mirrors/${mirrorId}`);

      await server.assertNoGitLeft();
      assert.equal((await api.call("GET", `${projectPath(project)}/remote_mirrors/${mirrorId}`)).status, 404);
      assert.deepEqual(await api.get(`${projectPath(project)}/remote_mirrors`), []);
      assert.deepEqual(await refsOf(downstream), {});
      assert.deepEqual(await refsOf(repository), { "refs/heads/main": tip });

      proxy.cut();
      const again = await api.createPushMirror(project, proxy.urlOf("delete-mirror-copy.git"));
      await api.waitForMirror(project, again.id, "finished");
      assert.deepEqual(await refsOf(downstream), { "refs/heads/main": tip });
    });

    test("a push mirror is disabled: its run is cancelled, and goes on when it is enabled again", async () => {
      const { downstream, project, mirrorId, tip } = await startPush("disable-push");
      const path = `${projectPath(project)}/remote_mirrors/${mirrorId}`;
      await api.put(path, { enabled: false });

      await server.assertNoGitLeft();
      const stopped = await newestUpdate(project, mirrorId);
      assert.equal(stopped.status, "cancelled");
      assert.deepEqual(await refsOf(downstream), {});

      proxy.cut();
      await api.put(path, { enabled: true });
      await api.waitForMirror(project, mirrorId, "finished");
      assert.deepEqual(await refsOf(downstream), { "refs/heads/main": tip });
    });

    test("a pull mirror is disabled: its run is cancelled, and starts over when it is enabled again", async () => {
      const { upstream, project, repository } = await startPull("disable-pull");
      const { id } = await api.readPullMirror(project);
      await api.put(`${projectPath(project)}/mirror/pull`, { enabled: false });

      await server.assertNoGitLeft();
      assert.equal((await newestUpdate(project, id)).status, "cancelled");
      assert.deepEqual(await refsOf(repository), {});
      const off = await api.call("GET", `${projectPath(project)}/mirror/pull`);
      assert.equal(off.status, 400);

      proxy.cut();
      await api.put(`${projectPath(project)}/mirror/pull`, { enabled: true });
      await api.waitForMirror(project, "pull", "finished");
      assert.deepEqual(await refsOf(repository), await refsOf(upstream));
    });

    test("its URL is changed: what the project gets is the new upstream's", async () => {
      const { project, repository } = await startPull("new-url");
      const other = await makeRepository(join(root, "new-url-other.git"));
      await makeCommit(other, { ref: "refs/heads/main" });
      await makeCommit(other, { ref: "refs/heads/only-there" });
      await api.put(`${projectPath(project)}/mirror/pull`, { url: peer.urlOf("new-url-other.git") });

      const ends = () =>
        waitFor(
          async () => JSON.stringify(await refsOf(repository)) === JSON.stringify(await refsOf(other)),
          {
            message: async () => `the new upstream's refs; the updates are ${await history(project, "pull")}`,
          },
        );
      await ends();
      proxy.open();
      await api.waitForMirror(project, "pull", "finished");
      await server.assertNoGitLeft();
      await ends();
      const { url, last_error } = await api.readPullMirror(project);
      assert.equal(url, peer.urlOf("new-url-other.git"));
      assert.equal(last_error, null);
    });
  });

  for (const direction of ["pull", "push"] as const) {
    test(`the project is deleted during a ${direction}: nothing of it is left`, async () => {
      const { project, repository } = await (direction === "pull" ? startPull : startPush)(
        `delete-${direction}`,
      );
      const { id } = await readId(project);
      assert(existsSync(repository));
      const before = await countRows(id);
      assert.deepEqual(before, { projects: 1, mirrors: 1, mirror_updates: 1 });
      await api.delete(projectPath(project));

      await server.assertNoGitLeft();
      await waitFor(() => !existsSync(repository), { message: "the repository is gone" });
      assert.equal((await api.call("GET", projectPath(project))).status, 404);
      assert.equal((await api.call("GET", projectPath(id))).status, 404);
      // A run that is told of its end late must not write anything back.
      proxy.open();
      assert.deepEqual(await countRows(id), { projects: 0, mirrors: 0, mirror_updates: 0 });
      assert(!existsSync(repository));
      const again = await api.createProject(`delete-${direction}`);
      assert.notEqual(again.id, id);
    });
  }

  test("a push is cancelled, or runs out of time, after some refs arrived: its record tells each", async () => {
    for (const [name, ending, expected] of [
      ["cancel-midway", "cancel", { status: "cancelled", error: /^The update was cancelled by / }],
      ["late-midway", "limit", { status: "failed", error: /The mirror update took too long to complete/ }],
    ] as const) {
      const { id } = await api.createProject(name);
      const tip = await makeCommit(repositoryOf(id));
      const lines = Array.from({ length: 599 }, (_, index) => `create refs/heads/b${index} ${tip}\n`);
      await git(repositoryOf(id), ["update-ref", "--stdin"], { input: lines.join("") });
      const downstream = await makeRepository(join(root, `${name}-copy.git`));
      await writeHook(
        downstream,
        "pre-receive",
        "cat > /dev/null; [ ! -e first ] || { touch held; while [ ! -e go ]; do sleep 0.02; done; }; touch first",
      );
      if (ending === "limit") await api.put("/application/settings", { mirror_update_timeout_seconds: 6 });
      const mirror = await api.createPushMirror(id, peer.urlOf(`${name}-copy.git`));
      await waitFor(() => existsSync(join(downstream, "held")), { message: "the second push is held" });
      if (ending === "cancel") await api.post(`${projectPath(id)}/mirrors/${mirror.id}/cancel`);
      const update = await newestUpdate(`root/${name}`, mirror.id);
      assert.equal(update.status, expected.status);
      assert.match(update.error ?? "", expected.error);
      assert.deepEqual([update.counts.created, update.counts.rejected], [500, 100]);
      assert.equal(Object.keys(await refsOf(downstream)).length, 500);
      await writeFile(join(downstream, "go"), "");
      await api.put(`${projectPath(id)}/remote_mirrors/${mirror.id}`, { enabled: false });
    }
    await api.put("/application/settings", { mirror_update_timeout_seconds: 10_800 });
  });

  test("it is asked for again, twice at once: one run at a time", async () => {
    const pull = await startPull("twice-pull");
    const sync = `${projectPath(pull.project)}/mirror/pull`;
    await Promise.all([api.post(sync), api.post(sync)]);
    proxy.open();
    await api.waitForMirror(pull.project, "pull", "finished");
    await Promise.all([api.post(sync), api.post(sync), api.post(sync)]);
    await api.update(pull.project, "pull");
    await api.waitForMirror(pull.project, "pull", "finished");
    assertNoOverlap(await api.listUpdates(pull.project, "pull"));

    const push = await startPush("twice-push");
    const pushSync = `${projectPath(push.project)}/remote_mirrors/${push.mirrorId}/sync`;
    await Promise.all([api.post(pushSync), api.post(pushSync)]);
    proxy.open();
    await api.waitForMirror(push.project, push.mirrorId, "finished");
    await Promise.all([api.post(pushSync), api.post(pushSync), api.post(pushSync)]);
    await api.update(push.project, push.mirrorId);
    await api.waitForMirror(push.project, push.mirrorId, "finished");
    assertNoOverlap(await api.listUpdates(push.project, push.mirrorId));
    assert.deepEqual(await refsOf(push.downstream), { "refs/heads/main": push.tip });
  });

  async function newestUpdate(project: string, mirrorId: number): Promise<MirrorUpdateAnswer> {
    return waitFor(
      async () => {
        const [newest] = await api.listUpdates(project, mirrorId);
        return newest?.finished_at ? newest : null;
      },
      { message: "the update has ended" },
    );
  }

  async function history(project: string, mirror: MirrorName): Promise<string> {
    return JSON.stringify(await api.listUpdates(project, mirror));
  }

  async function readId(project: string): Promise<{ id: number }> {
    const body = await api.get(projectPath(project));
    assert(typeof body === "object" && body !== null && "id" in body && typeof body.id === "number");
    return { id: body.id };
  }

  async function countRows(projectId: number): Promise<Record<string, number>> {
    const client = new Client(database.connection);
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, number>>(
        `select (select count(*)::int from projects where id = $1) as projects,
          (select count(*)::int from mirrors where project_id = $1) as mirrors,
          (select count(*)::int from mirror_updates u where mirror_id = any($2)) as mirror_updates`,
        [projectId, await mirrorIdsOf(client, projectId)],
      );
      return { ...rows[0] };
    } finally {
      await client.end();
    }
  }

  const mirrorIds = new Map<number, number[]>();
  /** Remembered, so that rows of mirrors that are gone are found too. */
  async function mirrorIdsOf(client: Client, projectId: number): Promise<number[]> {
    const { rows } = await client.query<{ id: number }>("select id from mirrors where project_id = $1", [
      projectId,
    ]);
    const ids = [...new Set([...(mirrorIds.get(projectId) ?? []), ...rows.map(({ id }) => id)])];
    mirrorIds.set(projectId, ids);
    return ids;
  }
});

function outcomesOf(update: MirrorUpdateAnswer): Record<string, string> {
  return Object.fromEntries(update.refs.map(({ ref, outcome }) => [ref, outcome]));
}

function assertNoOverlap(updates: readonly MirrorUpdateAnswer[]): void {
  assert(updates.length >= 2, "there were several runs");
  const inOrder = [...updates].sort((a, b) => a.id - b.id);
  inOrder.forEach((update, index) => {
    assert.notEqual(update.finished_at, null);
    const next = inOrder[index + 1];
    if (next)
      assert((update.finished_at ?? "") <= next.started_at, `${JSON.stringify([update, next], null, 1)}`);
  });
}
