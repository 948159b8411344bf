import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { closingLines, failureLines, haveAllPassed } from "./run-test-files.mjs";

const RUNNER = pathToFileURL(join(import.meta.dirname, "run-test-files.mjs")).href;
const NONE = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };

/** @type {string} */
let directory;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "heliostat-runner-"));
});

after(() => rm(directory, { recursive: true, force: true }));

/**
 * Runs one file with this text in a runner of its own: node refuses to run tests from within a test.
 *
 * @param {string} name @param {string} text
 * @returns {Promise<{ counts: import("./run-test-files.mjs").Counts, failures: import("./run-test-files.mjs").Failure[], printed: string }>}
 */
async function runText(name, text) {
  const file = join(directory, `${name}.test.mjs`);
  await writeFile(file, text);
  // A file, not --eval: node hands its own flags on to the test processes.
  const program = join(directory, "run.mjs");
  await writeFile(
    program,
    `import { runTestFiles } from ${JSON.stringify(RUNNER)};
    const printed = [];
    const [root, file] = process.argv.slice(2);
    const { counts, failures } = await runTestFiles([file], { root, concurrency: 2, timeoutMs: 1500, print: (line) => printed.push(line) });
    console.log(JSON.stringify({ counts, failures, printed: printed.join("\\n") }));`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  /** @type {string} */
  const output = await new Promise((resolve, reject) => {
    execFile(process.execPath, [program, directory, file], { env }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error })),
    );
  });
  return JSON.parse(output);
}

test("passing, skipped and nested tests are counted", async () => {
  const { counts, printed } = await runText(
    "good",
    `import { describe, it, test } from "node:test";
     test("a", () => {}); test.skip("b", () => {}); describe("s", () => { it("c", () => {}); });`,
  );
  assert.deepEqual(counts, { ...NONE, tests: 3, suites: 1, passed: 2, skipped: 1 });
  assert.ok(haveAllPassed(counts));
  assert.match(printed, /^✔ good\.test\.mjs \(3 tests, /);
});

test("a failure names the test with its suites, and shows where and what was printed", async () => {
  const { counts, failures, printed } = await runText(
    "bad",
    `import { describe, it } from "node:test";
     console.log("said before");
     describe("outer", () => { it("fine", () => {}); it("inner", () => { throw new Error("broken here"); }); });`,
  );
  assert.equal(counts.failed, 1);
  assert.ok(!haveAllPassed(counts));
  assert.match(printed, /✖ outer › inner\n {4}Error: broken here\n {8}at .*bad\.test\.mjs:3/);
  assert.match(printed, /what it printed:\n {4}said before/);
  assert.deepEqual(failures, [{ file: "bad.test.mjs", name: "outer › inner", message: "broken here" }]);
});

test("a file without a test fails, though node's runner passes it", async () => {
  const { counts, failures, printed } = await runText("empty", `import "node:fs";`);
  assert.ok(!haveAllPassed(counts));
  assert.match(printed, /✖ the file as a whole\n {4}the file holds no test/);
  assert.deepEqual(
    failures.map(({ name, message }) => [name, message]),
    [["the file as a whole", "the file holds no test"]],
  );
});

test("a file that does not load fails with its own error", async () => {
  const { counts, printed } = await runText("load", `import "./not-there.mjs";`);
  assert.ok(!haveAllPassed(counts));
  assert.match(printed, /Cannot find module .*not-there/);
});

test("a file that leaves something open is killed and fails", async () => {
  const { counts, printed } = await runText(
    "open",
    `import { test } from "node:test"; test("done", () => {}); setInterval(() => {}, 1000);`,
  );
  assert.ok(!haveAllPassed(counts));
  assert.match(printed, /not done within 1\.5 s, killed/);
});

test("a file that blocks its event loop is killed too", async () => {
  const { counts } = await runText(
    "blocked",
    `import { test } from "node:test"; test("never", () => { for (;;); });`,
  );
  assert.ok(!haveAllPassed(counts));
});

test("no test at all is no success", () => {
  assert.ok(!haveAllPassed(NONE));
  assert.ok(!haveAllPassed({ ...NONE, tests: 1, skipped: 1 }));
});

test("the closing lines are those of node's runner", () => {
  assert.deepEqual(closingLines({ ...NONE, tests: 3, passed: 2, skipped: 1 }, 12.7), [
    "ℹ tests 3",
    "ℹ suites 0",
    "ℹ pass 2",
    "ℹ fail 0",
    "ℹ cancelled 0",
    "ℹ skipped 1",
    "ℹ todo 0",
    "ℹ duration_ms 13",
  ]);
});

test("what failed is said once more in few lines: the fewer failed, the more of each", () => {
  const failure = (/** @type {number} */ nth) => ({
    file: `${nth}.test.ts`,
    name: "works",
    message: Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\n"),
  });
  const failures = (/** @type {number} */ count) => Array.from({ length: count }, (_, nth) => failure(nth));
  assert.deepEqual(failureLines([]), []);
  const one = failureLines(failures(1));
  assert.deepEqual([one.length, one[0], one[14]], [15, "✖ 0.test.ts › works", "    line 13"]);
  const four = failureLines(failures(4));
  assert.deepEqual(four.slice(0, 4), [
    "✖ 0.test.ts › works",
    "    line 0",
    "    line 1",
    "✖ 1.test.ts › works",
  ]);
  assert.equal(four.length, 12);
  const many = failureLines(failures(40));
  assert.deepEqual([many.length, many[14]], [15, "✖ and 26 more"]);
  const [, long] = failureLines([{ file: "a", name: "b", message: "x".repeat(10_000) }]);
  assert.equal(long?.length, 300);
});
