import type { RefOutcome } from "@heliostat/contract";
import type { RefResult } from "./refs.ts";

/** As many refs that changed, or should have, as the history names of one update; `counts` has them all. */
export const MAX_NAMED_RESULTS = 10_000;

const LEFT_BEHIND: ReadonlySet<RefOutcome> = new Set(["rejected", "held", "diverged"]);

/** What is named of an update in the history, and what to say of the rest; `note` is null where there is none. */
export interface NamedResults {
  readonly results: readonly RefResult[];
  readonly note: string | null;
}

/**
 * The refs of an update that the history names: all, in their order, or where they are too many, those first that were
 * left behind. Someone has to look at these; that a ref has arrived shows in the ref.
 */
export function nameResults(results: readonly RefResult[]): NamedResults {
  const more = results.length - MAX_NAMED_RESULTS;
  if (more <= 0) return { results, note: null };
  const { left = [], others = [] } = Object.groupBy(results, ({ outcome }) =>
    LEFT_BEHIND.has(outcome) ? "left" : "others",
  );
  return {
    results: [...left, ...others].slice(0, MAX_NAMED_RESULTS),
    note: `${more} more refs than these are counted, but not named: an update names ${MAX_NAMED_RESULTS} at most.`,
  };
}
