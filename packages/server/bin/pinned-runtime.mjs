// Plain JavaScript for the machine's own Node (18 or newer): the server itself needs the pinned one.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The oldest Node that runs the server's TypeScript as it is. */
const OLDEST_MAJOR = 26;

/**
 * The Node that runs Heliostat: the one pinned in `package-lock.json`. On a platform for which there is none, the
 * machine's own if it is new enough; null if not.
 *
 * @param {string} root the workspace
 */
export function findRuntime(root) {
  const pinned = join(root, "node_modules", ".bin", "node");
  if (existsSync(pinned)) return pinned;
  return Number(process.versions.node.split(".")[0]) >= OLDEST_MAJOR ? process.execPath : null;
}

/**
 * For the server and its command line. Measured on the idle server: with V8's own choice of 16 MB for young objects
 * it holds 160 MB resident, with 2 MB it holds 120 MB.
 */
export const RUNTIME_FLAGS = ["--max-semi-space-size=2"];

/**
 * The environment with the workspace's tools first on PATH, so that `node` means the pinned one, and
 * - with a place where Node keeps the code that it compiled: from the second start on it need not load its TypeScript
 *   compiler, which measured 25 MB and half a second;
 * - with memory of 128 KiB and more given back to the system once it is free, where the C library is glibc. It would
 *   keep it otherwise: measured 22 MB less after the start, and 50 MB less after a dozen sign-ins by password; with a
 *   megabyte as the bound, 180 MB in place of 129 after a pull, a push and six wrong passwords on a busy machine.
 *
 * @param {string} root the workspace
 */
export function environmentWithTools(root) {
  const modules = join(root, "node_modules");
  return {
    NODE_COMPILE_CACHE: join(modules, ".cache", "compiled"),
    MALLOC_MMAP_THRESHOLD_: String(128 * 1024),
    ...process.env,
    PATH: `${join(modules, ".bin")}:${process.env["PATH"] ?? ""}`,
  };
}

/**
 * Becomes `command` as far as a parent process can: same standard streams, signals passed on, and this process ends
 * as the command ended, by exit code or by signal.
 *
 * @param {string} command @param {readonly string[]} args @param {{ cwd?: string, env: NodeJS.ProcessEnv }} options
 */
export function becomeProcess(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: "inherit" });
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      // Ctrl-C reaches every process of the terminal's foreground group. Passing it on would make it two, and a
      // second one means "do not wait for running work".
      if (signal === "SIGINT" && terminal) return;
      child.kill(signal);
    });
  }
  child.once("error", (error) => {
    console.error(`Heliostat: cannot run ${command}: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
