import type { RefName } from "../ref-name.ts";
import type { RefChange, RefResult } from "../refs.ts";
import { byRef, type RefPlan } from "./ref-plan.ts";

/** The changes of a plan in their order, in two steps: `later` waits until the target's default branch is what it is to be. */
export function splitAtDefault({ changes, afterDefault }: Pick<RefPlan, "changes" | "afterDefault">): {
  readonly first: readonly RefChange[];
  readonly later: readonly RefChange[];
} {
  if (afterDefault.size === 0) return { first: changes, later: [] };
  return {
    first: changes.filter(({ ref }) => !afterDefault.has(ref)),
    later: changes.filter(({ ref }) => afterDefault.has(ref)),
  };
}

/** These deletions, and the new refs that they make room for. */
export function withWhatFollows(
  deletions: readonly RefChange[],
  madeRoom: ReadonlyMap<RefName, readonly RefName[]>,
): ReadonlySet<RefName> {
  const refs = new Set(deletions.map(({ ref }) => ref));
  for (const [ref, obstacles] of madeRoom) {
    if (obstacles.some((obstacle) => refs.has(obstacle))) refs.add(ref);
  }
  return refs;
}

/** What waited in vain is left as it is. `place` is the target, as a message says it; `because` a whole clause. */
export function holdChanges(
  changes: readonly RefChange[],
  { place, because }: { readonly place: string; readonly because: string },
): RefResult[] {
  return changes.toSorted(byRef).map(({ ref, action, old, new: oid }) => ({
    ref,
    outcome: "held",
    old,
    new: oid,
    message:
      action === "delete"
        ? `The source no longer has it, but it is kept ${place}: ${because}.`
        : `A ref in its way is kept ${place}: ${because}.`,
  }));
}
