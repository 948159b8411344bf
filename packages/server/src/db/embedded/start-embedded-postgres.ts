import { mkdir, open, readFile, realpath, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import type { Log } from "../../app/ports.ts";
import { asHeliostatError, HeliostatError } from "../../domain/errors.ts";
import { type Daemon, startDaemon } from "../../exec/daemon.ts";
import { type Account, chooseAccount } from "./choose-account.ts";
import {
  ensureOwner,
  hasUsableCluster,
  makeCluster,
  removeUnfinishedClusters,
  SUPERUSER,
} from "./cluster.ts";
import { isDiskFull } from "./disk-full.ts";
import { keepLogSmall } from "./keep-log-small.ts";
import { lockDataDir } from "./lock-data-dir.ts";
import {
  findPostmaster,
  hasArguments,
  postmasterArguments,
  removeStalePidFile,
  signalAtExit,
  stopPostmaster,
  waitUntilReady,
} from "./postmaster.ts";
import {
  isPrivateDirectory,
  prepareSocketDirectory,
  SOCKET_PORT,
  type SocketDirectory,
  socketDirectoryFor,
} from "./prepare-socket-directory.ts";
import { type Binaries, resolveBinaries } from "./resolve-binaries.ts";

/** What `pg` needs. Every field that it would otherwise read from a `PG…` variable of the environment is given. */
export interface EmbeddedConnection {
  /** The directory of the Unix socket; there is no TCP. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly ssl: false;
  readonly options: string;
}

export interface EmbeddedPostgres {
  readonly connection: EmbeddedConnection;
  /** The server's own version, such as `18.4`. */
  readonly version: string;
  /** Whether it was left running by a server that was killed. */
  readonly isAdopted: boolean;
  /** Settles when the database has ended, asked or not; noticed within seconds. Never rejects. */
  readonly ended: Promise<void>;
  /** Stops the database and gives the data directory free; bounded (26 s), and a second call waits for the first. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/** The role and the database of the server: no superuser, so that a hole in a query is no way to files or programs. */
const ROLE = "heliostat";

const MAX_LOG_BYTES = 2 * 1024 * 1024;

/** How often the log's size and an adopted database's life are looked at. */
const TICK_MS = 5_000;

/** Recovery after a crash replays at most a few times `max_wal_size`; this is for slow disks. */
const READY_TIMEOUT_MS = 120_000;

interface Place {
  readonly dataDir: string;
  readonly cluster: string;
  readonly socket: SocketDirectory;
  readonly args: readonly string[];
  readonly logFile: string;
}

/** A live postmaster: one that we started, or one that a killed server left. */
interface Postmaster {
  readonly pid: number;
  readonly daemon: Daemon | null;
}

/**
 * Starts the PostgreSQL that comes with Heliostat on `<dataDir>/postgres`, making the cluster, the role and the
 * database `heliostat` as needed, and holds the data directory's lock until it is stopped. A healthy database that a
 * killed server left behind is adopted. Errors: `data-dir-in-use`, `database-version`, `disk-full`, `config-invalid`,
 * `cancelled`, `database-unavailable`; after any of them nothing of ours is left running.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
    const dataDir = await realpath(options.dataDir);
    const lock = await lockDataDir(dataDir);
    try {
      return await startLocked(placeIn(dataDir), options, () => lock.release());
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw await describeFailure(error, options);
  }
}

/** What is found in a data directory: no database at all, one that does not run, or how to reach one that does. */
export type FoundPostgres =
  | { readonly kind: "none" | "stopped" }
  | { readonly kind: "running"; readonly connection: EmbeddedConnection };

/** For a command beside the server, which holds the lock: it starts nothing and stops nothing. */
export async function findEmbeddedPostgres(dataDir: string): Promise<FoundPostgres> {
  const real = await realpath(dataDir).catch(() => null);
  if (real === null) return { kind: "none" };
  const { cluster, socket } = placeIn(real);
  const stats = await stat(cluster).catch(() => null);
  if (stats === null) return { kind: "none" };
  // Who can replace the socket's directory can play the database to us.
  const isReachable =
    (await findPostmaster(cluster)) !== null && (await isPrivateDirectory(socket.path, stats.uid));
  return isReachable ? { kind: "running", connection: connectionTo(socket.path) } : { kind: "stopped" };
}

function placeIn(dataDir: string): Place {
  const cluster = join(dataDir, "postgres");
  const socket = socketDirectoryFor(dataDir);
  const args = postmasterArguments(cluster, socket.path);
  return { dataDir, cluster, socket, args, logFile: join(dataDir, "postgres.log") };
}

async function describeFailure(error: unknown, options: EmbeddedPostgresOptions): Promise<HeliostatError> {
  if (error instanceof HeliostatError) return error;
  if (options.signal?.aborted)
    return new HeliostatError("cancelled", "the start was cancelled", { cause: error });
  const { message } = asHeliostatError(error);
  if (isDiskFull(message) || (await hasNoSpace(options.dataDir))) {
    const text = `no space left on device for the database in ${options.dataDir}: ${message}`;
    return new HeliostatError("disk-full", text, { cause: error });
  }
  const text = `the database in ${options.dataDir} did not start: ${message}`;
  return new HeliostatError("database-unavailable", text, { cause: error });
}

/** On a full disk PostgreSQL cannot write to its log why it failed. */
async function hasNoSpace(directory: string): Promise<boolean> {
  const LITTLE = 64 * 1024;
  const stats = await statfs(directory).catch(() => null);
  return stats !== null && stats.bavail * stats.bsize < LITTLE;
}

async function startLocked(
  place: Place,
  { log, signal }: EmbeddedPostgresOptions,
  unlock: () => Promise<void>,
): Promise<EmbeddedPostgres> {
  const binaries = await resolveBinaries(join(place.dataDir, "postgres-lib"));
  const hasCluster = await hasUsableCluster(place.cluster, binaries);
  await keepLogSmall(place.logFile, MAX_LOG_BYTES);

  const adopted = hasCluster ? await adoptOrStop(place, binaries, log, signal) : null;
  const postmaster = adopted ?? (await startPostmaster(place, binaries, hasCluster, log, signal));
  try {
    const connection = connectionTo(place.socket.path);
    const version = await ensureDatabase(connection);
    signal?.throwIfAborted();
    return supervise({ place, postmaster, connection, version, log, unlock });
  } catch (error) {
    await stopPostmaster(place.cluster, postmaster.pid);
    throw error;
  }
}

/** The orphan of a killed server if it is as one of ours should be; any other that runs on our cluster is stopped. */
async function adoptOrStop(
  place: Place,
  binaries: Binaries,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<Postmaster | null> {
  const pid = await findPostmaster(place.cluster);
  if (pid === null) return null;
  const reason = await whyNotAdopt(place, binaries, pid, signal);
  if (reason === null) {
    log.info({ pid }, "adopted the database that the last server left running");
    return { pid, daemon: null };
  }
  log.info({ pid, reason }, "stopping the database that the last server left running");
  await stopPostmaster(place.cluster, pid);
  return null;
}

async function whyNotAdopt(
  place: Place,
  binaries: Binaries,
  pid: number,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  if (!(await hasArguments(pid, place.args))) return "other settings";
  // The last server may have been killed while this one was still starting.
  const isReady = await waitUntilReady(place.cluster, pid, { isGone: () => false, timeoutMs: 5_000, signal });
  if (!isReady) return "not ready";
  const { uid } = await stat(place.cluster);
  if (!(await isPrivateDirectory(place.socket.path, uid))) return "its socket is not private";
  const version = await readVersion(connectionTo(place.socket.path)).catch(() => null);
  if (version === null) return "no answer";
  return version === binaries.version ? null : `version ${version}`;
}

async function startPostmaster(
  place: Place,
  binaries: Binaries,
  hasCluster: boolean,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<Postmaster> {
  const env = environmentFor(binaries);
  const account = await chooseAccount({ postgres: binaries.postgres, dataDir: place.dataDir, env, signal });
  log.debug({ account: account.description }, "running the database");
  // Before the cluster is made: they may be what the disk is full of.
  await removeUnfinishedClusters(place.dataDir);
  if (!hasCluster) {
    log.info({ directory: place.cluster }, "making the database");
    await makeCluster({ cluster: place.cluster, binaries, account, env, signal });
  }
  await ensureOwner(place.cluster, account.owner);
  await removeStalePidFile(place.cluster);
  await prepareSocketDirectory(place.socket, account.owner);

  // The children of a postmaster that was killed notice it at once, but one in the middle of something may take a
  // moment, and until then PostgreSQL rightly refuses to start beside it.
  for (let attempt = 1; ; attempt++) {
    const result = await tryStart(place, binaries, account, env, signal);
    if (typeof result !== "string") return result;
    if (attempt < 50 && result.includes("is still in use")) await sleep(100, undefined, { signal });
    else throw new Error(result);
  }
}

/** Nothing of our own environment: no `PG…` variable, no locale that may be missing, no preloaded library. */
function environmentFor(binaries: Binaries): Record<string, string> {
  const libraryPath = process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH";
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin",
    LC_ALL: "C",
    TZ: "UTC",
    ...(binaries.libraryPath === null ? {} : { [libraryPath]: binaries.libraryPath }),
  };
}

/** The postmaster when it takes connections, or what its log says when it does not. */
async function tryStart(
  place: Place,
  binaries: Binaries,
  account: Account,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Postmaster | string> {
  const logHandle = await open(place.logFile, "a", 0o600);
  let daemon: Daemon;
  let logStart: number;
  try {
    logStart = (await logHandle.stat()).size;
    const [command = "", ...args] = [...account.prefix, binaries.postgres, ...place.args];
    daemon = await startDaemon({ command, args, env, outputFd: logHandle.fd });
  } finally {
    await logHandle.close();
  }
  let isGone = false;
  void daemon.exited.then(() => {
    isGone = true;
  });
  try {
    const isReady = await waitUntilReady(place.cluster, daemon.pid, {
      isGone: () => isGone,
      timeoutMs: READY_TIMEOUT_MS,
      signal,
    });
    if (isReady) return { pid: daemon.pid, daemon };
  } catch (error) {
    daemon.killGroup("SIGQUIT");
    await daemon.exited;
    throw error;
  }
  // Immediate shutdown: what hangs in recovery will begin it again.
  daemon.killGroup("SIGQUIT");
  const status = await daemon.exited;
  const logged = (await readFile(place.logFile)).subarray(logStart).toString().trim().split("\n").slice(-5);
  return `${logged.join("; ") || `exit status ${status.code ?? status.signal}`} (log: ${place.logFile})`;
}

function connectionTo(socketDirectory: string): EmbeddedConnection {
  return {
    host: socketDirectory,
    port: SOCKET_PORT,
    user: ROLE,
    database: ROLE,
    ssl: false,
    // Not empty, or `pg` would take PGOPTIONS.
    options: "-c client_min_messages=warning",
  };
}

async function withSuperuser<T>(
  connection: EmbeddedConnection,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    ...connection,
    user: SUPERUSER,
    database: "postgres",
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  // A connection that breaks between two queries is an event; the next query fails by it.
  client.on("error", () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}

async function readVersion(connection: EmbeddedConnection): Promise<string> {
  return withSuperuser(connection, async (client) => {
    const { rows } = await client.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    return rows[0]?.version ?? "";
  });
}

/** Makes what is missing of role and database; answers the server's version. */
async function ensureDatabase(connection: EmbeddedConnection): Promise<string> {
  return withSuperuser(connection, async (client) => {
    const { rows } = await client.query<{ version: string; hasRole: boolean; hasDatabase: boolean }>(
      `SELECT current_setting('server_version') AS version,
              EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "hasRole",
              EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "hasDatabase"`,
      [ROLE],
    );
    const found = rows[0];
    if (!found?.hasRole) await client.query(`CREATE ROLE ${ROLE} LOGIN`);
    if (!found?.hasDatabase) await client.query(`CREATE DATABASE ${ROLE} OWNER ${ROLE}`);
    return found?.version ?? "";
  });
}

/** Watches a running database: keeps its log small, notices its end, stops it when asked or when we exit. */
function supervise(options: {
  readonly place: Place;
  readonly postmaster: Postmaster;
  readonly connection: EmbeddedConnection;
  readonly version: string;
  readonly log: Log;
  readonly unlock: () => Promise<void>;
}): EmbeddedPostgres {
  const { place, postmaster, connection, version, log, unlock } = options;
  const { pid, daemon } = postmaster;
  const { promise: ended, resolve: markEnded } = Promise.withResolvers<void>();
  let stopping: Promise<void> | null = null;

  const onExit = () => signalAtExit(place.cluster, pid);
  process.on("exit", onExit);
  const tick = async () => {
    try {
      await keepLogSmall(place.logFile, MAX_LOG_BYTES);
      // Another parent's child tells nobody of its end.
      if (daemon === null && (await findPostmaster(place.cluster)) !== pid) markEnded();
    } catch (error) {
      log.warn({ err: error }, "cannot look after the database");
    }
  };
  const timer = setInterval(() => void tick(), TICK_MS).unref();
  void daemon?.exited.then(() => markEnded());
  void ended.then(() => {
    clearInterval(timer);
    process.off("exit", onExit);
    if (stopping === null) log.error({ pid, logFile: place.logFile }, "the database has ended by itself");
  });

  const stopOnce = async () => {
    try {
      await stopPostmaster(place.cluster, pid);
      markEnded();
      await ended;
    } finally {
      await unlock();
    }
  };
  return {
    connection,
    version,
    isAdopted: daemon === null,
    ended,
    stop: () => {
      stopping ??= stopOnce();
      return stopping;
    },
  };
}
