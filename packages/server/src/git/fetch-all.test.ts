import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { startGitDaemonPeer } from "../../../../test/support/git-daemon-peer.ts";
import { startGitHttpPeer } from "../../../../test/support/git-http-peer.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../../../../test/support/repositories.ts";
import type { RemoteAccess } from "../app/ports.ts";
import type { UpdateProgress } from "../domain/mirror.ts";
import type { ObjectFormat } from "../domain/oid.ts";
import { branchRef, parseRefName } from "../domain/ref-name.ts";
import type { AdvertisedRefs, RefChange } from "../domain/refs.ts";
import { createRepositories } from "./repositories.ts";

const signal = new AbortController().signal;
const patience = { stallSeconds: 1, silenceSeconds: 2 };

async function setUp(t: Parameters<typeof makeTempDir>[0], objectFormat: ObjectFormat = "sha1") {
  const dir = await makeTempDir(t);
  const root = join(dir, "data");
  const repositories = createRepositories({ root, log: makeMemoryLog(), patience });
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat, head: branchRef("main") });
  const peers = join(dir, "peers");
  const peer = await startGitHttpPeer({ root: peers });
  t.after(() => peer.close());
  return { dir, root, peers, peer, repositories, path };
}

function creations({ refs }: AdvertisedRefs): RefChange[] {
  return [...refs].map(([ref, { oid, peeled }]) => ({
    ref,
    action: "create",
    old: null,
    new: oid,
    ...(peeled ? { peeled } : {}),
  }));
}

async function makeUpstream(path: string): Promise<string> {
  const upstream = await makeRepository(path, { head: "trunk" });
  const [first = ""] = await makeCommits(upstream, 3, "refs/heads/trunk");
  await setRef(upstream, "refs/heads/older", first);
  await makeCommit(upstream, { ref: "refs/heads/apart", parents: [] });
  await makeTag(upstream, "v1", first);
  await setRef(upstream, "refs/tags/light", first);
  await makeTag(upstream, "v1-of-v1", "refs/tags/v1");
  await makeCommit(upstream, { ref: "refs/pull/1/head" });
  return upstream;
}

test("a first pull brings branches and tags, and nothing else", async (t) => {
  const { root, peers, peer, repositories } = await setUp(t);
  const upstream = await makeUpstream(join(peers, "a.git"));
  const daemon = await startGitDaemonPeer({ root: peers });
  t.after(() => daemon.close());
  const v0 = await startGitHttpPeer({ root: peers, protocol: 0 });
  t.after(() => v0.close());
  const dumb = await startGitHttpPeer({ root: peers, dumb: true });
  t.after(() => dumb.close());
  await git(upstream, ["update-server-info"]);

  const { "refs/pull/1/head": pull = "", ...wanted } = await refsOf(upstream);
  const urls = [peer, v0, daemon, dumb].map((one) => one.urlOf("a.git"));
  for (const [index, url] of [...urls, upstream].entries()) {
    const own = repositories.pathOf(10 + index);
    await repositories.init(own, { objectFormat: "sha1", head: branchRef("main") });
    const advertised = await repositories.fetchAll(own, openRemote(url), { signal });
    assert.deepEqual(
      Object.fromEntries([...advertised.refs].map(([ref, { oid }]) => [ref, oid])),
      wanted,
      url,
    );
    assert.equal(advertised.head, "refs/heads/trunk", url);
    assert.equal(advertised.objectFormat, "sha1");
    const tag = advertised.refs.get(parseRefName("refs/tags/v1-of-v1"));
    assert.equal(tag?.peeled, wanted["refs/heads/older"], url);
    assert.deepEqual(await refsOf(own), {}, "no ref is written yet");

    const results = await repositories.applyChanges(own, creations(advertised));
    assert.ok(results.every((result) => result.outcome === "created"));
    assert.deepEqual(await refsOf(own), wanted, url);
    await checkRepository(own);
    await assert.rejects(git(own, ["cat-file", "-e", pull]), "what is not wanted is not here");
  }
  assert.ok(!(await readdir(root)).includes(".staging"));
});

test("an empty upstream has no refs", async (t) => {
  const { peers, peer, repositories, path } = await setUp(t);
  await makeRepository(join(peers, "empty.git"));
  const advertised = await repositories.fetchAll(path, openRemote(peer.urlOf("empty.git")), { signal });
  assert.deepEqual(advertised, {
    objectFormat: "sha1",
    refs: new Map(),
    head: parseRefName("refs/heads/main"),
  });
});

test("an upstream whose HEAD is detached has no head", async (t) => {
  const { peers, peer, repositories, path } = await setUp(t);
  const upstream = await makeRepository(join(peers, "a.git"));
  const [first = ""] = await makeCommits(upstream, 2);
  await git(upstream, ["update-ref", "--no-deref", "HEAD", first]);
  const advertised = await repositories.fetchAll(path, openRemote(peer.urlOf("a.git")), { signal });
  assert.equal(advertised.head, null);
});

