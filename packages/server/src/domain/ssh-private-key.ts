import { createECDH, createPrivateKey, type KeyObject, type webcrypto } from "node:crypto";
import { HeliostatError } from "./errors.ts";
import { readOpensshKeyFile, writeOpensshKeyFile } from "./openssh-key-file.ts";
import { readSshPublicKey, type SshKeyFacts } from "./ssh-public-key.ts";
import { toNumber, writeStrings } from "./ssh-wire.ts";

export interface SshKeyPair extends SshKeyFacts {
  /** One line, as authorized_keys has it. */
  readonly publicKey: string;
  /** In OpenSSH's form, not encrypted: for memory and sealed columns only. */
  readonly privateKey: string;
}

/** A private key as OpenSSH orders its parts, each as its file has it. */
interface PrivateKey {
  readonly algorithm: string;
  readonly fields: readonly Buffer[];
}

/** The longest key that OpenSSH reads, RSA of 16,384 bits, takes 13,000 characters. */
const MAX_LENGTH = 32_768;
const MIN_RSA_BITS = 2048;

const CURVES = [
  { algorithm: "ecdsa-sha2-nistp256", name: "nistp256", jwk: "P-256", openssl: "prime256v1" },
  { algorithm: "ecdsa-sha2-nistp384", name: "nistp384", jwk: "P-384", openssl: "secp384r1" },
  { algorithm: "ecdsa-sha2-nistp521", name: "nistp521", jwk: "P-521", openssl: "secp521r1" },
] as const;

/** An Ed25519 key in PKCS#8 up to its 32 bytes. */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

const NOT_A_KEY =
  "This is no private key. Paste the whole file, from -----BEGIN to the end of the line -----END.";
const PUBLIC_KEY = "This is a public key. The private key is needed: the file of the same name without .pub.";
const PUTTY = "Keys in PuTTY's format are not read. Export this one with PuTTYgen in OpenSSH's format.";
const ENCRYPTED =
  "The private key is protected by a passphrase. Give a copy without one: ssh-keygen -p -N '' -f COPY takes it away.";
const DAMAGED = "The private key is damaged or incomplete. Paste the whole file as it is.";
const DSA = "DSA keys are too weak, and servers refuse them. Use an Ed25519 key: ssh-keygen -t ed25519.";
const WEAK_RSA = `RSA keys of fewer than ${MIN_RSA_BITS} bits are too weak. Use an Ed25519 key: ssh-keygen -t ed25519.`;
const ON_TOKEN =
  "This key works only with the security key that holds its other half. Use an Ed25519 key of its own.";
const OTHER_TYPE = "Keys of this type are not supported. Use an Ed25519, ECDSA or RSA key.";

/**
 * Reads the private key that a person gives: OpenSSH's form, or PEM (PKCS#1, PKCS#8, SEC 1). What comes back is written
 * anew, with this comment and without the old one. `model-invalid` with a sentence that says what to do about what
 * cannot be used; nothing of the key is in it. Both halves are checked to belong together.
 */
export function readSshPrivateKey(text: string, comment = ""): SshKeyPair {
  const { label, body } = readArmour(text);
  // Before PKCS#8 each type had a header of its own for it.
  if (label === "ENCRYPTED PRIVATE KEY" || body.startsWith("Proc-Type:")) throw unusable(ENCRYPTED);
  if (label === "OPENSSH PRIVATE KEY") return writePair(readOpenssh(Buffer.from(body, "base64")), comment);
  if (label === "DSA PRIVATE KEY") throw unusable(DSA);
  const lines = body.match(/.{1,64}/g) ?? [];
  return writeSshKeyPair(openPem([`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`]), comment);
}

/** A private key of node:crypto in OpenSSH's forms; refuses the same as `readSshPrivateKey`. */
export function writeSshKeyPair(key: KeyObject, comment: string): SshKeyPair {
  return writePair(partsOf(key), comment);
}

/**
 * The first block that is called a private key, without white space: fields of one line turn line ends into spaces. The
 * parameters of a curve may stand before it.
 */
function readArmour(text: string): { label: string; body: string } {
  const [begin = "", label = ""] = /-----BEGIN ((?:[A-Z0-9]+ )?PRIVATE KEY)-----/.exec(text) ?? [];
  if (label === "" || text.length > MAX_LENGTH) throw unusable(whatElse(text));
  const from = text.indexOf(begin) + begin.length;
  const end = text.indexOf(`-----END ${label}-----`, from);
  if (end < 0) throw unusable(DAMAGED);
  return { label, body: text.slice(from, end).replaceAll(/\s+/g, "") };
}

function whatElse(text: string): string {
  if (text.includes("PuTTY-User-Key-File-")) return PUTTY;
  return /^(?:ssh-|ecdsa-|sk-)|^-----BEGIN [A-Z0-9 ]{0,20}PUBLIC KEY-----/.test(text.trimStart())
    ? PUBLIC_KEY
    : NOT_A_KEY;
}

