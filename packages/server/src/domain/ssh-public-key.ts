import { createHash } from "node:crypto";
import { readStrings } from "./ssh-wire.ts";

/** A public key as known_hosts and OpenSSH's one-line form write it: `ssh-ed25519 AAAA…`. */
export interface SshPublicKey {
  /** The type of the key, `ssh-rsa` for RSA whatever it signs with. */
  readonly algorithm: string;
  /** Base64 of the blob. */
  readonly key: string;
}

export type SshKeyType = "rsa" | "dsa" | "ecdsa" | "ed25519";

export interface SshKeyFacts {
  readonly type: SshKeyType;
  /** As ssh-keygen counts them: of the modulus, the prime, or the curve. */
  readonly bits: number;
}

/** What follows the name in a blob: numbers, or texts of one length. */
interface KeyShape {
  readonly type: SshKeyType;
  /** Null for a number, else the bytes that must be there or how many they are. */
  readonly fields: readonly (null | number | string)[];
  /** Of the curve; of the number at this place for the others. */
  readonly bits: { readonly fixed: number } | { readonly ofField: number };
}

const SHAPES: Readonly<Record<string, KeyShape>> = {
  "ssh-ed25519": { type: "ed25519", fields: [32], bits: { fixed: 256 } },
  "ecdsa-sha2-nistp256": { type: "ecdsa", fields: ["nistp256", 65], bits: { fixed: 256 } },
  "ecdsa-sha2-nistp384": { type: "ecdsa", fields: ["nistp384", 97], bits: { fixed: 384 } },
  "ecdsa-sha2-nistp521": { type: "ecdsa", fields: ["nistp521", 133], bits: { fixed: 521 } },
  "ssh-rsa": { type: "rsa", fields: [null, null], bits: { ofField: 1 } },
  "ssh-dss": { type: "dsa", fields: [null, null, null, null], bits: { ofField: 0 } },
};

/** Those of OpenSSH; it does not read keys outside. */
const MIN_RSA_BITS = 1024;
const MAX_NUMBER_BITS = 16_384;
/** Longer than the longest blob, a DSA key of four such numbers, in base64. */
const MAX_KEY_LENGTH = 12_000;

const UNCOMPRESSED_POINT = 4;

/**
 * What a public key is; null when it is none: the name inside must be the one in front, every length exact, every number
 * written in one way. A point is not looked up on its curve: one that is not there is the key of no server.
 */
export function readSshPublicKey({ algorithm, key }: SshPublicKey): SshKeyFacts | null {
  const cut = cutSshPublicKey(algorithm, key);
  return cut === null || cut.key.length !== key.length ? null : cut.facts;
}

/**
 * Takes the key of this type off the front of a text. It says by itself how long it is, whatever comes after it; null
 * when the text does not begin with such a key.
 */
export function cutSshPublicKey(
  algorithm: string,
  text: string,
): { readonly key: string; readonly facts: SshKeyFacts } | null {
  const shape = Object.hasOwn(SHAPES, algorithm) ? SHAPES[algorithm] : undefined;
  if (shape === undefined) return null;
  const [encoded = ""] = /^[A-Za-z0-9+/]*={0,2}/.exec(text.slice(0, MAX_KEY_LENGTH)) ?? [];
  const bytes = Buffer.from(encoded, "base64");
  const fields = readFields(bytes, algorithm, shape);
  if (fields === null) return null;
  const key = bytes.toString("base64", 0, fields.end);
  // Whoever reads less strictly than we do must not find another key in the same text.
  if (!encoded.startsWith(key)) return null;
  const bits = "fixed" in shape.bits ? shape.bits.fixed : bitLength(fields.values[shape.bits.ofField]);
  if (shape.type === "rsa" && bits < MIN_RSA_BITS) return null;
  return { key, facts: { type: shape.type, bits } };
}

function readFields(
  bytes: Buffer,
  algorithm: string,
  shape: KeyShape,
): { values: readonly Buffer[]; end: number } | null {
  const expected = [algorithm, ...shape.fields];
  const read = readStrings(bytes, 0, expected.length);
  if (read === null || !read.values.every((value, i) => isField(value, expected[i] ?? null))) return null;
  return { values: read.values.slice(1), end: read.end };
}

function isField(value: Buffer, field: null | number | string): boolean {
  if (field === null) return isNumber(value);
  if (typeof field === "string") return value.toString("latin1") === field;
  return value.length === field && (field === 32 || value[0] === UNCOMPRESSED_POINT);
}

/** Positive, and without zeros in front but for the one that keeps it positive. */
function isNumber(value: Buffer): boolean {
  const [first, second] = value;
  if (first === undefined || first >= 0x80 || bitLength(value) > MAX_NUMBER_BITS) return false;
  return first > 0 || (second !== undefined && second >= 0x80);
}

function bitLength(value: Buffer | undefined): number {
  const digits = value?.findIndex((byte) => byte !== 0) ?? -1;
  if (value === undefined || digits < 0) return 0;
  return (value.length - digits) * 8 - (Math.clz32(value[digits] ?? 0) - 24);
}

/** As OpenSSH prints it: `SHA256:` and base64 without padding. `key` is the base64 of the blob. */
export function fingerprintSha256(key: string): string {
  const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** The same of a public key in OpenSSH's one-line form, as `ssh-keygen -l` prints it; null: it is none. */
export function fingerprintOf(publicKey: string): string | null {
  const [, key = ""] = publicKey.trim().split(/\s+/);
  return key === "" ? null : fingerprintSha256(key);
}

/** As old OpenSSH printed it: hexadecimal with colons, without `MD5:`. `key` is the base64 of the blob. */
export function fingerprintMd5(key: string): string {
  const digest = createHash("md5").update(Buffer.from(key, "base64")).digest("hex");
  return digest.replaceAll(/..(?=.)/g, "$&:");
}
