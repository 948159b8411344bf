import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeGit } from "../../../../../test/support/git-adapter.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../../../../../test/support/repositories.ts";
import { streamOutput } from "./stream-output.ts";

const dir = await makeTempDir({ after });

test("a reader that takes nothing is cut off, be git done by then or not", async () => {
  const path = await makeRepository(join(dir, "large.git"));
  await makeCommit(path, { files: { small: "few bytes", large: "x".repeat(1_000_000) } });
  for (const name of ["large", "small"]) {
    const oid = await git(path, ["rev-parse", `main:${name}`]);
    const output = streamOutput(makeGit(), {
      gitDir: path,
      args: ["cat-file", "blob", oid],
      idleTimeoutMs: 300,
    });
    output.on("error", () => {});
    await new Promise((resolve) => output.once("close", resolve));
    assert.equal(output.readableEnded, false, name);
  }
});
