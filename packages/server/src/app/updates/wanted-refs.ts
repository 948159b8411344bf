import { branchFilterOf, compileBranchFilter } from "../../domain/branch-filter.ts";
import { digestRefs } from "../../domain/digest.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { carries, type RefFilter } from "../../domain/ref-filter.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { AdvertisedRefs } from "../../domain/refs.ts";
import { compileTagFilter } from "../../domain/tag-filter.ts";
import type { ProtectedBranchStore } from "../ports.ts";

/** Which refs a mirror is about: the branches and the tags that its filters take. */
export interface WantedRefs extends RefFilter {
  readonly any: (ref: RefName) => boolean;
  /** No filter at all: everything below heads and tags. */
  readonly everything: boolean;
  /** The fingerprint of all that the mirror goes by in what its remote offers. */
  readonly digest: (theirs: AdvertisedRefs) => string;
}

/** What the mirror's options let through at this moment: the rules of protected branches are read anew each time. */
export async function wantedRefs(
  ports: { readonly protectedBranches: Pick<ProtectedBranchStore, "list"> },
  { projectId, direction, options }: Pick<Mirror, "projectId" | "direction" | "options">,
): Promise<WantedRefs> {
  const patterns = options.onlyProtectedBranches
    ? (await ports.protectedBranches.list(projectId)).map((branch) => branch.name)
    : [];
  const filter = branchFilterOf(options, patterns);
  const refs: RefFilter = { branch: compileBranchFilter(filter), tag: compileTagFilter(options.tags) };
  const any = carries(refs);
  const withHead = direction === "pull" && options.followDefaultBranch;
  return {
    ...refs,
    any,
    everything: filter.kind === "all" && options.tags === "all",
    digest: (theirs) => digestRefs(theirs, any, { withHead }),
  };
}
