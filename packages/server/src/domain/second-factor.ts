import { Secret, TOTP } from "otpauth";

/** What every authenticator app takes for granted (RFC 6238): steps of 30 seconds, six digits, SHA-1. */
const RULES = { algorithm: "SHA1", digits: 6, period: 30 } as const;

/** Steps before and after the present one whose code is taken: clocks differ, and people type slowly. */
const WINDOW = 1;

/** What a secret and a recovery code are made of, in bytes. RFC 4226 asks for 20; 80 bits are beyond guessing. */
export const SECRET_BYTES = 20;
export const RECOVERY_CODE_BYTES = 10;

/** As many as GitLab gives. */
export const RECOVERY_CODES = 10;

/** A secret that was shown is to be confirmed by a code within this time: enough to look for one's phone. */
const CONFIRM_WITHIN_MS = 30 * 60_000;

/** A secret that was shown before then and is not confirmed now counts no more. */
export function unconfirmedSince(now: Date): Date {
  return new Date(now.getTime() - CONFIRM_WITHIN_MS);
}

/** A secret in the form in which people type it into an app: Base32. */
export function formatTotpSecret(bytes: Uint8Array): string {
  return toBase32(bytes);
}

/** The URL that an app reads from a QR code: the secret, whose it is and of which server. */
export function totpUrl({
  secret,
  username,
  host,
}: {
  readonly secret: string;
  readonly username: string;
  readonly host: string;
}): string {
  return new TOTP({ ...RULES, secret: Secret.fromBase32(secret), issuer: host, label: username }).toString();
}

/** The time step whose code this is, if it is that of now, of the one before or of the one after; else null. */
export function stepOfCode(secret: string, code: string, now: Date): number | null {
  const text = code.replace(/\s/g, "");
  if (!isTimeCode(text)) return null;
  const totp = new TOTP({ ...RULES, secret: Secret.fromBase32(secret) });
  const timestamp = now.getTime();
  const delta = totp.validate({ token: text, timestamp, window: WINDOW });
  return delta === null ? null : totp.counter({ timestamp }) + delta;
}

/** Whether this is a code of an app by its form; a recovery code is longer. */
export function isTimeCode(code: string): boolean {
  return /^\d{6}$/.test(code.replace(/\s/g, ""));
}

/** A recovery code in groups that can be copied from paper: `abcd-efgh-2345-6723`. */
export function formatRecoveryCode(bytes: Uint8Array): string {
  return (
    toBase32(bytes)
      .toLowerCase()
      .match(/.{1,4}/g) ?? []
  ).join("-");
}

/** The same code however it was typed: upper case, blanks and hyphens count for nothing. */
export function normalizeRecoveryCode(code: string): string {
  return code.replace(/[\s-]/g, "").toLowerCase();
}

function toBase32(bytes: Uint8Array): string {
  return new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;
}
