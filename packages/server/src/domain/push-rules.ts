import type { PushesToMirroredBranches } from "@heliostat/contract";
import type { Oid } from "./oid.ts";
import { ACCESS_LEVELS } from "./policy.ts";
import {
  type Actor,
  type BranchAccess,
  type BranchProtection,
  compileBranchProtection,
  compileTagProtection,
  type TagProtection,
} from "./protections.ts";
import { REFUSALS, type RefRefusal } from "./push-refusal.ts";
import { isBranch, isRefName, isTag, type RefName, shortName } from "./ref-name.ts";

/** What a client asks of one ref; its name is not checked yet. Null: it is not there, or is to go. */
export interface PushCommand {
  readonly ref: string;
  readonly old: Oid | null;
  readonly new: Oid | null;
}

/** How a client asks: by a push of git, or by the API, which names one ref and cannot delete another by mistake. */
export type PushDoor = "git" | "api";

/** All that decides about a push, as it is at this moment. */
export interface PushRules {
  readonly door: PushDoor;
  readonly actor: Actor;
  readonly branches: readonly BranchProtection[];
  readonly tags: readonly TagProtection[];
  /** What HEAD points at, be it there or not. */
  readonly head: RefName | null;
  /** Whether the project has no default branch yet, and only maintainers may bring it. */
  readonly isFirstPushProtected: boolean;
  /** The branches that a pull mirror writes. */
  readonly isMirrored: (branch: RefName) => boolean;
  readonly pushesToMirroredBranches: PushesToMirroredBranches;
}

export interface PushVerdict {
  /** In the order of the commands, at most one for each. With any of them, nothing of the push is done. */
  readonly refusals: readonly RefRefusal[];
  /** Those that may only go forward: whether they do is to be seen when their objects are here. */
  readonly fastForwardOnly: readonly PushCommand[];
  /** The branches that the next update of a mirror may overwrite, or find diverged. */
  readonly mirrored: readonly RefName[];
}

/** `refs/heads/` and 40 or 64 hexadecimal digits, alone or before a slash or a dash: git could take it for an object. */
const LIKE_AN_OID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?(?:[-/]|$)/i;
const HIDDEN = "refs/heliostat/";
/** What git reads as something else than a ref of the project: stand-ins for objects, and refs of one working copy. */
const GITS_OWN = /^refs\/(?:replace|bisect|worktree|rewritten|main-worktree|worktrees)\//;

/**
 * What the rules say of each ref of a push, by name and by who pushes. GitLab's rules: nobody deletes a protected branch
 * or tag by a push, and maintainers do by the API; admins and owners are held to the rules like everybody, and names of
 * new branches and tags must not be taken for options or objects.
 */
export function judgePush(commands: readonly PushCommand[], rules: PushRules): PushVerdict {
  const refusals: RefRefusal[] = [];
  const fastForwardOnly: PushCommand[] = [];
  const mirrored: RefName[] = [];
  const branchAccess = compileBranchProtection(rules.branches, rules.actor);
  const tagAccess = compileTagProtection(rules.tags, rules.actor);
  for (const command of commands) {
    const { ref } = command;
    const named = judgeName(command);
    if (named !== null || !isRefName(ref)) {
      if (named !== null) refusals.push({ ref, ...named });
      continue;
    }
    if (isTag(ref)) {
      const refusal = judgeTag(command, tagAccess(ref), rules);
      if (refusal !== null) refusals.push({ ref, ...refusal });
      continue;
    }
    if (!isBranch(ref)) continue;
    const access = branchAccess(ref);
    const isMirrored = rules.isMirrored(ref) && rules.pushesToMirroredBranches !== "allow";
    const refusal = judgeBranch(command, access, rules, isMirrored);
    if (refusal !== null) refusals.push({ ref, ...refusal });
    else {
      if (isMirrored) mirrored.push(ref);
      if (access.isProtected && !access.mayForce && command.old && command.new) fastForwardOnly.push(command);
    }
  }
  return { refusals, fastForwardOnly, mirrored };
}

type Refusal = Omit<RefRefusal, "ref">;

function judgeName({ ref, old, new: oid }: PushCommand): Refusal | null {
  // Git knows whether a name of its own making may go.
  if (!isRefName(ref)) return oid === null && ref.startsWith("refs/") ? null : REFUSALS.refName;
  if (ref.startsWith(HIDDEN)) return REFUSALS.hidden;
  // They may go, for who has got one in another way.
  if (oid === null) return null;
  if (GITS_OWN.test(ref)) return REFUSALS.gitsOwn;
  if (old !== null) return null;
  const name = shortName(ref);
  const isLikeAnOption = name === "HEAD" || name.startsWith("-");
  if (isTag(ref)) return isLikeAnOption ? REFUSALS.tagName : null;
  if (!isBranch(ref)) return null;
  if (isLikeAnOption) return REFUSALS.branchName;
  return LIKE_AN_OID.test(name) ? REFUSALS.hexName : null;
}

function judgeBranch(
  { ref, old, new: oid }: PushCommand,
  { isProtected, mayPush }: BranchAccess,
  { actor, door, head, isFirstPushProtected, pushesToMirroredBranches }: PushRules,
  isMirrored: boolean,
): Refusal | null {
  if (oid === null) {
    if (ref === head) return REFUSALS.deleteDefault;
    if (isProtected) {
      if (actor.level < ACCESS_LEVELS.maintainer) return REFUSALS.deleteProtected;
      if (door === "git") return REFUSALS.deleteProtectedByPush;
    }
  } else if (!mayPush) {
    return old === null ? REFUSALS.createProtected : REFUSALS.pushProtected;
  } else if (isFirstPushProtected && !isProtected && actor.level < ACCESS_LEVELS.maintainer) {
    return REFUSALS.emptyProject;
  }
  return isMirrored && pushesToMirroredBranches === "refuse" ? REFUSALS.mirrored : null;
}

function judgeTag(
  { old, new: oid }: PushCommand,
  { isProtected, mayCreate }: { readonly isProtected: boolean; readonly mayCreate: boolean },
  { actor, door }: Pick<PushRules, "actor" | "door">,
): Refusal | null {
  if (!isProtected) return null;
  if (oid === null) {
    if (actor.level < ACCESS_LEVELS.maintainer) return REFUSALS.deleteTag;
    return door === "git" ? REFUSALS.deleteTagByPush : null;
  }
  if (old !== null) return REFUSALS.updateTag;
  return mayCreate ? null : REFUSALS.createTag;
}

/** What the pusher reads of branches that a mirror writes too. */
export function mirroredWarning(branches: readonly RefName[]): readonly string[] {
  if (branches.length === 0) return [];
  const names = branches.slice(0, 10).map(shortName).join(", ");
  const others = branches.length > 10 ? ` and ${branches.length - 10} others` : "";
  return [
    `WARNING: a pull mirror of this project writes ${names}${others}.`,
    "  Its next update may overwrite what you have pushed, or find the branch diverged and leave it.",
  ];
}
