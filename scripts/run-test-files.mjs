import { relative } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";

/**
 * How many tests ended how. A file that could not be run to its end counts as a test of its own.
 *
 * @typedef {{ tests: number, suites: number, passed: number, failed: number, cancelled: number, skipped: number, todo: number }} Counts
 */

/**
 * A failed test by its file and name, with what it says, its stack left out.
 *
 * @typedef {{ file: string, name: string, message: string }} Failure
 */

/** What is shown last of all fits on what is shown of the end of a log, together with the counts. */
const MAX_FAILURE_LINES = 15;
const MAX_LINE_LENGTH = 300;

const THE_FILE = "the file as a whole";
const NO_TEST = "the file holds no test";

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
 * @returns {Promise<{ counts: Counts, failures: readonly Failure[] }>}
 */
export async function runTestFiles(files, { root, concurrency, timeoutMs, print = console.log }) {
  let total = NO_TESTS;
  /** @type {Failure[]} */
  const failed = [];
  const queue = [...files];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { counts, lines, failures } = await runOne(file, relative(root, file), timeoutMs);
      for (const line of lines) print(line);
      total = addCounts(total, counts);
      failed.push(...failures);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { counts: total, failures: failed };
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

/**
 * What failed once more, in at most 15 lines: for who sees no more than the end of a long log. The fewer failed, the
 * more of what each of them says.
 *
 * @param {readonly Failure[]} failures
 * @returns {string[]}
 */
export function failureLines(failures) {
  const isTooMany = failures.length > MAX_FAILURE_LINES;
  const shown = isTooMany ? failures.slice(0, MAX_FAILURE_LINES - 1) : failures;
  const linesEach = Math.floor(MAX_FAILURE_LINES / Math.max(1, shown.length));
  const lines = shown.flatMap(({ file, name, message }) =>
    [`✖ ${file} › ${name}`, ...indent(message.trimEnd()).split("\n")].slice(0, linesEach),
  );
  if (isTooMany) lines.push(`✖ and ${failures.length - shown.length} more`);
  return lines.map((line) => line.slice(0, MAX_LINE_LENGTH));
}

/** @param {string} file @param {string} shown @param {number} timeoutMs */
async function runOne(file, shown, timeoutMs) {
  const started = Date.now();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  let counts = NO_TESTS;
  /** @type {(Omit<Failure, "file"> & { details: string })[]} */
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
          const name = event.data.name === file ? THE_FILE : path.join(" › ");
          failures.push({ name, ...describeError(event.data.details.error) });
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
    const message = `not done within ${timeoutMs / 1000} s, killed: a test hangs, or something is left open`;
    failures.splice(0, failures.length, { name: THE_FILE, message, details: message });
  } else if (!holdsTest && counts.failed === 0) {
    failures.push({ name: THE_FILE, message: NO_TEST, details: NO_TEST });
    counts = { ...counts, passed: 0, failed: 1 };
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const lines = [
    `${failures.length === 0 ? "✔" : "✖"} ${shown} (${counts.tests} ${counts.tests === 1 ? "test" : "tests"}, ${seconds} s)`,
  ];
  if (failures.length > 0) {
    for (const { name, details } of failures) lines.push(`  ✖ ${name}\n${indent(details)}`);
    if (output.trim() !== "") lines.push(`  what it printed:\n${indent(output.trimEnd())}`);
    lines.push(`  again: npm test -- ${shown}`);
  }
  return {
    counts,
    lines,
    failures: failures.map(({ name, message }) => ({ file: shown, name, message })),
  };
}

/** A suite that failed only because tests in it did: those have their own lines. @param {unknown} error */
function isSuiteOfFailures(error) {
  return error instanceof Error && "failureType" in error && error.failureType === "subtestsFailed";
}

/** @param {Error} error node's wrapper; the test's own error is its cause */
function describeError(error) {
  const { cause } = error;
  if (cause instanceof Error) return { message: cause.message, details: cause.stack ?? cause.message };
  const said = inspect(cause ?? error.message);
  return { message: said, details: said };
}

/** @param {string} text */
function indent(text) {
  return text.replaceAll(/^/gm, "    ");
}
