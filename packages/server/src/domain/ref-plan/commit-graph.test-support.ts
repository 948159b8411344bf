import assert from "node:assert/strict";
import { MIRROR_DELETIONS, type MirrorDeletions } from "@heliostat/contract";
import fc from "fast-check";
import { type Oid, parseOid } from "../oid.ts";
import type { RefFilter } from "../ref-filter.ts";
import { parseRefName, type RefName } from "../ref-name.ts";
import type { AdvertisedRef, AdvertisedRefs, LocalRefs, RefChange } from "../refs.ts";
import type { AncestryAnswers } from "./ancestry.ts";

/** An object graph in memory: object n leads to the lower numbers listed. What is no commit is an annotated tag. */
export interface CommitGraph {
  readonly edges: readonly (readonly number[])[];
  readonly commits: number;
}

/** The oid by which the tests know the object of this number. */
export function oidOf(object: number): Oid {
  return parseOid(`c0ffee${object.toString(16).padStart(34, "0")}`);
}

function objectOf(oid: Oid): number {
  return Number.parseInt(oid.slice(6), 16);
}

/** Everything that the tips lead to, themselves included. */
export function reachableFrom(graph: CommitGraph, tips: Iterable<Oid>): Set<Oid> {
  const found = new Set<Oid>();
  const rest = [...tips];
  for (let oid = rest.pop(); oid !== undefined; oid = rest.pop()) {
    if (found.has(oid)) continue;
    found.add(oid);
    rest.push(...(graph.edges[objectOf(oid)] ?? []).map(oidOf));
  }
  return found;
}

/** The truth about the graph, as far as a repository knows that holds the objects in `store`. */
export function exactAnswers(graph: CommitGraph, store: ReadonlySet<Oid>): AncestryAnswers {
  const isKnownCommit = (oid: Oid) => store.has(oid) && objectOf(oid) < graph.commits;
  return ({ ancestor, descendant }) => {
    if (!isKnownCommit(ancestor) || !isKnownCommit(descendant)) return "unknown";
    return reachableFrom(graph, [descendant]).has(ancestor) ? "yes" : "no";
  };
}

/** Refs by name and object number, such as `{ "refs/heads/main": 3 }`. */
export type RefTable = Readonly<Record<string, number>>;

/** A repository of ours with these refs. */
export function localRefs(
  table: RefTable,
  head: string | null = "refs/heads/main",
  symrefs: readonly string[] = [],
): LocalRefs {
  const refs = Object.entries(table).map(([name, object]) => [parseRefName(name), oidOf(object)] as const);
  return {
    objectFormat: "sha1",
    refs: new Map(refs),
    symrefs: new Set(symrefs.map(parseRefName)),
    head: head === null ? null : parseRefName(head),
  };
}

/** A remote that advertises these refs. */
export function advertisedRefs(
  table: RefTable,
  options: { head?: string; symrefs?: Readonly<Record<string, string>>; peeled?: RefTable } = {},
): AdvertisedRefs {
  const refs = new Map<RefName, AdvertisedRef>();
  for (const [name, object] of Object.entries(table)) {
    const symref = options.symrefs?.[name];
    const peeled = options.peeled?.[name];
    refs.set(parseRefName(name), {
      oid: oidOf(object),
      ...(symref === undefined ? {} : { symref: parseRefName(symref) }),
      ...(peeled === undefined ? {} : { peeled: oidOf(peeled) }),
    });
  }
  return { objectFormat: "sha1", refs, head: options.head === undefined ? null : parseRefName(options.head) };
}

/** Applies changes one by one as git would: each against its old value, and never two refs that cannot coexist. */
export function applyOneByOne(
  before: ReadonlyMap<RefName, Oid>,
  changes: readonly RefChange[],
): Map<RefName, Oid> {
  const refs = new Map(before);
  for (const change of changes) {
    assert.equal(refs.get(change.ref) ?? null, change.old, `the old value of ${change.ref}`);
    if (change.new === null) refs.delete(change.ref);
    else {
      for (const name of refs.keys()) {
        assert.ok(!areInConflict(name, change.ref), `${change.ref} is written while ${name} exists`);
      }
      refs.set(change.ref, change.new);
    }
  }
  return refs;
}

