import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readlinkSync, symlinkSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { holdLock, nameOf } from "./hold-lock.mjs";

/** @type {string} */
let directory;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "heliostat-lock-"));
});

after(() => rm(directory, { recursive: true, force: true }));

const LOCK_MODULE = pathToFileURL(join(import.meta.dirname, "hold-lock.mjs")).href;

/** A process that holds the lock and appends `in` and `out` around `ms` of work. @param {string} path @param {string} log @param {number} ms */
function contend(path, log, ms) {
  const program = `
    import { appendFileSync } from "node:fs";
    import { holdLock } from ${JSON.stringify(LOCK_MODULE)};
    await holdLock(process.argv[1], async () => {
      appendFileSync(process.argv[2], "in\\n");
      await new Promise((resolve) => setTimeout(resolve, Number(process.argv[3])));
      appendFileSync(process.argv[2], "out\\n");
    });`;
  return spawn(process.execPath, ["--input-type=module", "--eval", program, path, log, String(ms)], {
    stdio: "inherit",
  });
}

test("of many processes one at a time is inside, and nothing is left", async () => {
  const path = join(directory, "many");
  const log = join(directory, "many.log");
  const children = Array.from({ length: 4 }, () => contend(path, log, 50));
  for (const [code] of await Promise.all(children.map((child) => once(child, "exit")))) assert.equal(code, 0);
  assert.equal(await readFile(log, "utf8"), "in\nout\n".repeat(4));
  assert.ok(!existsSync(path));
});

test("the lock of a process that was killed is taken over, by one of those who wait", async () => {
  const path = join(directory, "killed");
  const log = join(directory, "killed.log");
  const victim = contend(path, log, 60_000);
  while (!existsSync(log)) await new Promise((resolve) => setTimeout(resolve, 20));
  const waiting = [contend(path, log, 50), contend(path, log, 50)];
  victim.kill("SIGKILL");
  await Promise.all(waiting.map((child) => once(child, "exit")));
  assert.equal(await readFile(log, "utf8"), `in\n${"in\nout\n".repeat(2)}`);
});

test("a pid that came round again does not count as the owner", {
  skip: process.platform !== "linux",
}, async () => {
  const path = join(directory, "recycled");
  symlinkSync(`${process.pid}:1`, path);
  assert.equal(await holdLock(path, async () => readlinkSync(path)), nameOf(process.pid));
});

test("a failure inside releases the lock", async () => {
  const path = join(directory, "fails");
  await assert.rejects(
    holdLock(path, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await holdLock(path, async () => "again"), "again");
});
