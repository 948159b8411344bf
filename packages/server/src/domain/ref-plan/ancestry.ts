import type { Oid } from "../oid.ts";

/** "Is `ancestor` reachable from `descendant`?" An oid is its own ancestor; a tag object stands for its commit. */
export interface AncestryQuestion {
  readonly ancestor: Oid;
  readonly descendant: Oid;
}

/** `unknown`: one of the two is not in our object store, or leads to no commit. */
export type AncestryAnswer = "yes" | "no" | "unknown";

/** The oracle that a plan asks. Pure: the answers were collected before. */
export type AncestryAnswers = (question: AncestryQuestion) => AncestryAnswer;

/**
 * What a plan needs to know, each question once: runs it with an oracle that knows nothing. So a plan must ask the
 * same questions whatever the answers are; it is made twice, once to learn the questions and once with the answers.
 */
export function collectQuestions(plan: (ancestry: AncestryAnswers) => unknown): AncestryQuestion[] {
  const questions = new Map<string, AncestryQuestion>();
  plan((question) => {
    questions.set(keyOf(question), question);
    return "unknown";
  });
  return [...questions.values()];
}

/** The oracle made of collected answers, such as a `Map`. What nobody answered is `unknown`. */
export function answersFrom(answers: Iterable<readonly [AncestryQuestion, AncestryAnswer]>): AncestryAnswers {
  const byKey = new Map<string, AncestryAnswer>();
  for (const [question, answer] of answers) byKey.set(keyOf(question), answer);
  return (question) => byKey.get(keyOf(question)) ?? "unknown";
}

function keyOf({ ancestor, descendant }: AncestryQuestion): string {
  return `${ancestor} ${descendant}`;
}
