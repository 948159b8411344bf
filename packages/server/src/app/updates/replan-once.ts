import { asHeliostatError, HeliostatError } from "../../domain/errors.ts";
import { explainStaleAgain } from "../../domain/push-verdict.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { RefResult } from "../../domain/refs.ts";
import { failureOf } from "./failure.ts";
import type { RunOutcome, RunPorts, RunProject } from "./run.ts";

/** One look at both sides, one plan, and what came of it. */
export interface Round extends Omit<RunOutcome, "failure"> {
  /** What the plan says that the update fails by. */
  readonly failures: readonly string[];
}

/**
 * Runs a round, and once more when a ref had moved between its look and its writing: the world has changed, and the
 * next look sees it. Only once, so that a busy ref cannot keep an update running; what moved again is `rejected`, and
 * the next update's. `round` gets the project as it is when the round begins. Whatever ends the second round, what the
 * first one did is not forgotten: it is answered, and the error as what it was broken off by.
 */
export async function replanOnce(
  ports: Pick<RunPorts, "projects">,
  project: RunProject,
  round: (project: RunProject) => Promise<Round>,
): Promise<RunOutcome> {
  const first = await round(project);
  // A remote that broke off is left alone.
  if (first.brokenOffBy || !first.results.some(isStale)) return outcomeOf(first);
  try {
    const now = await ports.projects.find(project.id);
    if (!now) throw new HeliostatError("cancelled", "The project was removed.");
    return outcomeOf(mergeRounds(first, await round(now)));
  } catch (error) {
    return { ...outcomeOf(first), brokenOffBy: asHeliostatError(error) };
  }
}

function isStale({ outcome, reason }: RefResult): boolean {
  return outcome === "rejected" && reason === "stale-lease";
}

/** The second round has the last word on every ref that it says something of; what the first one did stays done. */
function mergeRounds(first: Round, second: Round): Round {
  const results = new Map<RefName, RefResult>();
  for (const result of first.results) if (isDone(result)) results.set(result.ref, result);
  const before = new Map(first.results.map((result) => [result.ref, result]));
  for (const result of second.results) {
    results.set(result.ref, explainStaleAgain(before.get(result.ref), result));
  }
  return {
    ...second,
    results: [...results.values()],
    notes: [...new Set([...first.notes, ...second.notes])],
    upToDate: second.upToDate.filter((ref) => !results.has(ref)),
    changedProject: first.changedProject || second.changedProject,
  };
}

function isDone({ outcome }: RefResult): boolean {
  return outcome !== "rejected" && outcome !== "held" && outcome !== "diverged";
}

function outcomeOf({ failures, ...round }: Round): RunOutcome {
  return { ...round, failure: failureOf(failures, round.results) };
}
