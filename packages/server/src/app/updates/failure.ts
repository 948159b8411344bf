import type { RefResult } from "../../domain/refs.ts";

/** As many refs as a message names; the history has them all. */
const NAMED = 100;

/** Why a run that came to its end still counts as failed: refs that were refused, and what the plan says. */
export function failureOf(failures: readonly string[], results: readonly RefResult[]): string | null {
  const rejected = results.filter((result) => result.outcome === "rejected");
  const paragraphs = rejected.length > 0 ? [rejection(rejected), ...failures] : failures;
  return paragraphs.length > 0 ? paragraphs.join("\n\n") : null;
}

function rejection(rejected: readonly RefResult[]): string {
  const lines = rejected
    .slice(0, NAMED)
    .map(({ ref, message }) => (message === undefined ? ref : `${ref}: ${message}`));
  const more = rejected.length > NAMED ? [`and ${rejected.length - NAMED} others`] : [];
  return ["Some refs were not updated:", "", ...lines, ...more].join("\n");
}
