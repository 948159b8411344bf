import type { RefChange, RefResult } from "./refs.ts";
import type { Rejection } from "./rejection.ts";

const OUTCOMES = {
  create: "created",
  "fast-forward": "fast-forward",
  force: "forced",
  delete: "deleted",
} as const satisfies Record<RefChange["action"], RefResult["outcome"]>;

/** The change was made as planned. */
export function successResult(change: RefChange): RefResult {
  return { ref: change.ref, outcome: OUTCOMES[change.action], old: change.old, new: change.new };
}

/** The ref is as it was, or as somebody else made it; `message` says why. */
export function rejectedResult(
  change: Pick<RefChange, "ref" | "old" | "new">,
  message: string,
  { reason, fix }: Rejection,
): RefResult {
  return { ref: change.ref, outcome: "rejected", old: change.old, new: change.new, message, reason, fix };
}
