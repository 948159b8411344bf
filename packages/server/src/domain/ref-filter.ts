import { isBranch, isTag, type RefName } from "./ref-name.ts";

/** Which refs a mirror is about: a test of branches, and one of tags. It is about no other refs. */
export interface RefFilter {
  readonly branch: (ref: RefName) => boolean;
  readonly tag: (ref: RefName) => boolean;
}

/** The filter as one test of any ref. */
export function carries(filter: RefFilter): (ref: RefName) => boolean {
  return (ref) => (isBranch(ref) ? filter.branch(ref) : isTag(ref) && filter.tag(ref));
}
