import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HeliostatError } from "../../domain/errors.ts";

export interface DataDirLock {
  /** Gives the directory free; a second call does nothing. */
  release(): Promise<void>;
}

/** Keeps the connections alive: one that is collected closes its file and with it drops the lock. */
const held = new Set<DatabaseSync>();

/**
 * Takes the right to be the only server on a data directory, until released or until this process ends in whatever
 * way. `data-dir-in-use` names the directory and, if known, the process that has it.
 *
 * The lock is the kernel's: an `fcntl` record lock on `heliostat.lock`, taken through SQLite because Node itself has
 * no call for it. So there is no window between "look" and "take", nothing stale is left after kill -9, pid reuse
 * does not matter, and it holds between containers that share the volume. Nothing is ever written to the file; it is
 * never deleted, since a newcomer could then lock another file of the same name. Nothing else in this process may
 * open it: closing any descriptor of a file drops the process's record locks on it.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const pidFile = join(dataDir, "heliostat.pid");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(dataDir, "heliostat.lock"), { timeout: 0 });
    // In memory: a rollback journal would be a second file beside the lock.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    throw isBusy(error) ? await inUse(dataDir, pidFile) : notLockable(dataDir, error);
  }
  held.add(database);
  const lock = database;
  const release = async () => {
    if (!held.delete(lock)) return;
    // While we still hold the lock: afterwards the file may be the next holder's.
    await rm(pidFile, { force: true });
    lock.close();
  };
  try {
    await writeFile(pidFile, `${process.pid}\n`);
  } catch (error) {
    await release();
    throw notLockable(dataDir, error);
  }
  return { release };
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

async function inUse(dataDir: string, pidFile: string): Promise<HeliostatError> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => ""));
  const holder = pid > 0 ? ` (process ${pid})` : "";
  return new HeliostatError(
    "data-dir-in-use",
    `the data directory ${dataDir} is in use by another Heliostat server${holder}; stop that one, or choose another directory with HELIOSTAT_DATA_DIR`,
  );
}

function notLockable(dataDir: string, error: unknown): HeliostatError {
  const reason = error instanceof Error ? error.message : String(error);
  const isFull = error instanceof Error && "code" in error && error.code === "ENOSPC";
  return new HeliostatError(
    isFull ? "disk-full" : "config-invalid",
    `cannot lock the data directory ${dataDir}: ${reason}`,
    { cause: error },
  );
}
