import { assertNever } from "./errors.ts";
import type { MirrorOptions } from "./mirror.ts";
import { compileNamePattern } from "./name-pattern.ts";
import { compileRegex, validateRegex } from "./re2-regex.ts";
import { type RefName, shortName } from "./ref-name.ts";

/** Which branches a mirror carries. */
export type BranchFilter =
  | { readonly kind: "all" }
  | { readonly kind: "protected"; readonly patterns: readonly string[] }
  | { readonly kind: "regex"; readonly source: string };

/** The filter that a mirror's options ask for. Only protected branches wins over a regex, as in GitLab. */
export function branchFilterOf(options: MirrorOptions, protectedPatterns: readonly string[]): BranchFilter {
  if (options.onlyProtectedBranches) return { kind: "protected", patterns: protectedPatterns };
  if (options.branchRegex) return { kind: "regex", source: options.branchRegex };
  return { kind: "all" };
}

/**
 * The filter as a test of branches (no other refs). A regex is RE2, matches any part of the short name, and minds
 * case; a bad one is `parameter-invalid`.
 *
 * Deviation from GitLab: where no protected pattern exists, or the regex matches nothing, no branch is mirrored.
 * There, an empty list of patterns means every branch.
 */
export function compileBranchFilter(filter: BranchFilter): (branch: RefName) => boolean {
  switch (filter.kind) {
    case "all":
      return () => true;
    case "protected": {
      const matchers = filter.patterns.map(compileNamePattern);
      return (branch) => matchers.some((matches) => matches(shortName(branch)));
    }
    case "regex": {
      const regex = compileRegex(filter.source);
      return (branch) => regex.test(shortName(branch));
    }
    default:
      return assertNever(filter);
  }
}

/** GitLab's messages on what is wrong with a branch regex; none means that it may be used. */
export function validateBranchRegex(source: string): readonly string[] {
  return validateRegex(source);
}
