import type { Oid } from "../oid.ts";

/** "Is `ancestor` reachable from `descendant`?" An oid is its own ancestor. */
export interface AncestryQuestion {
  readonly ancestor: Oid;
  readonly descendant: Oid;
}

/** `unknown`: one of the two is not in our object store, or is no commit. */
export type AncestryAnswer = "yes" | "no" | "unknown";

/** The oracle that a plan asks. Pure: the answers were collected before. */
export type AncestryAnswers = (question: AncestryQuestion) => AncestryAnswer;
