import type { MirrorDeletions } from "@heliostat/contract";
import type { RefFilter } from "../ref-filter.ts";
import { isTag, type RefName, shortName } from "../ref-name.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefResult } from "../refs.ts";
import { holdChanges, withWhatFollows } from "./after-default.ts";
import type { AncestryAnswers } from "./ancestry.ts";
import { type Comparison, compareRefs, type ExtraRef, findExtraRefs } from "./compare-refs.ts";
import { settleNames } from "./name-conflicts.ts";
import { byRef, failureOn, NO_DELETIONS, nameSome, type PlannedDeletions, type RefPlan } from "./ref-plan.ts";

export interface PullSides {
  readonly ours: LocalRefs;
  readonly theirs: AdvertisedRefs;
  readonly wants: RefFilter;
  /** Let our branches follow upstream even where that drops commits that only we have. */
  readonly overwriteDivergedBranches: boolean;
  /** `always`: what upstream no longer has goes here too. GitLab, and so `default`, deletes nothing. */
  readonly deletions: MirrorDeletions;
  /** Our HEAD follows upstream's. */
  readonly followDefaultBranch: boolean;
  /** Whether this mirror may create, move or delete such a tag: not all protected ones. */
  readonly mayChangeTag: (tag: RefName) => boolean;
  /** The same of branches. */
  readonly mayChangeBranch: (branch: RefName) => boolean;
}

export interface PullPlanInput extends PullSides {
  readonly ancestry: AncestryAnswers;
}

export interface PullPlan extends RefPlan {
  /** The branch that our HEAD is to point at once the changes are made; null: HEAD stays as it is. */
  readonly head: RefName | null;
}

const DIVERGED =
  "The branch has diverged from its upstream counterpart and was left as it is. Delete it here, or let the mirror overwrite diverged branches.";

/**
 * What a pull mirror has to do in our repository, once upstream's objects are here (before, every branch that moved
 * seems diverged). New refs are created and tags follow upstream, but for protected ones; a branch is fast-forwarded
 * or, where ours is not part of upstream's, overwritten or held. A diverged default branch (the one that HEAD will
 * point at) makes the update fail, other branches do not. Refs that upstream does not have stay unless `deletions` is
 * `always`; then all go but the default branch, and none while upstream shows no branch to mirror: it may be empty by
 * mistake, or hide its branches. `object-format-mismatch` when no mirroring is possible. Asks the same questions
 * whatever the answers are.
 *
 * Deviation from GitLab: a protected tag is held by itself, untouched, where there it ends the update before any
 * branch and the tag is removed. A protected branch that the mirror user may not push to is held in the same way, where
 * GitLab does nothing at all.
 */
export function planPull({ ancestry, ...sides }: PullPlanInput): PullPlan {
  return preparePull(sides)(ancestry);
}

/** `planPull` in two steps: the sides are compared once, however often it is planned. */
export function preparePull(sides: PullSides): (ancestry: AncestryAnswers) => PullPlan {
  const compared = compareRefs(sides.theirs, sides.ours, sides.wants);
  const extra = sides.deletions === "always" ? findExtraRefs(sides.theirs, sides.ours, sides.wants) : [];
  const head = headToBe(sides);
  return (ancestry) => {
    const input = { ...sides, compared, extra, ancestry };
    const plan = planWithHead(input, head);
    if (head === null || isThereAfter(head, sides, plan)) return plan;
    // It does not come, so HEAD stays, and with it the branch that HEAD points at now.
    return planWithHead(input, null);
  };
}

interface ComparedSides extends PullPlanInput {
  readonly compared: Comparison;
  /** What is to be deleted, if nothing speaks against it. */
  readonly extra: readonly ExtraRef[];
}

/** What HEAD would follow upstream to: on the first pull always, later where that is asked for. */
function headToBe({ ours, theirs, followDefaultBranch }: PullSides): RefName | null {
  if (theirs.head === null || theirs.head === ours.head) return null;
  if (ours.refs.size === 0) return theirs.refs.size === 0 ? null : theirs.head;
  return followDefaultBranch && theirs.refs.has(theirs.head) ? theirs.head : null;
}

/** As a clone does, a first pull takes upstream's word for it, whether or not the filter lets that branch in. */
function isThereAfter(head: RefName, { ours }: PullSides, { changes, afterDefault }: RefPlan): boolean {
  if (ours.refs.size === 0) return changes.length > 0;
  // In its way is the branch that HEAD points at, which may not go before HEAD has moved.
  if (afterDefault.has(head)) return false;
  return ours.refs.has(head) || changes.some(({ ref }) => ref === head);
}

