import { RE2JS, RE2JSSyntaxException } from "re2js";
import { assertNever, HeliostatError } from "./errors.ts";
import type { MirrorOptions } from "./mirror.ts";
import { isBranch, isTag, type RefName, shortName } from "./ref-name.ts";

/** Which branches a mirror carries. Tags are never filtered. */
export type BranchFilter =
  | { readonly kind: "all" }
  | { readonly kind: "protected"; readonly patterns: readonly string[] }
  | { readonly kind: "regex"; readonly source: string };

const MAX_REGEX_LENGTH = 255;

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
      const matchers = filter.patterns.map(compilePattern);
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

/** Everything that a mirror carries: all tags and the branches that `wants` accepts, nothing else. */
export function carries(wants: (branch: RefName) => boolean): (ref: RefName) => boolean {
  return (ref) => (isBranch(ref) ? wants(ref) : isTag(ref));
}

/** GitLab's messages on what is wrong with a branch regex; none means that it may be used. */
export function validateBranchRegex(source: string): readonly string[] {
  const messages: string[] = [];
  // Characters, not UTF-16 units: that is what GitLab counts.
  if (Array.from(source).length > MAX_REGEX_LENGTH) {
    messages.push(`is too long (maximum is ${MAX_REGEX_LENGTH} characters)`);
  }
  try {
    compileRegex(source);
  } catch (error) {
    if (!(error instanceof HeliostatError)) throw error;
    messages.push(error.message);
  }
  return messages;
}

function compileRegex(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const reason = [error.getDescription(), error.getPattern()].filter(Boolean).join(": ");
    throw new HeliostatError("parameter-invalid", `not valid RE2 syntax: ${reason}`, { cause: error });
  }
}

/** `*` is any run of characters, slashes too; all else is literal; a blank pattern matches nothing. */
function compilePattern(pattern: string): (name: string) => boolean {
  if (pattern.trim() === "") return () => false;
  const [first = "", ...pieces] = pattern.split("*");
  const last = pieces.pop();
  if (last === undefined) return (name) => name === pattern;
  // Taking each piece at its first place leaves the most room for the others: no need to ever go back.
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const piece of pieces) {
      const found = name.indexOf(piece, at);
      if (found === -1) return false;
      at = found + piece.length;
    }
    return name.length - last.length >= at && name.endsWith(last);
  };
}
