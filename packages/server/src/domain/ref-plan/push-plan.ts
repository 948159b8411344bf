import type { MirrorDeletions } from "@heliostat/contract";
import { assertNever } from "../errors.ts";
import type { RefFilter } from "../ref-filter.ts";
import { type RefName, shortName } from "../ref-name.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefResult } from "../refs.ts";
import { holdChanges, withWhatFollows } from "./after-default.ts";
import type { AncestryAnswers } from "./ancestry.ts";
import { type Comparison, compareRefs, type ExtraRef, findExtraRefs } from "./compare-refs.ts";
import { excludeEachOther, type SettledChanges, settleNames } from "./name-conflicts.ts";
import { byRef, failureOn, NO_DELETIONS, nameSome, type PlannedDeletions, type RefPlan } from "./ref-plan.ts";

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
 * otherwise, if our default branch exists and contains it; what is not known to be contained stays, and so does what
 * is contained while that branch is not on the remote, which would lose the commits. Where all such refs are to go,
 * none goes while our side has no default branch or no branch to mirror: an empty source must not wipe its downstreams.
 * `object-format-mismatch` when no mirroring is possible. Asks the same questions whatever the answers are.
 *
 * Deviation from GitLab: the remote's default branch is never deleted (git would refuse, and fail the whole push), a
 * moved tag is judged like a branch, a name conflict holds one ref instead of the whole update, and nothing is deleted
 * for being part of a default branch that does not arrive.
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
  const { ancestry, compared } = input;
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
  const settled = settle(input, changes, deletions);
  const held = [...diverged, ...settled.held].sort(byRef);
  return {
    changes: settled.changes,
    afterDefault: settled.afterDefault,
    held: [...held, ...settled.kept].sort(byRef),
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
      ...failureOnKept(settled.kept),
    ],
  };
}

/** Makes room for new names, and has deletions that were judged by our default branch wait until it has arrived. */
function settle(
  { ours, theirs, deletions: rule }: ComparedSides,
  changes: readonly RefChange[],
  deletions: readonly RefChange[],
): SettledChanges & Pick<RefPlan, "afterDefault"> & { readonly kept: readonly RefResult[] } {
  const settleWith = (some: readonly RefChange[]) =>
    settleNames({
      changes: [...changes, ...some],
      target: theirs.refs.keys(),
      defaultBranch: ours.head,
      place: "on the remote",
    });
  const { head } = ours;
  const mustArrive = rule === "default" && changes.some(({ ref }) => ref === head);
  if (head === null || !mustArrive) return { ...settleWith(deletions), afterDefault: NO_REFS, kept: [] };
  // What stands in the way of the default branch cannot wait for it.
  const settled = settleWith(deletions.filter(({ ref }) => !excludeEachOther(ref, head)));
  return settled.held.some(({ ref }) => ref === head)
    ? { ...settleWith([]), afterDefault: NO_REFS, kept: holdUntilArrival(deletions, head) }
    : { ...settled, afterDefault: withWhatFollows(deletions, settled.madeRoom), kept: [] };
}

const NO_REFS: ReadonlySet<RefName> = new Set();

/** The outcome of changes that are `afterDefault` when our default branch was not taken by the remote. */
export function holdUntilArrival(changes: readonly RefChange[], defaultBranch: RefName | null): RefResult[] {
  const branch = defaultBranch === null ? "the default branch" : shortName(defaultBranch);
  const because = `${branch} did not arrive there, and commits that it contains would be lost`;
  return holdChanges(changes, { place: "on the remote", because });
}

/** What an update fails by in which such refs were held. */
export function failureOnKept(held: readonly RefResult[]): string[] {
  return failureOn(
    "Some refs were not deleted on the remote or not created there, because the default branch did not arrive:",
    held,
  );
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

/** GitLab's rule: what our default branch contains. Deviation: only where the remote has that branch too. */
function planMergedDeletions({ ours, theirs, extra, compared, ancestry }: ComparedSides): PlannedDeletions {
  const { head } = ours;
  const defaultTip = head === null ? undefined : ours.refs.get(head);
  if (head === null || defaultTip === undefined) return NO_DELETIONS;
  const merged = extra.filter(
    ({ target }) => ancestry({ ancestor: target, descendant: defaultTip }) === "yes",
  );
  const isMirrored =
    compared.upToDate.includes(head) ||
    [...compared.missing, ...compared.differing].some(({ ref }) => ref === head);
  if (isMirrored || merged.length === 0) return keepRemoteDefault(theirs, merged);
  const kept = nameSome(merged.map(({ ref }) => ref));
  return {
    deletions: [],
    notes: [
      `Kept on the remote, because this mirror does not carry ${shortName(head)}, which has them: ${kept}.`,
    ],
  };
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
