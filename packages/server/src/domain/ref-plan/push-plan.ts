import type { MirrorDeletions } from "@heliostat/contract";
import { assertNever } from "../errors.ts";
import type { RefFilter } from "../ref-filter.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefResult } from "../refs.ts";
import type { AncestryAnswers } from "./ancestry.ts";
import { type Comparison, compareRefs, type ExtraRef, findExtraRefs } from "./compare-refs.ts";
import { settleNames } from "./name-conflicts.ts";
import { byRef, failureOn, NO_DELETIONS, type PlannedDeletions, type RefPlan } from "./ref-plan.ts";

export interface PushSides {
  readonly ours: LocalRefs;
  readonly theirs: AdvertisedRefs;
  readonly wants: RefFilter;
  /** Leave refs alone that have diverged on the remote, and delete nothing there unless told to by `deletions`. */
  readonly keepDivergentRefs: boolean;
  /** What only the remote has: `default` deletes what our default branch contains, `always` all of it. */
  readonly deletions: MirrorDeletions;
}

export interface PushPlanInput extends PushSides {
  readonly ancestry: AncestryAnswers;
}

const DIVERGED =
  "The remote's value is not part of ours, and this mirror keeps divergent refs. Merge it here, or let the mirror overwrite it.";

/**
 * What a push mirror has to do on its remote. New refs are created, moved ones follow ours: as a fast-forward, else
 * by force or, where divergent refs are kept, not at all. A ref that only the remote has is deleted, unless told
 * otherwise, if our default branch exists and contains it; what is not known to be contained stays. Where all such
 * refs are to go, none goes while our side has no default branch or no branch to mirror: an empty source must not
 * wipe its downstreams. `object-format-mismatch` when no mirroring is possible. Asks the same questions whatever the
 * answers are.
 *
 * Deviation from GitLab: the remote's default branch is never deleted (git would refuse, and fail the whole push), a
 * moved tag is judged like a branch, and a name conflict holds one ref instead of the whole update.
 */
export function planPush({ ancestry, ...sides }: PushPlanInput): RefPlan {
  return preparePush(sides)(ancestry);
}

/** `planPush` in two steps: the sides are compared once, however often it is planned. */
export function preparePush(sides: PushSides): (ancestry: AncestryAnswers) => RefPlan {
  const compared = compareRefs(sides.ours, sides.theirs, sides.wants);
  const extra = sides.deletions === "never" ? [] : findExtraRefs(sides.ours, sides.theirs, sides.wants);
  return (ancestry) => planCompared({ ...sides, compared, extra, ancestry });
}

interface ComparedSides extends PushPlanInput {
  readonly compared: Comparison;
  /** What is to be deleted, if nothing speaks against it. */
  readonly extra: readonly ExtraRef[];
}

function planCompared(input: ComparedSides): RefPlan {
  const { ours, theirs, ancestry, compared } = input;
  const changes: RefChange[] = compared.missing.map(({ ref, source }) => ({
    ref,
    action: "create",
    old: null,
    new: source,
  }));
  const diverged: RefResult[] = [];
  for (const { ref, source, target } of compared.differing) {
    const change = { ref, old: target, new: source };
    const isForward = ancestry({ ancestor: target, descendant: source }) === "yes";
    if (isForward) changes.push({ ...change, action: "fast-forward" });
    else if (!input.keepDivergentRefs) changes.push({ ...change, action: "force" });
    else diverged.push({ ...change, outcome: "diverged", message: DIVERGED });
  }

  const { deletions, notes } = planDeletions(input);
  const settled = settleNames({
    changes: [...changes, ...deletions],
    target: theirs.refs.keys(),
    defaultBranch: ours.head,
    place: "on the remote",
  });
  const held = [...diverged, ...settled.held].sort(byRef);
  return {
    changes: settled.changes,
    held,
    upToDate: compared.upToDate,
    skipped: compared.skipped,
    notes: [...compared.notes, ...notes],
    failures: [
      ...failureOn(
        "Some refs have diverged and have not been updated on the remote:",
        held.filter(isDiverged),
      ),
      ...failureOn(
        "Some refs conflict with names on the remote and have not been created there:",
        held.filter(isHeld),
      ),
    ],
  };
}

function planDeletions(input: ComparedSides): PlannedDeletions {
  switch (input.deletions) {
    case "never":
      return NO_DELETIONS;
    case "always":
      return planAllDeletions(input);
    case "default":
      return input.keepDivergentRefs ? NO_DELETIONS : planMergedDeletions(input);
    default:
      return assertNever(input.deletions);
  }
}

/** GitLab's rule: what our default branch contains. */
function planMergedDeletions({ ours, theirs, extra, ancestry }: ComparedSides): PlannedDeletions {
  const defaultTip = ours.head === null ? undefined : ours.refs.get(ours.head);
  if (defaultTip === undefined) return NO_DELETIONS;
  const merged = extra.filter(
    ({ target }) => ancestry({ ancestor: target, descendant: defaultTip }) === "yes",
  );
  return keepRemoteDefault(theirs, merged);
}

function planAllDeletions({ ours, theirs, extra, compared }: ComparedSides): PlannedDeletions {
  if (extra.length === 0) return NO_DELETIONS;
  if (ours.head === null || !ours.refs.has(ours.head)) {
    const notes = ["Our default branch does not exist, so nothing is deleted on the remote."];
    return { deletions: [], notes };
  }
  if (compared.carriedBranches === 0) {
    const notes = ["There is no branch here that this mirror carries, so nothing is deleted on the remote."];
    return { deletions: [], notes };
  }
  return keepRemoteDefault(theirs, extra);
}

/** Deviation from GitLab: git would refuse to delete the branch that the remote's HEAD points at. */
function keepRemoteDefault(theirs: AdvertisedRefs, extra: readonly ExtraRef[]): PlannedDeletions {
  const deletions: RefChange[] = [];
  const notes: string[] = [];
  for (const { ref, target } of extra) {
    if (ref === theirs.head)
      notes.push(`${ref} is gone here but kept on the remote, whose default branch it is.`);
    else deletions.push({ ref, action: "delete", old: target, new: null });
  }
  return { deletions, notes };
}

function isDiverged({ outcome }: RefResult): boolean {
  return outcome === "diverged";
}

function isHeld({ outcome }: RefResult): boolean {
  return outcome === "held";
}
