import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** As many at a time as a small machine has cores; `tsc` and knip are one core each. */
const AT_ONCE = 2;

/**
 * Runs every `check:…` script of package.json, shows a line for each and the output of those that fail.
 *
 * @param {string} root the workspace
 * @returns {Promise<boolean>} whether all passed
 */
export async function runChecks(root) {
  /** @type {{ scripts: Record<string, string> }} */
  const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const queue = Object.entries(scripts).filter(([name]) => name.startsWith("check:"));
  let passed = true;
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [name, command] = next;
      const started = Date.now();
      const { code, output } = await run(command, root);
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.log(`${code === 0 ? "✔" : "✖"} ${name} (${seconds} s)`);
      if (code !== 0) console.log(`${output.trimEnd()}\n  again: npm run ${name}\n`);
      passed &&= code === 0;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return passed;
}

/**
 * @param {string} command @param {string} cwd
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function run(command, cwd) {
  return new Promise((resolve, reject) => {
    // The output is kept and shown later: colours would only be in the way.
    const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" };
    const child = spawn("sh", ["-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

if (import.meta.main) {
  process.exitCode = (await runChecks(fileURLToPath(new URL("..", import.meta.url)))) ? 0 : 1;
}
