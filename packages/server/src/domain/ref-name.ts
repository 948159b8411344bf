import { HeliostatError } from "./errors.ts";

declare const brand: unique symbol;

/** A full ref name such as `refs/heads/main`, valid by git-check-ref-format. Only `parseRefName` makes one. */
export type RefName = string & { readonly [brand]: "RefName" };

const HEADS = "refs/heads/";
const TAGS = "refs/tags/";

/** What no name may hold: control bytes, DEL, space, `~^:?*[\`, two dots in a row, `@{`, an empty component. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what git refuses
const FORBIDDEN = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\//;
/** What no component may be: one that begins with a dot, or ends with `.lock`. */
const BAD_COMPONENT = /\/\.|\.lock(?:\/|$)/;

/**
 * Takes a full name below `refs/` and refuses what git-check-ref-format refuses (`ref-name-invalid`). Bytes from
 * 0x80 on are allowed, as in git, where they are UTF-8.
 *
 * Deviation: git takes any bytes, we take text only. A lone surrogate cannot be written as UTF-8, and U+FFFD is what
 * a lossy decoder leaves of other bytes: two different refs could become one name, so both are refused.
 */
export function parseRefName(text: string): RefName {
  if (!isRefName(text)) {
    throw new HeliostatError(
      "ref-name-invalid",
      `not a full ref name: ${JSON.stringify(text.slice(0, 200))}`,
    );
  }
  return text;
}

/** Whether `parseRefName` takes it. */
export function isRefName(text: string): text is RefName {
  return (
    text.startsWith("refs/") &&
    !text.endsWith("/") &&
    !text.endsWith(".") &&
    !FORBIDDEN.test(text) &&
    !BAD_COMPONENT.test(text) &&
    !text.includes("\ufffd") &&
    text.isWellFormed()
  );
}

/** The full name of the branch that a person calls `name`; refuses what `git branch` does: `HEAD`, a leading `-`. */
export function branchRef(name: string): RefName {
  if (name === "HEAD" || name.startsWith("-")) {
    throw new HeliostatError("ref-name-invalid", `not a branch name: ${JSON.stringify(name.slice(0, 200))}`);
  }
  return parseRefName(HEADS + name);
}

/** Whether it stands below `refs/heads/`. */
export function isBranch(ref: RefName): boolean {
  return ref.startsWith(HEADS);
}

/** Whether it stands below `refs/tags/`. */
export function isTag(ref: RefName): boolean {
  return ref.startsWith(TAGS);
}

/** The name as people say it: without `refs/heads/` or `refs/tags/`; any other ref keeps its full name. */
export function shortName(ref: RefName): string {
  if (isBranch(ref)) return ref.slice(HEADS.length);
  if (isTag(ref)) return ref.slice(TAGS.length);
  return ref;
}
