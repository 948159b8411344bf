import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../../../../test/support/repositories.ts";
import { mountSmallDisk, whereMountingIsAllowed } from "../../../../test/support/small-disk.ts";
import { parseOid } from "../domain/oid.ts";
import { branchRef } from "../domain/ref-name.ts";
import { createRepositories } from "./repositories.ts";

const signal = new AbortController().signal;

whereMountingIsAllowed(import.meta.filename, () => {
  test("a full disk is told as such, and nothing is lost or left behind", tellsFullDisk);
});

async function tellsFullDisk(t: TestContext): Promise<void> {
  const parent = await makeTempDir({ after: () => {} });
  const mountPoint = join(parent, "disk");
  const disk = await mountSmallDisk(mountPoint, 1_500 * 1024);
  t.after(async () => {
    await disk.unmount();
    await rm(parent, { recursive: true, force: true });
  });
  const root = join(mountPoint, "data");
  const repositories = createRepositories({ root, log: makeMemoryLog() });
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  const upstream = await makeRepository(join(await makeTempDir(t), "a.git"));
  const small = await makeCommit(upstream, { ref: "refs/heads/small" });
  const large = await makeCommit(upstream, { files: { noise: randomBytes(3_000_000).toString("base64") } });
  const remote = openRemote(upstream);
  const isFull = { name: "HeliostatError", code: "disk-full", message: /no space left/ };

  await repositories.fetchObjects(path, remote, [parseOid(small)], { signal });
  const before = await readdir(path, { recursive: true });
  await assert.rejects(repositories.fetchAll(path, remote, { signal }), isFull);
  await assert.rejects(repositories.fetchObjects(path, remote, [parseOid(large)], { signal }), isFull);
  await assert.rejects(git(upstream, ["push", "-q", path, `${large}:refs/heads/large`]));
  assert.deepEqual(await readdir(path, { recursive: true }), before);
  assert.ok(!(await readdir(root)).includes(".staging"));

  await disk.fill();
  const few = [changeOf("refs/heads/one", null, small)];
  const many = Array.from({ length: 150 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, small));
  for (const changes of [few, many]) await assert.rejects(repositories.applyChanges(path, changes), isFull);
  await assert.rejects(repositories.setHead(path, branchRef("other")), isFull);
  const another = { objectFormat: "sha1", head: branchRef("main") } as const;
  await assert.rejects(repositories.init(repositories.pathOf(2), another), isFull);
  assert.deepEqual(await refsOf(path), {});
  assert.equal((await repositories.readRefs(path)).head, "refs/heads/main");

  await disk.free();
  const results = await repositories.applyChanges(path, many);
  assert.ok(results.every((result) => result.outcome === "created"));
  await checkRepository(path);
}
