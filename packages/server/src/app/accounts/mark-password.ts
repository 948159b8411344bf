import { createHash } from "node:crypto";

/** Tells whether a password is still the one it was, from its stored hash, which goes nowhere itself. */
export function markPassword(passwordHash: string | null): string {
  return createHash("sha256")
    .update(passwordHash ?? "", "utf8")
    .digest("base64url");
}
