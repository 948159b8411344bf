import { validateBranchRegex } from "../../domain/branch-filter.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { MirrorOptions } from "../../domain/mirror.ts";

/** Both filters at once, or a regex that RE2 does not take, are `model-invalid` with GitLab's words. */
export function refuseBadFilters(
  options: Pick<MirrorOptions, "onlyProtectedBranches" | "branchRegex">,
): void {
  if (options.branchRegex === null) return;
  const messages = options.onlyProtectedBranches
    ? ["must be blank"]
    : validateBranchRegex(options.branchRegex);
  if (messages.length === 0) return;
  throw new HeliostatError("model-invalid", `mirror_branch_regex ${messages.join(", ")}`, {
    fields: { mirror_branch_regex: messages },
  });
}

/** An empty regex means none. */
export function regexOrNull(regex: string | null | undefined): string | null {
  return regex ? regex : null;
}
