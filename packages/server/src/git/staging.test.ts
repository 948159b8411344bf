import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { removeRepository } from "./remove-repository.ts";
import { createStaging } from "./staging.ts";

// Seen with three projects made at the same time: one failed, because another run took the empty area away.
test("runs that begin and end at the same time do not take the area from each other", async (t) => {
  const root = await makeTempDir(t);
  const staging = createStaging(join(root, ".staging"));
  const works = Array.from({ length: 20 }, async (_, lane) => {
    for (let round = 0; round < 10; round += 1) {
      await staging.use("init", (path) => mkdir(path));
      const path = join(root, `repository-${lane}`);
      await mkdir(path);
      await removeRepository(staging, path, makeMemoryLog());
      assert.equal(existsSync(path), false, "it was moved away");
    }
  });
  await Promise.all(works);
});
