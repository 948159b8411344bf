import type { Session } from "../../domain/session.ts";
import type { Origin, Principal, User } from "../../domain/user.ts";

/** Where somebody signs in from: `userAgent` is what their browser says of itself. */
export interface SignInOrigin extends Origin {
  readonly userAgent: string | null;
}

/** A session that was just opened: the one moment at which its secret is known. */
export interface OpenedSession {
  readonly user: User;
  readonly session: Session;
  readonly secret: string;
  /** They came by password, and must have a second factor here: until it is set up, they may do nothing else. */
  readonly mustSetUpSecondFactor: boolean;
}

/** A session that is live, and a new secret for its browser where it is time for one. */
export interface FoundSession {
  readonly principal: Extract<Principal, { kind: "user" }> & { readonly session: Session };
  readonly renewed: { readonly secret: string } | null;
  /** As `OpenedSession` has it. */
  readonly mustSetUpSecondFactor: boolean;
}

/** What somebody does with sessions; they begin by `signIn`, or by what a provider says of somebody. */
export interface SessionUseCases {
  /** Who this secret of a session stands for. Null when it is unknown or has expired, or its user is blocked. */
  authenticateSession(secret: string, from: Origin): Promise<FoundSession | null>;
  /** Ends the session by which the principal came; nothing for one who came otherwise. */
  signOut(principal: Principal): Promise<void>;
  /** The principal's own live sessions; the one used last comes first. */
  listSessions(principal: Principal): Promise<readonly Session[]>;
  /** Ends one of the principal's own sessions; `not-found` when there is no such. */
  endSession(principal: Principal, id: number): Promise<void>;
  /** Ends all of the principal's own sessions but the one by which they came; answers how many. */
  endOtherSessions(principal: Principal): Promise<number>;
}
