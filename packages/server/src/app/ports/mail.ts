import type { ExpiryNews } from "../../domain/credential.ts";
import type { MirrorHealth } from "../../domain/mirror.ts";

export interface Mail {
  readonly recipient: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface WaitingMail extends Mail {
  readonly id: number;
  /** Tries so far. */
  readonly attempts: number;
  readonly createdAt: Date;
}

/** Mails that are to be sent, in the database, so that a crash loses none. */
export interface MailOutbox {
  /**
   * Notes that people are told of the mirror's health, and with it the mails that tell them, in one transaction. Does
   * nothing and answers false when they were told of this health before, or a later update than the one that says so has
   * ended: that one's word counts.
   */
  tellHealth(
    news: { mirrorId: number; updateId: number; health: MirrorHealth },
    mails: readonly Mail[],
    now: Date,
  ): Promise<boolean>;
  /**
   * Notes that people are told this of a credential's expiry, and with it the mails that tell them, in one transaction.
   * Does nothing and answers false when they were told of it before, or the credential expires at another time by now.
   */
  tellExpiry(
    told: { credentialId: number; expiresAt: Date; news: ExpiryNews },
    mails: readonly Mail[],
    now: Date,
  ): Promise<boolean>;
  /** The same of an access token, which is told of once; false too when it was revoked meanwhile. */
  tellTokenExpiry(tokenId: number, mails: readonly Mail[], now: Date): Promise<boolean>;
  put(mails: readonly Mail[], now: Date): Promise<void>;
  /** Hands out mails that are due, each to one caller, and moves them out of the way until `until`. */
  claimDue(now: Date, until: Date, limit: number): Promise<readonly WaitingMail[]>;
  recordSent(id: number, now: Date): Promise<void>;
  /** `nextAttemptAt` null: given up. */
  recordFailure(id: number, error: string, nextAttemptAt: Date | null): Promise<void>;
  /** Removes mails made before this moment, sent or not, and answers how many. */
  removeOld(before: Date): Promise<number>;
}

/** What became of one try to send a mail. */
export type Delivery =
  | { readonly kind: "sent" }
  /** `isFinal`: another try would end the same way. The reason holds no secret. */
  | { readonly kind: "failed"; readonly reason: string; readonly isFinal: boolean };

/** The way to the mail server. */
export interface MailSender {
  /** Never throws, and ends in a bounded time. The same mail has the same Message-ID however often it is sent. */
  send(mail: WaitingMail, signal: AbortSignal): Promise<Delivery>;
}
