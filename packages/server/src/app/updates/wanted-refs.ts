import { branchFilterOf, carries, compileBranchFilter } from "../../domain/branch-filter.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { Ports } from "../ports.ts";

/** Which refs a mirror is about: the branches its filter takes, and every tag. */
export interface WantedRefs {
  readonly branch: (ref: RefName) => boolean;
  readonly any: (ref: RefName) => boolean;
  /** No filter at all: everything below heads and tags. */
  readonly everything: boolean;
}

export async function wantedRefs(
  ports: Pick<Ports, "protectedBranches">,
  mirror: Mirror,
): Promise<WantedRefs> {
  const patterns = mirror.options.onlyProtectedBranches
    ? (await ports.protectedBranches.list(mirror.projectId)).map((branch) => branch.name)
    : [];
  const filter = branchFilterOf(mirror.options, patterns);
  const branch = compileBranchFilter(filter);
  return { branch, any: carries(branch), everything: filter.kind === "all" };
}
