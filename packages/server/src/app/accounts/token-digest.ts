import { createHash } from "node:crypto";

/** What is stored of a token. Tokens are long and random, so a plain SHA-256 cannot be guessed backwards. */
export function digestToken(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}
