import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Commit } from "../../app/ports.ts";
import type { Oid } from "../../domain/oid.ts";
import type { GraphFile, GraphFiles } from "./commit-graph-file.ts";
import { createLru } from "./lru.ts";
import type { ObjectStore } from "./object-store.ts";
import type { OpenPathChanges } from "./path-changes.ts";

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
export function createLastChange(
  graphs: GraphFiles,
  objects: ObjectStore,
  openChanges: OpenPathChanges,
): FindLastChange {
  const known = createLru<Oid>(MEMORY_BYTES);

  return async (path, start, file) => {
    const graph = await graphs.read(path);
    const changes = graph === null ? null : openChanges(path, graph, file);
    if (graph === null || changes === null) return null;
    const keyOf = (commit: Oid | number): string => `${path} ${file}\0${commit}`;
    const passed: string[] = [keyOf(start)];
    const answer = (oid: Oid): Oid => {
      for (const key of passed) known.set(key, oid, key.length * 2 + 80);
      return oid;
    };

    let at = start;
    let outside = 0;
    let looked = 0;
    for (;;) {
      let position = graph.find(at);
      if (position === -1) {
        const remembered = known.get(keyOf(at));
        if (remembered !== undefined) return answer(remembered);
        outside += 1;
        const commit: Commit | null = outside > MAX_OUTSIDE ? null : await objects.commit(path, at);
        if (commit === null) return null;
        const trees: Oid[] = [];
        for (const parent of commit.parents) {
          const tree = await treeOf(path, graph, parent);
          if (tree === null) return null;
          trees.push(tree);
        }
        const verdict = await changes.lookOutside(commit.tree, trees);
        if (verdict === 0) return null;
        const same: Oid | undefined = commit.parents[verdict - 1];
        if (same === undefined) return answer(at);
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
        let verdict = changes.known(position);
        if (verdict === 0) {
          looked += 1;
          verdict = looked > MAX_LOOKED ? 0 : await changes.look(position);
          if (verdict === 0) return null;
        }
        const same = verdict === 1 ? first : graph.parentsAt(position)[verdict - 1];
        if (same === undefined) return answer(graph.oidAt(position));
        position = same;
      }
    }
  };

  async function treeOf(path: string, graph: GraphFile, oid: Oid): Promise<Oid | null> {
    const position = graph.find(oid);
    if (position !== -1) return graph.treeAt(position);
    return (await objects.commit(path, oid))?.tree ?? null;
  }
}
