/** Seconds before each new try: a hiccup is over soon, a restart takes minutes, the rest is for a person to mend. */
const DELAYS_SECONDS = [60, 5 * 60, 30 * 60, 2 * 3600];

/** A mail that is older says what may not be true any more. */
const LIFE_MS = 24 * 3600_000;

/** Whether this mail is too old to be sent. */
export function isStale(mail: { readonly createdAt: Date }, now: Date): boolean {
  return now.getTime() - mail.createdAt.getTime() > LIFE_MS;
}

/**
 * When a mail that failed `attempts` times is tried again: after 1, 5 and 30 minutes, then every two hours. Null when
 * it would be more than a day old by then: it is given up.
 */
export function nextMailAttempt(
  mail: { readonly createdAt: Date; readonly attempts: number },
  now: Date,
): Date | null {
  const seconds = DELAYS_SECONDS[mail.attempts - 1] ?? DELAYS_SECONDS.at(-1) ?? 0;
  const next = new Date(now.getTime() + seconds * 1000);
  return isStale(mail, next) ? null : next;
}
