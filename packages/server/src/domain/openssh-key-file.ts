import { createHash } from "node:crypto";
import { readStrings, writeStrings } from "./ssh-wire.ts";

const MAGIC = "openssh-key-v1\0";
const BLOCK = 8;
const LINE = 70;
/** What follows the name of the type in the private half, without the comment. */
const FIELDS: Readonly<Record<string, number>> = {
  "ssh-ed25519": 2,
  "ecdsa-sha2-nistp256": 3,
  "ecdsa-sha2-nistp384": 3,
  "ecdsa-sha2-nistp521": 3,
  "ssh-rsa": 6,
};

export type OpensshKeyFile =
  | {
      readonly kind: "key";
      readonly algorithm: string;
      /** The public key's blob, as the file states it. */
      readonly publicKey: Buffer;
      /** What follows the name of the type; numbers and texts as they are. */
      readonly fields: readonly Buffer[];
    }
  | { readonly kind: "encrypted" }
  /** Of a type that is not read here. */
  | { readonly kind: "other"; readonly algorithm: string }
  | { readonly kind: "damaged" };

/** Takes the file of one private key apart (`openssh-key-v1`, without its armour). Nothing is checked but its form. */
export function readOpensshKeyFile(bytes: Buffer): OpensshKeyFile {
  const damaged = { kind: "damaged" } as const;
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return damaged;
  const head = readStrings(bytes, MAGIC.length, 3);
  if (head === null) return damaged;
  const [cipher, kdf, options] = head.values.map((value) => value.toString("latin1"));
  if (cipher !== "none") return { kind: "encrypted" };
  if (kdf !== "none" || options !== "") return damaged;
  const halves = bytes.length - head.end < 4 ? null : readStrings(bytes, head.end + 4, 2);
  const [publicKey, secret] = halves?.values ?? [];
  if (publicKey === undefined || secret === undefined || halves?.end !== bytes.length) return damaged;
  if (bytes.readUInt32BE(head.end) !== 1) return damaged;
  const algorithm = readStrings(publicKey, 0, 1)?.values[0]?.toString("latin1") ?? "";
  const count = Object.hasOwn(FIELDS, algorithm) ? FIELDS[algorithm] : undefined;
  if (count === undefined)
    return /^[\x21-\x7e]{1,64}$/.test(algorithm) ? { kind: "other", algorithm } : damaged;
  const read = readStrings(secret, 8, count + 2);
  if (read === null || !secret.subarray(0, 4).equals(secret.subarray(4, 8))) return damaged;
  const [name, ...fields] = read.values;
  if (name?.toString("latin1") !== algorithm || !isPadding(secret, read.end)) return damaged;
  return { kind: "key", algorithm, publicKey, fields: fields.slice(0, count) };
}

/** The bytes 1, 2, 3 … up to a whole block. */
function isPadding(secret: Buffer, from: number): boolean {
  const padding = secret.subarray(from);
  return secret.length % BLOCK === 0 && padding.length < BLOCK && padding.every((byte, i) => byte === i + 1);
}

/** The file of an unencrypted private key, in its armour. The same key and comment always make the same text. */
export function writeOpensshKeyFile(
  key: { readonly algorithm: string; readonly publicKey: Buffer; readonly fields: readonly Buffer[] },
  comment: string,
): string {
  // A number, twice, by which readers of encrypted files know a right passphrase. Any will do here.
  const check = createHash("sha256").update(key.publicKey).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, writeStrings(key.algorithm, ...key.fields, comment)]);
  const padding = Array.from({ length: (BLOCK - (secret.length % BLOCK)) % BLOCK }, (_, i) => i + 1);
  const bytes = Buffer.concat([
    Buffer.from(MAGIC, "latin1"),
    writeStrings("none", "none", ""),
    Buffer.from([0, 0, 0, 1]),
    writeStrings(key.publicKey, Buffer.concat([secret, Buffer.from(padding)])),
  ]);
  const lines = bytes.toString("base64").match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join(
    "\n",
  );
}
