import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { changeOf, makeGit } from "../../../../test/support/git-adapter.ts";
import {
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../../../../test/support/repositories.ts";
import { applyChanges } from "./apply-changes.ts";
import { WITHOUT_FSYNC_OF_REFS } from "./environment.ts";

/** How often the gits that `work` runs brought something to the disk, by their own count. */
async function countFlushes(
  t: TestContext,
  work: (env: Readonly<Record<string, string>>) => Promise<unknown>,
): Promise<number> {
  const dir = await makeTempDir(t);
  await work({ GIT_TRACE2_EVENT: dir });
  let flushes = 0;
  for (const name of await readdir(dir)) {
    for (const line of (await readFile(join(dir, name), "utf8")).split("\n")) {
      const [, count] = /"key":"fsync\/hardware-flush","value":"(\d+)"/.exec(line) ?? [];
      flushes += Number(count ?? 0);
    }
  }
  return flushes;
}

test("a small push is on the disk when it is acknowledged: each object, and the ref", async (t) => {
  const dir = await makeTempDir(t);
  const path = await makeRepository(join(dir, "a.git"));
  const client = await makeRepository(join(dir, "client.git"));
  const commit = await makeCommit(client);
  const pack = await git(client, ["rev-list", "--objects", "--no-object-names", commit]);
  const objects = pack.split("\n").length;
  const unpacked = await countFlushes(t, (env) =>
    makeGit().run({
      gitDir: path,
      args: ["fetch", "--quiet", client, `${commit}:refs/heads/main`],
      protocols: ["file"],
      env,
    }),
  );
  assert.equal(objects, 3);
  assert.equal(unpacked, objects + 1);
  const updated = await countFlushes(t, (env) =>
    makeGit().run({ gitDir: path, args: ["update-ref", "refs/heads/other", commit], env }),
  );
  assert.equal(updated, 1);
  const packed = await countFlushes(t, (env) =>
    makeGit().run({ gitDir: path, args: ["pack-refs", "--all", "--prune"], env }),
  );
  assert.equal(packed, 1);
  const left = await countFlushes(t, (env) =>
    makeGit().run({
      gitDir: path,
      args: ["update-ref", "refs/heads/of-many", commit],
      config: [WITHOUT_FSYNC_OF_REFS],
      env,
    }),
  );
  assert.equal(left, 0);
});

test("very many refs go to the disk as one file, where there are some already", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const commit = await makeCommit(path);
  const few = Array.from({ length: 99 }, (_, index) => changeOf(`refs/heads/few-${index}`, null, commit));
  await applyChanges(makeGit(), path, few);
  assert.equal((await readdir(join(path, "refs/heads"))).length, 100);
  const many = Array.from({ length: 100 }, (_, index) => changeOf(`refs/heads/many-${index}`, null, commit));
  const results = await applyChanges(makeGit(), path, many);
  assert(results.every(({ outcome }) => outcome === "created"));
  assert.deepEqual(await readdir(join(path, "refs/heads")), []);
  assert.equal(Object.keys(await refsOf(path)).length, 200);
});
