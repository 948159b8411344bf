import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface HeliostatRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HeliostatRunOptions {
  /** Another copy of the program than this checkout's. */
  readonly main?: string;
  /** What it reads from standard input; nothing unless told. */
  readonly input?: string;
  /** Called with all that it has printed, whenever that becomes more. */
  readonly onStdout?: (text: string) => void;
  /** Sends it SIGINT, as Ctrl-C does. */
  readonly interrupt?: AbortSignal;
}

const MAIN = fileURLToPath(new URL("../../packages/server/src/cli/main.ts", import.meta.url));

/**
 * Runs one command line of `heliostat` to its end, with these variables and no other settings. What does not end within
 * a minute is killed: then the exit code is null.
 */
export function runHeliostat(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { main = MAIN, input = "", onStdout = () => {}, interrupt }: HeliostatRunOptions = {},
): Promise<HeliostatRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        MALLOC_MMAP_THRESHOLD_: process.env["MALLOC_MMAP_THRESHOLD_"],
        HOME: "/nonexistent",
        ...env,
      },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      onStdout(stdout);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    interrupt?.addEventListener("abort", () => child.kill("SIGINT"));
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}
