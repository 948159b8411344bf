import type { RejectionReason } from "@heliostat/contract";

/** Why a ref was refused, and what to do about it. */
export interface Rejection {
  readonly reason: RejectionReason;
  readonly fix: string;
}

interface Row extends Rejection {
  readonly pattern: RegExp;
  /** It fits many causes: whatever else is said about the ref goes first. */
  readonly isVague?: true;
}

const UPLOAD_LFS =
  "Upload the LFS objects to the remote (`git lfs push --all`), or switch LFS off in the remote repository.";
const LET_PUSH =
  "Let the mirror's account push to this branch or tag in the remote's protection rules, or leave the ref out by the mirror's filter.";
const SHRINK_FILES =
  "Take the large file out of the history or move it to Git LFS, or raise the remote's limit for files.";
const FREE_SPACE = "Free space at the remote, or have its quota raised.";
const WRITE_ACCESS = "Give the mirror's account or token the right to write to the remote repository.";

/**
 * What hosts and git answer, in order of precedence: a cause before what follows from it, and special words before
 * those that occur in many messages (GitHub's and GitLab's on large files recommend LFS, for one). The test holds what
 * each host really says for each row.
 */
const ROWS: readonly Row[] = [
  {
    pattern: /LFS objects are missing|GH008|unknown Git LFS object/i,
    reason: "lfs-objects-missing",
    fix: UPLOAD_LFS,
  },
  {
    pattern:
      /cannot contain secrets|PUSH BLOCKED: Secrets|VS403654|contains? (one or more )?secrets|contain credentials/i,
    reason: "secret-found",
    fix: "Revoke the secret and take it out of the history, or allow it on the remote's page for this push.",
  },
  {
    pattern: /GH007|email privacy|publish a private email/i,
    reason: "email-privacy",
    fix: "In the e-mail settings of the mirror's account at the remote, stop blocking pushes that show its address, or push by another account.",
  },
  {
    pattern: /without [`'"]?workflows?[`'"]? (scope|permission)/i,
    reason: "missing-workflow-scope",
    fix: "Give the mirror's token the `workflow` scope (for a GitHub App or a fine-grained token: the Workflows permission).",
  },
  {
    pattern: /hidden ref/i,
    reason: "hidden-ref",
    fix: "The remote keeps this name for itself: leave the ref out by the mirror's filter.",
  },
  {
    pattern:
      /exists; cannot create|there are still (refs|logs) under|(Is|Not) a directory|name conflict|cannot process .* at the same time/i,
    reason: "name-conflict",
    fix: "Delete or rename the ref that is in the way: `x` and `x/y` cannot both exist, nor on some hosts names that differ in case only.",
  },
  {
    pattern:
      /stale info|fetch first|but expected|incorrect old value|reference already exists|unable to resolve reference|failed to lock|lock.failure|TF401028|already been updated by another client/i,
    reason: "stale-lease",
    fix: "Nothing to do: somebody else wrote this ref meanwhile, and the next update looks again.",
  },
  {
    pattern: /\.lock': File exists/i,
    reason: "stale-lease",
    fix: "The next update looks again. If it stays so, a git that was killed has left this lock behind: have the host's administrator remove the file.",
  },
  {
    pattern: /cannot lock ref/i,
    reason: "name-conflict",
    fix: "Look for a ref whose name is in the way of this one, such as `x` for `x/y`.",
  },
  {
    pattern:
      /deletion of the current branch|delete the current branch|default branch .*cannot be deleted|delete the default branch/i,
    reason: "default-branch",
    fix: "Make another branch the default branch at the remote, then this one can be deleted.",
  },
  {
    pattern: /branch is currently checked out|update checked out branch/i,
    reason: "default-branch",
    fix: "The remote has this branch checked out: mirror to a bare repository.",
  },
  {
    pattern: /can ?not update more than \d+|too many reference update|push.*\btoo many refs/i,
    reason: "push-too-large",
    fix: "The remote takes fewer refs in one push: have its limit raised.",
  },
  {
    pattern:
      /pack exceeds maximum|TF402462|push (is too large|size|was rejected because its size)|exceeds? .*push (size )?limit/i,
    reason: "push-too-large",
    fix: "The push is larger than the remote takes at once: have its limit raised, or push the history there once in smaller parts.",
  },
  {
    pattern:
      /exceeded its size limit|over (the|its) size (limit|quota)|over \d+ ?GB size limit|size exceeds limit|quota|No space left|out of disk|unable to create temporary object directory/i,
    reason: "quota",
    fix: FREE_SPACE,
  },
  {
    pattern:
      /GH001|Large files detected|file size limit|files? exceeding|blobs? which exceed|(file|blob|object)s? .*(exceeds?|larger than|too large|the limit is)/i,
    reason: "file-too-large",
    fix: SHRINK_FILES,
  },
  {
    pattern: /archived|read[- ]only|temporarily unavailable|under maintenance/i,
    reason: "read-only",
    fix: "The remote repository takes no writes now: unarchive or unlock it, or wait until its maintenance is over.",
  },
  {
    pattern:
      /not allowed to push code to this project|permission denied for writing|GenericContribute|not authorized to push|write access .* not granted/i,
    reason: "read-only",
    fix: WRITE_ACCESS,
  },
  {
    pattern:
      /ForcePush|force[- ]push(es)? (code )?to (a|this) (protected )?(branch|ref)|protected from force push/i,
    reason: "protected-branch",
    fix: "Let the mirror's account force-push to this branch at the remote, or let the mirror keep divergent refs.",
  },
  {
    pattern:
      /protected (branch|tag)|(is|as it is) protected|change existing tags|TF402455|must use a pull request|through (a )?pull requests?|through pull requests|Permission denied to update branch|branch restriction|creations being restricted|not permitted: |prohibited by Gerrit/i,
    reason: "protected-branch",
    fix: LET_PUSH,
  },
  {
    pattern: /non-fast[- ]forward|not a fast[- ]forward/i,
    reason: "not-fast-forward",
    fix: "Allow forced updates at the remote (`receive.denyNonFastForwards`), or let the mirror keep divergent refs.",
  },
  {
    pattern:
      /fsck error|Error in object|missing necessary objects|bad pack|inflate|bad object|invalid author|object [0-9a-f]{40}.*: [a-z]+[A-Z]/,
    reason: "corrupt-object",
    fix: "Run `git fsck` on the source: the remote checks objects more strictly than it. Mend the history, or have the check relaxed at the remote.",
  },
  {
    pattern: /repository rule violations|rule violation/i,
    reason: "protected-branch",
    fix: LET_PUSH,
    isVague: true,
  },
  {
    pattern: /hook declined|declined/i,
    reason: "hook-declined",
    fix: "A hook of the remote's refused it: its words, or its administrator, say what it wants.",
    isVague: true,
  },
  {
    pattern: /failed to update ref/i,
    reason: "stale-lease",
    fix: "Nothing to do: the remote could not write this ref just now, and the next update looks again.",
    isVague: true,
  },
  {
    pattern: /unpack|index-pack/i,
    reason: "corrupt-object",
    fix: "The remote could not take the objects: run `git fsck` on the source, and look into the remote's log.",
    isVague: true,
  },
];

const BROKEN_OFF: Rejection = {
  reason: "broken-off",
  fix: "Nothing to do for this ref: the next update finds out what became of it and goes on.",
};
const CORRUPT: Rejection = {
  reason: "corrupt-object",
  fix: "Run `git fsck` on the source: the object is broken, or none that such a ref can point at. Mend it there, or leave the ref out by the mirror's filter.",
};
const OTHER: Rejection = {
  reason: "other",
  fix: "Look at the remote's words and its log; the next update tries again.",
};

/** The usual fix for a reason that is known without any words of a remote: we may have refused the ref ourselves. */
export function rejectionFor(reason: RejectionReason): Rejection {
  const { fix } = [BROKEN_OFF, CORRUPT, ...ROWS].find((row) => row.reason === reason) ?? OTHER;
  return { reason, fix };
}

/**
 * What a refusal means. `reason` is what the remote says of the ref, `lines` what it told people about it: neither is
 * more than a hint, since hosts have no codes; what is not known is `other`.
 */
export function classifyRejection(reason: string, lines: readonly string[]): Rejection {
  const words = lines.join("\n");
  const { reason: found, fix } =
    ROWS.find(({ pattern, isVague }) => !isVague && pattern.test(reason)) ??
    ROWS.find(({ pattern, isVague }) => !isVague && pattern.test(words)) ??
    ROWS.find(({ pattern }) => pattern.test(reason)) ??
    OTHER;
  return { reason: found, fix };
}
