import { formatBytes } from "./format-bytes.ts";

/** Why a ref of a push may not change. */
export interface RefRefusal {
  /** Full name, as the client gave it. */
  readonly ref: string;
  /** The rule, in the few words that stand beside the ref: `protected branch: no force push`. */
  readonly reason: string;
  /** GitLab's sentence, where it has one. */
  readonly sentence: string;
  /** What to do about it. */
  readonly advice: string;
}

type Refusal = Omit<RefRefusal, "ref">;

/** Beside the refs of a refused push that no rule would have refused: nothing of it was done. */
export const REFUSED_WITH_OTHERS = "not pushed: another ref of this push was refused";

/** The refusals by their rules. `git push` shows the reason; the other two go to standard error. */
export const REFUSALS = {
  pushProtected: {
    reason: "protected branch: you are not allowed to push to it",
    sentence: "You are not allowed to push code to protected branches on this project.",
    advice: "Push to another branch, or ask a maintainer to let you push to this one.",
  },
  createProtected: {
    reason: "protected branch: you are not allowed to create it",
    sentence: "You are not allowed to create protected branches on this project.",
    advice: "Choose a name that no rule of the project protects, or ask a maintainer to create it.",
  },
  emptyProject: {
    reason: "protected branch: a maintainer makes the first push",
    sentence: "A default branch does not yet exist for a project that protects it.",
    advice: "Ask a maintainer to push the first commit, or to let developers do it.",
  },
  deleteProtected: {
    reason: "protected branch: you are not allowed to delete it",
    sentence:
      "You are not allowed to delete protected branches from this project. Only a project maintainer or owner can delete a protected branch.",
    advice: "Ask a maintainer.",
  },
  deleteProtectedByPush: {
    reason: "protected branch: a push cannot delete it",
    sentence: "You can only delete protected branches using the web interface or the API.",
    advice: "Delete it by API: DELETE /api/v4/projects/:id/repository/branches/:branch.",
  },
  deleteDefault: {
    reason: "default branch: it cannot be deleted",
    sentence: "The default branch of a project cannot be deleted.",
    advice: "Make another branch the default branch first.",
  },
  forceProtected: {
    reason: "protected branch: no force push",
    sentence: "You are not allowed to force push code to a protected branch on this project.",
    advice: "Merge or rebase onto what is there and push again, or ask a maintainer to set allow_force_push.",
  },
  createTag: {
    reason: "protected tag: you are not allowed to create it",
    sentence: "You are not allowed to create this tag as it is protected.",
    advice: "Choose another name, or ask a maintainer to let you create it.",
  },
  updateTag: {
    reason: "protected tag: it cannot be changed",
    sentence: "Protected tags cannot be updated.",
    advice: "Create a tag with another name.",
  },
  deleteTag: {
    reason: "protected tag: you are not allowed to delete it",
    sentence:
      "You are not allowed to delete protected tags from this project. Only a project maintainer or owner can delete a protected tag.",
    advice: "Ask a maintainer.",
  },
  deleteTagByPush: {
    reason: "protected tag: a push cannot delete it",
    sentence: "You can only delete protected tags using the web interface or the API.",
    advice: "Delete it by API: DELETE /api/v4/projects/:id/repository/tags/:tag_name.",
  },
  branchName: {
    reason: "invalid branch name",
    sentence: "You cannot create a branch with an invalid name.",
    advice: "A branch is not called HEAD, and its name does not begin with a dash.",
  },
  tagName: {
    reason: "invalid tag name",
    sentence: "You cannot create a tag with an invalid name.",
    advice: "A tag is not called HEAD, and its name does not begin with a dash.",
  },
  hexName: {
    reason: "invalid branch name: it looks like an object id",
    sentence: "You cannot create a branch with a 40-character hexadecimal branch name.",
    advice: "Choose a name that nobody takes for an object.",
  },
  refName: {
    reason: "invalid ref name",
    sentence: "This is not the name of a ref that can be pushed.",
    advice: "Push to a name below refs/heads/ or refs/tags/, in UTF-8.",
  },
  hidden: {
    reason: "hidden ref",
    sentence: "Refs below refs/heliostat/ are the server's own.",
    advice: "Push to a name below refs/heads/ or refs/tags/.",
  },
  gitsOwn: {
    reason: "ref of git's own",
    sentence: "Git itself uses refs of this name: they replace objects, or belong to one working copy.",
    advice: "Push to a name below refs/heads/ or refs/tags/.",
  },
  mirrored: {
    reason: "mirrored branch: its pull mirror writes it",
    sentence: "This branch follows an upstream repository and takes no pushes.",
    advice: "Push to the upstream repository, or to a branch that the mirror does not carry.",
  },
} as const satisfies Readonly<Record<string, Refusal>>;

/** A file of the push is larger than it may be; the first few are named. */
export function fileTooLarge(
  limitBytes: number,
  files: readonly { readonly path: string; readonly bytes: number }[],
): Refusal {
  const named = files.slice(0, 5).map(({ path, bytes }) => `${JSON.stringify(path)} (${formatBytes(bytes)})`);
  const others = files.length > named.length ? ` and ${files.length - named.length} others` : "";
  return {
    reason: `file too large: the limit is ${formatBytes(limitBytes)}`,
    sentence: `Larger than the allowed size of ${formatBytes(limitBytes)}: ${named.join(", ")}${others}.`,
    advice: "Take it out of every commit that you push; an admin can raise max_file_size.",
  };
}

/** The push as a whole is larger than it may be. */
export function pushTooLarge(limitBytes: number): Refusal {
  return {
    reason: `push too large: the limit is ${formatBytes(limitBytes)}`,
    sentence: `The push is larger than the allowed size of ${formatBytes(limitBytes)}.`,
    advice: "Push the history in portions, oldest first; an admin can raise max_push_size.",
  };
}

const MOST_NAMED = 10;

/** What the pusher reads on standard error: each sentence once, with its refs and what to do. */
export function refusalLines(refusals: readonly RefRefusal[]): readonly string[] {
  const bySentence = new Map<string, { advice: string; refs: string[] }>();
  for (const { ref, sentence, advice } of refusals) {
    const known = bySentence.get(sentence) ?? { advice, refs: [] };
    known.refs.push(ref);
    bySentence.set(sentence, known);
  }
  return [...bySentence].flatMap(([sentence, { advice, refs }]) => [
    sentence,
    `  ${refs.slice(0, MOST_NAMED).join(", ")}${refs.length > MOST_NAMED ? ` and ${refs.length - MOST_NAMED} others` : ""}`,
    `  ${advice}`,
  ]);
}
