import { rejectedResult, successResult } from "./ref-result.ts";
import type { RefChange, RefResult } from "./refs.ts";
import { classifyRejection, type Rejection, rejectionFor } from "./rejection.ts";
import { maxRefsIn, wordsAbout } from "./remote-words.ts";

/** What one push made of one change. */
export interface PushVerdict {
  readonly result: RefResult;
  /** Whether it was declined for what may be another ref's fault. */
  readonly isOfWholePush: boolean;
  /** What the remote told people about the whole push, without secrets. */
  readonly said: readonly string[];
}

/** Reasons that a server gives to every ref of a push because of one of them. */
const WHOLE_PUSH = /pre-receive hook declined|unpack|atomic|transaction|failed to report status/i;
const MAX_WORDS = 500;

/** The remote's ref is where it was to be, whoever brought it there. */
export function acceptedVerdict(change: RefChange): PushVerdict {
  return { result: successResult(change), isOfWholePush: false, said: [] };
}

/** The remote's ref is not where the plan saw it: the lease holds, and nothing was changed. */
export function staleVerdict(change: RefChange): PushVerdict {
  return rejectedVerdict(change, STALE, rejectionFor("stale-lease"));
}

const STALE = "The remote's ref changed meanwhile. The next update looks again.";

/**
 * Tells a ref that is stale again, although a second look has seen what the first one saw: nobody changed it, the
 * remote's list says other than what a push finds. Any other result is answered as it is.
 */
export function explainStaleAgain(before: RefResult | undefined, result: RefResult): RefResult {
  const isSame = before?.old === result.old && before.new === result.new;
  if (!isSame || before.message !== STALE || result.message !== STALE) return result;
  return {
    ...result,
    message:
      "The remote does not list this ref as a push finds it, not at a second look either: it hides the ref from those who read, or its list lags behind.",
    reason: "hidden-ref",
    fix: "Have the remote show this ref to the mirror's account (`uploadpack.hideRefs`), or leave it out by the mirror's filter. A list that lags behind comes right by itself.",
  };
}

/**
 * The remote said no. `reason` is what it says of this ref, `lines` what it told people about the push, both without
 * secrets: whoever holds the credential redacts first, since half a secret would not be recognized.
 */
export function refusedVerdict(change: RefChange, reason: string, lines: readonly string[]): PushVerdict {
  const about = wordsAbout(change.ref, lines);
  const message = `The remote refused it: ${reason}.${remoteSays(joinRemoteWords(about))}`;
  return {
    result: rejectedResult(change, message, classifyRejection(reason, about)),
    isOfWholePush: WHOLE_PUSH.test(reason) || maxRefsIn(lines) !== null,
    said: lines,
  };
}

/** It was not done, for a reason that is this ref's alone. */
export function rejectedVerdict(change: RefChange, message: string, rejection: Rejection): PushVerdict {
  return { result: rejectedResult(change, message, rejection), isOfWholePush: false, said: [] };
}

/** The end of a message: what the remote told people, cut to a length that fits; "" when it told nothing. */
export function remoteSays(words: string): string {
  return words === "" ? "" : ` The remote says: ${words.slice(0, MAX_WORDS)}`;
}

/** The lines that a server sent for people to read, as one; "" for none. Not cut to length. */
export function joinRemoteWords(lines: readonly string[]): string {
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ");
}
