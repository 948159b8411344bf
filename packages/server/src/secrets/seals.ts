import { z } from "zod";
import type { Seals } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { KeyRing } from "./key-ring.ts";
import type { createSealer } from "./sealer.ts";

const Sealed = z.tuple([z.string(), z.string()]);

/** Texts that others keep for us: key id and sealed text, in letters that a cookie may hold. */
export function createSeals(sealer: ReturnType<typeof createSealer>, keys: Pick<KeyRing, "current">): Seals {
  return {
    seal(text, purpose) {
      // Anybody may ask for this: it must not be what makes a new secrets file while the old one can be put back.
      if (keys.current() === null) {
        throw new HeliostatError(
          "secret-unreadable",
          "The secrets file of this server is lost. An admin must put it back; until then sign in with your password.",
        );
      }
      const { keyId, sealed } = sealer.seal(text, `for-others:${purpose}`);
      return Buffer.from(JSON.stringify([keyId, sealed.toString("base64url")])).toString("base64url");
    },
    open(text, purpose) {
      try {
        const [keyId, sealed] = Sealed.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
        return sealer.open({ keyId, sealed: Buffer.from(sealed, "base64url") }, `for-others:${purpose}`);
      } catch {
        return null;
      }
    },
  };
}
