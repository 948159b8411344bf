import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { HeliostatError } from "../../domain/errors.ts";
import { lockDataDir } from "./lock-data-dir.ts";

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "heliostat-lock-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("of many who want the data directory at once, one gets it", async (t) => {
  const directory = await makeDirectory(t);
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDir(directory)));
  const winners = attempts.filter((attempt) => attempt.status === "fulfilled");
  assert.equal(winners.length, 1);
  await winners[0]?.value.release();
});

test("a refusal names the directory and the process that has it", async (t) => {
  const directory = await makeDirectory(t);
  const lock = await lockDataDir(directory);
  t.after(() => lock.release());
  await assert.rejects(lockDataDir(directory), (error: unknown) => {
    assert(error instanceof HeliostatError);
    assert.equal(error.code, "data-dir-in-use");
    assert.match(error.message, new RegExp(`${directory}.*process ${process.pid}\\b`));
    return true;
  });
});

test("a released directory can be taken again, and a late second release does not take it away", async (t) => {
  const directory = await makeDirectory(t);
  const first = await lockDataDir(directory);
  await first.release();
  const second = await lockDataDir(directory);
  await first.release();
  await assert.rejects(lockDataDir(directory), { code: "data-dir-in-use" });
  await second.release();
  assert.deepEqual(await readdir(directory), ["heliostat.lock"]);
});

test("a directory that cannot be locked is told apart from one in use", async (t) => {
  const directory = await makeDirectory(t);
  await assert.rejects(lockDataDir(join(directory, "missing")), { code: "config-invalid" });
});
