import type { CredentialKind, ErrorCode } from "@heliostat/contract";
import type { Namespace } from "./project.ts";

/** A named credential. Its secret is not in here. */
export interface Credential {
  readonly id: number;
  readonly name: string;
  readonly kind: CredentialKind;
  /** Whose it is: a user's own namespace, or a group. */
  readonly namespace: Namespace;
  readonly username: string | null;
  /** Of its key pair, one line in OpenSSH's form; null: it is a password. */
  readonly publicKey: string | null;
  /** As its owner says it; null: not known. */
  readonly expiresAt: Date | null;
  readonly rotatedAt: Date;
  readonly mirrorsCount: number;
  /** The keys of the secrets file that its secret is sealed with. */
  readonly secretKeyIds: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const MS_OF_A_DAY = 24 * 3600 * 1000;

/** As long before its expiry a credential counts as one that expires soon. */
export const EXPIRES_SOON_MS = 7 * MS_OF_A_DAY;

/** What people are told of an expiry: a week before it, a day before it, and that it has come. */
export type ExpiryNews = "week" | "day" | "expired";

/** In the order in which they come. */
export const EXPIRY_NEWS: readonly ExpiryNews[] = ["week", "day", "expired"];

/** What there is to say of this expiry now; null: nothing. */
export function expiryNews(expiresAt: Date | null, now: Date): ExpiryNews | null {
  if (expiresAt === null) return null;
  const left = expiresAt.getTime() - now.getTime();
  if (left <= 0) return "expired";
  if (left <= MS_OF_A_DAY) return "day";
  return left <= EXPIRES_SOON_MS ? "week" : null;
}

/**
 * What a remote may answer because of the credential, so that another one may help. Hosts hide from those who may not
 * see a repository that it is there.
 */
export const CREDENTIAL_FAILURES: readonly ErrorCode[] = [
  "remote-credential",
  "remote-forbidden",
  "remote-not-found",
  "ssh-key-refused",
  "secret-unreadable",
];