test("progress is told as it comes", async (t) => {
  const { peers, peer, repositories, path } = await setUp(t);
  await makeUpstream(join(peers, "a.git"));
  const seen: UpdateProgress[] = [];
  await repositories.fetchAll(path, openRemote(peer.urlOf("a.git")), {
    signal,
    onProgress: (one) => seen.push(one),
  });
  const { done, total } = seen.findLast(({ phase }) => phase === "Receiving objects") ?? {};
  assert.deepEqual({ done, total }, { done: 14, total: 14 });
});

test("SHA-256 comes into a repository of that format, and into no other", async (t) => {
  const { peers, peer, repositories, path } = await setUp(t);
  await makeCommit(await makeRepository(join(peers, "new.git"), { objectFormat: "sha256" }));
  const remote = openRemote(peer.urlOf("new.git"));
  await assert.rejects(repositories.fetchAll(path, remote, { signal }), { code: "object-format-mismatch" });
  assert.deepEqual(await readdir(join(path, "objects/pack")), []);
  const own = repositories.pathOf(2);
  await repositories.init(own, { objectFormat: "sha256", head: branchRef("main") });
  const advertised = await repositories.fetchAll(own, remote, { signal });
  await repositories.applyChanges(own, creations(advertised));
  await checkRepository(own);
});

test("an upstream that misbehaves has its error, and leaves nothing behind", async (t) => {
  const { root, peers, peer, repositories, path } = await setUp(t);
  await makeUpstream(join(peers, "a.git"));
  const cases = [
    ["html", "remote-not-git"],
    ["redirect", "remote-redirects"],
    ["not-found", "remote-not-found"],
    ["status:403", "remote-forbidden"],
    ["status:503", "remote-busy"],
    ["status:502", "remote-unreachable"],
    ["close-midway", "remote-closed"],
    ["hang", "remote-timeout"],
    ["hang-body", "remote-timeout"],
  ] as const;
  for (const [fault, code] of cases) {
    peer.setFault(fault);
    const pulled = repositories.fetchAll(path, openRemote(peer.urlOf("a.git")), { signal });
    await assert.rejects(pulled, (error: Error & { code?: string }) => {
      assert.equal(error.code, code, `${fault}: ${error.message}`);
      return true;
    });
  }
  assert.ok(!(await readdir(root)).includes(".staging"));
  peer.setFault(null);
  await repositories.fetchAll(path, openRemote(peer.urlOf("a.git")), { signal });
});

test("a stall over git:// is ended by the limit that the run was given", async (t) => {
  const { root, repositories, path } = await setUp(t);
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const patient = createRepositories({ root, log: makeMemoryLog() });
  const remote = openRemote(`git://127.0.0.1:${address.port}/a.git`);
  const connected = once(server, "connection");
  const failed = assert.rejects(patient.fetchAll(path, remote, { signal, stallTimeoutMs: 300 }), {
    code: "remote-timeout",
  });
  const [socket] = await connected;
  t.after(() => socket.destroy());
  await failed;
  assert(await repositories.exists(path));
});

test("a closed port and a name that nobody knows are unreachable", async (t) => {
  const { peer, repositories, path } = await setUp(t);
  await peer.close();
  const cases: RemoteAccess[] = [
    openRemote(peer.urlOf("a.git")),
    openRemote(peer.urlOf("a.git").replace("http:", "git:")),
  ];
  for (const remote of cases) {
    await assert.rejects(repositories.fetchAll(path, remote, { signal }), { code: "remote-unreachable" });
  }
});

test("an abort stops the transfer and removes its traces", async (t) => {
  const { root, peers, peer, repositories, path } = await setUp(t);
  await makeUpstream(join(peers, "a.git"));
  peer.setFault("hang");
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const pulled = repositories.fetchAll(path, openRemote(peer.urlOf("a.git")), { signal: stop.signal });
  await assert.rejects(pulled, { code: "cancelled" });
  assert.ok(!(await readdir(root)).includes(".staging"));
});

test("broken objects do not come in", async (t) => {
  const { peers, peer, repositories, path } = await setUp(t);
  const upstream = await makeRepository(join(peers, "a.git"));
  const commit = await makeCommit(upstream, { files: { "a-file": "content" } });
  const blob = await git(upstream, ["rev-parse", `${commit}:a-file`]);
  await rm(join(upstream, "objects", blob.slice(0, 2), blob.slice(2)));
  await assert.rejects(repositories.fetchAll(path, openRemote(peer.urlOf("a.git")), { signal }));
  assert.deepEqual(await readdir(join(path, "objects/pack")), []);
});
