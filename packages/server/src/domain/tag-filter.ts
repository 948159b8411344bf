import { compileRegex, validateRegex } from "./re2-regex.ts";
import { type RefName, shortName } from "./ref-name.ts";

/**
 * The option `mirror_tags` as a test of tags (no other refs): `all`, `none`, or an RE2 regex that matches any part of
 * the short name and minds case; a bad one is `parameter-invalid`. Tags that are really called so are `^all$`.
 */
export function compileTagFilter(tags: string): (tag: RefName) => boolean {
  if (tags === "all") return () => true;
  if (tags === "none") return () => false;
  const regex = compileRegex(tags);
  return (tag) => regex.test(shortName(tag));
}

/** What is wrong with a value of `mirror_tags`, in the words for a branch regex; none means that it may be used. */
export function validateTagFilter(tags: string): readonly string[] {
  return tags === "" ? ["can't be blank"] : validateRegex(tags);
}
