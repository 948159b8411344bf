import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { KeyPairs } from "../app/ports.ts";
import { writeSshKeyPair } from "../domain/ssh-private-key.ts";

const RSA_BITS = 4096;
const generate = promisify(generateKeyPair);

/** Makes key pairs beside the event loop: finding the primes of RSA takes seconds. */
export const keyPairs: KeyPairs = {
  async make(type, comment) {
    const { privateKey } = await (type === "rsa"
      ? generate("rsa", { modulusLength: RSA_BITS })
      : generate(type));
    return writeSshKeyPair(privateKey, comment);
  },
};
