import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeGit } from "../../../../test/support/git-adapter.ts";
import {
  git,
  makeCommit,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../../../../test/support/repositories.ts";
import { readDefaultBranch, readRefs } from "./read-refs.ts";

test("branches and tags are read, symbolic refs and others are not", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"), { head: "trunk" });
  const commit = await makeCommit(path, { ref: "refs/heads/trunk" });
  const tag = await makeTag(path, "v1", commit);
  await setRef(path, "refs/heads/feature/ü", commit);
  await setRef(path, "refs/heliostat/ledger", commit);
  await setRef(path, "refs/pull/1/head", commit);
  await git(path, ["symbolic-ref", "refs/heads/alias", "refs/heads/trunk"]);
  const { refs, head, objectFormat } = await readRefs(makeGit(), path);
  assert.deepEqual(Object.fromEntries(refs), {
    "refs/heads/feature/ü": commit,
    "refs/heads/trunk": commit,
    "refs/tags/v1": tag,
  });
  assert.deepEqual([head, objectFormat], ["refs/heads/trunk", "sha1"]);
});

test("an empty repository has a format and an unborn head; a detached head is none", async (t) => {
  const dir = await makeTempDir(t);
  const empty = await makeRepository(join(dir, "a.git"), { objectFormat: "sha256" });
  assert.deepEqual(await readRefs(makeGit(), empty), {
    refs: new Map(),
    head: "refs/heads/main",
    symrefs: new Set(),
    objectFormat: "sha256",
  });
  const commit = await makeCommit(empty);
  await git(empty, ["update-ref", "--no-deref", "HEAD", commit]);
  assert.equal((await readRefs(makeGit(), empty)).head, null);
});

test("a ref that a crash has left without content is not gone, nor is a symbolic one that leads nowhere", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const commit = await makeCommit(path);
  await setRef(path, "refs/heads/packed", commit);
  await git(path, ["pack-refs", "--all", "--prune"]);
  for (const [name, text] of [
    ["empty", ""],
    ["half", commit.slice(0, 16)],
    ["null", `${"0".repeat(40)}\n`],
    ["packed", ""],
  ] as const) {
    await writeFile(join(path, "refs/heads", name), text);
  }
  await git(path, ["symbolic-ref", "refs/heads/dangling", "refs/heads/gone"]);
  const { refs, broken, symrefs } = await readRefs(makeGit(), path);
  assert.deepEqual([...refs.keys()], ["refs/heads/main"]);
  assert.deepEqual([...symrefs], ["refs/heads/dangling"]);
  const names = ["empty", "half", "null", "packed"].map((name) => `refs/heads/${name}`);
  assert.deepEqual([...(broken ?? [])].sort(), names);
});

test("packed refs that end in the middle of a line are an error, not fewer refs", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const commit = await makeCommit(path);
  const packed = `# pack-refs with: peeled fully-peeled sorted \n${commit} refs/heads/a\n${commit} refs/heads/b`;
  await writeFile(join(path, "packed-refs"), packed);
  await assert.rejects(readRefs(makeGit(), path), /packed-refs/);
});

test("a name that is not UTF-8 hides no other ref", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const commit = await makeCommit(path);
  const packed = Buffer.concat([
    Buffer.from(`# pack-refs with: peeled fully-peeled sorted \n${commit} refs/heads/caf`),
    Buffer.from([0xe9]),
    Buffer.from("\n"),
  ]);
  await writeFile(join(path, "packed-refs"), packed);
  assert.deepEqual([...(await readRefs(makeGit(), path)).refs.keys()], ["refs/heads/main"]);
});

test("the default branch is told once it is born, loose or packed", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  assert.equal(await readDefaultBranch(path), null);
  const commit = await makeCommit(path);
  assert.equal(await readDefaultBranch(path), "refs/heads/main");
  await git(path, ["pack-refs", "--all"]);
  assert.equal(await readDefaultBranch(path), "refs/heads/main");
  await git(path, ["update-ref", "--no-deref", "HEAD", commit]);
  assert.equal(await readDefaultBranch(path), null);
  await rm(path, { recursive: true });
  assert.equal(await readDefaultBranch(path), null);
});

test("50,000 refs are read in well under a second of git and ours", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const commit = await makeCommit(path);
  const names = Array.from({ length: 50_000 }, (_, i) => `refs/heads/topic/${String(i).padStart(6, "0")}`);
  const lines = names.map((name) => `${commit} ${name}\n`).join("");
  await writeFile(join(path, "packed-refs"), `# pack-refs with: peeled fully-peeled sorted \n${lines}`);
  const startedAt = performance.now();
  const { refs } = await readRefs(makeGit(), path);
  const took = performance.now() - startedAt;
  assert.equal(refs.size, 50_001);
  t.diagnostic(`${Math.round(took)} ms`);
  assert.ok(took < 5_000, `${took} ms`);
  assert.equal(Object.keys(await refsOf(path)).length, 50_001);
  assert.match(await readFile(join(path, "HEAD"), "utf8"), /main/);
});
