import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { git, makeTempDir, refsOf } from "../../../../test/support/repositories.ts";
import { branchRef } from "../domain/ref-name.ts";
import { createRepositories } from "./repositories.ts";

async function setUp(t: Parameters<typeof makeTempDir>[0]) {
  const dir = await makeTempDir(t);
  const root = join(dir, "data");
  return { dir, root, repositories: createRepositories({ root, log: makeMemoryLog() }) };
}

test("a repository is made whole, in the wanted format, with HEAD where it was told", async (t) => {
  const { root, repositories } = await setUp(t);
  for (const [id, objectFormat] of [
    [1, "sha1"],
    [2_345, "sha256"],
  ] as const) {
    const path = repositories.pathOf(id);
    assert.equal(await repositories.exists(path), false);
    await repositories.init(path, { objectFormat, head: branchRef("trunk/ü") });
    assert.equal(await repositories.exists(path), true);
    assert.equal(
      await git(path, ["rev-parse", "--is-bare-repository", "--show-object-format"]),
      `true\n${objectFormat}`,
    );
    assert.equal(await git(path, ["symbolic-ref", "HEAD"]), "refs/heads/trunk/ü");
    assert.equal(await git(path, ["config", "transfer.hideRefs"]), "refs/heliostat");
    assert.equal(await git(path, ["config", "gc.auto"]), "0");
    assert.equal(existsSync(join(path, "hooks")), false);
  }
  assert.ok(repositories.pathOf(1) !== repositories.pathOf(2) && repositories.pathOf(1).startsWith(root));
  assert.ok(!(await readdir(root)).includes(".staging"));
});

test("what is there already is not touched", async (t) => {
  const { root, repositories } = await setUp(t);
  const path = repositories.pathOf(1);
  const options = { objectFormat: "sha1", head: branchRef("main") } as const;
  await repositories.init(path, options);
  await writeFile(join(path, "mine"), "");
  await assert.rejects(repositories.init(path, options), { code: "conflict" });
  assert.ok(existsSync(join(path, "mine")));
  assert.ok(!(await readdir(root)).includes(".staging"));
});

test("a repository outside the root is staged beside itself", async (t) => {
  const { dir, repositories } = await setUp(t);
  const path = join(dir, "elsewhere", "mine.git");
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  assert.deepEqual(await readdir(join(dir, "elsewhere")), ["mine.git"]);
});

test("HEAD follows where it is led", async (t) => {
  const { repositories } = await setUp(t);
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  await repositories.setHead(path, branchRef("other"));
  assert.equal((await repositories.readRefs(path)).head, "refs/heads/other");
  assert.equal(await repositories.readDefaultBranch(path), null);
  assert.deepEqual(await repositories.applyChanges(path, []), []);
  assert.deepEqual(await refsOf(path), {});
});

test("a removed repository is gone at once and deleted soon; removing nothing is no error", async (t) => {
  const { root, repositories } = await setUp(t);
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  await repositories.remove(path);
  assert.equal(await repositories.exists(path), false);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  await repositories.remove(path);
  await repositories.remove(path);
  const staging = join(root, ".staging");
  for (let i = 0; i < 100 && existsSync(staging) && (await readdir(staging)).length > 0; i += 1)
    await sleep(20);
  assert.deepEqual(existsSync(staging) ? await readdir(staging) : [], []);
});

test("leftovers of dead runs are removed, the work of living ones is not", async (t) => {
  const { root, repositories } = await setUp(t);
  assert.equal(await repositories.removeLeftovers(), 0);
  const longAgo = new Date(Date.now() - 11 * 60_000);
  for (const name of ["fetch-dead", "fetch-alive"]) {
    await mkdir(join(root, ".staging", name, "repository"), { recursive: true });
    await writeFile(join(root, ".staging", name, "repository/pack"), "x");
  }
  await utimes(join(root, ".staging/fetch-dead"), longAgo, longAgo);
  assert.equal(await repositories.removeLeftovers(), 1);
  assert.deepEqual(await readdir(join(root, ".staging")), ["fetch-alive"]);
});
