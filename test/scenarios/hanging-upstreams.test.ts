import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { git, makeCommits, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

/** More than there ever were workers, and as many as there are transfers at once, several times over. */
const HANGING = 12;

/** A hanging remote is given up after 30 s: who waits for one of them waits longer than this. */
const SOON_MS = 20_000;

/**
 * Eight upstreams that took the connection and never answered once kept a healthy push waiting for 61 s, and a healthy
 * first pull for 40 s: they held the workers, and then the places for transfers.
 */
describe("beside upstreams that hang", () => {
  let root: string;
  let peer: GitHttpPeer;
  /** Another host: requests to one and the same share its connections, and wait for each other. */
  let silent: GitHttpPeer;
  let server: TestServer;
  let api: Api;

  before(async () => {
    root = await makeTempDir({ after });
    peer = await startGitHttpPeer({ root });
    silent = await startGitHttpPeer({ root, fault: "hang" });
    server = await startServer();
    api = createApi(server);
    for (let i = 0; i < HANGING; i += 1) {
      await api.createProject(`hanging-${i}`, { mirror: true, import_url: silent.urlOf(`hanging-${i}.git`) });
    }
    await waitFor(async () => silent.requests.length > 0, { message: "they were asked" });
  });
  after(async () => {
    // First: a server that stops waits for what runs.
    await silent?.close();
    await server?.stop();
    await peer?.close();
  });

  test("a first pull and a push go on as if there were none", async () => {
    const upstream = await makeRepository(join(root, "healthy.git"));
    await makeCommits(upstream, 3);
    const downstream = await makeRepository(join(root, "healthy-copy.git"));
    await git(downstream, ["config", "http.receivepack", "true"]);
    await api.createProject("healthy", { mirror: true, import_url: peer.urlOf("healthy.git") });
    await api.createPushMirror("root/healthy", peer.urlOf("healthy-copy.git"));
    const expected = await refsOf(upstream);
    await waitFor(async () => (await refsOf(downstream))["refs/heads/main"] === expected["refs/heads/main"], {
      timeoutMs: SOON_MS,
      message: "what upstream has is downstream",
    });
    const hanging = await api.readPullMirror("root/hanging-0");
    assert.equal(hanging.update_status, "started", "they still hang");
  });
});
