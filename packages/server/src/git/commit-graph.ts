import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Oid } from "../domain/oid.ts";

/** Unlisted commits have no place: nothing is known of their parents. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

/**
 * Commits and their parents, as `git rev-list --topo-order --parents` lists them: every commit before all of its
 * ancestors. That order is what makes questions cheap: no way to `a` leads through a commit that is listed after `a`.
 */
export class CommitGraph {
  private readonly ids = new Map<string, number>();
  private readonly parents: (readonly number[])[] = [];
  /** By id: the line on which a commit was listed. */
  private readonly places: number[] = [];
  private listed = 0;
  /** By id: the walk that came by last. One array for all walks, never cleared. */
  private seen = new Uint32Array(0);
  private walk = 0;

  /** Takes one line: an oid and those of its parents. */
  add(line: string): void {
    const [id, ...parents] = line.split(" ").map((oid) => this.idOf(oid));
    if (id === undefined) return;
    this.parents[id] = parents;
    this.places[id] = this.listed;
    this.listed += 1;
  }

  /**
   * Those of `candidates` that are `descendant` or reachable from it by what was listed. Gives way to others now and
   * then, since a walk may be long.
   */
  async findAncestors(descendant: Oid, candidates: readonly Oid[]): Promise<ReadonlySet<Oid>> {
    const found = new Set<Oid>();
    const wanted = new Map<number, Oid>();
    let last = -1;
    for (const oid of candidates) {
      const id = this.ids.get(oid);
      if (id === undefined) continue;
      wanted.set(id, oid);
      last = Math.max(last, this.placeOf(id));
    }
    const start = this.ids.get(descendant);
    if (start === undefined || wanted.size === 0) return found;

    if (this.seen.length < this.parents.length) this.seen = new Uint32Array(this.parents.length);
    this.walk += 1;
    const { seen, walk } = this;
    const stack = [start];
    seen[start] = walk;
    let steps = 0;
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const oid = wanted.get(id);
      if (oid !== undefined) {
        found.add(oid);
        if (found.size === wanted.size) break;
      }
      if (this.placeOf(id) > last) continue;
      for (const parent of this.parents[id] ?? []) {
        if (seen[parent] === walk) continue;
        seen[parent] = walk;
        stack.push(parent);
      }
      steps += 1;
      if (steps % 200_000 === 0) await yieldToOthers();
    }
    return found;
  }

  /** How many of the listed commits are `tip` or reachable from it by what was listed. In whatever order that was. */
  async countFrom(tip: Oid): Promise<number> {
    const start = this.ids.get(tip);
    if (start === undefined || this.placeOf(start) === NOWHERE) return 0;
    if (this.seen.length < this.parents.length) this.seen = new Uint32Array(this.parents.length);
    this.walk += 1;
    const { seen, walk } = this;
    const stack = [start];
    seen[start] = walk;
    let count = 0;
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      count += 1;
      for (const parent of this.parents[id] ?? []) {
        if (seen[parent] === walk || this.placeOf(parent) === NOWHERE) continue;
        seen[parent] = walk;
        stack.push(parent);
      }
      if (count % 200_000 === 0) await yieldToOthers();
    }
    return count;
  }

  private placeOf(id: number): number {
    return this.places[id] ?? NOWHERE;
  }

  private idOf(oid: string): number {
    const known = this.ids.get(oid);
    if (known !== undefined) return known;
    const id = this.parents.length;
    this.ids.set(oid, id);
    this.parents.push([]);
    this.places.push(NOWHERE);
    return id;
  }
}
