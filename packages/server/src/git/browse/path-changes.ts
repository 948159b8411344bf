import type { Oid } from "../../domain/oid.ts";
import { type GraphFile, hashPath } from "./commit-graph-file.ts";
import { createLru } from "./lru.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * What each commit of a graph did to one path. It never changes, so that it is remembered, two bytes for each
 * commit: who asks for the history of a directory asks again, from another branch.
 *
 * A verdict is `CHANGED`, `NEVER_THERE`, or the number of the parent that has the path as the commit has it, beginning
 * with 1: git goes on with the first such parent alone. 0: not known.
 */
export interface PathChanges {
  /** The verdict where it is remembered or a filter tells. */
  known(position: number): number;
  /** The verdict after a look at the trees; 0: one of them is missing. */
  look(position: number): Promise<number>;
  /** The same of a commit that is in no graph, by its tree and those of its parents. */
  lookOutside(tree: Oid, ofParents: readonly Oid[]): Promise<number>;
}

/** Null: the filters of the graph cannot be asked for such a path. */
export type OpenPathChanges = (path: string, graph: GraphFile, file: string) => PathChanges | null;

/** A first commit, without the path. */
export const NEVER_THERE = -2;
export const CHANGED = -1;
/** What cannot be written in two bytes is looked at each time. */
const MOST_PARENTS = 0x7fff;
const MEMORY_BYTES = 32 * 1024 * 1024;

export function createPathChanges(objects: ObjectStore): OpenPathChanges {
  const tables = createLru<{ readonly graph: GraphFile; readonly verdicts: Int16Array }>(MEMORY_BYTES);

  function tableOf(path: string, graph: GraphFile, file: string): Int16Array {
    const key = `${path} ${file}`;
    const known = tables.get(key);
    if (known?.graph === graph) return known.verdicts;
    const verdicts = new Int16Array(graph.count);
    tables.set(key, { graph, verdicts }, verdicts.byteLength);
    return verdicts;
  }

  /** Goes down both trees at once, for each may take as long as git reads it, and no further than they differ. Null: one is missing. */
  async function isSame(
    path: string,
    tree: Oid,
    other: Oid,
    parts: readonly string[],
  ): Promise<boolean | null> {
    let [left, right] = [tree, other];
    for (const [index, part] of parts.entries()) {
      if (left === right) return true;
      const trees = await Promise.all([objects.tree(path, left), objects.tree(path, right)]);
      if (trees.includes(null)) return null;
      const [a, b] = trees.map((entries) => entries?.find(({ name }) => name === part));
      if (index === parts.length - 1) return a?.oid === b?.oid && a?.mode === b?.mode;
      const below = [a, b].flatMap((entry) => (entry?.type === "tree" ? [entry.oid] : []));
      const [first, second] = below;
      if (first === undefined) return true;
      if (second === undefined) {
        return (await objects.entryAt(path, first, parts.slice(index + 1).join("/"))) === null;
      }
      [left, right] = [first, second];
    }
    return left === right;
  }

  return (path, graph, file) => {
    const hashes = hashPath(file);
    if (hashes === null || !graph.hasPaths) return null;
    const verdicts = tableOf(path, graph, file);
    const parts = file.split("/");

    async function judge(tree: Oid, ofParents: readonly Oid[]): Promise<number> {
      for (const [index, other] of ofParents.entries()) {
        const found = await isSame(path, tree, other, parts);
        if (found === null) return 0;
        if (found) return index + 1;
      }
      if (ofParents.length > 0) return CHANGED;
      return (await objects.entryAt(path, tree, file)) === null ? NEVER_THERE : CHANGED;
    }

    return {
      known(position) {
        const verdict = verdicts[position] ?? 0;
        if (verdict !== 0) return verdict;
        if (graph.firstParentAt(position) === -1 || graph.mayHaveChanged(position, hashes)) return 0;
        verdicts[position] = 1;
        return 1;
      },
      async look(position) {
        const ofParents = graph.parentsAt(position).map((parent) => graph.treeAt(parent));
        const verdict = await judge(graph.treeAt(position), ofParents);
        if (verdict <= MOST_PARENTS) verdicts[position] = verdict;
        return verdict;
      },
      lookOutside: judge,
    };
  };
}
