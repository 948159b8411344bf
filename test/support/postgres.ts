import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { appendFile, lstat, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import {
  type EmbeddedConnection,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../packages/server/src/db/embedded/start-embedded-postgres.ts";

const execute = promisify(execFile);

const silentLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Raised when what is in the cached cluster changes. */
const CACHE_FORMAT = 1;

const DATA_DIR_PREFIX = "heliostat-test-pg-";

export interface TestDatabase {
  /** For `pg`, as the server's own role. */
  readonly connection: EmbeddedConnection;
  /** The same as `HELIOSTAT_DATABASE_URL` takes it. */
  readonly url: string;
  /** Drops it, ending whatever is connected. Optional: all is gone when the process ends. */
  drop(): Promise<void>;
}

/**
 * Where test clusters live: in memory where there is plenty of it, since a cluster is 1,300 files and making those on
 * a disk takes most of a test's time (measured: copy 0.17 s against 0.43 s).
 */
export const clusterRoot = hasRoom("/dev/shm") ? "/dev/shm" : tmpdir();

function hasRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize > 4 * 1024 ** 3;
  } catch {
    return false;
  }
}

let shared: Promise<EmbeddedPostgres> | undefined;

/**
 * The PostgreSQL of this test process (`node --test`: of this file), started by the first caller and gone with the
 * process. It is the real one, with `fsync` off. A test does not stop it.
 */
export function startTestPostgres(): Promise<EmbeddedPostgres> {
  shared ??= start();
  return shared;
}

async function start(): Promise<EmbeddedPostgres> {
  await removeLeftovers();
  const dataDir = await mkdtemp(join(clusterRoot, `${DATA_DIR_PREFIX}${process.pid}-`));
  // Registered before the database's own listener, so that this faster way to stop comes first.
  process.on("exit", () => sweepDirectory(dataDir));
  await copyCachedCluster(dataDir);
  return startEmbeddedPostgres({ dataDir, log: silentLog });
}

const templates = new Map<unknown, Promise<string>>();

/**
 * A new database of its own for a test. `prepare`, such as the migrations, runs once a process for each function
 * given; every database made with it is a copy of what it left.
 */
export async function createTestDatabase(
  prepare?: (template: EmbeddedConnection) => Promise<void>,
): Promise<TestDatabase> {
  const { connection } = await startTestPostgres();
  let template = templates.get(prepare);
  if (template === undefined) {
    template = makeTemplate(connection, prepare);
    templates.set(prepare, template);
  }
  const name = `test_${randomBytes(6).toString("hex")}`;
  await asSuperuser(
    connection,
    `CREATE DATABASE ${name} TEMPLATE ${await template} OWNER ${connection.user}`,
  );
  return {
    connection: { ...connection, database: name },
    url: `postgres://${connection.user}@localhost:${connection.port}/${name}?host=${encodeURIComponent(connection.host)}`,
    drop: () => asSuperuser(connection, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function makeTemplate(
  connection: EmbeddedConnection,
  prepare: ((template: EmbeddedConnection) => Promise<void>) | undefined,
): Promise<string> {
  if (prepare === undefined) return "template1";
  const name = `template_${randomBytes(6).toString("hex")}`;
  await asSuperuser(connection, `CREATE DATABASE ${name} OWNER ${connection.user}`);
  await prepare({ ...connection, database: name });
  return name;
}

async function asSuperuser(connection: EmbeddedConnection, sql: string): Promise<void> {
  const client = new Client({ ...connection, user: "postgres", database: "postgres" });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Puts a finished cluster with role and database into `<dataDir>/postgres`, much faster than making one. */
export async function copyCachedCluster(dataDir: string): Promise<void> {
  const cached = await findOrMakeCachedCluster();
  // `cp` shares the blocks on file systems that can, and keeps the owner that the cluster has when run as root.
  await execute("cp", ["-a", cached, join(dataDir, "postgres")]);
}

async function findOrMakeCachedCluster(): Promise<string> {
  const packageUrl = import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const packageJson = readFileSync(new URL("../package.json", packageUrl), "utf8");
  const version = /"version":\s*"([^"]+)"/.exec(packageJson)?.[1] ?? "unknown";
  const cache = join(tmpdir(), `heliostat-test-cache-${process.getuid?.() ?? 0}`);
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const stats = await lstat(cache);
  if (!stats.isDirectory() || stats.uid !== (process.getuid?.() ?? stats.uid)) {
    throw new Error(`${cache} belongs to somebody else`);
  }
  const cluster = join(cache, `postgres-${version}-${CACHE_FORMAT}`);
  if ((await lstat(cluster).catch(() => null)) !== null) return cluster;

  const dataDir = await mkdtemp(join(cache, "making-"));
  try {
    const database = await startEmbeddedPostgres({ dataDir, log: silentLog });
    await database.stop();
    await appendFile(
      join(dataDir, "postgres/postgresql.conf"),
      "\nfsync = off\nfull_page_writes = off\nsynchronous_commit = off\n",
    );
    // Another test process may have been faster; a directory that is not empty is never replaced.
    await rename(join(dataDir, "postgres"), cluster).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    return cluster;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Ends and removes what test processes that were killed have left. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(clusterRoot)) {
    const pid = Number(
      name.startsWith(DATA_DIR_PREFIX) ? name.slice(DATA_DIR_PREFIX.length).split("-")[0] : 0,
    );
    if (!(pid > 0) || isAlive(pid)) continue;
    const dataDir = join(clusterRoot, name);
    if ((await lstat(dataDir).catch(() => null))?.uid !== process.getuid?.()) continue;
    try {
      sweepDirectory(dataDir);
    } catch {
      // Another test process sweeps here too.
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

/**
 * Ends every process whose command line names something in this directory, and removes the directory: a test's last
 * broom, synchronous because nothing else runs in a process that exits. Processes are found on Linux only.
 */
export function sweepDirectory(directory: string): void {
  const deadline = performance.now() + 3_000;
  for (let pids = findProcessesOf(directory); pids.length > 0; pids = findProcessesOf(directory)) {
    // Immediate shutdown by choice: a postmaster that is killed leaves its children and its shared memory.
    const isLate = performance.now() > deadline;
    for (const pid of pids) sendSignal(pid, isLate ? "SIGKILL" : "SIGQUIT");
    // Before the removal, which fails on files that vanish under its hands.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  rmSync(directory, { recursive: true, force: true });
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

/** The processes, apart from this one, whose command line names something in this directory. */
export function findProcessesOf(directory: string): readonly number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandLineOf(pid).includes(`${directory}/`));
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
