import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { HeliostatError } from "../domain/errors.ts";
import type { KeyRing } from "./key-ring.ts";

export interface SealedSecret {
  readonly keyId: string;
  /** Nonce, tag and cipher text in one piece. */
  readonly sealed: Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals secrets for the database with AES-256-GCM. `context` (such as `mirror:7:password`) is authenticated along,
 * so that a sealed text that is moved to another row or column no longer opens.
 */
export function createSealer(keys: Pick<KeyRing, "sealingKey" | "find">) {
  return {
    seal(plain: string, context: string): SealedSecret {
      const nonce = randomBytes(NONCE_BYTES);
      const { id, key } = keys.sealingKey();
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      cipher.setAAD(Buffer.from(context, "utf8"));
      const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
      return { keyId: id, sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]) };
    },
    /** `secret-unreadable` when the key is lost or the text is not what was sealed for this context. */
    open(secret: SealedSecret, context: string): string {
      const { sealed } = secret;
      const decipher = createDecipheriv(
        "aes-256-gcm",
        keyOf(keys, secret.keyId),
        sealed.subarray(0, NONCE_BYTES),
      );
      decipher.setAAD(Buffer.from(context, "utf8"));
      try {
        decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (error) {
        throw new HeliostatError(
          "secret-unreadable",
          "The stored secret cannot be decrypted. Enter it again.",
          { cause: error },
        );
      }
    },
  };
}

function keyOf(keys: Pick<KeyRing, "find">, id: string): Buffer {
  const key = keys.find(id);
  if (!key) {
    throw new HeliostatError(
      "secret-unreadable",
      `The key ${id} that sealed this secret is not in the secrets file. Put the file back, or enter the secret again.`,
    );
  }
  return key;
}
