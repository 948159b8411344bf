import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, rename, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, mock, test } from "node:test";
import { makeGit } from "../../../../test/support/git-adapter.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../../../../test/support/repositories.ts";
import { readRefs } from "./read-refs.ts";
import { removeAllStaleFiles, removeStaleFiles } from "./remove-stale-files.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/**
 * The clock of the tests runs ahead, for files cannot be made to look older than they are: that a file was renamed or
 * touched a moment ago is written down by the system.
 */
const NOW = Date.now() + 3 * DAY;

beforeEach(() => mock.timers.enable({ apis: ["Date"], now: NOW }));
afterEach(() => mock.timers.reset());

async function leave(repository: string, name: string, ageMs: number): Promise<void> {
  const path = join(repository, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "");
  const then = new Date(NOW - ageMs);
  await utimes(path, then, then);
}

test("locks that no living git can hold are removed, and refs can be changed again", async (t) => {
  const repository = await makeRepository(join(await makeTempDir(t), "0/1.git"));
  const oid = await makeCommit(repository, { ref: "refs/heads/deep/topic" });
  const locks = [
    ...["HEAD.lock", "packed-refs.lock", "packed-refs.new"],
    ...["refs/heads/deep/topic.lock", "refs/heads/main.lock"],
  ];
  for (const lock of locks) await leave(repository, lock, 11 * MINUTE);
  await assert.rejects(git(repository, ["update-ref", "refs/heads/main", oid]), /File exists/);

  assert.equal(await removeStaleFiles(repository), locks.length);
  await git(repository, ["update-ref", "refs/heads/main", oid]);
  await git(repository, ["update-ref", "-d", "refs/heads/deep/topic"]);
  assert.deepEqual(await refsOf(repository), { "refs/heads/main": oid });
});

test("a lock that is fresh, and a ref or an object whose name only looks like one, stay", async (t) => {
  const repository = await makeRepository(join(await makeTempDir(t), "0/1.git"));
  const oid = await makeCommit(repository, { ref: "refs/heads/tmp_topic" });
  await git(repository, ["update-ref", "refs/heads/lock", oid]);
  await git(repository, ["repack", "-adq"]);
  const then = new Date(NOW - 2 * DAY);
  for (const ref of ["tmp_topic", "lock"]) await utimes(join(repository, "refs/heads", ref), then, then);
  await leave(repository, "refs/heads/main.lock", MINUTE);

  assert.equal(await removeStaleFiles(repository), 0);
  assert(existsSync(join(repository, "refs/heads/main.lock")));
  assert.equal(Object.keys(await refsOf(repository)).length, 2);
  await checkRepository(repository);
});

test("a ref without content goes, and what is packed below it is valid again", async (t) => {
  const repository = await makeRepository(join(await makeTempDir(t), "0/1.git"));
  const oid = await makeCommit(repository, { ref: "refs/heads/packed" });
  await git(repository, ["pack-refs", "--all", "--prune"]);
  await leave(repository, "refs/heads/packed", 11 * MINUTE);
  await leave(repository, "refs/heads/deep/lost", 11 * MINUTE);
  await leave(repository, "refs/heads/young", MINUTE);
  await assert.rejects(git(repository, ["update-ref", "refs/heads/packed", oid, oid]), /broken/);

  assert.equal(await removeStaleFiles(repository), 2);
  assert.equal(await git(repository, ["rev-parse", "refs/heads/packed"]), oid);
  assert(existsSync(join(repository, "refs/heads/young")));

  const read = () => readRefs(makeGit(), repository);
  const { refs, broken } = await read();
  assert.deepEqual([...refs.keys()], ["refs/heads/packed"]);
  // Nobody deleted `deep/lost`, or set `packed` back to its older value.
  assert.deepEqual([...(broken ?? [])].sort(), [
    "refs/heads/deep/lost",
    "refs/heads/packed",
    "refs/heads/young",
  ]);

  // With a new value each is a ref as any other, and may then be deleted.
  const next = await makeCommit(repository, { ref: "refs/heads/packed" });
  await git(repository, ["update-ref", "refs/heads/deep/lost", next]);
  assert.deepEqual([...((await read()).broken ?? [])], ["refs/heads/young"]);
  await git(repository, ["update-ref", "-d", "refs/heads/deep/lost"]);
  assert.deepEqual([...((await read()).broken ?? [])], ["refs/heads/young"]);
});

test("a pack that is moved in is no half that was left, however long it was in the making", async (t) => {
  const dir = await makeTempDir(t);
  const repository = await makeRepository(join(dir, "0/1.git"));
  await leave(dir, "pack-0123abcd.pack", 5 * DAY);
  mock.timers.setTime(NOW - 3 * DAY);
  // The index comes next.
  const pack = join(repository, "objects/pack/pack-0123abcd.pack");
  await rename(join(dir, "pack-0123abcd.pack"), pack);
  assert.equal(await removeStaleFiles(repository, { lockMs: 2_000, objectsMs: 2_000 }), 0);
  assert(existsSync(pack));
});

test("half packs and quarantines go after a day, in all repositories", async (t) => {
  const root = await makeTempDir(t);
  const old = [
    ...["objects/pack/tmp_pack_h2Vq5l", "objects/pack/.tmp-77-pack-1.pack", "objects/tmp_obj_x"],
    ...["objects/3f/tmp_obj_y", "objects/pack/pack-0123abcd.pack", "objects/pack/pack-0123abcd.rev"],
    ...["objects/info/commit-graph.lock", "objects/info/commit-graphs/tmp_graph_1"],
    ...["objects/info/commit-graphs/commit-graph-chain.lock", "objects/pack/multi-pack-index.lock"],
  ];
  for (const id of [1, 1_001]) {
    const repository = await makeRepository(join(root, `${Math.floor(id / 1000)}/${id}.git`));
    for (const name of old) await leave(repository, name, 2 * DAY);
    await leave(repository, "objects/tmp_objdir-incoming-1/pack/tmp_pack_1", 2 * DAY);
    await leave(repository, "objects/tmp_objdir-incoming-2/pack/tmp_pack_1", MINUTE);
    for (const [quarantine, ageMs] of [
      ["1", 2 * DAY],
      ["2", MINUTE],
    ] as const) {
      const then = new Date(NOW - ageMs);
      await utimes(join(repository, `objects/tmp_objdir-incoming-${quarantine}`), then, then);
    }
  }
  await leave(root, ".staging/fetch-1/repository/objects/pack/tmp_pack_1", 2 * DAY);

  const stopped = AbortSignal.abort();
  assert.equal(await removeAllStaleFiles(root, stopped), 0);
  assert.equal(await removeAllStaleFiles(root, new AbortController().signal), 2 * (old.length + 1));
  assert(existsSync(join(root, "1/1001.git/objects/tmp_objdir-incoming-2/pack/tmp_pack_1")));
  assert(existsSync(join(root, ".staging/fetch-1/repository/objects/pack/tmp_pack_1")));
  assert.equal(await removeStaleFiles(join(root, "0/404.git")), 0);
});
