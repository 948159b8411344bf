import type { Dirent } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Git holds a lock for as long as one transaction of refs takes. */
const LOCK_IS_STALE_AFTER_MS = 10 * 60_000;

/** A push is received, and its deltas are resolved, in hours at most. */
const OBJECTS_ARE_STALE_AFTER_MS = 24 * 3600_000;

/** Names that git gives to objects on their way in: a pack, a loose object, the quarantine of a push. */
const UNFINISHED = /^\.?tmp[_-]/;

/**
 * `removeStaleFiles` for every repository below the root, one after the other; answers how many files were removed.
 * Stops between two repositories when the signal says so.
 */
export async function removeAllStaleFiles(root: string, signal: AbortSignal): Promise<number> {
  let removed = 0;
  for (const directory of await entriesOf(root)) {
    // Numbers only: what is unfinished or removed is the staging area's.
    if (!/^\d+$/.test(directory.name)) continue;
    for (const { name } of await entriesOf(join(root, directory.name))) {
      if (signal.aborted) return removed;
      removed += await removeStaleFiles(join(root, directory.name, name));
    }
  }
  return removed;
}

/**
 * Removes what git leaves behind when it is killed itself, be it by the system for want of memory or with the whole
 * machine: locks, in whose presence no ref of the name can ever be changed again, and halves of packs, which nobody
 * would ever delete because git's own housekeeping is off. Files that are younger than any git lives stay. Answers how
 * many were removed; a repository that is gone has none.
 */
export async function removeStaleFiles(repository: string, now = Date.now()): Promise<number> {
  const removals = [
    removeOld(repository, /\.lock$/, now - LOCK_IS_STALE_AFTER_MS),
    removeOldBelow(join(repository, "refs"), /\.lock$/, now - LOCK_IS_STALE_AFTER_MS),
    removeOld(join(repository, "objects"), UNFINISHED, now - OBJECTS_ARE_STALE_AFTER_MS),
    removeOld(join(repository, "objects", "pack"), UNFINISHED, now - OBJECTS_ARE_STALE_AFTER_MS),
  ];
  return (await Promise.all(removals)).reduce((sum, count) => sum + count, 0);
}

async function removeOldBelow(directory: string, names: RegExp, before: number): Promise<number> {
  let removed = await removeOld(directory, names, before);
  for (const entry of await entriesOf(directory)) {
    // One after the other: a repository may have thousands of directories of refs, and there is no hurry.
    if (entry.isDirectory()) removed += await removeOldBelow(join(directory, entry.name), names, before);
  }
  return removed;
}

async function removeOld(directory: string, names: RegExp, before: number): Promise<number> {
  let removed = 0;
  for (const entry of await entriesOf(directory)) {
    if (!names.test(entry.name)) continue;
    const path = join(directory, entry.name);
    const mtimeMs = await stat(path).then(
      (stats) => stats.mtimeMs,
      () => null,
    );
    if (mtimeMs === null || mtimeMs >= before) continue;
    await rm(path, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  return await readdir(directory, { withFileTypes: true }).catch(() => []);
}
