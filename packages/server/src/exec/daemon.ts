import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

export interface DaemonOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing of ours is passed on. */
  readonly env: Readonly<Record<string, string>>;
  /** An open file descriptor for its standard output and error; may be closed once the daemon runs. */
  readonly outputFd: number;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Daemon {
  readonly pid: number;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Signals the daemon's process group; false when it is gone. */
  killGroup(signal: NodeJS.Signals): boolean;
}

/**
 * Starts a process that may outlive us: its own session (a Ctrl-C on our terminal does not reach it), no pipe of
 * ours in its hands, not counted as a reason for this process to stay. Rejects with the system's error when the
 * command cannot be started.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const devNull = openSync("/dev/null", "r+");
  try {
    const child = spawn(options.command, [...options.args], {
      env: options.env,
      // Our own directory may be one that the daemon's user cannot enter, or one that is to be unmounted.
      cwd: "/",
      detached: true,
      stdio: withoutInheritedFds([devNull, options.outputFd, options.outputFd], devNull),
    });
    const exited = new Promise<ExitStatus>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => resolve(child.pid ?? 0));
    });
    child.unref();
    return { pid, exited, killGroup: (signal) => signalGroup(pid, signal) };
  } finally {
    closeSync(devNull);
  }
}

/**
 * Node marks only the first descriptors it was started with close-on-exec (up to the first gap above 15). Any other
 * one, such as the pipe of a CI runner, would be held open by the daemon after our death: those get /dev/null.
 */
function withoutInheritedFds(stdio: readonly number[], devNull: number): (number | "ignore")[] {
  const result: (number | "ignore")[] = [...stdio];
  for (const fd of inheritedFds()) {
    // "ignore" above 2 means to libuv: leave that number alone.
    while (result.length <= fd) result.push("ignore");
    result[fd] = devNull;
  }
  return result;
}

/** Descriptors above 2 without close-on-exec; none where there is no /proc to ask. */
function inheritedFds(): readonly number[] {
  const O_CLOEXEC = 0o2000000;
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((fd) => fd > 2 && !hasFlag(fd, O_CLOEXEC));
  } catch {
    return [];
  }
}

function hasFlag(fd: number, flag: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & flag) !== 0;
  } catch {
    // Closed since the listing: it was the one that listed.
    return true;
  }
}

export interface CommandOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface CommandResult extends ExitStatus {
  /** Standard output and error as they came, the last 16 KiB of it. */
  readonly output: string;
}

/**
 * Runs a short-lived command of our own choosing to its end, whatever its exit status. An abort kills its process
 * group at once. Rejects with the system's error when the command cannot be started.
 */
export function runCommand(options: CommandOptions): Promise<CommandResult> {
  const MAX_OUTPUT = 16_384;
  return new Promise((resolve, reject) => {
    options.signal?.throwIfAborted();
    const child = spawn(options.command, [...options.args], {
      env: options.env,
      cwd: "/",
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const onAbort = () => {
      if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-MAX_OUTPUT);
      });
    }
    child.once("error", (error) => {
      options.signal?.removeEventListener("abort", onAbort);
      reject(error);
    });
    child.once("close", (code, signal) => {
      options.signal?.removeEventListener("abort", onAbort);
      resolve({ code, signal, output });
    });
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
