import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise, SEND_AS_IS } from "../support/incompressible.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { mountSmallDisk, type SmallDisk, whereMountingIsAllowed } from "../support/small-disk.ts";
import { waitFor } from "../support/wait-for.ts";

const MB = 1024 * 1024;

whereMountingIsAllowed(import.meta.filename, () => describe("a full disk", fullDisk));

function fullDisk(): void {
  let root: string;
  let dataDir: string;
  let disk: SmallDisk;
  let peer: GitHttpPeer;
  let server: TestServer;
  let api: Api;

  before(async () => {
    root = await makeTempDir({ after: () => {} });
    dataDir = join(root, "data");
    disk = await mountSmallDisk(join(dataDir, "repositories"), 48 * MB);
    peer = await startGitHttpPeer({ root });
    server = await startServer({ dataDir });
    api = createApi(server);
    await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
  });
  after(async () => {
    await server?.stop();
    await peer?.close();
    await disk?.unmount();
    await rm(root, { recursive: true, force: true });
  });
  const isFilled = { yes: false };
  async function fill(leave?: number): Promise<void> {
    await disk.fill(leave);
    isFilled.yes = true;
  }
  async function free(): Promise<void> {
    if (isFilled.yes) await disk.free();
    isFilled.yes = false;
  }
  afterEach(free);

  function repositoryOf(projectId: number): string {
    return join(dataDir, "repositories", String(Math.floor(projectId / 1000)), `${projectId}.git`);
  }

  function gitUrl(project: string): string {
    return `${server.url.replace("http://", `http://root:${server.token}@`)}/${project}.git`;
  }

  async function nothingIsBroken(projectId: number): Promise<void> {
    const repository = repositoryOf(projectId);
    await git(repository, ["fsck", "--connectivity-only"]);
    await server.assertNoGitLeft();
    const entries = await readdir(join(dataDir, "repositories"), { recursive: true });
    assert.deepEqual(
      entries.filter((entry) => /\.lock$|tmp_|incoming-|\.staging\//.test(entry)),
      [],
    );
  }

  test("a first pull of more than fits: says so, leaves nothing behind, and works when there is room", async () => {
    const upstream = await makeRepository(join(root, "first.git"));
    await makeNoise(upstream, 16 * MB);
    await fill(8 * MB);
    const project = await api.createProject("first", { mirror: true, import_url: peer.urlOf("first.git") });
    const failed = await api.waitForMirror("root/first", "pull", "failed");
    assert.match(failed.error ?? "", /no space left/i);
    assert.match((await api.readPullMirror("root/first")).last_error ?? "", /no space left/i);
    assert.deepEqual(await refsOf(repositoryOf(project.id)), {});
    await nothingIsBroken(project.id);

    await free();
    assert.equal((await api.update("root/first", "pull")).status, "finished");
    assert.deepEqual(await refsOf(repositoryOf(project.id)), await refsOf(upstream));
    await nothingIsBroken(project.id);
    await api.delete("/projects/root%2Ffirst");
  });

  test("a later pull of more than fits: what was there stays whole", async () => {
    const upstream = await makeRepository(join(root, "later.git"));
    await makeCommit(upstream);
    await makeCommit(upstream, { ref: "refs/heads/side" });
    const project = await api.createProject("later", { mirror: true, import_url: peer.urlOf("later.git") });
    await api.waitForMirror("root/later", "pull", "finished");
    const before = await refsOf(repositoryOf(project.id));
    await makeNoise(upstream, 16 * MB);
    await fill(8 * MB);
    const failed = await api.update("root/later", "pull");
    assert.equal(failed.status, "failed");
    assert.match(failed.error ?? "", /no space left/i);
    assert.deepEqual(await refsOf(repositoryOf(project.id)), before);
    await nothingIsBroken(project.id);

    await free();
    assert.equal((await api.update("root/later", "pull")).status, "finished");
    assert.deepEqual(await refsOf(repositoryOf(project.id)), await refsOf(upstream));
    await nothingIsBroken(project.id);
    await api.delete("/projects/root%2Flater");
  });

  test("no byte is left: not ready, what is there can be read, and a change of refs loses none", async () => {
    const upstream = await makeRepository(join(root, "none.git"));
    await makeCommit(upstream);
    const project = await api.createProject("none", { mirror: true, import_url: peer.urlOf("none.git") });
    await api.waitForMirror("root/none", "pull", "finished");
    const before = await refsOf(repositoryOf(project.id));
    assert.equal((await fetch(`${server.url}/-/readiness`)).status, 200);
    await makeCommit(upstream, { ref: "refs/heads/new" });
    await makeCommit(upstream);
    await fill();

    const readiness = await fetch(`${server.url}/-/readiness`);
    assert.equal(readiness.status, 503);
    assert.match(await readiness.text(), /"repositories":\{"status":"failed"/);
    await waitFor(() => /no space left/i.test(server.output()), { message: "the log says why" });
    assert.equal((await fetch(`${server.url}/-/liveness`)).status, 200);
    assert.match(await git("/", ["ls-remote", gitUrl("root/none")]), /refs\/heads\/main/);
    const failed = await api.update("root/none", "pull");
    assert.equal(failed.status, "failed");
    assert.match(failed.error ?? "", /no space left/i);
    assert.deepEqual(await refsOf(repositoryOf(project.id)), before);

    await free();
    assert.equal((await fetch(`${server.url}/-/readiness`)).status, 200);
    assert.equal((await api.update("root/none", "pull")).status, "finished");
    assert.deepEqual(await refsOf(repositoryOf(project.id)), await refsOf(upstream));
    await nothingIsBroken(project.id);
    await api.delete("/projects/root%2Fnone");
  });

  test("a client pushes more than fits: git tells it why, and nothing is lost", async () => {
    const project = await api.createProject("pushed");
    const client = await makeRepository(join(root, "pushed.git"));
    const first = await makeCommit(client);
    const push = ["push", "--quiet", gitUrl("root/pushed"), "refs/heads/main"];
    await git(client, push);
    const second = await makeNoise(client, 16 * MB);
    await fill(8 * MB);
    await assert.rejects(git(client, [...SEND_AS_IS, ...push]), /No space left|unpacker error|index-pack/);
    assert.deepEqual(await refsOf(repositoryOf(project.id)), { "refs/heads/main": first });
    await waitFor(async () => (await disk.room()) > 6 * MB, {
      message: "what had arrived of the push is removed",
    });
    await nothingIsBroken(project.id);

    await free();
    await git(client, [...SEND_AS_IS, ...push]);
    assert.deepEqual(await refsOf(repositoryOf(project.id)), { "refs/heads/main": second });
    await nothingIsBroken(project.id);
  });
}
