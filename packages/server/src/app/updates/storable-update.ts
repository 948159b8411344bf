import { plainText } from "../../domain/plain-text.ts";
import type { RefResult } from "../../domain/refs.ts";
import type { FinishedUpdate } from "../ports.ts";

/**
 * The record of a run with texts that any store takes. Whoever quotes a remote cleans up what it quotes; this is the
 * second fence, since a record that cannot be written would leave the update to be taken up again, and again.
 */
export function storableUpdate(finished: FinishedUpdate): FinishedUpdate {
  return {
    ...finished,
    error: finished.error === null ? null : plainText(finished.error),
    results: finished.results.map(withPlainTexts),
    notes: finished.notes.map(plainText),
    log: finished.log.map((line) => ({ ...line, text: plainText(line.text) })),
  };
}

function withPlainTexts(result: RefResult): RefResult {
  return {
    ...result,
    ...(result.message === undefined ? {} : { message: plainText(result.message) }),
    ...(result.fix === undefined ? {} : { fix: plainText(result.fix) }),
  };
}
