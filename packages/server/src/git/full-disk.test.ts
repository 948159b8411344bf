import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../../../../test/support/repositories.ts";
import { makeTinyDisk } from "../../../../test/support/tiny-disk.ts";
import { parseOid } from "../domain/oid.ts";
import { branchRef } from "../domain/ref-name.ts";
import { createRepositories } from "./repositories.ts";

const signal = new AbortController().signal;

test("a full disk is told as such, and nothing is lost or left behind", async (t) => {
  const disk = await makeTinyDisk(t, 1_500);
  if (disk === null) return t.skip("needs root on Linux to mount a small file system");
  const root = join(disk, "data");
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

  const filler = join(disk, "filler");
  await writeFile(filler, Buffer.alloc(4_000_000)).catch(() => {});
  const few = [changeOf("refs/heads/one", null, small)];
  const many = Array.from({ length: 150 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, small));
  for (const changes of [few, many]) await assert.rejects(repositories.applyChanges(path, changes), isFull);
  await assert.rejects(repositories.setHead(path, branchRef("other")), isFull);
  const another = { objectFormat: "sha1", head: branchRef("main") } as const;
  await assert.rejects(repositories.init(repositories.pathOf(2), another), isFull);
  assert.deepEqual(await refsOf(path), {});
  assert.equal((await repositories.readRefs(path)).head, "refs/heads/main");

  await rm(filler);
  const results = await repositories.applyChanges(path, many);
  assert.ok(results.every((result) => result.outcome === "created"));
  await checkRepository(path);
  return undefined;
});
