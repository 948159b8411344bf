#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { becomeProcess, environmentWithTools, findRuntime, RUNTIME_FLAGS } from "./pinned-runtime.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const runtime = findRuntime(root);
if (runtime === null) {
  console.error(`Heliostat: not installed here. Run "npm start" in ${root} once.`);
  process.exit(1);
}
becomeProcess(runtime, [...RUNTIME_FLAGS, main, ...process.argv.slice(2)], {
  env: environmentWithTools(root),
});
