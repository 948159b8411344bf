import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  becomeProcess,
  environmentWithTools,
  findRuntime,
  RUNTIME_FLAGS,
} from "../packages/server/bin/pinned-runtime.mjs";
import { buildUi, isUiFresh } from "./build-ui.mjs";
import { findCommand } from "./find-command.mjs";
import { holdLock } from "./hold-lock.mjs";
import { arePackagesFresh, installPackages } from "./install-packages.mjs";
import { LaunchFailure } from "./launch-failure.mjs";
import { runQuietly } from "./run-quietly.mjs";
import { showStep } from "./show-step.mjs";

const SERVER = "packages/server/src/cli/main.ts";

/**
 * What each command runs under the pinned Node, and whether it needs the UI. The tests do: a UI that no longer builds
 * is a failure they must see. `install` makes the packages ready and stops.
 *
 * @type {Record<string, { args: readonly string[] | null, ui: boolean }>}
 */
const COMMANDS = {
  start: { args: [...RUNTIME_FLAGS, SERVER, "serve"], ui: true },
  dev: { args: [...RUNTIME_FLAGS, "--watch", "--watch-preserve-output", SERVER, "serve"], ui: true },
  test: { args: ["scripts/test.mjs"], ui: true },
  bench: { args: ["bench/main.ts"], ui: false },
  fuzz: { args: ["test/fuzz/main.ts"], ui: false },
  install: { args: null, ui: false },
};

/**
 * Makes the workspace ready and becomes the command; further arguments are the command's own.
 *
 * @param {readonly string[]} argv
 */
export async function launch(argv) {
  const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
  try {
    const command = COMMANDS[argv[0] ?? ""];
    if (command === undefined) {
      throw new LaunchFailure(`usage: launch.mjs ${Object.keys(COMMANDS).join("|")} [arguments]`, 2);
    }
    if (findCommand("git") === null) {
      throw new LaunchFailure("git is needed and is not on PATH. On Debian: apt-get install git");
    }
    const runtime = await makeReady(root, command.ui);
    if (command.args === null) return;
    const [script, ...rest] = [...command.args, ...argv.slice(1)];
    becomeProcess(runtime, [script ?? "", ...rest], { cwd: root, env: environmentWithTools(root) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`Heliostat: ${message}`);
    process.exit(error instanceof LaunchFailure ? error.exitCode : 1);
  }
}

/**
 * Two launches at once would install into the same directory: one does, the other waits and then finds it done.
 *
 * @param {string} root @param {boolean} ui
 */
async function makeReady(root, ui) {
  const isReady = () => arePackagesFresh(root) && (!ui || isUiFresh(root));
  if (!isReady()) {
    await holdLock(
      join(root, ".launch", "lock"),
      async () => {
        if (!arePackagesFresh(root)) {
          await showStep("installing packages (once; about a minute)", async () => {
            await installPackages(root);
            await warmUp(root);
          });
        }
        if (ui && !isUiFresh(root)) {
          await showStep("building the web UI", () => buildUi(root, runtimeOf(root)));
        }
      },
      {
        onWait: (owner) =>
          console.error(`Heliostat: another start (process ${owner.split(":")[0]}) is installing; waiting`),
      },
    );
  }
  return runtimeOf(root);
}

/**
 * Loads the server once, so that its code is compiled and kept. A process that compiles TypeScript itself holds 25 MB
 * more for as long as it lives: the first server should not be that process. Whether it succeeds does not matter here.
 *
 * @param {string} root
 */
async function warmUp(root) {
  const args = [...RUNTIME_FLAGS, SERVER, "serve", "--check"];
  await runQuietly(runtimeOf(root), args, { cwd: root, env: environmentWithTools(root) });
}

/** @param {string} root */
function runtimeOf(root) {
  const runtime = findRuntime(root);
  if (runtime === null) {
    throw new LaunchFailure(
      `there is no pinned Node for ${process.platform}-${process.arch}. Start with a Node 26 or newer of your own.`,
    );
  }
  return runtime;
}
