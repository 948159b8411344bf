import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { entriesOf } from "./entries-of.ts";
import type { Git } from "./run-git.ts";

/** What a repository has collected, as far as directories and file sizes tell. */
export interface Clutter {
  /** Estimated from a part of the directories: objects are spread evenly over them. */
  readonly looseObjects: number;
  readonly looseRefs: number;
  readonly locks: number;
  /** Packs that came since the packs were last indexed together; all of them, if they never were. */
  readonly newPacks: number;
  readonly packedBytes: number;
  readonly isIndexed: boolean;
  readonly hasGraph: boolean;
}

export interface Maintenance {
  readonly locks: boolean;
  readonly refs: boolean;
  readonly objects: boolean;
  /** The commit-graph, by which histories are read: whenever objects are put in order, and where there is none. */
  readonly graph: boolean;
  /** With one index over all packs, and bitmaps: in a small repository they take more room than they save time. */
  readonly indexes: boolean;
}

/** Each loose ref is a file to be opened whenever refs are listed; packing rewrites one file with all refs. */
const LOOSE_REFS = 256;
/** Each pack is looked into whenever an object is sought. */
const NEW_PACKS = 8;
/** Without an index over all: more than ever remain after packs were combined, each twice as large as the next. */
const PACKS = 20;
/** A loose object takes a block of the disk however small it is: measured against what the packs take. */
const LOOSE_BYTES = 4096;
const LOOSE_SHARE = 0.05;
const LEAST_LOOSE = 100;
/** Where git's own automatic housekeeping begins. */
const MOST_LOOSE = 6_700;
/** From this size on a clone is served noticeably faster with bitmaps, so they are made without waiting for more. */
const LARGE_BYTES = 16 * 1024 * 1024;

/** From this size on, a history is long enough for a graph to save time. */
const GRAPH_BYTES = 512 * 1024;
/** In one go: the rest is made the next time. A filter takes about a millisecond. */
const MOST_FILTERS = 100_000;

const SAMPLED = ["17", "3f", "5a", "71", "a3", "b8", "c6", "e4"];
const DIRECTORIES = 256;

/** A repository of tens of gigabytes is repacked in an hour; what takes longer hangs. */
const TIMEOUT_MS = 3 * 3600_000;

/** Counts what a repository has collected; starts no process, and reads some dozen directories at most. */
export async function countClutter(path: string): Promise<Clutter> {
  const packs = join(path, "objects", "pack");
  const [root, refs, samples, packed, midx, graph] = await Promise.all([
    entriesOf(path),
    readdir(join(path, "refs"), { recursive: true, withFileTypes: true }).catch((): Dirent[] => []),
    Promise.all(SAMPLED.map((name) => entriesOf(join(path, "objects", name)))),
    entriesOf(packs),
    stat(join(packs, "multi-pack-index")).catch(() => null),
    stat(join(path, "objects", "info", "commit-graphs", "commit-graph-chain")).catch(() => null),
  ]);
  const files = await Promise.all(
    packed
      .filter(({ name }) => name.endsWith(".pack"))
      .map(({ name }) => stat(join(packs, name)).catch(() => null)),
  );
  const isLock = ({ name }: Dirent): boolean => name.endsWith(".lock");
  const refFiles = refs.filter((entry) => entry.isFile());
  const sampled = samples.reduce((sum, names) => sum + names.length, 0);
  return {
    looseObjects: Math.round((sampled * DIRECTORIES) / SAMPLED.length),
    looseRefs: refFiles.length,
    locks: refFiles.filter(isLock).length + root.filter(isLock).length,
    newPacks: files.filter((file) => file !== null && (midx === null || file.mtimeMs > midx.mtimeMs)).length,
    packedBytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    isIndexed: midx !== null,
    hasGraph: graph !== null,
  };
}

/** What is worth doing; the bounds grow with the repository, as the work does. */
export function planMaintenance(clutter: Clutter): Maintenance {
  const share = (clutter.packedBytes * LOOSE_SHARE) / LOOSE_BYTES;
  const looseBound = Math.min(Math.max(LEAST_LOOSE, share), MOST_LOOSE);
  const isLarge = clutter.packedBytes > LARGE_BYTES;
  const objects =
    clutter.looseObjects > looseBound ||
    clutter.newPacks > (clutter.isIndexed ? NEW_PACKS : PACKS) ||
    (!clutter.isIndexed && isLarge);
  return {
    locks: clutter.locks > 0,
    refs: clutter.looseRefs > LOOSE_REFS,
    objects,
    graph: objects || (!clutter.hasGraph && clutter.packedBytes > GRAPH_BYTES),
    indexes: isLarge,
  };
}

/**
 * Puts a repository in order, while it is read and written. What makes this safe, beside git's own locks:
 *
 * - No object is ever deleted, reachable or not, only carried from one place to another: a geometric repack takes all
 *   loose objects and all objects of the packs that it combines, and deletes the old copy when the new one is there.
 *   So what was fetched and has no ref yet, and what a push in its quarantine builds on, stays. A git that looks for an
 *   object in a pack that is gone reads the list of packs anew, in alternates too; files that it has open stay.
 * - `pack-refs` writes the file of all refs before it takes a loose one away, and that only under the ref's lock and
 *   while it has the value that was packed. Who reads refs reads the loose ones first.
 * - Killed at any point, it leaves more copies than needed and files that `remove-stale-files` knows.
 * - Two of them at the same time, on two nodes, do double work and no harm, for the first of these reasons.
 *
 * The commit-graph has filters of changed paths, by which `git/browse/` finds a file's last commit: in a large repository
 * they take minutes to make, once.
 */
export async function maintain(
  git: Git,
  path: string,
  what: Maintenance,
  signal: AbortSignal,
): Promise<void> {
  const run = (...args: string[]) =>
    git.run({
      gitDir: path,
      args,
      config: [
        // One core, and a bound on memory: there is no hurry.
        ["pack.threads", "1"],
        ["pack.windowMemory", "256m"],
      ],
      signal,
      isBackground: true,
      timeoutMs: TIMEOUT_MS,
    });
  if (what.refs) await run("pack-refs", "--all", "--prune");
  if (what.objects) {
    const indexes = what.indexes ? ["--write-midx", "--write-bitmap-index"] : [];
    await run("repack", "--quiet", "--geometric=2", "-d", ...indexes);
  }
  if (!what.graph) return;
  const filters = ["--changed-paths", `--max-new-filters=${MOST_FILTERS}`];
  await run("commit-graph", "write", "--reachable", "--split", "--no-progress", ...filters);
}
