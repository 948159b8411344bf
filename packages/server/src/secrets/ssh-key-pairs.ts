import { promisify } from "node:util";
import ssh2 from "ssh2";
import type { KeyPairs } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";

const RSA_BITS = 4096;

const generate = promisify(
  (
    type: "ed25519" | "rsa",
    options: { bits: number; comment: string },
    done: (error: Error | null, keys?: { private: string; public: string }) => void,
  ) => ssh2.utils.generateKeyPair(type, options, done),
);

/** SSH key pairs, made and read in this process: no private key is ever in a file. */
export const sshKeyPairs: KeyPairs = {
  async make(type, comment) {
    const keys = await generate(type, { bits: RSA_BITS, comment });
    if (!keys) throw new HeliostatError("bug", "no key pair was made");
    return { publicKey: keys.public.trim(), privateKey: keys.private };
  },
  read(privateKey, comment) {
    const parsed = ssh2.utils.parseKey(privateKey);
    if (parsed instanceof Error) {
      throw /passphrase|encrypted/i.test(parsed.message)
        ? invalid("has a passphrase: give one without")
        : invalid("is no private key that can be read");
    }
    if (!parsed.isPrivateKey()) throw invalid("is a public key: give the private one");
    const blob = parsed.getPublicSSH().toString("base64");
    return { publicKey: `${parsed.type} ${blob} ${comment}`, privateKey };
  },
};

function invalid(complaint: string): HeliostatError {
  return new HeliostatError("model-invalid", `private_key ${complaint}`, {
    fields: { private_key: [complaint] },
  });
}
