import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Oid } from "../../domain/oid.ts";
import type { GraphFile } from "./commit-graph-file.ts";
import type { ObjectStore } from "./object-store.ts";
import { CHANGED, NEVER_THERE, type PathChanges } from "./path-changes.ts";

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
    /** Null: all commits are wanted, whatever they changed. */
    readonly changes: PathChanges | null;
    readonly firstParent: boolean;
    readonly count: number;
  },
): Promise<{ readonly oids: readonly Oid[]; readonly isWhole: boolean } | null> {
  const { changes, firstParent, count } = what;
  const queue: Node[] = [];
  /** Of the commits in the graph a bit each, as there may be very many. */
  const passed = new Uint8Array((graph.count >>> 3) + 1);
  const passedOutside = new Set<Oid>();
  const oids: Oid[] = [];
  let looked = 0;
  let turn = 0;
  let steps = 0;

  async function treeOf(oid: Oid): Promise<Oid | null> {
    const position = graph.find(oid);
    return position === -1 ? ((await objects.commit(path, oid))?.tree ?? null) : graph.treeAt(position);
  }

  /** False: somebody was there before. */
  function pass(position: number): boolean {
    const byte = passed[position >>> 3] ?? 0xff;
    const bit = 1 << (position & 7);
    passed[position >>> 3] = byte | bit;
    return (byte & bit) === 0;
  }

  function addPosition(position: number): void {
    if (pass(position)) {
      push(queue, { position, oid: null, seconds: graph.secondsAt(position), turn: turn++ });
    }
  }

  /** False: there is too much outside, or something is missing. */
  async function add(oid: Oid): Promise<boolean> {
    const position = graph.find(oid);
    if (position !== -1) {
      addPosition(position);
      return true;
    }
    if (passedOutside.has(oid)) return true;
    const commit = passedOutside.size >= MAX_OUTSIDE ? null : await objects.commit(path, oid);
    if (commit === null) return false;
    passedOutside.add(oid);
    push(queue, { position: -1, oid, seconds: commit.committer.seconds, turn: turn++ });
    return true;
  }

  /** While nobody else waits for a turn: down to a commit that may count. -1: somebody was there before. */
  function descend(from: number, by: PathChanges): number {
    let position = from;
    while (queue.length === 0 && steps < STEPS && by.known(position) === 1) {
      position = graph.firstParentAt(position);
      steps += 1;
      if (!pass(position)) return -1;
    }
    return position;
  }

  function follow(position: number, verdict: number): void {
    const first = graph.firstParentAt(position);
    const isChange = verdict === CHANGED || (firstParent && verdict > 1);
    if (isChange) oids.push(graph.oidAt(position));
    if (first === -1) return;
    if (firstParent || verdict === 1) addPosition(first);
    else if (!isChange) addPosition(graph.parentsAt(position)[verdict - 1] ?? first);
    else for (const parent of graph.parentsAt(position)) addPosition(parent);
  }

  async function visitOutside(oid: Oid): Promise<boolean> {
    const commit = await objects.commit(path, oid);
    if (commit === null) return false;
    const parents = firstParent ? commit.parents.slice(0, 1) : commit.parents;
    let verdict = CHANGED;
    if (changes !== null) {
      looked += 1;
      if (looked > MAX_LOOKED) return false;
      const trees: Oid[] = [];
      for (const parent of parents) {
        const tree = await treeOf(parent);
        if (tree === null) return false;
        trees.push(tree);
      }
      verdict = await changes.lookOutside(commit.tree, trees);
      if (verdict === 0) return false;
      if (verdict === NEVER_THERE) return true;
    }
    if (verdict === CHANGED) oids.push(oid);
    for (const parent of verdict === CHANGED ? parents : parents.slice(verdict - 1, verdict)) {
      if (!(await add(parent))) return false;
    }
    return true;
  }

  for (const tip of what.tips) if (!(await add(tip))) return null;
  for (let node = pop(queue); node !== undefined; node = pop(queue)) {
    if (oids.length === count) return { oids, isWhole: false };
    steps += 1;
    if (steps >= STEPS) {
      steps = 0;
      await yieldToOthers();
    }
    if (node.oid !== null) {
      if (!(await visitOutside(node.oid))) return null;
      continue;
    }
    const position = changes === null ? node.position : descend(node.position, changes);
    if (position === -1) continue;
    let verdict = changes === null ? CHANGED : changes.known(position);
    if (verdict === 0 && changes !== null) {
      looked += 1;
      verdict = looked > MAX_LOOKED ? 0 : await changes.look(position);
      if (verdict === 0) return null;
    }
    if (verdict !== NEVER_THERE) follow(position, verdict);
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
