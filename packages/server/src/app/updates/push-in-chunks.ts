import { asHeliostatError, type HeliostatError } from "../../domain/errors.ts";
import type { PushVerdict } from "../../domain/push-verdict.ts";
import type { RefName } from "../../domain/ref-name.ts";
import { rejectedResult } from "../../domain/ref-result.ts";
import type { RefChange, RefResult } from "../../domain/refs.ts";
import { rejectionFor } from "../../domain/rejection.ts";

/** Strict hosts answer pushes of many thousands of refs with an error; chunks of 500 pass. */
const MAX_REFS = 500;
/**
 * How often a declined push is split: enough to find two bad refs among 1,000, and more with each push of which
 * something arrived. A remote that declines everything is soon left alone.
 */
const SPLITS = 24;
const SPLITS_FOR_SUCCESS = 4;

/** One push; one verdict a change, in their order. Throws when the remote cannot be spoken to. */
export type PushOnce = (group: readonly RefChange[]) => Promise<readonly PushVerdict[]>;

/**
 * Pushes all changes by groups and answers one result a change, in their order. Servers decline a whole push because
 * of one ref: its refs are pushed again in halves, so that one bad ref among 1,000 costs some 20 pushes and the other
 * 999 arrive.
 *
 * Throws when the remote cannot be spoken to at all. When that happens after some refs were pushed, it answers: those
 * have their outcome, the others are `rejected` with the reason. `cancelled` is always thrown.
 */
export async function pushInChunks(
  changes: readonly RefChange[],
  pushOnce: PushOnce,
): Promise<readonly RefResult[]> {
  const results = new Map<RefName, RefResult>();
  const queue = chunk(changes);
  let splitsLeft = SPLITS;
  for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
    try {
      const verdicts = await pushOnce(group);
      const declined = group.filter((_change, index) => verdicts[index]?.isOfWholePush === true);
      const isOfUse = verdicts.some(({ result }) => result.outcome !== "rejected");
      if (isOfUse) splitsLeft += SPLITS_FOR_SUCCESS;
      const again = new Set(declined.length > 1 && splitsLeft > 0 ? declined : []);
      if (again.size > 0) {
        splitsLeft -= 1;
        const half = Math.ceil(declined.length / 2);
        queue.unshift(declined.slice(0, half), declined.slice(half));
      }
      for (const [index, change] of group.entries()) {
        const verdict = verdicts[index];
        if (verdict && !again.has(change)) results.set(change.ref, verdict.result);
      }
    } catch (thrown) {
      const error = asHeliostatError(thrown);
      if (results.size === 0 || error.code === "cancelled") throw error;
      breakOff(error, group, queue.flat(), results);
      break;
    }
  }
  return changes.map(
    (change) =>
      results.get(change.ref) ??
      rejectedResult(change, "The remote said nothing about it.", rejectionFor("other")),
  );
}

function breakOff(
  error: HeliostatError,
  group: readonly RefChange[],
  rest: readonly RefChange[],
  results: Map<RefName, RefResult>,
): void {
  for (const change of group) {
    results.set(
      change.ref,
      rejectedResult(
        change,
        `The push broke off and may or may not have changed it: ${error.message}`,
        rejectionFor("broken-off"),
      ),
    );
  }
  for (const change of rest) {
    results.set(
      change.ref,
      rejectedResult(
        change,
        `Not pushed, because the push before it broke off: ${error.message}`,
        rejectionFor("broken-off"),
      ),
    );
  }
}

function chunk(changes: readonly RefChange[]): (readonly RefChange[])[] {
  const chunks: (readonly RefChange[])[] = [];
  for (let at = 0; at < changes.length; at += MAX_REFS) chunks.push(changes.slice(at, at + MAX_REFS));
  return chunks;
}
