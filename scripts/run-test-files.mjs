import { relative } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";

/**
 * How many tests ended how. A file that could not be run to its end counts as a test of its own.
 *
 * @typedef {{ tests: number, suites: number, passed: number, failed: number, cancelled: number, skipped: number, todo: number }} Counts
 */

/** @type {Counts} */
const NO_TESTS = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };

/**
 * Runs test files, each in its own process, and prints a line for each file and all of every failure.
 *
 * A file that does not end within `timeoutMs` is killed and fails: node's own limit is one for each test, and a file
 * whose tests are done but that left a server or a timer behind would hang the run.
 *
 * @param {readonly string[]} files absolute paths
 * @param {{ root: string, concurrency: number, timeoutMs: number, print?: (text: string) => void }} options
 * @returns {Promise<Counts>}
 */
export async function runTestFiles(files, { root, concurrency, timeoutMs, print = console.log }) {
  let total = NO_TESTS;
  const queue = [...files];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { counts, lines } = await runOne(file, relative(root, file), timeoutMs);
      for (const line of lines) print(line);
      total = addCounts(total, counts);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return total;
}

/** @param {Counts} a @param {Counts} b @returns {Counts} */
export function addCounts(a, b) {
  return {
    tests: a.tests + b.tests,
    suites: a.suites + b.suites,
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
    skipped: a.skipped + b.skipped,
    todo: a.todo + b.todo,
  };
}

/**
 * Whether tests ran and none of them failed.
 *
 * @param {Counts} counts
 */
export function haveAllPassed({ passed, failed, cancelled }) {
  return passed > 0 && failed === 0 && cancelled === 0;
}

/**
 * The closing lines, in the words of node's own runner, which other programs read.
 *
 * @param {Counts} counts @param {number} milliseconds
 */
export function closingLines(counts, milliseconds) {
  return [
    `ℹ tests ${counts.tests}`,
    `ℹ suites ${counts.suites}`,
    `ℹ pass ${counts.passed}`,
    `ℹ fail ${counts.failed}`,
    `ℹ cancelled ${counts.cancelled}`,
    `ℹ skipped ${counts.skipped}`,
    `ℹ todo ${counts.todo}`,
    `ℹ duration_ms ${Math.round(milliseconds)}`,
  ];
}

/** @param {string} file @param {string} shown @param {number} timeoutMs */
async function runOne(file, shown, timeoutMs) {
  const started = Date.now();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  let counts = NO_TESTS;
  /** @type {string[]} */
  const failures = [];
  /** @type {string[]} */
  const path = [];
  let output = "";
  let holdsTest = false;
  for await (const event of run({ files: [file], signal: limit.signal })) {
    switch (event.type) {
      case "test:start":
        path.length = event.data.nesting;
        path.push(event.data.name);
        // A file without any test is reported as one test with the file's name, and would pass.
        if (event.data.name !== file) holdsTest = true;
        break;
      case "test:fail":
        path.length = event.data.nesting + 1;
        if (event.data.todo === undefined && !isSuiteOfFailures(event.data.details.error)) {
          const name = event.data.name === file ? "the file as a whole" : path.join(" › ");
          failures.push(`  ✖ ${name}\n${indent(describeError(event.data.details.error))}`);
        }
        break;
      case "test:stdout":
      case "test:stderr":
        output += event.data.message;
        break;
      case "test:summary":
        // The last one is that of the whole run: the file's own comes before it, and lacks what happened to the file.
        counts = addCounts(NO_TESTS, event.data.counts);
        break;
    }
  }
  clearTimeout(timer);
  if (limit.signal.aborted) {
    failures.splice(
      0,
      failures.length,
      `  ✖ not done within ${timeoutMs / 1000} s, killed: a test hangs, or something is left open`,
    );
  } else if (!holdsTest && counts.failed === 0) {
    failures.push("  ✖ the file holds no test");
    counts = { ...counts, passed: 0, failed: 1 };
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const lines = [
    `${failures.length === 0 ? "✔" : "✖"} ${shown} (${counts.tests} ${counts.tests === 1 ? "test" : "tests"}, ${seconds} s)`,
  ];
  if (failures.length > 0) {
    lines.push(...failures);
    if (output.trim() !== "") lines.push(`  what it printed:\n${indent(output.trimEnd())}`);
    lines.push(`  again: npm test -- ${shown}`);
  }
  return { counts, lines };
}

/** A suite that failed only because tests in it did: those have their own lines. @param {unknown} error */
function isSuiteOfFailures(error) {
  return error instanceof Error && "failureType" in error && error.failureType === "subtestsFailed";
}

/** @param {Error} error node's wrapper; the test's own error is its cause */
function describeError(error) {
  const { cause } = error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause ?? error.message);
}

/** @param {string} text */
function indent(text) {
  return text.replaceAll(/^/gm, "    ");
}
