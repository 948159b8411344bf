import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import test, { after } from "node:test";
import { createApi, type MirrorName, projectPath } from "../support/api.ts";
import { startGatedProxy } from "../support/gated-proxy.ts";
import { startGitDaemonPeer } from "../support/git-daemon-peer.ts";
import { type PeerFault, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { git, makeCommit, makeRepository, makeTag, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { cloneAndCheck, refsAt, withCredentials } from "../support/working-copy.ts";

/*
 * An upstream that is not what it should be: the mirror says what is wrong and what to do, nothing of the project is
 * lost, nothing keeps running, and the update after the repair brings everything.
 */

const directory = await makeTempDir({ after });
const peer = await startGitHttpPeer({ root: directory });
after(() => peer.close());
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

// Looked at by the last test: how long an upstream may take to answer is the server's own 30 s.
await makeUpstream("patience");
peer.setFault("hang", "patience.git");
await api.createProject("patience", { import_url: peer.urlOf("patience.git"), mirror: true });

const FAULTS: readonly {
  readonly what: string;
  readonly fault: PeerFault;
  /** What the person who reads it must learn. */
  readonly error: RegExp;
}[] = [
  { what: "answers a web page", fault: "html", error: /answered with a web page: use the URL .* git clone/ },
  {
    what: "redirects",
    fault: "redirect",
    error:
      /redirects to http:\/\/127\.0\.0\.1:\d+\/elsewhere\/\S+\. Redirects are not followed.* use its URL/,
  },
  { what: "has no such repository", fault: "not-found", error: /no repository at this URL.*HTTP 404/ },
  { what: "is overloaded", fault: "status:503", error: /cannot answer now \(HTTP 503/ },
  { what: "forbids it", fault: "status:403", error: /forbids access to this repository \(HTTP 403\)/ },
  {
    what: "closes the connection in the middle of the pack",
    fault: "close-midway",
    error: /closed the connection/,
  },
];

for (const { what, fault, error } of FAULTS) {
  test(`an upstream that ${what}: the reason is told, nothing is lost, and the next update succeeds`, async () => {
    const name = `upstream-${fault.replace(/\W/g, "-")}`;
    const upstream = await makeUpstream(name);
    await api.createProject(name);
    await api.createPullMirror(`root/${name}`, peer.urlOf(`${name}.git`));
    await api.waitForMirror(`root/${name}`, "pull", "finished");
    const before = await refsOf(upstream);

    await makeTag(upstream, "v2", await makeCommit(upstream));
    peer.setFault(fault, `${name}.git`);
    await expectFailure(name, "pull", error);
    assert.deepEqual(await refsAt(cloneUrl(name)), before);

    peer.setFault(null, `${name}.git`);
    await expectRecovery(name, upstream);
  });

  test(`an upstream that ${what} from the beginning: the project stays empty, and fills later`, async () => {
    const name = `first-${fault.replace(/\W/g, "-")}`;
    const upstream = await makeUpstream(name);
    peer.setFault(fault, `${name}.git`);
    await api.createProject(name, { import_url: peer.urlOf(`${name}.git`), mirror: true });
    await api.waitForMirror(`root/${name}`, "pull", "failed");
    await expectFailure(name, "pull", error);
    assert.deepEqual(await refsAt(cloneUrl(name)), {});

    peer.setFault(null, `${name}.git`);
    await expectRecovery(name, upstream);
  });
}

test("a wrong upstream password is told, without telling it, and is mended by the right one", async (t) => {
  const locked = await startGitHttpPeer({
    root: directory,
    auth: { username: "user", password: "right-secret" },
  });
  t.after(() => locked.close());
  const upstream = await makeUpstream("locked");
  await api.createProject("locked");
  await api.createPullMirror(
    "root/locked",
    withCredentials(locked.urlOf("locked.git"), "user", "wrong-secret"),
  );
  await api.waitForMirror("root/locked", "pull", "failed");
  await expectFailure("locked", "pull", /refused the user name, password or token/);

  await api.put("/projects/root%2Flocked/mirror/pull", { auth_user: "user", auth_password: "right-secret" });
  await api.waitForMirror("root/locked", "pull", "finished");
  assert.deepEqual(await refsAt(cloneUrl("locked")), await refsOf(upstream));
  for (const secret of ["wrong-secret", "right-secret"]) {
    assert(!server.output().includes(secret), "no secret is logged");
    assert(!JSON.stringify(await api.listUpdates("root/locked", "pull")).includes(secret));
  }
});

test("credentials that are missing are asked for", async (t) => {
  const locked = await startGitHttpPeer({ root: directory, auth: { username: "user", password: "secret" } });
  t.after(() => locked.close());
  await makeUpstream("asks");
  await api.createProject("asks");
  await api.createPullMirror("root/asks", locked.urlOf("asks.git"));
  await api.waitForMirror("root/asks", "pull", "failed");
  await expectFailure(
    "asks",
    "pull",
    /asks for a user name and a password or token, and this mirror has none/,
  );
});

test("an empty upstream is mirrored, and what comes into it later too", async () => {
  const upstream = await makeRepository(join(directory, "empty.git"), { head: "trunk" });
  await api.createProject("empty");
  await api.createPullMirror("root/empty", peer.urlOf("empty.git"));
  const update = await api.waitForMirror("root/empty", "pull", "finished");
  assert.equal(update.error, null);
  assert.deepEqual(await refsAt(cloneUrl("empty")), {});

  await makeCommit(upstream, { ref: "refs/heads/trunk" });
  await expectRecovery("empty", upstream);
  const project = await api.get("/projects/root%2Fempty");
  assert.equal(Object(project).default_branch, "trunk");
});

test("an upstream of SHA-256 objects makes a project of SHA-256 objects", async () => {
  const upstream = await makeRepository(join(directory, "sha256.git"), { objectFormat: "sha256" });
  await makeCommit(upstream);
  await api.createProject("sha256");
  await api.createPullMirror("root/sha256", peer.urlOf("sha256.git"));
  await api.waitForMirror("root/sha256", "pull", "finished");
  const clone = await cloneAndCheck(cloneUrl("sha256"), directory);
  assert.equal(await git(clone, ["rev-parse", "--show-object-format"]), "sha256");
  assert.deepEqual(await refsOf(clone), await refsOf(upstream));
});

test("an upstream of SHA-256 objects cannot fill a project of SHA-1 objects, and says so", async () => {
  const first = await makeUpstream("sha1");
  const other = await makeRepository(join(directory, "other.git"), { objectFormat: "sha256" });
  await makeCommit(other);
  await api.createProject("sha1");
  await api.createPullMirror("root/sha1", peer.urlOf("sha1.git"));
  await api.waitForMirror("root/sha1", "pull", "finished");
  await api.createPullMirror("root/sha1", peer.urlOf("other.git"));
  await api.waitForMirror("root/sha1", "pull", "failed");
  await expectFailure("sha1", "pull", /SHA-256.*SHA-1.*cannot/s);
  assert.deepEqual(await refsAt(cloneUrl("sha1")), await refsOf(first));
});

test("an upstream behind git:// is mirrored, first and later", async (t) => {
  const daemon = await startGitDaemonPeer({ root: directory });
  t.after(() => daemon.close());
  const upstream = await makeUpstream("daemon");
  await api.createProject("daemon");
  await api.createPullMirror("root/daemon", daemon.urlOf("daemon.git"));
  await api.waitForMirror("root/daemon", "pull", "finished");
  await makeCommit(upstream);
  await expectRecovery("daemon", upstream);

  await api.createPullMirror("root/daemon", daemon.urlOf("nowhere.git"));
  await api.waitForMirror("root/daemon", "pull", "failed");
  await expectFailure("daemon", "pull", /127\.0\.0\.1/);
  assert.deepEqual(await refsAt(cloneUrl("daemon")), await refsOf(upstream));
});

test("an upstream that has lost a file of one branch: all others come, first and later, and the one is named", async () => {
  const name = "lost-file";
  const upstream = await makeUpstream(name);
  const loseFile = async (ref: string): Promise<void> => {
    const commit = await makeCommit(upstream, { ref, parents: [], files: { lost: `${ref}\n` } });
    const blob = await git(upstream, ["rev-parse", `${commit}:lost`]);
    await rm(join(upstream, "objects", blob.slice(0, 2), blob.slice(2)));
  };
  await loseFile("refs/heads/bad");
  await api.createProject(name, { import_url: peer.urlOf(`${name}.git`), mirror: true });
  await api.waitForMirror(`root/${name}`, "pull", "failed");
  const { "refs/heads/bad": _bad, ...first } = await refsOf(upstream);
  assert.deepEqual(await refsAt(cloneUrl(name)), first);

  await makeCommit(upstream);
  await loseFile("refs/heads/worse");
  const failed = await api.update(`root/${name}`, "pull");
  assert.match(
    failed.error ?? "",
    /^Some refs were not updated:\n\nrefs\/heads\/bad: .*damaged.*\nrefs\/heads\/worse: /,
  );
  const { "refs/heads/bad": _first, "refs/heads/worse": _second, ...good } = await refsOf(upstream);
  assert.deepEqual(await refsAt(cloneUrl(name)), good);
  const updates = await api.listUpdates(`root/${name}`, "pull");
  assert.deepEqual([...new Set(updates.map(({ status }) => status))], ["failed"], "none was taken up again");

  for (const ref of ["refs/heads/bad", "refs/heads/worse"]) await git(upstream, ["update-ref", "-d", ref]);
  await expectRecovery(name, upstream);
});

test("a port where nothing listens is told", async () => {
  const upstream = await makeUpstream("unreachable");
  const port = await freePort();
  await api.createProject("unreachable");
  await api.createPullMirror("root/unreachable", `http://127.0.0.1:${port}/unreachable.git`);
  await api.waitForMirror("root/unreachable", "pull", "failed");
  await expectFailure("unreachable", "pull", /127\.0\.0\.1 cannot be reached/);
  await api.createPullMirror("root/unreachable", peer.urlOf("unreachable.git"));
  await api.waitForMirror("root/unreachable", "pull", "finished");
  assert.deepEqual(await refsAt(cloneUrl("unreachable")), await refsOf(upstream));
});

test("a host name that does not exist is refused when it is saved", async () => {
  await api.createProject("nameless");
  const answer = await api.call("PUT", "/projects/root%2Fnameless/mirror/pull", {
    enabled: true,
    url: "https://no-such-host.invalid/x.git",
  });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.body, {
    message: { unsafe_import_url: ["is blocked: Host cannot be resolved or invalid"] },
  });
});

test("a mirror whose upstream hangs can be switched off at once, and on again", async () => {
  const upstream = await makeUpstream("hangs");
  await api.createProject("hangs");
  await api.createPullMirror("root/hangs", peer.urlOf("hangs.git"));
  await api.waitForMirror("root/hangs", "pull", "finished");
  const before = await refsOf(upstream);
  await makeCommit(upstream);
  peer.setFault("hang", "hangs.git");
  await api.post("/projects/root%2Fhangs/mirror/pull");
  await waitForStart("hangs");

  await within(5_000, api.put("/projects/root%2Fhangs/mirror/pull", { enabled: false }));
  await server.assertNoGitLeft();
  assert.deepEqual(await refsAt(cloneUrl("hangs")), before);

  peer.setFault(null, "hangs.git");
  await api.createPullMirror("root/hangs", peer.urlOf("hangs.git"));
  await waitFor(async () => (await api.readPullMirror("root/hangs")).update_status === "finished", {
    message: "it runs again",
  });
  assert.deepEqual(await refsAt(cloneUrl("hangs")), await refsOf(upstream));
});

test("an upstream that falls silent in the middle of the pack: switching off ends git, and the next run brings all", async (t) => {
  const upstream = await makeUpstream("silent");
  const proxy = await startGatedProxy(peer);
  t.after(() => proxy.close());
  await api.createProject("silent");
  await api.createPullMirror("root/silent", proxy.urlOf("silent.git"));
  await api.waitForMirror("root/silent", "pull", "finished");
  const before = await refsOf(upstream);
  await makeNoise(upstream, 4 * 1024 * 1024);

  const held = proxy.hold("from-target", 1024 * 1024);
  await api.post("/projects/root%2Fsilent/mirror/pull");
  await held;
  assert(server.listGit().length > 0, "git is at it");
  await within(12_000, api.put("/projects/root%2Fsilent/mirror/pull", { enabled: false }));
  await server.assertNoGitLeft();
  assert.deepEqual(await refsAt(cloneUrl("silent")), before);

  proxy.open();
  await api.createPullMirror("root/silent", proxy.urlOf("silent.git"));
  await waitFor(async () => (await api.readPullMirror("root/silent")).update_status === "finished", {
    message: "it runs again",
  });
  await cloneAndCheck(cloneUrl("silent"), directory);
  assert.deepEqual(await refsAt(cloneUrl("silent")), await refsOf(upstream));
});

test("a project whose first pull hangs in the middle of the pack can be deleted", async (t) => {
  const upstream = await makeUpstream("doomed");
  await makeNoise(upstream, 4 * 1024 * 1024);
  const proxy = await startGatedProxy(peer);
  t.after(() => proxy.close());
  const held = proxy.hold("from-target", 1024 * 1024);
  await api.createProject("doomed", { import_url: proxy.urlOf("doomed.git"), mirror: true });
  await held;
  assert(server.listGit().length > 0, "git is at it");
  await within(12_000, api.delete("/projects/root%2Fdoomed"));
  await server.assertNoGitLeft();
  assert.equal((await api.call("GET", "/projects/root%2Fdoomed")).status, 404);
  await assert.rejects(refsAt(cloneUrl("doomed")), /not found|could not be found/);

  proxy.open();
  await api.createProject("doomed", { import_url: proxy.urlOf("doomed.git"), mirror: true });
  await api.waitForMirror("root/doomed", "pull", "finished");
  assert.deepEqual(await refsAt(cloneUrl("doomed")), await refsOf(upstream));
});

test("a mirror that hangs holds up nobody else", async () => {
  const upstream = await makeUpstream("lively");
  for (const index of [1, 2]) {
    await makeUpstream(`stuck-${index}`);
    peer.setFault("hang", `stuck-${index}.git`);
    await api.createProject(`stuck-${index}`, { import_url: peer.urlOf(`stuck-${index}.git`), mirror: true });
    await waitForStart(`stuck-${index}`);
  }
  await api.createProject("lively", { import_url: peer.urlOf("lively.git"), mirror: true });
  await api.waitForMirror("root/lively", "pull", "finished");
  assert.deepEqual(await refsAt(cloneUrl("lively")), await refsOf(upstream));
  for (const index of [1, 2]) await within(5_000, api.delete(`/projects/root%2Fstuck-${index}`));
});

test("an upstream that never answers is given up, and the next update succeeds when it does", async () => {
  await api.waitForMirror("root/patience", "pull", "failed");
  const state = await api.readPullMirror("root/patience");
  assert.match(state.last_error ?? "", /127\.0\.0\.1 did not answer in time/);
  peer.setFault(null, "patience.git");
  await expectRecovery("patience", join(directory, "patience.git"));
});

/** Some branches and a tag. */
async function makeUpstream(name: string): Promise<string> {
  const path = await makeRepository(join(directory, `${name}.git`));
  const first = await makeCommit(path);
  await makeCommit(path);
  await makeCommit(path, { ref: "refs/heads/topic", parents: [first] });
  await makeTag(path, "v1", first);
  return path;
}

function cloneUrl(name: string): string {
  return withCredentials(`${server.url}/root/${name}.git`, "root", server.token);
}

/** Runs an update that must fail and say so in the mirror, in its history and nowhere else. */
async function expectFailure(name: string, mirror: MirrorName, error: RegExp): Promise<void> {
  const project = `root/${name}`;
  const { last_successful_update_at: lastSuccess } = await api.readPullMirror(project);
  const update = await api.update(project, mirror);
  assert.equal(update.status, "failed");
  assert.match(update.error ?? "", error);
  const state = await api.readPullMirror(project);
  assert.equal(state.update_status, "failed");
  assert.equal(state.last_error, update.error);
  assert.equal(
    state.last_successful_update_at,
    lastSuccess,
    "only success moves the time of the last success",
  );
  assert(!/\n\s+at |fatal:|undefined|\[object/.test(update.error ?? ""), `words for people: ${update.error}`);
  await server.assertNoGitLeft();
}

async function expectRecovery(name: string, upstream: string): Promise<void> {
  // One that refused us twice is on pause.
  await api.post(`${projectPath(`root/${name}`)}/mirror/pull`, { force: true });
  const update = await api.update(`root/${name}`, "pull");
  assert.equal(update.status, "finished", update.error ?? "");
  const state = await api.readPullMirror(`root/${name}`);
  assert.equal(state.last_error, null);
  assert.deepEqual(await refsAt(cloneUrl(name)), await refsOf(upstream));
  await cloneAndCheck(cloneUrl(name), directory);
}

async function waitForStart(name: string): Promise<void> {
  await waitFor(async () => (await api.readPullMirror(`root/${name}`)).update_status === "started", {
    message: "the update has started",
  });
}

/** Fails when it takes longer: somebody waits at the other end. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work;
  const took = performance.now() - start;
  assert(took <= ms, `took ${Math.round(took)} ms instead of at most ${ms}`);
  return result;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  assert(address !== null && typeof address === "object");
  return address.port;
}
