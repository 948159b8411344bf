import type { BranchAnswer, TagAnswer } from "@heliostat/contract/api/repository-refs.ts";
import type { BranchView, TagView } from "../../../app/browsing/browsing-use-cases.ts";
import type { Project } from "../../../domain/project.ts";
import { pagesOf, presentCommit, presentTime } from "../repository-commits/present.ts";

/** GitLab's fields of a branch, and ours of how it stands to the one upstream. */
export function presentBranch(branch: BranchView, project: Project, externalUrl: string): BranchAnswer {
  const { name, upstream } = branch;
  return {
    name,
    commit: presentCommit(branch.commit, project, externalUrl),
    merged: branch.isMerged,
    protected: branch.isProtected,
    developers_can_push: branch.developersCanPush,
    developers_can_merge: branch.developersCanMerge,
    can_push: branch.canPush,
    default: branch.isDefault,
    web_url: `${pagesOf(project, externalUrl)}/tree/${name.split("/").map(encodeURIComponent).join("/")}`,
    upstream:
      upstream === null
        ? null
        : {
            id: upstream.oid,
            ahead: upstream.ahead ?? null,
            behind: upstream.behind ?? null,
            diverged: upstream.hasDiverged,
            seen_at: upstream.seenAt.toISOString(),
          },
  };
}

/** GitLab's fields of a tag; message and time only of an annotated one. */
export function presentTag(
  { name, tag, isProtected }: TagView,
  project: Project,
  externalUrl: string,
): TagAnswer {
  const { annotation, commit } = tag;
  return {
    name,
    message: annotation?.message.trimEnd() ?? "",
    target: tag.target,
    commit: commit === null ? null : presentCommit(commit, project, externalUrl),
    release: null,
    protected: isProtected,
    created_at: annotation?.tagger ? presentTime(annotation.tagger) : null,
  };
}
