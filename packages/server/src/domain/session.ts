/** By what somebody showed who they are. */
export type SignInMethod = "password" | "oidc";

/** What somebody has from signing in with a browser until they sign out, or it expires. */
export interface Session {
  readonly id: number;
  readonly userId: number;
  readonly method: SignInMethod;
  /** What its own pages must send with every change; no secret to its user, and never shown to anybody else. */
  readonly csrfToken: string;
  readonly createdAt: Date;
  /** When its secret was replaced the last time. */
  readonly rotatedAt: Date;
  /** Whether the secret of that time has come back: until then the one before is good too. */
  readonly isRotationConfirmed: boolean;
  readonly lastSeenAt: Date;
  /** Whatever is done with it, it ends then. */
  readonly expiresAt: Date;
  /** The IP address by which it was used the last time, and what its browser says of itself. */
  readonly address: string | null;
  readonly userAgent: string | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** However much it is used, nobody stays signed in for longer, unless the idle time is longer still. */
const LONGEST_MS = 30 * DAY_MS;

/** A stolen copy of a cookie is of no use after this, or it comes to light. */
const ROTATE_AFTER_MS = 60 * MINUTE_MS;

/** Requests that were under way at a rotation had the secret before; so had a page's other requests. */
const PREVIOUS_IS_GOOD_MS = MINUTE_MS;

/** A session in steady use is written at most this often. */
const TOUCH_EVERY_MS = MINUTE_MS;

/** When a session that is opened now ends, however much it is used. `idleMinutes`: how long it may go unused. */
export function endOfSession(openedAt: Date, idleMinutes: number): Date {
  return new Date(openedAt.getTime() + Math.max(LONGEST_MS, idleMinutes * MINUTE_MS));
}

/** Whether the session has not expired, neither at its end nor by not being used. */
export function isLive(
  { lastSeenAt, expiresAt }: Pick<Session, "lastSeenAt" | "expiresAt">,
  now: Date,
  idleMinutes: number,
): boolean {
  return now < expiresAt && now.getTime() - lastSeenAt.getTime() < idleMinutes * MINUTE_MS;
}

/**
 * What to do with a session that is live when one of its secrets comes:
 * - `use`: nothing but to let it in; `touch`: also note that it was seen; `rotate`: also give it a new secret;
 * - `end`: a secret came that was replaced, and whose successor was in use. Somebody has a copy: whose of the two is the
 *   copy cannot be told, so that both are out.
 */
export type SessionStep = "use" | "touch" | "rotate" | "end";

/** `isPrevious`: it came with the secret before the present one. */
export function nextStep(
  session: Pick<Session, "rotatedAt" | "isRotationConfirmed" | "lastSeenAt">,
  isPrevious: boolean,
  now: Date,
): SessionStep {
  const sinceRotation = now.getTime() - session.rotatedAt.getTime();
  if (isPrevious) {
    if (sinceRotation <= PREVIOUS_IS_GOOD_MS) return "use";
    // The answer with the new secret never arrived: another one is made, and nobody is signed out by a lost packet.
    return session.isRotationConfirmed ? "end" : "rotate";
  }
  if (sinceRotation >= ROTATE_AFTER_MS) return "rotate";
  const sinceSeen = now.getTime() - session.lastSeenAt.getTime();
  return sinceSeen >= TOUCH_EVERY_MS || !session.isRotationConfirmed ? "touch" : "use";
}
