import { randomBytes } from "node:crypto";
import { lchown, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HeliostatError } from "../../domain/errors.ts";
import { runCommand } from "../../exec/daemon.ts";
import type { Account } from "./choose-account.ts";
import { isDiskFull } from "./disk-full.ts";
import type { Binaries } from "./resolve-binaries.ts";

/** The bootstrap superuser: for our own administration; the server itself connects as an ordinary role. */
export const SUPERUSER = "postgres";

const UNFINISHED = "postgres.new-";

/**
 * Whether there is a cluster that these binaries can run; touches nothing. `database-version` when it was made by
 * another major version, `config-invalid` when there is something that is no cluster.
 */
export async function hasUsableCluster(cluster: string, binaries: Binaries): Promise<boolean> {
  const entries = await readdir(cluster).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    if (error.code === "EACCES") throw foreignCluster(cluster, (await stat(cluster)).uid);
    throw error;
  });
  if (entries.length === 0) return false;
  const found = (await readFile(join(cluster, "PG_VERSION"), "utf8").catch(() => "")).trim();
  if (found === binaries.majorVersion) return true;
  if (found === "") {
    throw new HeliostatError(
      "config-invalid",
      `${cluster} is not empty and not a PostgreSQL database; move it away, or choose another data directory with HELIOSTAT_DATA_DIR`,
    );
  }
  throw new HeliostatError(
    "database-version",
    `the database in ${cluster} was made by PostgreSQL ${found}, this Heliostat comes with PostgreSQL ${binaries.majorVersion}. Nothing was changed. Either go back to the Heliostat that made it, or dump it with that one (pg_dumpall), move ${cluster} away, start again and restore the dump; or run it in a PostgreSQL ${found} of yours and set HELIOSTAT_DATABASE_URL`,
  );
}

/**
 * Makes the cluster. It is built under another name and renamed when initdb has finished and synced it, so whatever
 * bears the final name is whole. `disk-full` is told apart.
 */
export async function makeCluster(options: {
  readonly cluster: string;
  readonly binaries: Binaries;
  readonly account: Account;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const dataDir = dirname(options.cluster);
  // A new name each time: an initdb whose server was killed may still be writing to the last one.
  const unfinished = join(dataDir, `${UNFINISHED}${randomBytes(4).toString("hex")}`);
  try {
    await mkdir(unfinished, { mode: 0o700 });
    if (options.account.owner !== null) await chownTree(unfinished, options.account.owner);
    await runInitdb(unfinished, options);
    await rename(unfinished, options.cluster);
    await syncDirectory(dataDir);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true, maxRetries: 10 }).catch(() => {});
    throw error;
  }
}

/** Removes what interrupted attempts to make the cluster left; never a finished one. */
export async function removeUnfinishedClusters(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(UNFINISHED)) continue;
    // Retried: the initdb of a killed server may be making files there until its next write to us fails.
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

async function runInitdb(
  directory: string,
  options: Pick<Parameters<typeof makeCluster>[0], "binaries" | "account" | "env" | "signal">,
): Promise<void> {
  const [command = "", ...args] = [
    ...options.account.prefix,
    options.binaries.initdb,
    ...["-D", directory, "-U", SUPERUSER, "--no-instructions"],
    // Who reaches the socket is decided by the mode of its directory. "peer" would want names of the system for the
    // user ids of both ends, which a user namespace or an arbitrary id in a container does not have.
    ...["--auth-local=trust", "--auth-host=reject"],
    // The built-in provider gives the same order and case on every machine and needs no locale of the system.
    ...["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
    // Four times less to write at first start than with 16 MB; and then max_wal_size can be small.
    "--wal-segsize=4",
    // A killed initdb leaves its shared memory in the directory that is removed, not in /dev/shm.
    "--set=dynamic_shared_memory_type=mmap",
  ];
  const result = await runCommand({ command, args, env: options.env, signal: options.signal });
  if (result.code === 0) return;
  options.signal?.throwIfAborted();
  const isFull = isDiskFull(result.output);
  throw new HeliostatError(
    isFull ? "disk-full" : "database-unavailable",
    `${isFull ? "no space left on device: " : ""}the database could not be made in ${dirname(directory)}: ${errorLines(result.output)}`,
  );
}

/** The lines of initdb's output that say why, or its end. */
function errorLines(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => /error|fatal|panic|no space/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(-3).join("; ");
}

/** Makes the files the database user's own; PostgreSQL refuses a directory of somebody else. */
export async function ensureOwner(cluster: string, owner: Account["owner"]): Promise<void> {
  const { uid } = await stat(cluster);
  if (owner !== null) {
    if (uid !== owner.uid) await chownTree(cluster, owner);
  } else if (uid !== process.getuid?.()) {
    throw foreignCluster(cluster, uid);
  }
}

function foreignCluster(cluster: string, uid: number): HeliostatError {
  return new HeliostatError(
    "config-invalid",
    `the database in ${cluster} belongs to user id ${uid}, but Heliostat runs as user id ${process.getuid?.()}; start it as before (as root if it was started as root), or give the data directory to this user with chown -R`,
  );
}

/** Children first: an interrupted change leaves the top with its old owner, and the next start does it again. */
async function chownTree(path: string, owner: { readonly uid: number; readonly gid: number }): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await chownTree(child, owner);
    else await lchown(child, owner.uid, owner.gid);
  }
  await lchown(path, owner.uid, owner.gid);
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
