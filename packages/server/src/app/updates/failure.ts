import type { Mirror } from "../../domain/mirror.ts";
import type { RefPlan } from "../../domain/ref-plan/ref-plan.ts";
import type { RefResult } from "../../domain/refs.ts";

/** As many refs as a message names; the history has them all. */
const NAMED = 100;

/**
 * Why a run that came to its end still counts as failed; null when it does not. In GitLab's words where it has some
 * (`gitlab-behaviour` sections 1.6 and 2.4): diverged refs fail a push mirror, and a diverged default branch a pull
 * mirror; a ref that was refused fails either.
 */
export function failureOf(mirror: Mirror, plan: RefPlan, results: readonly RefResult[]): string | null {
  const paragraphs: string[] = [];
  const rejected = results.filter((result) => result.outcome === "rejected");
  if (rejected.length > 0) {
    paragraphs.push(listed("Some refs were not updated:", rejected.map(withReason)));
  }
  const diverged = plan.held.filter((result) => result.outcome === "diverged");
  if (mirror.direction === "push" && diverged.length > 0) {
    const heading = "Some refs have diverged and have not been updated on the remote:";
    paragraphs.push(
      listed(
        heading,
        diverged.map((result) => result.ref),
      ),
    );
  }
  if (plan.failure !== null) paragraphs.push(plan.failure);
  const held = plan.held.filter((result) => result.outcome === "held");
  if (held.length > 0) paragraphs.push(listed("Some refs are held back:", held.map(withReason)));
  return paragraphs.length > 0 ? paragraphs.join("\n\n") : null;
}

function withReason(result: RefResult): string {
  return result.message ? `${result.ref}: ${result.message}` : result.ref;
}

function listed(heading: string, lines: readonly string[]): string {
  const more = lines.length > NAMED ? [`and ${lines.length - NAMED} others`] : [];
  return [heading, "", ...lines.slice(0, NAMED), ...more].join("\n");
}
