import { carries } from "../branch-filter.ts";
import type { RefName } from "../ref-name.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefResult } from "../refs.ts";
import type { AncestryAnswers } from "./ancestry.ts";
import { compareRefs } from "./compare-refs.ts";
import { settleNames } from "./name-conflicts.ts";
import { byRef, failureOn, type RefPlan } from "./ref-plan.ts";

export interface PushPlanInput {
  readonly ours: LocalRefs;
  readonly theirs: AdvertisedRefs;
  /** The branch filter; tags are always mirrored. */
  readonly wants: (branch: RefName) => boolean;
  /** Leave refs alone that have diverged on the remote, and delete nothing there. */
  readonly keepDivergentRefs: boolean;
  readonly ancestry: AncestryAnswers;
}

const DIVERGED =
  "The remote's value is not part of ours, and this mirror keeps divergent refs. Merge it here, or let the mirror overwrite it.";

/**
 * What a push mirror has to do on its remote. New refs are created, moved ones follow ours: as a fast-forward, else
 * by force or, where divergent refs are kept, not at all. A ref that only the remote has is deleted if our default
 * branch exists and contains it; what is not known to be contained stays. `object-format-mismatch` when no mirroring
 * is possible. Asks the same questions whatever the answers are.
 *
 * Deviation from GitLab: the remote's default branch is never deleted (git would refuse, and fail the whole push), a
 * moved tag is judged like a branch, and a name conflict holds one ref instead of the whole update.
 */
export function planPush(input: PushPlanInput): RefPlan {
  const { ours, theirs, ancestry } = input;
  const compared = compareRefs(ours, theirs, input.wants);
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

  const { deletions, notes } = input.keepDivergentRefs ? NO_DELETIONS : planDeletions(input);
  const settled = settleNames({
    changes: [...changes, ...deletions],
    target: theirs.refs,
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

interface Deletions {
  readonly deletions: readonly RefChange[];
  readonly notes: readonly string[];
}

const NO_DELETIONS: Deletions = { deletions: [], notes: [] };

function planDeletions({ ours, theirs, wants, ancestry }: PushPlanInput): Deletions {
  const defaultTip = ours.head === null ? undefined : ours.refs.get(ours.head);
  if (defaultTip === undefined) return NO_DELETIONS;
  const isCarried = carries(wants);
  const deletions: RefChange[] = [];
  const notes: string[] = [];
  for (const [ref, { oid, symref }] of theirs.refs) {
    if (symref !== undefined || ours.refs.has(ref) || !isCarried(ref)) continue;
    if (ancestry({ ancestor: oid, descendant: defaultTip }) !== "yes") continue;
    if (ref === theirs.head)
      notes.push(`${ref} is gone here but kept on the remote, whose default branch it is.`);
    else deletions.push({ ref, action: "delete", old: oid, new: null });
  }
  return { deletions, notes };
}

function isDiverged({ outcome }: RefResult): boolean {
  return outcome === "diverged";
}

function isHeld({ outcome }: RefResult): boolean {
  return outcome === "held";
}