function planWithHead(input: ComparedSides, head: RefName | null): PullPlan {
  const { ours, theirs, ancestry, compared } = input;
  const defaultBranch = head ?? ours.head;
  const changes: RefChange[] = [];
  const diverged: RefResult[] = [];
  const protectedTags: RefResult[] = [];
  const protectedBranches: RefResult[] = [];
  const changeBranch = (change: RefChange) => {
    if (input.mayChangeBranch(change.ref)) changes.push(change);
    else protectedBranches.push(heldResult(change, protectedBranchMessage([change.ref])));
  };
  const changeTag = (change: RefChange) => {
    if (input.mayChangeTag(change.ref)) changes.push({ ...change, ...peeledOf(theirs, change.ref) });
    else protectedTags.push(heldResult(change, protectedMessage([change.ref])));
  };
  for (const { ref, source } of compared.missing) {
    const change = { ref, action: "create", old: null, new: source } as const;
    if (isTag(ref)) changeTag(change);
    else changeBranch(change);
  }
  for (const { ref, source, target } of compared.differing) {
    const change = { ref, old: target, new: source };
    if (isTag(ref)) changeTag({ ...change, action: "force" });
    else if (ancestry({ ancestor: target, descendant: source }) === "yes") {
      changeBranch({ ...change, action: "fast-forward" });
    } else if (input.overwriteDivergedBranches) changeBranch({ ...change, action: "force" });
    else diverged.push({ ...change, outcome: "diverged", message: divergedMessage(ref, defaultBranch) });
  }

  const { deletions, notes } = planDeletions(input, defaultBranch);
  const settled = settleNames({
    changes: [...changes, ...deletions],
    target: [...ours.refs.keys(), ...ours.symrefs, ...(ours.broken ?? [])],
    defaultBranch,
    place: "here",
  });
  const conflicting = settled.held.toSorted(byRef);
  return {
    changes: settled.changes,
    afterDefault: withWhatFollows(
      deletions.filter(({ ref }) => ref === ours.head),
      settled.madeRoom,
    ),
    head,
    held: [...diverged, ...protectedTags, ...protectedBranches, ...conflicting].sort(byRef),
    upToDate: compared.upToDate,
    skipped: compared.skipped,
    notes: [...compared.notes, ...notes],
    failures: [
      ...failureOnProtected(protectedTags, protectedMessage),
      ...failureOnProtected(protectedBranches, protectedBranchMessage),
      ...diverged
        .filter(({ ref }) => ref === defaultBranch)
        .map(({ ref }) => divergedMessage(ref, defaultBranch)),
      ...failureOn("Some refs conflict with names here and have not been created:", conflicting),
    ],
  };
}

/** The outcome of changes that are `afterDefault` when HEAD could not be moved to `head`. */
export function holdWithoutHead(changes: readonly RefChange[], head: RefName | null): RefResult[] {
  const branch = head === null ? "the new one" : shortName(head);
  return holdChanges(changes, { place: "here", because: `the default branch could not become ${branch}` });
}

function planDeletions(input: ComparedSides, defaultBranch: RefName | null): PlannedDeletions {
  const { extra, compared } = input;
  if (extra.length === 0) return NO_DELETIONS;
  if (compared.carriedBranches === 0) {
    return {
      deletions: [],
      notes: ["Upstream offers no branch that this mirror carries, so nothing is deleted here."],
    };
  }
  const deletions: RefChange[] = [];
  const kept: RefName[] = [];
  const notes: string[] = [];
  for (const { ref, target } of extra) {
    if (ref === defaultBranch) {
      notes.push(`${ref} is gone upstream but kept here, because it is the default branch.`);
    } else if (!(isTag(ref) ? input.mayChangeTag(ref) : input.mayChangeBranch(ref))) kept.push(ref);
    else deletions.push({ ref, action: "delete", old: target, new: null });
  }
  for (const [what, some] of [
    ["Tags", kept.filter(isTag)],
    ["Branches", kept.filter((ref) => !isTag(ref))],
  ] as const) {
    if (some.length === 0) continue;
    notes.push(
      `${what} that are gone upstream but kept here, because they are protected: ${nameSome(some)}.`,
    );
  }
  return { deletions, notes };
}

/** The words of GitLab's error, which is about all such tags of an update. */
function protectedMessage(tags: readonly RefName[]): string {
  return `You are not allowed to create tags: ${nameSome(tags)} as they are protected.`;
}

/** In the manner of GitLab, where the mirror user must be allowed to push to all branches. */
function protectedBranchMessage(branches: readonly RefName[]): string {
  return `The mirror user is not allowed to push to protected branches: ${nameSome(branches)}. Let somebody who may save the mirror, or change the rule.`;
}

function heldResult({ ref, old, new: oid }: RefChange, message: string): RefResult {
  return { ref, outcome: "held", old, new: oid, message };
}

function failureOnProtected(
  held: readonly RefResult[],
  message: (refs: readonly RefName[]) => string,
): string[] {
  return held.length === 0 ? [] : [message(held.map(({ ref }) => ref).sort())];
}

function divergedMessage(ref: RefName, defaultBranch: RefName | null): string {
  if (ref !== defaultBranch) return DIVERGED;
  return `The default branch (${shortName(ref)}) has diverged from its upstream counterpart and could not be updated automatically.`;
}

function peeledOf(theirs: AdvertisedRefs, ref: RefName): Pick<RefChange, "peeled"> {
  const peeled = theirs.refs.get(ref)?.peeled;
  return peeled === undefined ? {} : { peeled };
}
