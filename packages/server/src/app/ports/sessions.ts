import type { Session } from "../../domain/session.ts";
import type { User } from "../../domain/user.ts";

export type NewSession = Omit<Session, "id" | "rotatedAt" | "isRotationConfirmed" | "lastSeenAt"> & {
  /** Of its secret, which is stored nowhere. */
  readonly digest: Buffer;
  /** That of the password by which it is opened; null: it is opened by something else. */
  readonly passwordHash: string | null;
};

export interface SessionStore {
  /** Null, and nothing done, when the user is gone or blocked, or has another password by now. */
  create(session: NewSession): Promise<Session | null>;
  /** By the digest of its secret, or of the one before (`isPrevious`). One that has expired too, until it is cleared away. */
  findByDigest(digest: Buffer): Promise<{ session: Session; isPrevious: boolean; user: User } | null>;
  find(id: number): Promise<Session | null>;
  /** Notes its use, and that the secret of `rotatedAt` is known to its browser; nothing when there is another by now. */
  touch(id: number, seen: { at: Date; address: string | null; rotatedAt: Date }): Promise<void>;
  /**
   * Replaces the secret. `digest` is the one that the browser has, and is the one before from now on. False, and nothing
   * is done, when another request was first.
   */
  rotate(
    id: number,
    digests: { readonly digest: Buffer; readonly next: Buffer },
    seen: { at: Date; address: string | null; rotatedAt: Date },
  ): Promise<boolean>;
  /** Those of the user that are live: not at their end, and seen after `seenAfter`. The one used last comes first. */
  listOf(userId: number, now: Date, seenAfter: Date): Promise<readonly Session[]>;
  /** False when there is no such session of this user. */
  end(userId: number, id: number): Promise<boolean>;
  /** All of the user but `except`; answers how many. */
  endAllOf(userId: number, except: number | null): Promise<number>;
  /** Those that ended before `now`, or were seen before `seenAfter` only; answers how many. */
  removeExpired(now: Date, seenAfter: Date): Promise<number>;
}
