import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { type Api, createApi, projectPath } from "../support/api.ts";
import { type GatedProxy, startGatedProxy } from "../support/gated-proxy.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";

const MB = 1024 * 1024;

describe("the time limits of an update", { timeout: 120_000 }, () => {
  let root: string;
  let removeRoot = async (): Promise<void> => undefined;
  let peer: GitHttpPeer;
  let proxy: GatedProxy;
  let database: Client;
  let server: TestServer;
  let api: Api;

  before(async () => {
    root = await makeTempDir({ after: (clean) => (removeRoot = clean) });
    peer = await startGitHttpPeer({ root });
    proxy = await startGatedProxy(peer);
    const { url, connection } = await createTestDatabase();
    server = await startServer({ database: "embedded", env: { HELIOSTAT_DATABASE_URL: url } });
    database = new Client(connection);
    await database.connect();
    api = createApi(server);
    await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
  });
  after(async () => {
    proxy?.open();
    await server?.stop();
    await database?.end();
    await proxy?.close();
    await peer?.close();
    await removeRoot();
  });
  afterEach(() => proxy.open());

  test("one that takes too long ends as failed, with all its gits", async () => {
    await limit({ overall: 2, stall: 120 });
    const upstream = await makeRepository(join(root, "slow.git"));
    await makeNoise(upstream, 2 * MB);
    const held = proxy.hold("from-target", MB);
    await api.createProject("slow", { mirror: true, import_url: proxy.urlOf("slow.git") });
    await held;
    const update = await api.waitForMirror("root/slow", "pull", "failed");
    assert.equal(update.error, "The mirror update took too long to complete (limit: 2 s).");
    const { last_error } = await api.readPullMirror("root/slow");
    assert.equal(last_error, update.error);
    await server.assertNoGitLeft();
  });

  test("one whose remote stalls in the middle of a transfer ends as failed, with all its gits", async () => {
    await limit({ overall: 100, stall: 1 });
    const upstream = await makeRepository(join(root, "stalls.git"));
    await makeCommit(upstream);
    await api.createProject("stalls", { mirror: true, import_url: proxy.urlOf("stalls.git") });
    await api.waitForMirror("root/stalls", "pull", "finished");
    await makeNoise(upstream, 2 * MB);
    const held = proxy.hold("from-target", MB);
    await api.post(`${projectPath("root/stalls")}/mirror/pull`);
    await held;
    const update = await api.waitForMirror("root/stalls", "pull", "failed");
    assert.match(update.error ?? "", /did not answer in time|too slow|so slowly|stopped sending/);
    await server.assertNoGitLeft();
  });

  test("one whose downstream stalls in the middle of a push is to be tried again, and no git is left", async () => {
    await limit({ overall: 100, stall: 1 });
    const upstream = await makeRepository(join(root, "pushes.git"));
    await makeNoise(upstream, 2 * MB);
    await makeRepository(join(root, "pushes-copy.git"));
    await api.createProject("pushes", { mirror: true, import_url: peer.urlOf("pushes.git") });
    await api.waitForMirror("root/pushes", "pull", "finished");
    const held = proxy.hold("to-target", MB);
    const mirror = await api.createPushMirror("root/pushes", proxy.urlOf("pushes-copy.git"));
    await held;
    const update = await api.waitForMirror("root/pushes", mirror.id, "to_retry");
    assert.match(update.error ?? "", /no progress for 1000 ms/);
    await server.assertNoGitLeft();
  });

  async function limit({ overall, stall }: { overall: number; stall: number }): Promise<void> {
    const change =
      "update instance_settings set mirror_update_timeout_seconds = $1, mirror_stall_timeout_seconds = $2";
    await database.query(change, [overall, stall]);
    // As another node would have set it: this one goes by what it read within the last second.
    await sleep(1_100);
  }
});