function readOpenssh(bytes: Buffer): PrivateKey {
  const file = readOpensshKeyFile(bytes);
  switch (file.kind) {
    case "encrypted":
      throw unusable(ENCRYPTED);
    case "damaged":
      throw unusable(DAMAGED);
    case "other":
      throw unusable(
        file.algorithm === "ssh-dss" ? DSA : file.algorithm.startsWith("sk-") ? ON_TOKEN : OTHER_TYPE,
      );
    case "key": {
      // A file that states another public key than its private one has would be shown to servers in vain.
      if (!file.publicKey.equals(publicBlobOf(file))) throw unusable(DAMAGED);
      return file;
    }
  }
}

function openPem(lines: readonly string[]): KeyObject {
  try {
    return createPrivateKey(lines.join("\n"));
  } catch {
    // The reason is OpenSSL's, for programmers.
    throw unusable(DAMAGED);
  }
}

function partsOf(key: KeyObject): PrivateKey {
  switch (key.asymmetricKeyType) {
    case "ed25519": {
      const { d, x } = exportJwk(key);
      const open = decode(x);
      return { algorithm: "ssh-ed25519", fields: [open, Buffer.concat([decode(d), open])] };
    }
    case "rsa": {
      const { n, e, d, qi, p, q } = exportJwk(key);
      return { algorithm: "ssh-rsa", fields: [n, e, d, qi, p, q].map((part) => toNumber(decode(part))) };
    }
    case "ec": {
      const curve = CURVES.find(({ openssl }) => openssl === key.asymmetricKeyDetails?.namedCurve);
      if (curve === undefined) throw unusable(OTHER_TYPE);
      const { d, x, y } = exportJwk(key);
      const point = Buffer.concat([Buffer.from([4]), decode(x), decode(y)]);
      return { algorithm: curve.algorithm, fields: [Buffer.from(curve.name), point, toNumber(decode(d))] };
    }
    case "dsa":
      throw unusable(DSA);
    default:
      throw unusable(OTHER_TYPE);
  }
}

/** OpenSSL opens some keys whose numbers do not fit their curve, and fails only here. */
function exportJwk(key: KeyObject): webcrypto.JsonWebKey {
  try {
    return key.export({ format: "jwk" });
  } catch {
    throw unusable(DAMAGED);
  }
}

function decode(part: string | undefined): Buffer {
  return Buffer.from(part ?? "", "base64url");
}

function publicBlobOf({ algorithm, fields }: PrivateKey): Buffer {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = fields;
  if (algorithm === "ssh-ed25519") return writeStrings(algorithm, first);
  // RSA's two are the other way round here.
  return algorithm === "ssh-rsa"
    ? writeStrings(algorithm, second, first)
    : writeStrings(algorithm, first, second);
}

function writePair(key: PrivateKey, comment: string): SshKeyPair {
  if (/[\r\n]/.test(comment)) throw new HeliostatError("bug", "the comment of a key is one line");
  const fields = deriveFields(key);
  if (fields?.every((field, i) => key.fields[i]?.equals(field)) !== true) throw unusable(DAMAGED);
  const publicKey = publicBlobOf(key);
  const blob = publicKey.toString("base64");
  const facts = readSshPublicKey({ algorithm: key.algorithm, key: blob });
  if (facts === null) throw unusable(DAMAGED);
  if (facts.type === "rsa" && facts.bits < MIN_RSA_BITS) throw unusable(WEAK_RSA);
  return {
    ...facts,
    publicKey: `${key.algorithm} ${blob} ${comment}`.trimEnd(),
    privateKey: writeOpensshKeyFile({ ...key, publicKey }, comment),
  };
}

/** The fields as its secret ones alone make them; null when these make none. */
function deriveFields({ algorithm, fields }: PrivateKey): readonly Buffer[] | null {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = fields;
  if (algorithm === "ssh-ed25519") {
    const seed = second.subarray(0, 32);
    if (seed.length < 32) return null;
    const key = createPrivateKey({
      key: Buffer.concat([ED25519_PKCS8, seed]),
      format: "der",
      type: "pkcs8",
    });
    return partsOf(key).fields;
  }
  if (algorithm === "ssh-rsa") return isRsaKey(fields.map(toBigInt)) ? fields.map(toNumber) : null;
  const curve = CURVES.find((each) => each.algorithm === algorithm && each.name === first.toString("latin1"));
  if (curve === undefined) return null;
  const ecdh = createECDH(curve.openssl);
  try {
    ecdh.setPrivateKey(third);
  } catch {
    return null;
  }
  return [first, ecdh.getPublicKey(), toNumber(third)];
}

/** Whether its numbers undo each other. That two of them are primes is not asked: it would take long, and says no more. */
function isRsaKey([n = 0n, e = 0n, d = 0n, inverse = 0n, p = 0n, q = 0n]: readonly bigint[]): boolean {
  if (p <= 2n || q <= 2n || p * q !== n) return false;
  return (e * d) % (p - 1n) === 1n && (e * d) % (q - 1n) === 1n && (inverse * q) % p === 1n;
}

function toBigInt(digits: Buffer): bigint {
  return BigInt(`0x0${digits.toString("hex")}`);
}

function unusable(sentence: string): HeliostatError {
  return new HeliostatError("model-invalid", sentence);
}
