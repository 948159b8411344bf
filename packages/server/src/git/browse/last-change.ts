import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Commit } from "../../app/ports.ts";
import type { Oid } from "../../domain/oid.ts";
import { type GraphFile, type GraphFiles, hashPath } from "./commit-graph-file.ts";
import { createLru } from "./lru.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * The commit that last changed a path, as `git rev-list -1 <commit> -- <path>` says; null where git had better be asked:
 * without filters of changed paths each commit's trees would have to be read.
 */
export type FindLastChange = (path: string, commit: Oid, file: string) => Promise<Oid | null>;

const MEMORY_BYTES = 32 * 1024 * 1024;
/** Commits in no graph are those since the last housekeeping. */
const MAX_OUTSIDE = 300;
/** Commits that the filters do not rule out; very many are so where filters are still to be made. */
const MAX_LOOKED = 2_000;
/** From one to the next of those where the answer is remembered, for searches that begin elsewhere and come by. */
const MARKED = 256;
const STEPS = 20_000;

/**
 * Where a commit has the path as one of its parents has it, the search goes on with that parent alone, as git's does. So
 * there is one way from each commit, and ways that meet stay together.
 */
export function createLastChange(graphs: GraphFiles, objects: ObjectStore): FindLastChange {
  const known = createLru<Oid>(MEMORY_BYTES);

  async function entryIn(path: string, tree: Oid, file: string): Promise<string> {
    const entry = await objects.entryAt(path, tree, file);
    return entry === null ? "" : `${entry.mode} ${entry.oid}`;
  }

  return async (path, start, file) => {
    const graph = await graphs.read(path);
    const hashes = hashPath(file);
    if (graph === null || !graph.hasPaths || hashes === null) return null;
    const keyOf = (commit: Oid | number): string => `${path} ${file}\0${commit}`;
    const passed: string[] = [keyOf(start)];
    const answer = (oid: Oid): Oid => {
      for (const key of passed) known.set(key, oid, key.length * 2 + 80);
      return oid;
    };

    let at: Oid | null = start;
    let outside = 0;
    let looked = 0;
    while (at !== null) {
      let position = graph.find(at);
      if (position === -1) {
        const remembered = known.get(keyOf(at));
        if (remembered !== undefined) return answer(remembered);
        outside += 1;
        const commit: Commit | null = outside > MAX_OUTSIDE ? null : await objects.commit(path, at);
        if (commit === null) return null;
        const own = await entryIn(path, commit.tree, file);
        let same: Oid | null = null;
        for (const parent of commit.parents) {
          const tree = await treeOf(path, graph, parent);
          if (tree === null) return null;
          if ((await entryIn(path, tree, file)) !== own) continue;
          same = parent;
          break;
        }
        if (same === null) return answer(at);
        at = same;
        continue;
      }
      for (let steps = 1; ; steps += 1) {
        if (position % MARKED === 0 || steps === 1) {
          const key = keyOf(graph.oidAt(position));
          const remembered = known.get(key);
          if (remembered !== undefined) return answer(remembered);
          passed.push(key);
        }
        if (steps % STEPS === 0) await yieldToOthers();
        const first = graph.firstParentAt(position);
        if (first === -1) return answer(graph.oidAt(position));
        if (!graph.mayHaveChanged(position, hashes)) {
          position = first;
          continue;
        }
        looked += 1;
        if (looked > MAX_LOOKED) return null;
        const parents = graph.parentsAt(position);
        // Both sides at once: each may take as long as git reads a tree.
        const [own, ofFirst] = await Promise.all(
          [position, first].map((commit) => entryIn(path, graph.treeAt(commit), file)),
        );
        let same = ofFirst === own ? first : -1;
        for (const parent of same === -1 ? parents.slice(1) : []) {
          if ((await entryIn(path, graph.treeAt(parent), file)) !== own) continue;
          same = parent;
          break;
        }
        if (same === -1) return answer(graph.oidAt(position));
        position = same;
      }
    }
    return null;
  };

  async function treeOf(path: string, graph: GraphFile, oid: Oid): Promise<Oid | null> {
    const position = graph.find(oid);
    if (position !== -1) return graph.treeAt(position);
    return (await objects.commit(path, oid))?.tree ?? null;
  }
}
