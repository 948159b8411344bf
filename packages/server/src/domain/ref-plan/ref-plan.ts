import { type RefName, shortName } from "../ref-name.ts";
import type { RefChange, RefResult } from "../refs.ts";

/** The decision on every ref of one update. It depends on the refs of both sides, never on the order they came in. */
export interface RefPlan {
  /** In an order in which they may be applied one by one; the default branch comes as early as it can. */
  readonly changes: readonly RefChange[];
  /**
   * Of the changes, those that may be made only once the target's default branch is what the others were to make it:
   * deletions that would lose commits or HEAD without it, and new refs in whose way those stand.
   */
  readonly afterDefault: ReadonlySet<RefName>;
  /** What would change and is left alone, with the reason; `old` is the target's value, `new` the source's. */
  readonly held: readonly RefResult[];
  /** Refs that are equal on both sides. */
  readonly upToDate: readonly RefName[];
  /** Refs of the source that the filter leaves out. */
  readonly skipped: readonly RefName[];
  /** Sentences for the person who reads the update; nothing fails because of them. */
  readonly notes: readonly string[];
  /** What makes the update fail even if every change succeeds. GitLab joins them by a blank line. */
  readonly failures: readonly string[];
}

/** The deletions of a plan, and what a person should know of those that it leaves. */
export interface PlannedDeletions {
  readonly deletions: readonly RefChange[];
  readonly notes: readonly string[];
}

/** Nothing is deleted, and nothing is to be said of it. */
export const NO_DELETIONS: PlannedDeletions = { deletions: [], notes: [] };

/** What GitLab lists in one error at most. */
const MAX_IN_ERROR = 100;

/** The sentence, a blank line, and the refs one a line, at most a hundred; no failure without refs. */
export function failureOn(sentence: string, results: readonly RefResult[]): string[] {
  if (results.length === 0) return [];
  return [[sentence, "", ...results.slice(0, MAX_IN_ERROR).map(({ ref }) => ref)].join("\n")];
}

/** What GitLab names in one sentence at most. */
const MAX_IN_SENTENCE = 10;

/** Short names within a sentence, as GitLab writes them: `'a', 'b'`, the first ten and then `and others`. */
export function nameSome(refs: readonly RefName[]): string {
  const named = refs
    .slice(0, MAX_IN_SENTENCE)
    .map((ref) => `'${shortName(ref)}'`)
    .join(", ");
  return refs.length > MAX_IN_SENTENCE ? `${named} and others` : named;
}

/** Orders anything by ref name, by UTF-16 units: the same on every machine. */
export function byRef(a: { readonly ref: RefName }, b: { readonly ref: RefName }): number {
  return a.ref < b.ref ? -1 : a.ref > b.ref ? 1 : 0;
}
