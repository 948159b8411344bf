import { invalidField } from "./errors.ts";
import { cutSshPublicKey, fingerprintMd5, fingerprintSha256 } from "./ssh-public-key.ts";

/** A public key with which somebody wants to be let in, as they gave it. */
export interface OfferedSshKey {
  /** One line, trimmed: type, base64, comment. */
  readonly key: string;
  readonly fingerprintSha256: string;
  readonly fingerprintMd5: string;
}

const MIN_RSA_BITS = 2048;
const MAX_LENGTH = 16_384;

const PRIVATE =
  "is a private key. Give the public one: the file of the same name that ends in .pub. Nothing was stored; replace the key if others saw it";
const OTHER_FORM =
  "is in another form. Give the one line of OpenSSH; ssh-keygen -i -f FILE makes one of the file";
const NOT_ONE_LINE = "must be one line, such as: ssh-ed25519 AAAA… you@example.com";
const NO_KEY =
  "is not a public key. Give the whole line of the .pub file, such as: ssh-ed25519 AAAA… you@example.com";
const DSA = "is a DSA key, which is too weak. Use an Ed25519 key: ssh-keygen -t ed25519";
const WEAK_RSA = `is an RSA key of fewer than ${MIN_RSA_BITS} bits, which is too weak. Use an Ed25519 key: ssh-keygen -t ed25519`;
const ON_TOKEN =
  "is a key of a security key, which is not supported. Use an Ed25519 key: ssh-keygen -t ed25519";
const CERTIFICATE = "is a certificate, which is not supported. Give the public key that it certifies";

/**
 * Reads the public key that a person gives. `model-invalid` for `key`, with what is wrong and what to do, when it cannot
 * be used; nothing of the text is in the error, because it may be a private key.
 */
export function readOfferedSshKey(text: string): OfferedSshKey {
  const line = text.trim();
  if (/PRIVATE KEY-----|PuTTY-User-Key-File|Private-Lines:/i.test(line)) throw unusable(PRIVATE);
  if (/BEGIN SSH2 PUBLIC KEY|BEGIN (RSA )?PUBLIC KEY/.test(line)) throw unusable(OTHER_FORM);
  if (line.length > MAX_LENGTH) throw unusable(NO_KEY);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029]/.test(line)) throw unusable(NOT_ONE_LINE);
  const [, algorithm = "", rest = ""] = /^(\S+)[ \t]+(.+)$/.exec(line) ?? [];
  if (/^sk-/.test(algorithm)) throw unusable(ON_TOKEN);
  if (/-cert-v\d\d@openssh\.com$/.test(algorithm)) throw unusable(CERTIFICATE);
  const cut = cutSshPublicKey(algorithm, rest);
  // The comment begins after a blank.
  if (cut === null || !/^($|[ \t])/.test(rest.slice(cut.key.length)))
    throw unusable(refusalOf(algorithm, rest));
  if (cut.facts.type === "dsa") throw unusable(DSA);
  if (cut.facts.type === "rsa" && cut.facts.bits < MIN_RSA_BITS) throw unusable(WEAK_RSA);
  return {
    key: line,
    fingerprintSha256: fingerprintSha256(cut.key),
    fingerprintMd5: fingerprintMd5(cut.key),
  };
}

/** RSA keys that OpenSSH does not read either are no keys to `cutSshPublicKey`; people know them as weak ones. */
function refusalOf(algorithm: string, rest: string): string {
  if (algorithm === "ssh-dss") return DSA;
  return algorithm === "ssh-rsa" && /^AAAAB3NzaC1yc2E/.test(rest) && rest.length < 250 ? WEAK_RSA : NO_KEY;
}

function unusable(complaint: string): Error {
  return invalidField("key", complaint);
}
