import { isTag, type RefName, shortName } from "../ref-name.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefResult } from "../refs.ts";
import type { AncestryAnswers } from "./ancestry.ts";
import { compareRefs } from "./compare-refs.ts";
import { settleNames } from "./name-conflicts.ts";
import { byRef, failureOn, type RefPlan } from "./ref-plan.ts";

export interface PullPlanInput {
  readonly ours: LocalRefs;
  readonly theirs: AdvertisedRefs;
  /** The branch filter; tags are always mirrored. */
  readonly wants: (branch: RefName) => boolean;
  /** Let our branches follow upstream even where that drops commits that only we have. */
  readonly overwriteDivergedBranches: boolean;
  readonly ancestry: AncestryAnswers;
}

const DIVERGED =
  "The branch has diverged from its upstream counterpart and was left as it is. Delete it here, or let the mirror overwrite diverged branches.";

/**
 * What a pull mirror has to do in our repository, once upstream's objects are here (before, every branch that moved
 * seems diverged). New refs are created and tags follow upstream; a branch is fast-forwarded or, where ours is not
 * part of upstream's, overwritten or held. A diverged default branch makes the update fail, other branches do not.
 * Nothing is ever deleted. `object-format-mismatch` when no mirroring is possible. Asks the same questions whatever
 * the answers are.
 */
export function planPull(input: PullPlanInput): RefPlan {
  const { ours, theirs, ancestry } = input;
  const compared = compareRefs(theirs, ours, input.wants);
  const changes: RefChange[] = [];
  const diverged: RefResult[] = [];
  for (const { ref, source } of compared.missing) {
    changes.push({ ref, action: "create", old: null, new: source, ...peeledOf(theirs, ref) });
  }
  for (const { ref, source, target } of compared.differing) {
    const change = { ref, old: target, new: source };
    if (isTag(ref)) changes.push({ ...change, action: "force", ...peeledOf(theirs, ref) });
    else if (ancestry({ ancestor: target, descendant: source }) === "yes") {
      changes.push({ ...change, action: "fast-forward" });
    } else if (input.overwriteDivergedBranches) changes.push({ ...change, action: "force" });
    else diverged.push({ ...change, outcome: "diverged", message: divergedMessage(ref, ours.head) });
  }

  const settled = settleNames({ changes, target: ours.refs, defaultBranch: ours.head, place: "here" });
  const conflicting = settled.held.toSorted(byRef);
  return {
    changes: settled.changes,
    held: [...diverged, ...conflicting].sort(byRef),
    upToDate: compared.upToDate,
    skipped: compared.skipped,
    notes: compared.notes,
    failures: [
      ...diverged.filter(({ ref }) => ref === ours.head).map(({ ref }) => divergedMessage(ref, ours.head)),
      ...failureOn("Some refs conflict with names here and have not been created:", conflicting),
    ],
  };
}

function divergedMessage(ref: RefName, defaultBranch: RefName | null): string {
  if (ref !== defaultBranch) return DIVERGED;
  return `The default branch (${shortName(ref)}) has diverged from its upstream counterpart and could not be updated automatically.`;
}

function peeledOf(theirs: AdvertisedRefs, ref: RefName): Pick<RefChange, "peeled"> {
  const peeled = theirs.refs.get(ref)?.peeled;
  return peeled === undefined ? {} : { peeled };
}
