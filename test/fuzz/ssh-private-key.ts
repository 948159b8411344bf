import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { HeliostatError } from "../../packages/server/src/domain/errors.ts";
import { readSshPrivateKey, writeSshKeyPair } from "../../packages/server/src/domain/ssh-private-key.ts";
import { type FuzzTarget, mutated } from "./fuzz.ts";

const ED25519 = generateKeyPairSync("ed25519").privateKey;
const ECDSA = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

function pem(key: KeyObject, type: "pkcs8" | "sec1" | "pkcs1"): string {
  return key.export({ format: "pem", type } as { format: "pem"; type: "pkcs8" }).toString();
}

const PAIRS = [ED25519, ECDSA, RSA].map((key) => writeSshKeyPair(key, "me"));
const TEXTS = [
  ...PAIRS.map(({ privateKey }) => privateKey),
  pem(ED25519, "pkcs8"),
  pem(ECDSA, "pkcs8"),
  pem(ECDSA, "sec1"),
  pem(RSA, "pkcs1"),
];
const SEEDS = [...TEXTS, "Proc-Type: 4,ENCRYPTED\n", "PuTTY-User-Key-File-3: ssh-rsa\n", "ssh-rsa AAAA"];
const DICTIONARY =
  "----- -----BEGIN -----END OPENSSH RSA EC DSA ENCRYPTED PRIVATE PUBLIC KEY A AAAA == / + \n \r\n \u0000 MII b3BlbnNzaC1rZXktdjEA".split(
    " ",
  );

/** Of the bytes in the armour, for the changes that base64 would hide. */
const damaged = fc
  .tuple(fc.constantFrom(...TEXTS), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }))
  .map(([text, changes]) => {
    const [head = "", ...rest] = text.trim().split("\n");
    const bytes = Buffer.from(rest.slice(0, -1).join(""), "base64");
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return `${head}\n${bytes.toString("base64")}\n${rest.at(-1)}\n`;
  });

export const sshPrivateKey: FuzzTarget = {
  name: "ssh-private-key",
  property: fc.property(fc.oneof(mutated(SEEDS, DICTIONARY), damaged), (text) => {
    try {
      const pair = readSshPrivateKey(text, "me");
      assert.deepEqual(readSshPrivateKey(pair.privateKey, "me"), pair);
      // This form says everything twice: no change of it makes another key.
      if (text.startsWith("-----BEGIN OPENSSH PRIVATE")) {
        assert.ok(PAIRS.some(({ privateKey }) => privateKey === pair.privateKey));
      }
      assert.match(pair.publicKey, /^[a-z0-9-]+ [A-Za-z0-9+/]+={0,2} me$/);
    } catch (error) {
      if (!(error instanceof HeliostatError && error.code === "model-invalid")) throw error;
      // Sentences of ours, whatever was given.
      assert.match(error.message, /^(?:This|The private|Keys|DSA|RSA) [\x20-\x7e]{20,120}\.?[\x20-\x7e]*$/);
      assert.ok(error.message.length < 160);
    }
  }),
};
