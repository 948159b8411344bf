import { spawn } from "node:child_process";
import { LaunchInterrupted } from "./launch-failure.mjs";

const KEPT_CHARACTERS = 64 * 1024;

/**
 * Runs a command and keeps the end of its output, both streams together. Rejects with `LaunchInterrupted` when this
 * process is told to stop meanwhile; the command is told the same and waited for.
 *
 * @param {string} command @param {readonly string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ code: number | null, output: string }>}
 */
export function runQuietly(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    /** @type {NodeJS.Signals | undefined} */
    let stoppedBy;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
        output = (output + text).slice(-KEPT_CHARACTERS);
      });
    }
    /** @param {NodeJS.Signals} signal */
    const stop = (signal) => {
      stoppedBy ??= signal;
      child.kill(signal);
    };
    process.on("SIGINT", stop).on("SIGTERM", stop);
    const settle = () => process.off("SIGINT", stop).off("SIGTERM", stop);
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("close", (code) => {
      settle();
      if (stoppedBy !== undefined) reject(new LaunchInterrupted(stoppedBy));
      else resolve({ code, output });
    });
  });
}
