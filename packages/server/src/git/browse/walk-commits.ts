import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Oid } from "../../domain/oid.ts";
import type { GraphFile } from "./commit-graph-file.ts";
import type { ObjectStore } from "./object-store.ts";

/** How many commits that are in no graph are looked at one by one; more are git's to walk. */
const MAX_OUTSIDE = 2_000;
/** Between two looks whether others have something to do. */
const STEPS = 20_000;

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
 * graph where it has them. Null where git had better walk: too much is outside of it.
 */
export async function walkCommits(
  path: string,
  graph: GraphFile,
  objects: ObjectStore,
  what: { readonly tips: readonly Oid[]; readonly firstParent: boolean; readonly count: number },
): Promise<{ readonly oids: readonly Oid[]; readonly isWhole: boolean } | null> {
  const queue: Node[] = [];
  const seen = new Set<number | Oid>();
  const oids: Oid[] = [];
  let outside = 0;
  let turn = 0;

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
    if (node.oid === null) {
      oids.push(graph.oidAt(node.position));
      if (what.firstParent) {
        const parent = graph.firstParentAt(node.position);
        if (parent !== -1) addPosition(parent);
      } else {
        for (const parent of graph.parentsAt(node.position)) addPosition(parent);
      }
    } else {
      oids.push(node.oid);
      const parents = (await objects.commit(path, node.oid))?.parents ?? [];
      for (const parent of what.firstParent ? parents.slice(0, 1) : parents) {
        if (!(await add(parent))) return null;
      }
    }
    if (oids.length % STEPS === 0) await yieldToOthers();
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
