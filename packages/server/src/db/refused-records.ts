import type { FinishedUpdate, MirrorStore } from "../app/ports.ts";
import { refusedValue } from "./broken-constraint.ts";

type UpdateEnds = Pick<MirrorStore, "finishUpdate">;

/**
 * The store of updates, where a record that the database refuses for what it says is written without its texts. Not to
 * end such an update would have it taken up again, to end in the same way for ever.
 */
export function endRefusedRecords<S extends UpdateEnds>(store: S): S {
  return {
    ...store,
    async finishUpdate(lease, outcome) {
      try {
        return await store.finishUpdate(lease, outcome);
      } catch (error) {
        const why = refusedValue(error);
        if (why === null) throw error;
        return await store.finishUpdate(lease, withoutTexts(outcome, why));
      }
    },
  } satisfies UpdateEnds & S;
}

/** What is certain to be storable: how it ended, and when it is to be run again. */
function withoutTexts(outcome: FinishedUpdate, why: string): FinishedUpdate {
  const note = `The record of this update could not be stored whole: ${why}.`;
  const error = outcome.error === null ? null : note;
  return { ...outcome, error, results: [], notes: [note], upToDate: [], skipped: [], log: [] };
}
