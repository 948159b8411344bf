import type { Stats } from "node:fs";
import { lstat, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { isRefName } from "../domain/ref-name.ts";
import { entriesOf } from "./entries-of.ts";
import { noteLostRef } from "./lost-refs.ts";
import { REPLACED, restoreReplaced } from "./replace-repository.ts";

/** How old what a git left must be before nobody can be at it any more. */
export interface StaleAges {
  readonly lockMs: number;
  readonly objectsMs: number;
}

/** For when nothing is known but the age: git holds a lock for as long as one transaction of refs takes, and a push is
 * received, with its deltas resolved, in hours at most. */
export const CAUTIOUS_AGES: StaleAges = { lockMs: 10 * 60_000, objectsMs: 24 * 3600_000 };

/** Names that git gives to objects on their way in: a pack, a loose object, the quarantine of a push. */
const UNFINISHED = /^\.?tmp[_-]/;
/** `packed-refs.new` is what the holder of `packed-refs.lock` writes, and is in the way of the next one as well. */
const LOCK = /\.lock$|^packed-refs\.new$/;
const LOOSE_OBJECTS = /^[0-9a-f]{2}$/;

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
      if (name.endsWith(REPLACED)) {
        // A run that is at it needs moments.
        const [replaced] = await keepOld(join(root, directory.name), [name], CAUTIOUS_AGES.lockMs);
        if (replaced) await restoreReplaced(replaced.path.slice(0, -REPLACED.length));
        continue;
      }
      removed += await removeStaleFiles(join(root, directory.name, name));
    }
  }
  return removed;
}

/**
 * Removes what git leaves behind when it is killed itself, be it by the system for want of memory or with the whole
 * machine:
 *
 * - locks, in whose presence no ref of the name can ever be changed again;
 * - refs without content, which git can neither read nor change: a machine that lost power may have made the file and
 *   not its content. What is packed under the name is valid again, else the ref is gone, as it is in git's eyes anyway;
 *   that it was lost, and not deleted, is noted before (`lost-refs.ts`);
 * - halves of packs and objects, which nobody would ever delete because git's own housekeeping is off.
 *
 * Files that are younger than `ages` stay. Answers how many were removed; a repository that is gone has none.
 */
export async function removeStaleFiles(repository: string, ages = CAUTIOUS_AGES): Promise<number> {
  let removed = 0;
  for (const { path, ageMs, isRef } of await findRemains(repository, ages)) {
    const stats = await lstat(path).catch(() => null);
    // Looked at once more: a new owner may have come since.
    if (stats === null || ageOf(stats) < ageMs) continue;
    if (isRef) {
      if (stats.size > 0) continue;
      await noteLost(repository, path);
    }
    await rm(path, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/** Whether there is anything for `removeStaleFiles` at these ages. An age of infinity: not even looked for. */
export async function hasStaleFiles(repository: string, ages: StaleAges): Promise<boolean> {
  return (await findRemains(repository, ages)).length > 0;
}

/**
 * How long a file has been where it is, in milliseconds. A rename keeps the time of the content: a pack that was long in
 * the making is moved in before its index, and is no half that was left for as long.
 */
function ageOf({ mtimeMs, ctimeMs }: Stats): number {
  return Date.now() - Math.max(mtimeMs, ctimeMs);
}

interface Remain {
  readonly path: string;
  readonly ageMs: number;
  /** A ref without content, which is more than rubbish: something was there. */
  readonly isRef?: boolean;
}

async function noteLost(repository: string, path: string): Promise<void> {
  const name = relative(repository, path);
  // Git has no ref of any other name, and no answer could name one that is not UTF-8.
  if (isRefName(name)) await noteLostRef(repository, name);
}

async function findRemains(repository: string, { lockMs, objectsMs }: StaleAges): Promise<Remain[]> {
  const objects = join(repository, "objects");
  const isLock = (name: string): boolean => LOCK.test(name);
  const isUnfinished = (name: string): boolean => UNFINISHED.test(name);
  const found = await Promise.all([
    findIn(repository, isLock, lockMs),
    findRefRemains(join(repository, "refs"), lockMs),
    findIn(join(objects, "info"), isLock, lockMs),
    findIn(join(objects, "info", "commit-graphs"), isLock, lockMs),
    findIn(join(objects, "pack"), isLock, lockMs),
    ...(Number.isFinite(objectsMs)
      ? [
          findIn(objects, isUnfinished, objectsMs),
          findIn(join(objects, "info"), isUnfinished, objectsMs),
          findIn(join(objects, "info", "commit-graphs"), isUnfinished, objectsMs),
          findIn(join(objects, "pack"), isUnfinished, objectsMs),
          findUnindexed(join(objects, "pack"), objectsMs),
          findLooseRemains(objects, objectsMs),
        ]
      : []),
  ]);
  return found.flat();
}

async function findIn(
  directory: string,
  isRemain: (name: string) => boolean,
  ageMs: number,
): Promise<Remain[]> {
  const names = (await entriesOf(directory)).map(({ name }) => name).filter(isRemain);
  return await keepOld(directory, names, ageMs);
}

async function findRefRemains(directory: string, ageMs: number): Promise<Remain[]> {
  const entries = await entriesOf(directory);
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const isLock = (name: string): boolean => LOCK.test(name);
  const locks = await keepOld(directory, files.filter(isLock), ageMs);
  const refs = files.filter((name) => !isLock(name));
  const empty = await keepOld(directory, refs, ageMs, ({ size }) => size === 0);
  const found = [...locks, ...empty.map((remain) => ({ ...remain, isRef: true }))];
  for (const entry of entries) {
    // One after the other: a repository may have thousands of directories of refs, and there is no hurry.
    if (entry.isDirectory()) found.push(...(await findRefRemains(join(directory, entry.name), ageMs)));
  }
  return found;
}

/** Packs that were on their way in, file by file, when the server was killed: git sees none without its index. */
async function findUnindexed(directory: string, ageMs: number): Promise<Remain[]> {
  const names = (await entriesOf(directory)).map(({ name }) => name);
  const indexed = new Set(names.filter((name) => name.endsWith(".idx")).map((name) => name.slice(0, -4)));
  const isHalf = (name: string): boolean => {
    const [, pack] = /^(pack-[0-9a-f]+)\.(pack|rev|bitmap|mtimes)$/.exec(name) ?? [];
    return pack !== undefined && !indexed.has(pack);
  };
  return await keepOld(directory, names.filter(isHalf), ageMs);
}

async function findLooseRemains(objects: string, ageMs: number): Promise<Remain[]> {
  const found: Remain[] = [];
  for (const { name } of await entriesOf(objects)) {
    if (!LOOSE_OBJECTS.test(name)) continue;
    found.push(...(await findIn(join(objects, name), (file) => UNFINISHED.test(file), ageMs)));
  }
  return found;
}

async function keepOld(
  directory: string,
  names: readonly string[],
  ageMs: number,
  isRemain: (stats: Stats) => boolean = () => true,
): Promise<Remain[]> {
  const found: Remain[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const stats = await lstat(path).catch(() => null);
    if (stats !== null && ageOf(stats) >= ageMs && isRemain(stats)) found.push({ path, ageMs });
  }
  return found;
}
