import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Webhook } from "./webhook.ts";

/**
 * Which of its texts the webhook's proof is over, where it proves this secret; null: it does not. Takes the same time
 * whichever part of the proof is wrong.
 */
export function verifyProof(
  { proof, signedTexts }: Pick<Webhook, "proof" | "signedTexts">,
  secret: string,
): Buffer | null {
  const [body = Buffer.alloc(0)] = signedTexts;
  // An empty key signs too, and everybody has it.
  if (proof === null || secret === "") return null;
  if (proof.kind === "secret") return areEqual(proof.secret, secret) ? body : null;
  return (
    signedTexts.find((text) =>
      areEqual(createHmac(proof.algorithm, secret).update(text).digest("hex"), proof.hex.toLowerCase()),
    ) ?? null
  );
}

/** Digests have one length, and nothing about the texts is to be learned from how far they are equal. */
function areEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
