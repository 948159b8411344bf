import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clusterRoot, createTestDatabase, sweepDirectory, type TestDatabase } from "./postgres.ts";
import { waitFor } from "./wait-for.ts";

export interface ServerOptions {
  /** Over what is set here; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** One of its own, which goes with the server, unless told. */
  readonly dataDir?: string;
  /**
   * `test`: a fresh database of the test process's own PostgreSQL, which is quick; `embedded`: the server's own. One that
   * is given, with a data directory that is given too, makes several servers nodes of one instance; it stays when they go.
   */
  readonly database?: "embedded" | "test" | TestDatabase;
}

/** A real server: a child process, on a port of its own, as `npm start` runs it. */
export interface TestServer {
  /** Without a slash at the end; stays the same over restarts. */
  readonly url: string;
  readonly dataDir: string;
  /** Of the user `root`. */
  readonly password: string;
  /** Of the user `root`: scopes `api`, `write_repository`, `admin_mode`. */
  readonly token: string;
  /** Where the hosted repository of a project is on disk. */
  repositoryOf(projectId: number): string;
  /** Of the process that runs now. */
  pid(): number;
  /** Everything that it and the processes before it wrote, on standard output and standard error. */
  output(): string;
  /** Sends a signal and waits for the end; answers the exit code, null when the signal was the end. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** Starts it again, on the same port and data, and waits until it is ready. */
  restart(env?: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** The git processes of this server that run now, one line each: process id and command line. */
  listGit(): readonly string[];
  /** Fails when, within a few seconds, a git of this server has not ended. */
  assertNoGitLeft(): Promise<void>;
  /** Ends it and all that it started, and removes its data. A second call does nothing. */
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../../packages/server/src/cli/main.ts", import.meta.url));
const DATA_DIR_PREFIX = "heliostat-scenario-";
const READY_MS = 60_000;
/** More than the grace that running updates get at shutdown. */
const STOP_MS = 40_000;
/** TERM to KILL are 5 s in the server's process runner. */
const GIT_GONE_MS = 8_000;

/** Starts a server and waits until it is ready; throws with all that it wrote when it does not get there. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  removeLeftovers();
  const parent = await mkdtemp(join(clusterRoot, `${DATA_DIR_PREFIX}${process.pid}-`));
  const dataDir = options.dataDir ?? join(parent, "data");
  const sweep = () => {
    killProcessesOf(dataDir);
    sweepDirectory(parent);
  };
  process.on("exit", sweep);
  await mkdir(dataDir, { recursive: true });

  const { database: wanted = "test" } = options;
  const own = wanted === "test" ? await createTestDatabase() : null;
  const database = typeof wanted === "string" ? own : wanted;
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const password = "correct horse battery staple";
  const token = "hlpat-of-root-for-scenarios";
  let text = "";
  let child: ChildProcess | null = null;

  async function start(extra: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    const started = spawn(process.execPath, [MAIN, "serve"], {
      cwd: parent,
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        MALLOC_MMAP_THRESHOLD_: process.env["MALLOC_MMAP_THRESHOLD_"],
        HOME: parent,
        HELIOSTAT_DATA_DIR: dataDir,
        HELIOSTAT_HTTP_LISTEN: `127.0.0.1:${port}`,
        HELIOSTAT_SSH_LISTEN: "off",
        HELIOSTAT_ADMIN_PASSWORD: password,
        HELIOSTAT_ADMIN_TOKEN: token,
        HELIOSTAT_ALLOW_LOCAL_REMOTES: "true",
        HELIOSTAT_LOG_LEVEL: "debug",
        ...(database === null ? {} : { HELIOSTAT_DATABASE_URL: database.url }),
        ...options.env,
        ...extra,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
    }
    await waitFor(
      async () => {
        if (hasEnded(started)) throw new Error(`the server ended before it was ready:\n${text}`);
        return (await statusOf(`${url}/-/readiness`)) === 200;
      },
      { timeoutMs: READY_MS, maxPauseMs: 50, message: () => `the server is not ready:\n${text}` },
    );
  }

  const server: TestServer = {
    url,
    dataDir,
    password,
    token,
    repositoryOf: (id) => join(dataDir, "repositories", String(Math.floor(id / 1000)), `${id}.git`),
    pid: () => child?.pid ?? 0,
    output: () => text,
    async kill(signal) {
      if (child === null) return null;
      if (!hasEnded(child)) {
        const ended = once(child, "close");
        child.kill(signal);
        await ended;
      }
      return child.exitCode;
    },
    async restart(extra) {
      await server.kill("SIGTERM");
      await start(extra);
    },
    listGit: () => findGit(dataDir, server.pid()),
    async assertNoGitLeft() {
      await waitFor(() => server.listGit().length === 0, {
        timeoutMs: GIT_GONE_MS,
        message: () => `no git is left; there still are:\n${server.listGit().join("\n")}`,
      });
    },
    async stop() {
      if (child === null) return;
      const late = setTimeout(() => child?.kill("SIGKILL"), STOP_MS);
      await server.kill("SIGTERM");
      clearTimeout(late);
      child = null;
      process.off("exit", sweep);
      sweep();
      await own?.drop();
    },
  };
  try {
    await start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function statusOf(url: string): Promise<number | null> {
  try {
    return (await fetch(url)).status;
  } catch {
    return null;
  }
}

/** Free at this moment: a server that is restarted must have the port that its clients know. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Ends and removes what test processes that were killed have left. */
function removeLeftovers(): void {
  for (const name of readdirSync(clusterRoot)) {
    if (!name.startsWith(DATA_DIR_PREFIX)) continue;
    const pid = Number(name.slice(DATA_DIR_PREFIX.length).split("-")[0]);
    if (!(pid > 0) || isAlive(pid)) continue;
    killProcessesOf(join(clusterRoot, name));
    sweepDirectory(join(clusterRoot, name));
  }
}

/** By environment too: the server's own command line names no directory. A database that is hit recovers. */
function killProcessesOf(directory: string): void {
  for (const { pid, namesDirectory } of listProcesses(directory)) {
    if (!namesDirectory) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly name: string;
  readonly commandLine: string;
  readonly namesDirectory: boolean;
}

/**
 * The git processes of a server, dead or alive, by what they say of themselves: git hands `GIT_DIR` on to what it
 * starts, and what it starts stays in the group that the server made for it. Linux only; elsewhere there are none.
 */
function findGit(dataDir: string, serverPid: number): readonly string[] {
  const all = listProcesses(dataDir);
  const ours = new Set([serverPid]);
  const groups = new Set<number>();
  for (let before = -1; before !== ours.size; ) {
    before = ours.size;
    for (const { pid, parent, group, namesDirectory } of all) {
      if (!namesDirectory && !ours.has(parent) && !groups.has(group)) continue;
      ours.add(pid);
      if (pid === group && pid !== serverPid) groups.add(group);
    }
  }
  return (
    all
      .filter(({ pid, name }) => ours.has(pid) && name.startsWith("git"))
      // What is kept to read objects with stays on purpose, and ends with the server.
      .filter(({ commandLine }) => !commandLine.includes("cat-file --batch-command"))
      .map(({ pid, commandLine }) => `${pid} ${commandLine}`)
  );
}

/** All live processes; which of them name something in this directory in command line or environment. */
function listProcesses(directory: string): readonly ProcessFacts[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap((pid) => factsOf(pid, directory));
}

function factsOf(pid: number, directory: string): readonly ProcessFacts[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, name = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    const [state, parent, group] = rest.split(" ");
    if (state === "Z" || state === "X") return [];
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    const namesDirectory = [commandLine, environment].some((text) => text.includes(directory));
    return [{ pid, parent: Number(parent), group: Number(group), name, commandLine, namesDirectory }];
  } catch {
    // It ended between the look and the reading, or it is not ours to read.
    return [];
  }
}
