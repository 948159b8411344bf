import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Oid } from "../../domain/oid.ts";
import { type GraphFile, hashPath } from "./commit-graph-file.ts";
import type { ObjectStore } from "./object-store.ts";

/** Commits that filters do not rule out; very many are so where filters are still to be made. */
const MAX_LOOKED = 3_000;
/** How many commits that are in no graph are looked at one by one; more are git's to walk. */
const MAX_OUTSIDE = 2_000;
/** Between two looks whether others have something to do. */
const STEPS = 5_000;

interface Node {
  readonly position: number;
  /** Only where it is in no graph. */
  readonly oid: Oid | null;
  readonly seconds: number;
  /** The order of arrival decides between commits of the same second, as in git. */
  readonly turn: number;
}

/**
 * The first `count` commits of a history and whether more follow, the newest first, as `git rev-list` lists them: by the
 * graph where it has them. Of a path only what changed it: where a commit has it as one of its parents has it, that parent
 * alone is followed, as git does. Null where git had better walk: too much is outside of the graph.
 */
export async function walkCommits(
  path: string,
  graph: GraphFile,
  objects: ObjectStore,
  what: {
    readonly tips: readonly Oid[];
    /** Empty: all that there is. */
    readonly file: string;
    readonly firstParent: boolean;
    readonly count: number;
  },
): Promise<{ readonly oids: readonly Oid[]; readonly isWhole: boolean } | null> {
  const queue: Node[] = [];
  const seen = new Set<number | Oid>();
  const oids: Oid[] = [];
  const hashes = what.file === "" ? null : hashPath(what.file);
  if (what.file !== "" && (hashes === null || !graph.hasPaths)) return null;
  let outside = 0;
  let looked = 0;
  let turn = 0;
  let steps = 0;

  async function entryIn(tree: Oid): Promise<string> {
    const entry = await objects.entryAt(path, tree, what.file);
    return entry === null ? "" : `${entry.mode} ${entry.oid}`;
  }

  async function treeOf(oid: Oid): Promise<Oid | null> {
    const position = graph.find(oid);
    return position === -1 ? ((await objects.commit(path, oid))?.tree ?? null) : graph.treeAt(position);
  }

  /** The parent that has the path as the commit has it; `none`; `missing`: one of them is. */
  async function findSame(tree: Oid, parents: readonly Oid[]): Promise<Oid | "none" | "missing"> {
    const own = await entryIn(tree);
    for (const parent of parents) {
      const other = await treeOf(parent);
      if (other === null) return "missing";
      if ((await entryIn(other)) === own) return parent;
    }
    // A first commit without the path has not changed it.
    return parents.length === 0 && own === "" ? "missing" : "none";
  }

  /** False: there is too much outside, or something is missing. */
  async function add(oid: Oid): Promise<boolean> {
    const position = graph.find(oid);
    if (position !== -1) {
      addPosition(position);
      return true;
    }
    if (seen.has(oid)) return true;
    outside += 1;
    const commit = outside > MAX_OUTSIDE ? null : await objects.commit(path, oid);
    if (commit === null) return false;
    seen.add(oid);
    push(queue, { position: -1, oid, seconds: commit.committer.seconds, turn: turn++ });
    return true;
  }

  function addPosition(position: number): void {
    if (seen.has(position)) return;
    seen.add(position);
    push(queue, { position, oid: null, seconds: graph.secondsAt(position), turn: turn++ });
  }

  for (const tip of what.tips) if (!(await add(tip))) return null;
  for (let node = pop(queue); node !== undefined; node = pop(queue)) {
    if (oids.length === what.count) return { oids, isWhole: false };
    steps += 1;
    if (steps % STEPS === 0) await yieldToOthers();
    if (node.oid === null) {
      const { position } = node;
      const first = graph.firstParentAt(position);
      if (hashes !== null && first !== -1 && !graph.mayHaveChanged(position, hashes)) {
        addPosition(first);
        continue;
      }
      if (hashes === null) {
        oids.push(graph.oidAt(position));
        if (!what.firstParent) for (const parent of graph.parentsAt(position)) addPosition(parent);
        else if (first !== -1) addPosition(first);
        continue;
      }
    }
    const oid = node.oid ?? graph.oidAt(node.position);
    const commit = node.oid === null ? null : await objects.commit(path, oid);
    const all = commit?.parents ?? graph.parentsAt(node.position).map((parent) => graph.oidAt(parent));
    const parents = what.firstParent ? all.slice(0, 1) : all;
    if (hashes !== null) {
      looked += 1;
      if (looked > MAX_LOOKED) return null;
      const same = await findSame(commit?.tree ?? graph.treeAt(node.position), parents);
      if (same === "missing") {
        if (parents.length > 0) return null;
        continue;
      }
      if (same !== "none") {
        if (!(await add(same))) return null;
        continue;
      }
    }
    oids.push(oid);
    for (const parent of parents) if (!(await add(parent))) return null;
  }
  return { oids, isWhole: true };
}

/** A heap: the newest on top. */
function push(heap: Node[], node: Node): void {
  let at = heap.length;
  heap.push(node);
  while (at > 0) {
    const above = (at - 1) >>> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(node, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = node;
}

function pop(heap: Node[]): Node | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const isRight = right !== undefined && left !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (child === undefined || !isBefore(child, last)) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
  return top;
}

function isBefore(a: Node, b: Node): boolean {
  return a.seconds === b.seconds ? a.turn < b.turn : a.seconds > b.seconds;
}
