import assert from "node:assert/strict";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { type Api, createApi, projectPath } from "../support/api.ts";
import { type GatedProxy, startGatedProxy } from "../support/gated-proxy.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const MB = 1024 * 1024;

/** A lease lapses 30 s after its last renewal; the dispatcher looks every 10 s. */
const TAKEN_OVER_MS = 50_000;

describe("a server that is killed with -9", () => {
  let root: string;
  let peer: GitHttpPeer;
  /** Between the server and the hosts of its remotes. */
  let proxy: GatedProxy;
  let server: TestServer;
  let api: Api;

  before(async () => {
    root = await makeTempDir({ after });
    peer = await startGitHttpPeer({ root });
    proxy = await startGatedProxy(peer);
    server = await startServer({ database: "embedded" });
    api = createApi(server);
    const settings = { pull_mirror_min_interval_seconds: 0, push_mirror_min_interval_seconds: 0 };
    await api.put("/application/settings", settings);
  });
  after(async () => {
    proxy?.open();
    await server?.stop();
    await proxy?.close();
    await peer?.close();
  });
  afterEach(() => proxy.open());

  test("in the middle of a first pull: the next one fetches everything", async () => {
    const upstream = await makeRepository(join(root, "first.git"));
    await makeCommit(upstream);
    await makeNoise(upstream, 2 * MB);
    const held = proxy.hold("from-target", MB);
    const project = await api.createProject("first", { mirror: true, import_url: proxy.urlOf("first.git") });
    await held;
    await server.kill("SIGKILL");
    proxy.open();
    await server.restart();

    await inStep("first", "pull", upstream);
    await nothingIsBroken(project.id);
    await nothingIsLeft();
  });

  test("in the middle of a later pull: no ref points at what did not arrive", async () => {
    const upstream = await makeRepository(join(root, "later.git"));
    const first = await makeCommit(upstream);
    const project = await api.createProject("later", { mirror: true, import_url: proxy.urlOf("later.git") });
    await api.waitForMirror("root/later", "pull", "finished");
    await makeNoise(upstream, 2 * MB);
    const held = proxy.hold("from-target", MB);
    await api.post(`${projectPath("root/later")}/mirror/pull`);
    await held;
    await server.kill("SIGKILL");
    assert.deepEqual(await refsOf(repositoryOf(project.id)), { "refs/heads/main": first });
    await nothingIsBroken(project.id);
    proxy.open();
    await server.restart();

    await inStep("later", "pull", upstream);
    await nothingIsBroken(project.id);
    await nothingIsLeft();
  });

  test("in the middle of a push to a downstream: the downstream ends in step", async () => {
    const upstream = await makeRepository(join(root, "out.git"));
    await makeNoise(upstream, 2 * MB);
    const downstream = await makeRepository(join(root, "out-copy.git"));
    const project = await api.createProject("out", { mirror: true, import_url: proxy.urlOf("out.git") });
    await api.waitForMirror("root/out", "pull", "finished");
    const held = proxy.hold("to-target", MB);
    const mirror = await api.createPushMirror("root/out", proxy.urlOf("out-copy.git"));
    await held;
    await server.kill("SIGKILL");
    assert.deepEqual(await refsOf(downstream), {});
    proxy.open();
    await server.restart();

    await inStep("out", mirror.id, downstream);
    assert.deepEqual(await refsOf(downstream), await refsOf(upstream));
    await git(downstream, ["fsck", "--connectivity-only"]);
    await nothingIsBroken(project.id);
    await nothingIsLeft();
  });

  test("in the middle of a client's push: all of it is there or nothing, and it can be pushed again", async () => {
    const downstream = await makeRepository(join(root, "in-copy.git"));
    const project = await api.createProject("in");
    await api.createPushMirror("root/in", peer.urlOf("in-copy.git"));
    const client = await makeRepository(join(root, "in-client.git"));
    const tip = await makeNoise(client, 2 * MB);
    const door = await startGatedProxy({ port: Number(new URL(server.url).port) });
    try {
      const held = door.hold("to-target", MB);
      const broken = assert.rejects(pushAll(client, door.urlOf("root/in.git")));
      await held;
      await server.kill("SIGKILL");
      door.open();
      await broken;
      await server.assertNoGitLeft();
      assert.deepEqual(await refsOf(repositoryOf(project.id)), {});
      await server.restart();

      await pushAll(client, `${server.url}/root/in.git`);
    } finally {
      await door.close();
    }
    assert.deepEqual(await refsOf(repositoryOf(project.id)), { "refs/heads/main": tip });
    await waitFor(async () => (await refsOf(downstream))["refs/heads/main"] === tip, {
      message: "the push that arrived at last is carried on",
    });
    await nothingIsBroken(project.id);
    await nothingIsLeft();
  });

  test("together with the machine: locks and half packs of its git do not stand in the way", async () => {
    const upstream = await makeRepository(join(root, "locks.git"));
    await makeCommit(upstream);
    await makeCommit(upstream, { ref: "refs/heads/gone" });
    const project = await api.createProject("locks", { mirror: true, import_url: peer.urlOf("locks.git") });
    await api.waitForMirror("root/locks", "pull", "finished");
    const repository = repositoryOf(project.id);
    await server.kill("SIGKILL");
    // What git leaves when it is killed itself.
    const remains = ["refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "objects/pack/tmp_pack_h2Vq5l"];
    const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000);
    for (const name of remains) {
      await writeFile(join(repository, name), "");
      await utimes(join(repository, name), twoDaysAgo, twoDaysAgo);
    }
    await makeCommit(upstream);
    await server.restart();
    await api.post(`${projectPath("root/locks")}/mirror/pull`);

    await inStep("locks", "pull", upstream);
    const client = await makeRepository(join(root, "locks-client.git"));
    await makeCommit(client, { ref: "refs/heads/of-a-client" });
    await pushAll(client, `${server.url}/root/locks.git`);
    await git(client, [
      "push",
      "--quiet",
      authorized(server.url, "root/locks.git"),
      ":refs/heads/of-a-client",
    ]);
    await nothingIsBroken(project.id);
  });

  function repositoryOf(projectId: number): string {
    return join(server.dataDir, "repositories", String(Math.floor(projectId / 1000)), `${projectId}.git`);
  }

  /** Waits until a run that began after the kill has brought both sides to the same refs; nothing reads `started`. */
  async function inStep(name: string, mirror: "pull" | number, remote: string): Promise<void> {
    const project = await api.get(projectPath(`root/${name}`));
    assert(typeof project === "object" && project !== null && "id" in project);
    const ours = repositoryOf(Number(project.id));
    await waitFor(async () => JSON.stringify(await refsOf(ours)) === JSON.stringify(await refsOf(remote)), {
      timeoutMs: TAKEN_OVER_MS,
      message: async () => `in step; the updates are ${await history(name, mirror)}`,
    });
    await api.waitForMirror(`root/${name}`, mirror, "finished");
    for (const update of await api.listUpdates(`root/${name}`, mirror)) {
      assert.notEqual(update.status, "started");
      assert.notEqual(update.finished_at, null);
    }
  }

  async function history(name: string, mirror: "pull" | number): Promise<string> {
    return JSON.stringify(await api.listUpdates(`root/${name}`, mirror));
  }

  async function nothingIsBroken(projectId: number): Promise<void> {
    await git(repositoryOf(projectId), ["fsck", "--connectivity-only"]);
  }

  /** Neither processes nor files of a run that is over. */
  async function nothingIsLeft(): Promise<void> {
    await server.assertNoGitLeft();
    const found: string[] = [];
    for (const entry of await readdir(join(server.dataDir, "repositories"), { recursive: true })) {
      if (/\.lock$|tmp_|incoming-|\.staging\//.test(entry)) found.push(entry);
    }
    assert.deepEqual(found, []);
  }
});

function authorized(url: string, path: string): string {
  return `${url.replace("http://", "http://root:hlpat-of-root-for-scenarios@")}/${path}`;
}

async function pushAll(client: string, url: string): Promise<void> {
  const { origin, pathname } = new URL(url);
  await git(client, ["push", "--quiet", authorized(origin, pathname.slice(1)), "refs/heads/*:refs/heads/*"]);
}
