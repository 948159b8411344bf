import type { RefName } from "../ref-name.ts";
import type { RefChange, RefResult } from "../refs.ts";
import { byRef } from "./ref-plan.ts";

export interface SettledChanges {
  readonly changes: readonly RefChange[];
  readonly held: readonly RefResult[];
  /** For new refs that come once others are deleted: which. */
  readonly madeRoom: ReadonlyMap<RefName, readonly RefName[]>;
}

/**
 * Settles who may have a name: Git keeps no ref below another one's name (`refs/heads/x` and `refs/heads/x/y`), so a
 * ref whose place on the target is taken by one that stays is held; all others go on. `changes` come back in an order
 * that may be applied one by one: whatever stands in the way of a new ref is deleted before it. The default branch is
 * first otherwise, because hosts make the first branch they get their default; deletions are last, because what they
 * delete is judged by a default branch that should have arrived by then.
 */
export function settleNames(input: {
  readonly changes: readonly RefChange[];
  /** Every name that is taken on the target. */
  readonly target: Iterable<RefName>;
  readonly defaultBranch: RefName | null;
  /** Where the target is, as a message says it: `here` or `on the remote`. */
  readonly place: string;
}): SettledChanges {
  const created = new Set<RefName>();
  const deleted = new Set<RefName>();
  for (const { ref, action } of input.changes) {
    if (action === "create") created.add(ref);
    if (action === "delete") deleted.add(ref);
  }
  const inTheWay = findConflicts(created, input.target);

  const held: RefResult[] = [];
  const madeRoom = new Map<RefName, readonly RefName[]>();
  const cleared = new Set<RefName>();
  for (const change of input.changes) {
    const obstacles = inTheWay.get(change.ref) ?? [];
    const [obstacle] = obstacles.filter((ref) => !deleted.has(ref)).sort();
    if (obstacle === undefined) {
      if (obstacles.length > 0) madeRoom.set(change.ref, obstacles);
      for (const ref of obstacles) cleared.add(ref);
      continue;
    }
    held.push({
      ref: change.ref,
      outcome: "held",
      old: change.old,
      new: change.new,
      message: `The name conflicts with ${obstacle}, which exists ${input.place}: Git keeps no ref below another one's name. Rename or delete one of the two.`,
    });
  }
  const heldRefs = new Set(held.map(({ ref }) => ref));
  const beforeDefault = new Set(input.defaultBranch === null ? [] : inTheWay.get(input.defaultBranch));
  const rank = ({ ref, action }: RefChange) => {
    if (ref === input.defaultBranch) return 1;
    if (action !== "delete") return 3;
    if (beforeDefault.has(ref)) return 0;
    return cleared.has(ref) ? 2 : 4;
  };
  return {
    changes: input.changes
      .filter(({ ref }) => !heldRefs.has(ref))
      .sort((a, b) => rank(a) - rank(b) || byRef(a, b)),
    held,
    madeRoom,
  };
}

/** Whether Git cannot keep both names, because one would be a directory of the other. */
export function excludeEachOther(a: RefName, b: RefName): boolean {
  return a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/** For each new ref the existing ones whose names cannot stand beside it. */
function findConflicts(
  created: ReadonlySet<RefName>,
  existing: Iterable<RefName>,
): ReadonlyMap<RefName, readonly RefName[]> {
  const conflicts = new Map<RefName, RefName[]>();
  if (created.size === 0) return conflicts;
  const add = (ref: RefName, obstacle: RefName) => {
    const known = conflicts.get(ref);
    if (known === undefined) conflicts.set(ref, [obstacle]);
    else known.push(obstacle);
  };
  const newBelow = new Map<RefName, RefName[]>();
  for (const ref of created) {
    for (const parent of parentsOf(ref)) {
      const below = newBelow.get(parent);
      if (below === undefined) newBelow.set(parent, [ref]);
      else below.push(ref);
    }
  }
  for (const ref of existing) {
    for (const below of newBelow.get(ref) ?? []) add(below, ref);
    for (const parent of parentsOf(ref)) if (created.has(parent)) add(parent, ref);
  }
  return conflicts;
}

/** `refs/heads/a` and `refs/heads/a/b` for `refs/heads/a/b/c`: the names that this one makes directories of. */
function parentsOf(ref: RefName): RefName[] {
  // `refs/heads` and its like are directories always.
  let slash = ref.indexOf("/", ref.indexOf("/", "refs/".length) + 1);
  if (slash === -1) return NO_PARENTS;
  const parents: RefName[] = [];
  while (slash !== -1) {
    // What stands before a slash of a full ref name is one itself.
    parents.push(ref.slice(0, slash) as RefName);
    slash = ref.indexOf("/", slash + 1);
  }
  return parents;
}

const NO_PARENTS: RefName[] = [];
