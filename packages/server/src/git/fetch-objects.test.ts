import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
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
import { parseOid } from "../domain/oid.ts";
import { branchRef } from "../domain/ref-name.ts";
import { createRepositories } from "./repositories.ts";

const signal = new AbortController().signal;

async function setUp(t: Parameters<typeof makeTempDir>[0]) {
  // A name that git must be given in quotes.
  const dir = join(await makeTempDir(t), 'a "colon": \\ and more');
  const repositories = createRepositories({ root: join(dir, "data"), log: makeMemoryLog() });
  const peers = join(dir, "peers");
  const upstream = await makeRepository(join(peers, "a.git"));
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  const http = await startGitHttpPeer({ root: peers });
  const v0 = await startGitHttpPeer({ root: peers, protocol: 0 });
  const daemon = await startGitDaemonPeer({ root: peers });
  t.after(async () => {
    await Promise.all([http.close(), v0.close(), daemon.close()]);
  });
  return { repositories, upstream, path, http, urls: [http, v0, daemon].map((peer) => peer.urlOf("a.git")) };
}

test("what the oids need is transferred, no ref is written, and what is here is not asked for again", async (t) => {
  const { repositories, upstream, path, urls } = await setUp(t);
  for (const url of [...urls, upstream]) {
    const oids = [await makeCommit(upstream), await makeCommit(upstream, { ref: "refs/heads/other" })];
    oids.push(await makeTag(upstream, `v-${oids[0]?.slice(0, 8)}`, oids[0] ?? ""));
    const before = await refsOf(path);
    await repositories.fetchObjects(path, openRemote(url), oids.map(parseOid), { signal });
    assert.deepEqual(await refsOf(path), before, url);
    assert.equal(existsSync(join(path, "FETCH_HEAD")), false);
    assert.equal(existsSync(join(path, "shallow")), false);
    const changes = oids
      .slice(0, 1)
      .map((oid) => changeOf("refs/heads/main", before["refs/heads/main"] ?? null, oid));
    assert.equal(
      (await repositories.applyChanges(path, changes))[0]?.outcome,
      changes[0]?.old ? "forced" : "created",
    );
    await checkRepository(path);
  }
});

test("nothing to fetch starts nothing; objects that are here are not fetched again", async (t) => {
  const { repositories, upstream, path, http, urls } = await setUp(t);
  const [url = ""] = urls;
  await repositories.fetchObjects(path, openRemote(url), [], { signal });
  assert.equal(http.requests.length, 0);
  const oid = parseOid(await makeCommit(upstream));
  await repositories.fetchObjects(path, openRemote(url), [oid], { signal });
  const before = http.requests.filter((request) => request.method === "POST").length;
  await repositories.fetchObjects(path, openRemote(url), [oid], { signal });
  assert.equal(http.requests.filter((request) => request.method === "POST").length, before);
});

test("more oids than a command line could carry", async (t) => {
  const { repositories, upstream, path, urls } = await setUp(t);
  const first = await makeCommit(upstream);
  const tree = await git(upstream, ["rev-parse", `${first}^{tree}`]);
  const input: string[] = [];
  for (let i = 0; i < 4_000; i += 1) {
    input.push(
      `commit refs/heads/b${i}\ncommitter C <c@example.com> ${1_700_000_000 + i} +0000\ndata 1\n${i % 10}\n`,
    );
    input.push(`from ${first}\nM 040000 ${tree} ""\n\n`);
  }
  await git(upstream, ["fast-import", "--quiet"], { input: input.join("") });
  const { "refs/heads/main": main, ...refs } = await refsOf(upstream);
  const oids = [...new Set(Object.values(refs))].map(parseOid);
  assert.ok(main);
  assert.equal(oids.length, 4_000);
  await repositories.fetchObjects(path, openRemote(urls[0] ?? ""), oids, { signal });
});

test("an oid that the remote no longer has is told as such", async (t) => {
  const { repositories, upstream, path, urls } = await setUp(t);
  const [here = ""] = await makeCommits(upstream, 1);
  const oids = [parseOid(here), parseOid("deadbeef".repeat(5))];
  for (const url of [...urls, upstream]) {
    const fetched = repositories.fetchObjects(path, openRemote(url), oids, { signal });
    await assert.rejects(fetched, { code: "remote-lacks-object" }, url);
  }
});

test("a commit that was a tip a moment ago still comes where the server allows it", async (t) => {
  const { repositories, upstream, path, urls } = await setUp(t);
  const [first = "", second = ""] = await makeCommits(upstream, 2);
  await setRef(upstream, "refs/heads/main", first);
  await repositories.fetchObjects(path, openRemote(urls[0] ?? ""), [parseOid(second)], { signal });
  assert.equal(await git(path, ["cat-file", "-t", second]), "commit");
});

test("a transfer that breaks off leaves nothing that looks complete", async (t) => {
  const { repositories, upstream, path, http } = await setUp(t);
  const oid = parseOid(await makeCommit(upstream, { files: { big: "x".repeat(300_000) } }));
  const remote = openRemote(http.urlOf("a.git"));
  http.setFault("close-midway");
  await assert.rejects(repositories.fetchObjects(path, remote, [oid], { signal }), { code: "remote-closed" });
  await assert.rejects(git(path, ["cat-file", "-e", oid]));
  assert.deepEqual((await readdir(join(path, "objects"))).sort(), ["info", "pack"]);
  assert.deepEqual(await readdir(join(path, "objects/pack")), []);
  http.setFault(null);
  await repositories.fetchObjects(path, remote, [oid], { signal });
  assert.equal(await git(path, ["cat-file", "-t", oid]), "commit");
});

test("shown few values of ours, git still brings all that is missing, and nothing that leads to them", async (t) => {
  const { repositories, upstream, path, http } = await setUp(t);
  const remote = openRemote(http.urlOf("a.git"));
  const [first = "", , third = ""] = await makeCommits(upstream, 3);
  await repositories.fetchObjects(path, remote, [parseOid(third)], { signal });
  await repositories.applyChanges(path, [changeOf("refs/heads/main", null, third)]);
  const own = await makeCommit(path, { ref: "refs/heads/only-here", parents: [first] });
  const before = await git(path, ["count-objects", "-v"]);

  const fourth = await makeCommit(upstream);
  const unrelated = await makeCommit(upstream, { ref: "refs/heads/unrelated", parents: [] });
  await repositories.fetchObjects(path, remote, [fourth, unrelated].map(parseOid), {
    signal,
    haves: [parseOid(third), parseOid(own)],
  });
  const ours = await refsOf(path);
  const changes = [
    changeOf("refs/heads/main", ours["refs/heads/main"] ?? null, fourth),
    changeOf("refs/heads/unrelated", null, unrelated),
  ];
  await repositories.applyChanges(path, changes);
  await checkRepository(path);
  const count = (text: string, field: string) =>
    Number(new RegExp(`^${field}: (\\d+)$`, "m").exec(text)?.[1]);
  const after = await git(path, ["count-objects", "-v"]);
  const objects = (text: string) => count(text, "count") + count(text, "in-pack");
  // A commit, a tree and a blob each, and what a delta builds on: not the three commits once more.
  assert.ok(objects(after) - objects(before) <= 7, `${before}\n${after}`);
});
