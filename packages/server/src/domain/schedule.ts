/** From this interval on, GitLab's jitter of up to a minute goes unnoticed; below, it would be a different interval. */
const LONG_INTERVAL_SECONDS = 30 * 60;
const LONG_JITTER_SECONDS = 60;
const SHORT_JITTER_SHARE = 0.05;

/** GitLab's limit: at the next failure in a row after these, a pull mirror pauses until a person resumes it. */
export const HARD_FAILURE_AFTER = 14;

/** Seconds before each new try of a failed push: a hiccup is over soon, a restart takes a minute, the rest waits. */
const RETRY_DELAYS_SECONDS = [10, 60, 300];

/**
 * When a pull mirror is to be checked next, seen from the end of a run.
 * - The delay is the interval or, if that is longer, the time the run took: no mirror is busy for more than half of
 *   its life, however short its interval.
 * - After `retryCount` failures in a row it is so many times as long, up to `maxDelaySeconds`; an interval that is
 *   longer by itself stays as it is. 0 means success.
 * - On top comes jitter, so that mirrors made together do not stay together: 0–59 s for intervals from 30 minutes on,
 *   as GitLab has it, and up to 5 % for shorter ones. It only ever delays.
 *
 * `random` answers from 0 to below 1, as `Math.random` does.
 */
export function nextCheckAfter(run: {
  readonly now: Date;
  readonly intervalSeconds: number;
  readonly maxDelaySeconds: number;
  readonly retryCount: number;
  readonly durationMs: number;
  readonly random: () => number;
}): Date {
  const base = Math.max(run.intervalSeconds, run.durationMs / 1000);
  const longest = Math.max(run.intervalSeconds, run.maxDelaySeconds);
  const delay = Math.min(base * Math.max(1, run.retryCount), longest);
  const jitter = jitterSeconds(run.intervalSeconds, run.random());
  return new Date(run.now.getTime() + Math.round((delay + jitter) * 1000));
}

function jitterSeconds(intervalSeconds: number, random: number): number {
  if (intervalSeconds >= LONG_INTERVAL_SECONDS) return Math.floor(random * LONG_JITTER_SECONDS);
  return random * intervalSeconds * SHORT_JITTER_SHARE;
}

/**
 * Seconds until a push that failed `retryCount` times in a row is tried again, or null when it was tried again often
 * enough: three times, as in GitLab. The next push or a person starts it anew.
 */
export function retryDelay(retryCount: number): number | null {
  return RETRY_DELAYS_SECONDS[retryCount - 1] ?? null;
}
