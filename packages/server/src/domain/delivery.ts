/** Whom a delivery is for. */
export interface DeliveryTarget {
  readonly kind: "hook" | "pipeline-trigger";
  readonly id: number;
}

/** How a target has fared of late. */
export interface TargetHealth {
  /** Attempts in a row that failed. */
  readonly failureCount: number;
  /** Times in a row that it was switched off. */
  readonly backoffCount: number;
  /** Nothing is sent until then; null: it is in use. */
  readonly disabledUntil: Date | "for-good" | null;
}

/** GitLab's words for it. */
export type AlertStatus = "executable" | "temporarily_disabled" | "disabled";

/** What came of one attempt. */
export type AttemptOutcome =
  | { readonly kind: "delivered" }
  /** `retryAfter`: seconds that the receiver asked for. `isFinal`: another attempt would end the same way. */
  | { readonly kind: "failed"; readonly isFinal: boolean; readonly retryAfter: number | null };

export const GOOD_HEALTH: TargetHealth = { failureCount: 0, backoffCount: 0, disabledUntil: null };

/** GitLab's numbers: with the fourth failure in a row a target rests for a minute, then twice as long each time. */
const FAILURES_BEFORE_REST = 4;
const FIRST_REST_MS = 60_000;
const LONGEST_REST_MS = 24 * 3600_000;
/** With this one it is switched off for good. By the rests before it that takes a month. */
const FAILURES_BEFORE_END = 40;

/** Seconds before each new attempt: for a hiccup, a restart, a deployment, an outage. */
const RETRY_SECONDS = [10, 60, 5 * 60, 30 * 60];
const LONGEST_RETRY_AFTER = 3600;
/** A delivery that is older tells of what is long past. */
const LIFE_MS = 24 * 3600_000;

/** The state that clients are told of. */
export function alertStatusOf({ disabledUntil }: TargetHealth, now: Date): AlertStatus {
  if (disabledUntil === "for-good") return "disabled";
  return disabledUntil !== null && disabledUntil > now ? "temporarily_disabled" : "executable";
}

/**
 * The health after an attempt. One that was under way when the target was switched off does not count: several at the
 * same time say no more than one.
 */
export function healthAfter(health: TargetHealth, outcome: AttemptOutcome, now: Date): TargetHealth {
  if (outcome.kind === "delivered") return GOOD_HEALTH;
  if (alertStatusOf(health, now) !== "executable") return health;
  const failureCount = health.failureCount + 1;
  if (failureCount < FAILURES_BEFORE_REST) return { ...health, failureCount };
  const rest = Math.min(FIRST_REST_MS * 2 ** health.backoffCount, LONGEST_REST_MS);
  return {
    failureCount,
    backoffCount: health.backoffCount + 1,
    disabledUntil: failureCount >= FAILURES_BEFORE_END ? "for-good" : new Date(now.getTime() + rest),
  };
}

/** Whether a delivery is too old to be sent. */
export function isStaleDelivery(delivery: { readonly createdAt: Date }, now: Date): boolean {
  return now.getTime() - delivery.createdAt.getTime() > LIFE_MS;
}

/** When a delivery that was attempted so often is attempted again, not before the target is in use; null: never. */
export function nextDeliveryAttempt(
  delivery: { readonly createdAt: Date; readonly attempts: number },
  outcome: AttemptOutcome,
  { disabledUntil }: TargetHealth,
  now: Date,
): Date | null {
  if (outcome.kind === "delivered" || outcome.isFinal || disabledUntil === "for-good") return null;
  const seconds = RETRY_SECONDS[delivery.attempts - 1];
  if (seconds === undefined) return null;
  const wait = Math.max(seconds, Math.min(outcome.retryAfter ?? 0, LONGEST_RETRY_AFTER));
  const next = new Date(Math.max(now.getTime() + wait * 1000, disabledUntil?.getTime() ?? 0));
  return isStaleDelivery(delivery, next) ? null : next;
}

/**
 * What an answer means. What the receiver cannot do just now is worth another attempt; a redirect is not followed, since
 * it could lead anywhere.
 */
export function outcomeOfAnswer(status: number, retryAfter: string | undefined): AttemptOutcome {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : null;
  const isPassing = status >= 500 || status === 429 || status === 408;
  return { kind: "failed", isFinal: !isPassing, retryAfter: isPassing ? seconds : null };
}
