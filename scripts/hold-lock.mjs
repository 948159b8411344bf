import { mkdirSync, readFileSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 200;

/**
 * Runs `work` while no other process on this machine holds the lock at `path`. A lock whose owner is dead is taken
 * over; `onWait` is called once if a live one has to be waited for.
 *
 * The lock is a symbolic link whose target names its owner: making one is atomic *with* its content, so a lock
 * without an owner cannot be seen, whatever moment a process is killed in.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (owner: string) => void }} [options]
 * @returns {Promise<T>}
 */
export async function holdLock(path, work, { onWait } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = nameOf(process.pid);
  let waited = false;
  while (!take(path, mine)) {
    const owner = ownerOf(path);
    if (owner === null) continue;
    if (!isAlive(owner)) {
      breakLock(path, owner);
      continue;
    }
    if (!waited) onWait?.(owner);
    waited = true;
    await sleep(POLL_MS);
  }
  const release = () => {
    if (ownerOf(path) === mine) unlinkSync(path);
  };
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

/** @param {string} path @param {string} mine */
function take(path, mine) {
  try {
    symlinkSync(mine, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
function ownerOf(path) {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/**
 * Takes a dead owner's lock away. Between reading its name and now another process may have done the same and taken
 * the lock: moving it aside first shows whose it was, and a live one goes back.
 *
 * @param {string} path @param {string} dead
 */
function breakLock(path, dead) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = readlinkSync(aside);
  if (moved !== dead) take(path, moved);
  unlinkSync(aside);
}

/**
 * `pid:start`: a pid alone comes round again, its start time does not. Where there is no /proc, the pid has to do.
 *
 * @param {number} pid
 */
export function nameOf(pid) {
  return `${pid}:${startOf(pid) ?? "?"}`;
}

/** @param {string} owner */
function isAlive(owner) {
  const [pid, start] = owner.split(":");
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return codeOf(error) === "EPERM";
  }
  const now = startOf(Number(pid));
  return now === null || start === "?" || now === start;
}

/** @param {number} pid */
function startOf(pid) {
  try {
    // Field 22 of stat(5). The second field, the command, may hold blanks and parentheses: count after the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
