import type { Algorithms, ServerHostKeyAlgorithm } from "ssh2";
import type { HandshakeLists } from "./server-hello.ts";

/**
 * Without group exchange, whose numbers the server chooses: a hostile one has us compute for as long as it likes. Who
 * offers that offers curve25519 too.
 */
const KEX = [
  "curve25519-sha256",
  "curve25519-sha256@libssh.org",
  "ecdh-sha2-nistp256",
  "ecdh-sha2-nistp384",
  "ecdh-sha2-nistp521",
  "diffie-hellman-group14-sha256",
  "diffie-hellman-group16-sha512",
] as const;

/** The quickest first: OpenSSL has hardware for AES, and GCM needs no second pass for the MAC (decision 0006). */
const CIPHERS = [
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
  "chacha20-poly1305@openssh.com",
] as const;

const MACS = [
  "hmac-sha2-256-etm@openssh.com",
  "hmac-sha2-512-etm@openssh.com",
  "hmac-sha2-256",
  "hmac-sha2-512",
  "hmac-sha1-etm@openssh.com",
  "hmac-sha1",
] as const;

/** How a server may sign with each type of host key, the types in the order of our liking. */
const HOST_KEYS: readonly (readonly ServerHostKeyAlgorithm[])[] = [
  ["ssh-ed25519"],
  ["ecdsa-sha2-nistp256"],
  ["ecdsa-sha2-nistp384"],
  ["ecdsa-sha2-nistp521"],
  ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
];

const HOST_KEY_SIGNATURES = HOST_KEYS.flat();

/** What we offer a server. `first` of the signatures of host keys are asked for before all others. */
export function offeredAlgorithms(first: readonly string[]): Algorithms {
  const [liked, others] = partition(HOST_KEY_SIGNATURES, (name) => first.includes(name));
  return {
    kex: [...KEX],
    cipher: [...CIPHERS],
    hmac: [...MACS],
    compress: ["none"],
    serverHostKey: [
      ...liked.toSorted((a, b) => first.indexOf(a) - first.indexOf(b)),
      // What is not stored is asked for last, to be able to tell what the server shows instead.
      ...others,
    ],
  };
}

/** The types of host keys that a server with these signatures has, each as the signatures to ask it for. */
export function hostKeyTypesIn(
  signatures: readonly string[],
): readonly (readonly ServerHostKeyAlgorithm[])[] {
  return HOST_KEYS.map((type) => type.filter((name) => signatures.includes(name))).filter(
    (type) => type.length > 0,
  );
}

/** A list of the handshake in which the server has nothing that we have, in words; null when there is none. */
export function describeMismatch(server: HandshakeLists): string | null {
  const rows = [
    ["key exchange", server.kex, KEX],
    ["kind of host key", server.hostKeys, HOST_KEY_SIGNATURES],
    ["cipher", server.ciphers, CIPHERS],
    ["MAC", server.macs, MACS],
  ] as const;
  for (const [what, theirs, ours] of rows) {
    const common = ours.find((name) => theirs.includes(name));
    // Brings its own MAC.
    if (what === "cipher" && common !== undefined && /-gcm@|poly1305@/.test(common)) return null;
    if (common !== undefined) continue;
    const offered = theirs.length === 0 ? "nothing" : theirs.slice(0, 12).join(", ");
    return `no common ${what}: it offers ${offered}; known here are ${ours.join(", ")}`;
  }
  return null;
}

function partition<T>(values: readonly T[], isFirst: (value: T) => boolean): [T[], T[]] {
  return [values.filter((value) => isFirst(value)), values.filter((value) => !isFirst(value))];
}
