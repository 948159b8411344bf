import { asHeliostatError, type HeliostatError } from "../../domain/errors.ts";
import type { RefName } from "../../domain/ref-name.ts";
import { splitAtDefault } from "../../domain/ref-plan/after-default.ts";
import { failureOnKept, holdUntilArrival } from "../../domain/ref-plan/push-plan.ts";
import type { RefPlan } from "../../domain/ref-plan/ref-plan.ts";
import type { RefChange } from "../../domain/refs.ts";
import { brokenOff, type PushOutcome } from "./push-in-chunks.ts";

export interface OrderedPush extends PushOutcome {
  /** What the update fails by besides refs that were refused. */
  readonly failures: readonly string[];
}

/**
 * Pushes the changes of a plan: first all that need nothing, then, if our default branch has arrived, what had to wait
 * for it; if it has not, that is held. One result a change. What the first push throws is thrown; what ends the second
 * one, `cancelled` too, is answered, so that nothing is forgotten that was done.
 */
export async function pushInOrder(
  plan: Pick<RefPlan, "changes" | "afterDefault">,
  defaultBranch: RefName | null,
  push: (changes: readonly RefChange[]) => Promise<PushOutcome>,
): Promise<OrderedPush> {
  const { first, later } = splitAtDefault(plan);
  const pushed = first.length > 0 ? await push(first) : { results: [], brokenOffBy: null };
  if (later.length === 0) return { ...pushed, failures: [] };
  const { results, brokenOffBy } = pushed;
  const hasArrived = results.some(({ ref, outcome }) => ref === defaultBranch && outcome !== "rejected");
  if (!hasArrived) {
    const held = holdUntilArrival(later, defaultBranch);
    return { results: [...results, ...held], brokenOffBy, failures: failureOnKept(held) };
  }
  const rest =
    brokenOffBy === null ? await pushRest(later, push) : breakOff(later, brokenOffBy, { isInDoubt: false });
  return { ...rest, results: [...results, ...rest.results], failures: [] };
}

async function pushRest(
  changes: readonly RefChange[],
  push: (changes: readonly RefChange[]) => Promise<PushOutcome>,
): Promise<PushOutcome> {
  try {
    return await push(changes);
  } catch (error) {
    return breakOff(changes, asHeliostatError(error), { isInDoubt: true });
  }
}

function breakOff(
  changes: readonly RefChange[],
  error: HeliostatError,
  { isInDoubt }: { readonly isInDoubt: boolean },
): PushOutcome {
  return { results: changes.map((change) => brokenOff(change, error, isInDoubt)), brokenOffBy: error };
}
