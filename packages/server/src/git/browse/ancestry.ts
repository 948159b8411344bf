import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Asker, Distance } from "../../app/ports.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";
import type { Git } from "../run-git.ts";
import type { GraphFile, GraphFiles } from "./commit-graph-file.ts";
import { createLru } from "./lru.ts";
import type { Quick } from "./quick-git.ts";

/** Answers which commit comes after which. It never changes, so that it is remembered. */
export interface Ancestry {
  findMerged(path: string, commits: readonly Oid[], of: Oid, asker: Asker): Promise<ReadonlySet<Oid>>;
  /** Commits that only `from` has, and only `to`. Null: they cannot be compared. */
  measureDistance(path: string, from: Oid, to: Oid, asker: Asker): Promise<Distance | null>;
  mergeBase(path: string, commits: readonly Oid[], asker: Asker): Promise<Oid | null>;
}

const MEMORY_BYTES = 16 * 1024 * 1024;

/** Of a graph's commits, those that one of them has in its history: a bit for each. */
const REACHED_BYTES = 8 * 1024 * 1024;
const STEPS = 20_000;

/** Asks the commit-graph where there is one, and git for what it does not tell. */
export function createAncestry(git: Git, quick: Quick, graphs: GraphFiles): Ancestry {
  const reachedFrom = createLru<{ readonly graph: GraphFile; readonly bits: Uint8Array }>(REACHED_BYTES);

  async function reach(path: string, graph: GraphFile, start: number): Promise<Uint8Array> {
    const key = `${path} ${start}`;
    const known = reachedFrom.get(key);
    if (known?.graph === graph) return known.bits;
    const bits = new Uint8Array((graph.count >>> 3) + 1);
    const stack = [start];
    let steps = 0;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const byte = at >>> 3;
      const bit = 1 << (at & 7);
      const before = bits[byte] ?? 0xff;
      if ((before & bit) !== 0) continue;
      bits[byte] = before | bit;
      stack.push(...graph.parentsAt(at));
      steps += 1;
      if (steps % STEPS === 0) await yieldToOthers();
    }
    reachedFrom.set(key, { graph, bits }, bits.length);
    return bits;
  }

  /** Takes out those that the graph alone can tell of. */
  async function askGraph(path: string, open: readonly Oid[], of: Oid, found: Set<Oid>): Promise<Oid[]> {
    const graph = await graphs.read(path);
    const start = graph?.find(of) ?? -1;
    if (graph === null || start === -1) return [...open];
    const bits = await reach(path, graph, start);
    return open.filter((oid) => {
      const position = graph.find(oid);
      // What the graph does not have is newer than all that it has: nothing in it leads there.
      if (position === -1) return false;
      if (((bits[position >>> 3] ?? 0) & (1 << (position & 7))) !== 0) found.add(oid);
      return false;
    });
  }

  const merged = createLru<boolean>(MEMORY_BYTES);
  const distances = createLru<Distance>(MEMORY_BYTES);

  return {
    async findMerged(path, commits, of, asker) {
      const keyOf = (oid: Oid): string => `${path} ${oid} ${of}`;
      const found = new Set<Oid>();
      const open: Oid[] = [];
      for (const oid of new Set(commits)) {
        const known = oid === of ? true : merged.get(keyOf(oid));
        if (known === undefined) open.push(oid);
        else if (known) found.add(oid);
      }
      const left = await askGraph(path, open, of, found);
      if (left.length === 0) return found;
      // Of the tips, those that have something that `of` has not.
      const { stdout } = await quick.within(asker, ["merged", path, of, ...left], (limits) =>
        git.run({
          gitDir: path,
          args: ["rev-list", "--stdin"],
          input: `${left.join("\n")}\n^${of}\n`,
          ...limits,
        }),
      );
      const unmerged = new Set(stdout.toString("latin1").split("\n"));
      for (const oid of left) {
        const isMerged = !unmerged.has(oid);
        merged.set(keyOf(oid), isMerged, 150);
        if (isMerged) found.add(oid);
      }
      return found;
    },
    async measureDistance(path, from, to, asker) {
      if (from === to) return { ahead: 0, behind: 0 };
      const key = `${path} ${from} ${to}`;
      const known = distances.get(key);
      if (known !== undefined) return known;
      const { exitCode, stdout } = await quick.within(asker, ["distance", path, from, to], (limits) =>
        git.run({
          gitDir: path,
          args: ["rev-list", "--left-right", "--count", `${from}...${to}`, "--"],
          ...limits,
          expect: [128],
        }),
      );
      const [, ahead, behind] = /^(\d+)\t(\d+)/.exec(stdout.toString("latin1")) ?? [];
      if (exitCode !== 0 || ahead === undefined) return null;
      const distance = { ahead: Number(ahead), behind: Number(behind) };
      distances.set(key, distance, 200);
      return distance;
    },
    async mergeBase(path, commits, asker) {
      const { exitCode, stdout } = await quick.within(asker, ["merge-base", path, ...commits], (limits) =>
        git.run({ gitDir: path, args: ["merge-base", "--octopus", ...commits], ...limits, expect: [1] }),
      );
      return exitCode === 0 ? parseOid(stdout.toString("latin1").trim()) : null;
    },
  };
}
