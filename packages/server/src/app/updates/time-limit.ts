import { HeliostatError } from "../../domain/errors.ts";
import type { Clock } from "../ports.ts";

/** The longest that one update may take: `expired` fires then, with the error to record as its reason. */
export interface TimeLimit {
  readonly expired: AbortSignal;
  readonly stop: () => void;
}

/** Starts to count at once; `stop` ends it. */
export function limitTime(clock: Clock, seconds: number): TimeLimit {
  const expiry = new AbortController();
  const timer = clock.after(seconds * 1000, () => expiry.abort(tookTooLong(seconds)));
  return { expired: expiry.signal, stop: () => timer.cancel() };
}

function tookTooLong(seconds: number): HeliostatError {
  return new HeliostatError(
    "timed-out",
    `The mirror update took too long to complete (limit: ${describeSeconds(seconds)}).`,
  );
}

/** `3 h`, `1 h 30 min`, `45 s`: what is zero is left out. */
function describeSeconds(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor((seconds % 3600) / 60), "min"],
    [seconds % 60, "s"],
  ] as const;
  return parts.flatMap(([count, unit]) => (count > 0 ? [`${count} ${unit}`] : [])).join(" ");
}
