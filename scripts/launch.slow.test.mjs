import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

/** @type {string} */
let directory;
/** @type {string} */
let clone;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "heliostat-clone-"));
  clone = join(directory, "fresh clone");
  await run("git", ["clone", "--quiet", "--depth=1", `file://${root}`, clone]);
});

after(() => rm(directory, { recursive: true, force: true }));

/** As a person's shell would run it: without the variables that npm gave this test run. */
function environment() {
  const env = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_TEST_CONTEXT$|INIT_CWD$)/i.test(name),
  );
  const path = (process.env["PATH"] ?? "").split(":").filter((entry) => !entry.includes("node_modules"));
  return { ...Object.fromEntries(env), PATH: path.join(":") };
}

/** @param {readonly string[]} args */
async function npm(args) {
  const started = Date.now();
  const { stdout, stderr } = await run("npm", args, { cwd: clone, env: environment() });
  return { stdout, stderr, ms: Date.now() - started };
}

test("a fresh clone is ready by npm start alone, and the lock file is complete", async () => {
  const first = await npm(["start", "--silent", "--", "--help"]);
  assert.match(first.stderr, /installing packages .* done in/);
  assert.match(first.stderr, /building the web UI … done in/);
  assert.match(first.stdout, /heliostat serve/);
  assert.ok(existsSync(join(clone, "packages/web/dist/index.html")));
  const { stdout: changes } = await run("git", ["status", "--porcelain"], { cwd: clone });
  assert.equal(changes, "", "an install changes no file of the checkout");

  const second = await npm(["start", "--silent", "--", "--help"]);
  assert.doesNotMatch(second.stderr, /Heliostat:/);
  assert.match(second.stdout, /heliostat serve/);
  assert.ok(second.ms < first.ms / 3, `second start ${second.ms} ms, first ${first.ms} ms`);
});

test("the command line tool runs the pinned runtime, whatever Node starts it", async () => {
  const { stdout } = await npm(["run", "--silent", "heliostat", "--", "--help"]);
  assert.match(stdout, /sync/);
});
