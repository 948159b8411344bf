import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { changeOf, makeGit, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
  setRef,
} from "../../../../test/support/repositories.ts";
import { parseOid } from "../domain/oid.ts";
import { countClutter, maintain, planMaintenance } from "./maintain.ts";
import { createRepositories } from "./repositories.ts";

const signal = new AbortController().signal;
const EVERYTHING = { locks: false, refs: true, objects: true, graph: true, indexes: true };

async function setUp(t: TestContext) {
  const dir = await makeTempDir(t);
  const repositories = createRepositories({ root: join(dir, "data"), log: makeMemoryLog(), isAlone: true });
  const path = await makeRepository(repositories.pathOf(1));
  const keepHouse = () =>
    repositories.keepHouse(path, signal, async (work) => {
      await work();
      return true;
    });
  return { dir, repositories, path, keepHouse };
}

/** So many blobs that nothing leads to. */
async function addLooseObjects(path: string, count: number): Promise<string[]> {
  const files = Array.from({ length: count }, (_, i) => `blob\ndata <<E\n${path} ${i}\nE\n`);
  await git(path, ["-c", "fastimport.unpackLimit=100000", "fast-import", "--quiet"], {
    input: files.join(""),
  });
  const names = await git(path, ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
  return names.split("\n");
}

async function looseIn(path: string): Promise<number> {
  const entries = await readdir(join(path, "objects"), { recursive: true });
  return entries.filter((entry) => /^[0-9a-f]{2}\/[0-9a-f]{38}/.test(entry)).length;
}

test("a repository with little in it is left alone, and nobody is asked", async (t) => {
  const { repositories, path } = await setUp(t);
  await makeCommit(path);
  const asked = () => assert.fail("there is nothing to do");
  assert.equal(await repositories.keepHouse(path, signal, asked), false);
  assert.equal(await repositories.keepHouse(repositories.pathOf(404), signal, asked), false);
});

test("loose objects are packed, those that no ref leads to as well, and then nothing is due", async (t) => {
  const { path, keepHouse } = await setUp(t);
  await makeCommit(path);
  const objects = await addLooseObjects(path, 1_000);
  assert(objects.length > 1_000);
  assert.equal(await keepHouse(), true);
  assert.equal(await looseIn(path), 0);
  const still = await git(path, ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
  assert.deepEqual(still.split("\n"), objects);
  assert.equal(await keepHouse(), false);
  await checkRepository(path);
});

test("many packs become few, and then nothing is due", async (t) => {
  const { path, keepHouse } = await setUp(t);
  for (let i = 0; i < 21; i += 1) {
    await makeCommit(path, { ref: `refs/heads/b${i}` });
    await git(path, ["repack", "-q", "-d"]);
  }
  assert.equal((await countClutter(path)).newPacks, 21);
  assert.equal(await keepHouse(), true);
  assert((await countClutter(path)).newPacks < 5);
  assert.equal(await keepHouse(), false);
  await checkRepository(path);
});

test("a large repository has one index over all packs, bitmaps and a commit-graph, each sound", async (t) => {
  const { path } = await setUp(t);
  for (let i = 0; i < 3; i += 1) {
    await makeCommit(path);
    await maintain(makeGit(), path, EVERYTHING, signal);
  }
  const { newPacks, isIndexed } = await countClutter(path);
  assert.deepEqual({ newPacks, isIndexed }, { newPacks: 0, isIndexed: true });
  assert.equal(
    (await readdir(join(path, "objects/pack"))).filter((name) => name.endsWith(".bitmap")).length,
    1,
  );
  await git(path, ["multi-pack-index", "verify", "--no-progress"]);
  await git(path, ["commit-graph", "verify", "--no-progress"]);
  await checkRepository(path);
});

test("loose refs are packed, with what tags peel to", async (t) => {
  const { path, keepHouse } = await setUp(t);
  const oid = await makeCommit(path);
  await git(path, ["tag", "-a", "-m", "v1", "v1", oid]);
  const lines = Array.from({ length: 300 }, (_, i) => `create refs/heads/deep/b${i} ${oid}\n`);
  await git(path, ["update-ref", "--stdin"], { input: lines.join("") });
  const before = await refsOf(path);
  assert.equal(await keepHouse(), true);
  assert.equal((await countClutter(path)).looseRefs, 0);
  assert.deepEqual(await refsOf(path), before);
});

test("the lock of a dead git is taken away even when no update ever meets it", async (t) => {
  const { path, keepHouse } = await setUp(t);
  const oid = await makeCommit(path);
  await writeFile(join(path, "refs/heads/main.lock"), "");
  assert.equal(await keepHouse(), true);
  await setRef(path, "refs/heads/main", oid);
});

test("the bounds grow with the repository", () => {
  const clutter = {
    looseObjects: 0,
    looseRefs: 0,
    locks: 0,
    newPacks: 1,
    packedBytes: 0,
    isIndexed: true,
    hasGraph: true,
  };
  const isDue = (some: Partial<typeof clutter>) => planMaintenance({ ...clutter, ...some }).objects;
  assert.deepEqual([isDue({ looseObjects: 90 }), isDue({ looseObjects: 110 })], [false, true]);
  const large = { packedBytes: 100_000_000 };
  assert.deepEqual(
    [isDue({ ...large, looseObjects: 1_000 }), isDue({ ...large, looseObjects: 1_300 })],
    [false, true],
  );
  assert(isDue({ packedBytes: 100_000_000_000, looseObjects: 7_000 }));
  assert(isDue({ ...large, isIndexed: false }));
});

test("SHA-256 repositories are kept in order too", async (t) => {
  const dir = await makeTempDir(t);
  const path = await makeRepository(join(dir, "a.git"), { objectFormat: "sha256" });
  await makeCommit(path);
  await maintain(makeGit(), path, EVERYTHING, signal);
  assert.equal((await countClutter(path)).looseRefs, 0);
  await checkRepository(path);
});

/**
 * Git removes a folder of loose objects that it has emptied, and another git may be about to write there: that push is
 * refused as a whole, and goes through when it is made again.
 */
async function pushOnceMore(client: string, path: string, ref: string): Promise<void> {
  const push = () => git(client, ["push", "-q", path, ref]);
  await push().catch((error: unknown) => {
    assert.match(String(error), /unable to migrate objects to permanent storage/);
    return push();
  });
}

test("while it works without a pause, pulls, pushes, clones and packs for downstreams go on unhurt", async (t) => {
  const { dir, repositories, path } = await setUp(t);
  const upstream = await makeRepository(join(dir, "upstream.git"));
  const client = await makeRepository(join(dir, "client.git"));
  let old: string | null = null;
  const stop = new AbortController();
  let rounds = 0;
  const keeping = (async () => {
    while (!stop.signal.aborted) {
      await maintain(makeGit(), path, EVERYTHING, signal);
      rounds += 1;
    }
  })();
  try {
    for (let i = 0; i < 12; i += 1) {
      const next = await makeCommit(upstream);
      const own = await makeCommit(client, { ref: "refs/heads/own" });
      const packed = async (): Promise<void> => {
        const request = { wants: [parseOid(next)], haves: [], isThin: false, hasOffsetDeltas: true };
        const pack = await repositories.packObjects(path, request, { signal });
        pack.stream.resume();
        await pack.done;
      };
      await Promise.all([
        repositories.fetchObjects(path, openRemote(upstream), [parseOid(next)], { signal }),
        pushOnceMore(client, path, "refs/heads/own"),
      ]);
      // Nothing leads to the fetched commit for a while.
      const change = changeOf("refs/heads/main", old, next, old === null ? "create" : "fast-forward");
      const [result] = await repositories.applyChanges(path, [change]);
      assert.notEqual(result?.outcome, "rejected", String(result?.message));
      old = next;
      await Promise.all([
        packed(),
        git("/", ["clone", "-q", "--no-local", "--mirror", path, join(dir, `clone-${i}.git`)]),
      ]);
      const refs = await refsOf(path);
      assert.deepEqual(refs, { "refs/heads/main": next, "refs/heads/own": own });
    }
  } finally {
    stop.abort();
    await keeping;
  }
  assert(rounds > 5, `${rounds} rounds`);
  await checkRepository(path);
});
