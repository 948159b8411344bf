// npm test: the checks, the unit tests and the scenarios, with one summary at the end.
//   test.mjs [--unit | --scenarios] [part of a file's path …]
// With an argument only those tests run, and no checks.
import { globSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runChecks } from "./check.mjs";
import { provideDebianPackages } from "./debian-packages.mjs";
import { addCounts, closingLines, failureLines, haveAllPassed, runTestFiles } from "./run-test-files.mjs";

/** Scenarios wait for servers, timers and networks more than they compute; still, two cores are two cores. */
const CONCURRENCY = 2;
const UNIT_TIMEOUT_MS = 2 * 60_000;
const SCENARIO_TIMEOUT_MS = 10 * 60_000;
const UNIT = [
  "packages/*/src/**/*.test.ts",
  "test/support/**/*.test.ts",
  "test/fuzz/**/*.test.ts",
  "scripts/**/*.test.mjs",
];
/** Tests of scripts that install or start the real thing are scenarios by their cost. */
const SLOW = "scripts/**/*.slow.test.mjs";
const SCENARIOS = ["test/scenarios/**/*.test.ts", SLOW];

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { unit: { type: "boolean", default: false }, scenarios: { type: "boolean", default: false } },
});
const everything = !values.unit && !values.scenarios && positionals.length === 0;

process.exitCode = (await testAll()) ? 0 : 1;

async function testAll() {
  const started = Date.now();
  if (!provideDebianPackages()) return false;
  const slow = new Set(globSync(SLOW, { cwd: root }));
  const unit = values.scenarios ? [] : choose(UNIT).filter((file) => !slow.has(file));
  const scenarios = values.unit ? [] : choose(SCENARIOS);
  if (unit.length + scenarios.length === 0) {
    console.error("Heliostat: there is no such test");
    return false;
  }
  const checked = !everything || (await runChecks(root));
  const ofUnit = await runTestFiles(absolute(unit), {
    root,
    concurrency: CONCURRENCY,
    timeoutMs: UNIT_TIMEOUT_MS,
  });
  const ofScenarios = await runTestFiles(absolute(scenarios), {
    root,
    concurrency: CONCURRENCY,
    timeoutMs: SCENARIO_TIMEOUT_MS,
  });
  const counts = addCounts(ofUnit.counts, ofScenarios.counts);
  const passed = checked && haveAllPassed(counts);
  if (everything) console.log(checked ? "✔ check" : "✖ check: see above");
  console.log(closingLines(counts, Date.now() - started).join("\n"));
  for (const line of failureLines([...ofUnit.failures, ...ofScenarios.failures])) console.log(line);
  return passed;
}

/** @param {readonly string[]} patterns */
function choose(patterns) {
  const files = globSync([...patterns], { cwd: root }).sort();
  if (positionals.length === 0) return files;
  return files.filter((file) => positionals.some((part) => file.includes(part)));
}

/** @param {readonly string[]} files */
function absolute(files) {
  return files.map((file) => join(root, file));
}
