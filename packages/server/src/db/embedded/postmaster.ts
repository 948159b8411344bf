import { readFileSync } from "node:fs";
import { readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "../../exec/daemon.ts";
import { SOCKET_PORT } from "./prepare-socket-directory.ts";

/**
 * Small, because there is one client and little data, and few processes: each costs memory and wakes up. They stand
 * on the command line, not in `postgresql.conf`: so they are always those of this release, and an orphan that runs
 * with others is recognised. `fsync` and `full_page_writes` are on by default and stay so.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "",
  port: String(SOCKET_PORT),
  unix_socket_permissions: "0700",
  max_connections: "40",
  shared_buffers: "32MB",
  wal_buffers: "1MB",
  max_wal_size: "128MB",
  min_wal_size: "16MB",
  // Nothing follows this database.
  wal_level: "minimal",
  max_wal_senders: "0",
  max_replication_slots: "0",
  max_logical_replication_workers: "0",
  max_parallel_workers: "0",
  max_parallel_workers_per_gather: "0",
  max_parallel_maintenance_workers: "0",
  max_worker_processes: "0",
  autovacuum_worker_slots: "2",
  autovacuum_max_workers: "1",
  // "worker" would be three more processes.
  io_method: "sync",
  jit: "off",
  // Not in /dev/shm: containers give it 64 MB, and logind empties it when its user logs out.
  dynamic_shared_memory_type: "mmap",
  huge_pages: "off",
  // One file that we keep small, without a collector process; no statements and no values of rows in it.
  logging_collector: "off",
  log_destination: "stderr",
  log_min_messages: "warning",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off",
  log_line_prefix: "%m [%p] ",
  log_timezone: "UTC",
  timezone: "UTC",
  lc_messages: "C",
};

/** The arguments of `postgres` for this cluster. */
export function postmasterArguments(cluster: string, socketDirectory: string): readonly string[] {
  // The setting is a list; quoted, a comma in the path is part of the path.
  const directories = `"${socketDirectory.replaceAll('"', '""')}"`;
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: directories });
  return ["-D", cluster, ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** The part of `postmaster.pid` that we use: the file that a running postmaster keeps in its cluster. */
interface PidFile {
  readonly pid: number;
  readonly isReady: boolean;
}

async function readPidFile(cluster: string): Promise<PidFile | null> {
  const lines = (await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  const pid = Number.parseInt(lines[0] ?? "", 10);
  return pid > 0 ? { pid, isReady: lines[7]?.trim() === "ready" } : null;
}

/** The pid of the live postmaster of this cluster, or null; a pid that another process has now is not one. */
export async function findPostmaster(cluster: string): Promise<number | null> {
  const pid = (await readPidFile(cluster))?.pid;
  return pid !== undefined && (await isPostmasterOf(cluster, pid)) ? pid : null;
}

/**
 * Whether this process is a postmaster of this cluster: by its command line, which every user may read and which
 * PostgreSQL rewrites for its children only, or, in case the data directory was moved, by its working directory.
 */
async function isPostmasterOf(cluster: string, pid: number): Promise<boolean> {
  const commandLine = await readCommandLine(pid);
  if (commandLine === null || !/\/postgres -D /.test(commandLine)) return false;
  if (commandLine.includes(`/postgres -D ${cluster} -c `)) return true;
  return (await readlink(`/proc/${pid}/cwd`).catch(() => null)) === cluster;
}

/** Whether the process runs with exactly these arguments. */
export async function hasArguments(pid: number, args: readonly string[]): Promise<boolean> {
  return (await readCommandLine(pid))?.endsWith(`/postgres ${args.join(" ")}`) ?? false;
}

/** The arguments joined with spaces; null when the process is gone, or dead and not yet reaped. */
async function readCommandLine(pid: number): Promise<string | null> {
  if (process.platform === "linux") {
    const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return text === "" ? null : text.replace(/\0$/, "").replaceAll("\0", " ");
  }
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  const args = ["-ww", "-o", "command=", "-p", String(pid)];
  const result = await runCommand({ command: "ps", args, env });
  return result.code === 0 ? result.output.trimEnd() : null;
}

/**
 * Waits until the postmaster says that it takes connections; false when it, or the time, has ended before.
 * The file is cheaper to ask than the socket, and a refused connection is a line in the log.
 */
export async function waitUntilReady(
  cluster: string,
  pid: number,
  options: {
    readonly isGone: () => boolean;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<boolean> {
  const deadline = performance.now() + options.timeoutMs;
  while (performance.now() < deadline) {
    options.signal?.throwIfAborted();
    const found = await readPidFile(cluster);
    if (found?.pid === pid && found.isReady) return true;
    if (options.isGone()) return false;
    await sleep(10);
  }
  return false;
}

/** Takes away what a dead postmaster left; its pid may be another process's now, which would stop the next one. */
export async function removeStalePidFile(cluster: string): Promise<void> {
  await rm(join(cluster, "postmaster.pid"), { force: true });
}

/**
 * How long each way to stop has before the next: "smart" lets clients finish, "fast" ends their transactions,
 * "immediate" does without a checkpoint and leaves recovery to the next start, the last is for one that hangs.
 * Nothing committed is lost by any of them.
 */
const STOP_STEPS: readonly (readonly [NodeJS.Signals, number])[] = [
  ["SIGTERM", 1_000],
  ["SIGINT", 15_000],
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000],
];

/** Stops this cluster's postmaster and answers when it is gone, after 26 seconds at the latest. */
export async function stopPostmaster(cluster: string, pid: number): Promise<void> {
  for (const [signal, patience] of STOP_STEPS) {
    const deadline = performance.now() + patience;
    if (!sendSignal(pid, signal)) return;
    while (performance.now() < deadline) {
      if (!(await isPostmasterOf(cluster, pid))) return;
      await sleep(10);
    }
  }
}

/**
 * The last moment of this process: asks the postmaster to shut down fast, without waiting. The file is looked at
 * first, so that a pid which has become another process's is left alone.
 */
export function signalAtExit(cluster: string, pid: number): void {
  try {
    const owner = readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n")[0];
    if (owner === String(pid)) sendSignal(pid, "SIGINT");
  } catch {
    // It has stopped, or its directory is gone and it will notice by itself.
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
