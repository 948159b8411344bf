import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import { makeRepository, makeTempDir } from "../../../../../test/support/repositories.ts";
import { createGit } from "../run-git.ts";
import { createReaderPool } from "./reader-pool.ts";

const dir = await makeTempDir({ after });

test("a place that was just given to somebody is not taken away for somebody else", async () => {
  const [h1, h2, one, other] = ["h1", "h2", "one", "other"].map((name) => join(dir, `${name}.git`));
  assert.ok(h1 !== undefined && h2 !== undefined && one !== undefined && other !== undefined);
  await Promise.all([h1, h2, one, other].map((path) => makeRepository(path)));
  const pool = createReaderPool(createGit({ log: makeMemoryLog() }), { maxReaders: 2 });
  after(() => pool.close());
  const holding = Promise.withResolvers<void>();
  const held: Promise<unknown>[] = [];
  await Promise.all(
    [h1, h2].map(
      (path) =>
        new Promise<void>((resolve) => {
          held.push(
            pool.use(path, async () => {
              resolve();
              await holding.promise;
            }),
          );
        }),
    ),
  );
  const wasEnded: boolean[] = [];
  const others = [one, other].map((path) =>
    pool.use(path, async (reader) => {
      await sleep(100);
      wasEnded.push(reader.hasEnded);
    }),
  );
  // Both stand in line when the two places become free at the same moment.
  await sleep(100);
  assert.equal(wasEnded.length, 0);
  holding.resolve();
  await Promise.all([...held, ...others]);
  assert.deepEqual(wasEnded, [false, false]);
});
