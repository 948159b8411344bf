import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** What answers and messages tell of a certificate. */
export interface CertificateFacts {
  /** `CN=git.example.com, O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  readonly notAfter: Date;
  /** Two hexadecimal digits a byte, colons between. */
  readonly fingerprintSha256: string;
}

export interface Certificate extends CertificateFacts {
  /** In its one spelling, with a line break at the end. */
  readonly pem: string;
}

/** Says in a sentence what is wrong with a PEM text, to stand behind its name; holds nothing of the text. */
export class UnfitPem extends Error {}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;
const NO_CERTIFICATE =
  "holds no certificate: paste the text from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----";

/**
 * The certificates of a PEM text, one or more; words between them do not count. Throws `UnfitPem` when there is none,
 * when one cannot be read, and for private keys, which are none of its business.
 */
export function parseCertificates(text: string): readonly Certificate[] {
  if (/PRIVATE KEY-----/.test(text))
    throw new UnfitPem("holds a private key, which must not be given away: take it out, and make a new one");
  const blocks = [...text.matchAll(BLOCK)];
  const strange = blocks.find(([, label]) => label !== "CERTIFICATE" && label !== "TRUSTED CERTIFICATE");
  if (strange) throw new UnfitPem(`holds something other than certificates (${strange[1]})`);
  if (blocks.length === 0) throw new UnfitPem(NO_CERTIFICATE);
  if (blocks.length !== text.split("-----BEGIN").length - 1)
    throw new UnfitPem("holds a certificate that is cut off: paste it to the end");
  return blocks.map(([block], index) => {
    try {
      const certificate = new X509Certificate(block);
      return { pem: certificate.toString(), ...factsOf(certificate) };
    } catch {
      throw new UnfitPem(`cannot be read: certificate ${index + 1} of ${blocks.length} is damaged`);
    }
  });
}

/** Enough for the mirrors of some pages; a few MB where each has as many certificates as it may. */
const MOST_DESCRIBED = 500;
/** SHA-256 of a text → its certificates, without their PEM; those that were asked for last at the end. */
const described = new Map<string, readonly CertificateFacts[]>();

/**
 * Stored certificates as answers tell of them; of those for a client, its own is the first. Every answer about a mirror
 * has them, and reading one takes 0.16 ms: so it is done once.
 */
export function describeCertificates(text: string | null): readonly CertificateFacts[] {
  if (text === null) return [];
  const digest = createHash("sha256").update(text).digest("base64");
  const facts = described.get(digest) ?? parseCertificates(text).map(withoutPem);
  described.delete(digest);
  described.set(digest, facts);
  const [oldest] = described.keys();
  if (described.size > MOST_DESCRIBED && oldest !== undefined) described.delete(oldest);
  return facts;
}

function withoutPem({ subject, issuer, notAfter, fingerprintSha256 }: Certificate): CertificateFacts {
  return { subject, issuer, notAfter, fingerprintSha256 };
}

/**
 * A client certificate with its chain, and its key, both in their one spelling. Throws `UnfitPem`, of which `of` says
 * which of the two it is about.
 */
export function parseClientCertificate(
  certificate: string,
  key: string,
): { readonly certificate: string; readonly privateKey: string } {
  const chain = about("certificate", () => parseCertificates(certificate));
  const privateKey = about("key", () => parsePrivateKey(key));
  const [own] = chain;
  if (own === undefined || !new X509Certificate(own.pem).checkPrivateKey(privateKey))
    throw new UnfitClientCertificate(
      "key",
      "does not belong to the certificate: the first one of client_certificate must be of this key",
    );
  return {
    certificate: chain.map(({ pem }) => pem).join(""),
    privateKey: String(privateKey.export({ format: "pem", type: "pkcs8" })),
  };
}

/** Which half of a client certificate cannot be used, and why. */
export class UnfitClientCertificate extends UnfitPem {
  readonly of: "certificate" | "key";

  constructor(of: "certificate" | "key", message: string) {
    super(message);
    this.of = of;
  }
}

function about<T>(of: "certificate" | "key", parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof UnfitPem ? new UnfitClientCertificate(of, error.message) : error;
  }
}

function parsePrivateKey(text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: *4,ENCRYPTED/.test(text))
    throw new UnfitPem(
      "is encrypted: take its passphrase away first (openssl pkey -in key.pem -out plain.pem)",
    );
  if (/-----BEGIN OPENSSH PRIVATE KEY-----/.test(text))
    throw new UnfitPem("is a key for SSH: give the one that the certificate was made with");
  try {
    return createPrivateKey(text);
  } catch {
    throw new UnfitPem("is no private key in PEM form");
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    notAfter: new Date(certificate.validTo),
    fingerprintSha256: certificate.fingerprint256,
  };
}

/** A name without parts is undefined at run time. */
function oneLine(name: string | undefined): string {
  return (name ?? "")
    .split("\n")
    .join(", ")
    .replace(/\p{Cc}/gu, "?");
}
