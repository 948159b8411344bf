import assert from "node:assert/strict";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeGit } from "../../../../test/support/git-adapter.ts";
import {
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  setRef,
} from "../../../../test/support/repositories.ts";
import { adoptHead } from "./adopt-head.ts";

const headOf = (path: string) => git(path, ["symbolic-ref", "HEAD"]);

/** An empty repository whose HEAD names `main`, and a commit in it that no ref leads to. */
async function setStage(t: TestContext) {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  await git(path, ["symbolic-ref", "HEAD", "refs/heads/main"]);
  const oid = await makeCommit(path, { ref: "refs/heads/gone" });
  await setRef(path, "refs/heads/gone", null);
  return { path, oid, adopt: () => adoptHead(makeGit(), path) };
}

test("an unborn HEAD moves to a branch that is there, loose or packed, and then stays", async (t) => {
  const { path, oid, adopt } = await setStage(t);
  assert.equal(await adopt(), null, "there is none");
  await setRef(path, "refs/heads/dev", oid);
  await setRef(path, "refs/heads/master", oid);
  await git(path, ["pack-refs", "--all"]);
  assert.equal(await adopt(), "refs/heads/master");
  assert.equal(await headOf(path), "refs/heads/master");
  await setRef(path, "refs/heads/main", oid);
  assert.equal(await adopt(), null);
  assert.equal(await headOf(path), "refs/heads/master");
  const left = (await readdir(path)).filter((name) => name.startsWith("HEAD"));
  assert.deepEqual(left, ["HEAD"]);
});

test("a HEAD that names no branch is left as it is", async (t) => {
  const { path, oid, adopt } = await setStage(t);
  await setRef(path, "refs/heads/master", oid);
  await git(path, ["update-ref", "--no-deref", "HEAD", oid]);
  assert.equal(await adopt(), null);
  assert.equal(await git(path, ["rev-parse", "HEAD"]), oid);
});

test("many at once agree: HEAD is where the first put it, whatever comes meanwhile", async (t) => {
  const { path, oid, adopt } = await setStage(t);
  const push = async (name: string) => {
    await setRef(path, `refs/heads/${name}`, oid);
    await adopt();
    // What a caller sees after its own call is what it protects: it must stay.
    return await headOf(path);
  };
  const seen = await Promise.all(["e", "main", "d", "master", "c", "b", "a"].map(push));
  assert.equal(new Set(seen).size, 1, seen.join(" "));
  assert.equal(await headOf(path), seen[0]);
});

test("it waits for whoever holds the lock of HEAD, and goes by what it finds then", async (t) => {
  const { path, oid, adopt } = await setStage(t);
  await setRef(path, "refs/heads/dev", oid);
  await writeFile(join(path, "HEAD.lock"), "ref: refs/heads/other\n");
  const adopting = adopt();
  await setRef(path, "refs/heads/master", oid);
  assert.equal(await headOf(path), "refs/heads/main");
  await rm(join(path, "HEAD.lock"));
  const adopted = await adopting;
  assert.equal(adopted, await headOf(path));
  assert.notEqual(adopted, "refs/heads/main");
  await setRef(path, String(adopted), null);
  await writeFile(join(path, "HEAD.lock"), "");
  await assert.rejects(adopt(), { code: "conflict" });
});