function areInConflict(a: string, b: string): boolean {
  return a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/** Two repositories over one graph, with what a plan between them is asked for. */
export interface RandomMirror {
  readonly graph: CommitGraph;
  readonly ours: LocalRefs;
  readonly theirs: AdvertisedRefs;
  /** What our repository holds: all that our refs lead to, and at times more. */
  readonly store: ReadonlySet<Oid>;
  readonly wants: RefFilter;
  /** `keepDivergentRefs` or `overwriteDivergedBranches`. */
  readonly option: boolean;
  readonly deletions: MirrorDeletions;
  readonly followDefaultBranch: boolean;
  readonly mayChangeTag: (tag: RefName) => boolean;
  readonly mayChangeBranch: (branch: RefName) => boolean;
}

export const everything: RefFilter = { branch: () => true, tag: () => true };

const BRANCHES = ["main", "a", "a/b", "a/b/c", "a/d", "b", "main/x"].map((name) => `refs/heads/${name}`);
const TAGS = ["v1", "v1/x", "v2", "v3"].map((name) => `refs/tags/${name}`);
const OTHERS = ["refs/notes/commits", "refs/pull/1/head"];

/** Small on purpose: with few commits and names that clash, equal, merged, diverged and blocked refs all come up. */
export const randomMirror: fc.Arbitrary<RandomMirror> = fc
  .record({
    parents: fc.array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 1, maxLength: 10 }),
    tagged: fc.array(fc.nat(), { maxLength: 3 }),
    ours: fc.array(fc.tuple(fc.constantFrom(...BRANCHES, ...TAGS), fc.nat()), { maxLength: 8 }),
    theirs: fc.array(fc.tuple(fc.constantFrom(...BRANCHES, ...TAGS, ...OTHERS), fc.nat()), { maxLength: 8 }),
    symbolic: fc.option(fc.constantFrom(...BRANCHES), { freq: 5 }),
    ourSymbolic: fc.option(fc.constantFrom(...BRANCHES), { freq: 5 }),
    ourHead: fc.option(fc.constantFrom("refs/heads/main", "refs/heads/main", ...BRANCHES), { freq: 8 }),
    theirHead: fc.option(fc.constantFrom("refs/heads/main", ...BRANCHES), { freq: 3 }),
    unwanted: fc.subarray([...BRANCHES, ...TAGS]),
    filtered: fc.boolean(),
    protectedTags: fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.subarray(TAGS)),
    deletions: fc.constantFrom(...MIRROR_DELETIONS),
    followDefaultBranch: fc.boolean(),
    alsoKnown: fc.array(fc.nat(), { maxLength: 2 }),
    option: fc.boolean(),
  })
  .map((seed) => {
    const commits = seed.parents.length;
    const edges = [
      ...seed.parents.map((parents, at) => (at === 0 ? [] : parents.map((parent) => parent % at))),
      ...seed.tagged.map((object) => [object % commits]),
    ];
    const graph = { edges, commits };
    const ourSymrefs = seed.ourSymbolic === null ? [] : [seed.ourSymbolic];
    const tableOf = (entries: readonly [string, number][], taken: readonly string[]) => {
      const table: Record<string, number> = {};
      for (const [name, object] of entries) {
        const others = [...Object.keys(table), ...taken];
        if (taken.includes(name) || others.some((other) => areInConflict(other, name))) continue;
        table[name] = object % (TAGS.includes(name) ? edges.length : commits);
      }
      return table;
    };
    const ours = localRefs(tableOf(seed.ours, ourSymrefs), seed.ourHead, ourSymrefs);
    const theirs = advertisedRefs(tableOf(seed.theirs, []), {
      ...(seed.theirHead === null ? {} : { head: seed.theirHead }),
      symrefs: seed.symbolic === null ? {} : { [seed.symbolic]: "refs/heads/main" },
    });
    const alsoKnown = seed.alsoKnown.map((object) => oidOf(object % edges.length));
    const store = reachableFrom(graph, [...ours.refs.values(), ...alsoKnown]);
    const unwanted = new Set<string>(seed.filtered ? seed.unwanted : []);
    const isWanted = (ref: RefName) => !unwanted.has(ref);
    const isProtected = new Set<string>(seed.protectedTags);
    return {
      ...{ graph, ours, theirs, store, wants: { branch: isWanted, tag: isWanted } },
      ...{ option: seed.option, deletions: seed.deletions, followDefaultBranch: seed.followDefaultBranch },
      mayChangeTag: (tag) => !isProtected.has(tag),
      mayChangeBranch: () => true,
    };
  });
