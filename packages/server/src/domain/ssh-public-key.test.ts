import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cutSshPublicKey, fingerprintOf, readSshPublicKey } from "./ssh-public-key.ts";

/** A blob of these fields: texts, bytes. */
function blob(...fields: readonly (string | Buffer)[]): string {
  return Buffer.concat(
    fields.map((field) => {
      const bytes = Buffer.from(field);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  ).toString("base64");
}

const EXPONENT = Buffer.from([1, 0, 1]);
const filled = (length: number, first: number) => Buffer.alloc(length, 0xff).fill(first, 0, 1);
/** Of 2,048 bits. */
const MODULUS = Buffer.concat([Buffer.alloc(1), filled(256, 0x80)]);
const POINT = filled(65, 4);

const read = (algorithm: string, key: string) => readSshPublicKey({ algorithm, key });

describe("readSshPublicKey", () => {
  it("counts the bits of a number from its first 1", () => {
    for (const [bits, modulus] of [
      [2048, MODULUS],
      [2047, filled(256, 0x40)],
      [2041, filled(256, 0x01)],
      [1024, Buffer.concat([Buffer.alloc(1), filled(128, 0x80)])],
      [16_384, Buffer.concat([Buffer.alloc(1), filled(2048, 0x80)])],
    ] as const) {
      assert.deepEqual(read("ssh-rsa", blob("ssh-rsa", EXPONENT, modulus)), { type: "rsa", bits });
    }
  });

  it("takes the sizes of the types", () => {
    assert.equal(read("ssh-ed25519", blob("ssh-ed25519", Buffer.alloc(32)))?.bits, 256);
    assert.equal(read("ecdsa-sha2-nistp256", blob("ecdsa-sha2-nistp256", "nistp256", POINT))?.bits, 256);
    assert.equal(
      read("ecdsa-sha2-nistp521", blob("ecdsa-sha2-nistp521", "nistp521", filled(133, 4)))?.bits,
      521,
    );
  });

  const REFUSED: readonly (readonly [what: string, algorithm: string, key: string])[] = [
    ["a type that is not known", "ssh-ed448", blob("ssh-ed448", Buffer.alloc(57))],
    ["a name of Object's own", "constructor", blob("constructor")],
    ["another name inside", "ssh-ed25519", blob("ssh-rsa", EXPONENT, MODULUS)],
    ["a key that is too short", "ssh-ed25519", blob("ssh-ed25519", Buffer.alloc(31))],
    ["a key that is too long", "ssh-ed25519", blob("ssh-ed25519", Buffer.alloc(33))],
    ["bytes after the key", "ssh-ed25519", blob("ssh-ed25519", Buffer.alloc(32), "")],
    ["a field that is missing", "ssh-rsa", blob("ssh-rsa", EXPONENT)],
    ["another curve", "ecdsa-sha2-nistp256", blob("ecdsa-sha2-nistp256", "nistp384", filled(97, 4))],
    [
      "a point of another curve",
      "ecdsa-sha2-nistp256",
      blob("ecdsa-sha2-nistp256", "nistp256", filled(97, 4)),
    ],
    ["a compressed point", "ecdsa-sha2-nistp256", blob("ecdsa-sha2-nistp256", "nistp256", filled(65, 2))],
    ["a negative number", "ssh-rsa", blob("ssh-rsa", EXPONENT, filled(256, 0x80))],
    [
      "zeros in front of a number",
      "ssh-rsa",
      blob("ssh-rsa", EXPONENT, Buffer.concat([Buffer.alloc(1), MODULUS])),
    ],
    ["a number of nothing", "ssh-rsa", blob("ssh-rsa", "", MODULUS)],
    ["zero", "ssh-rsa", blob("ssh-rsa", Buffer.alloc(1), MODULUS)],
    ["RSA of 1,023 bits", "ssh-rsa", blob("ssh-rsa", EXPONENT, filled(128, 0x40))],
    ["RSA of 16,392 bits", "ssh-rsa", blob("ssh-rsa", EXPONENT, filled(2049, 0x40))],
    [
      "a number that ends early",
      "ssh-rsa",
      blob("ssh-rsa", EXPONENT, Buffer.concat([MODULUS, EXPONENT])).slice(0, -4),
    ],
    ["a length beyond the end", "ssh-ed25519", Buffer.from("ffffffff00", "hex").toString("base64")],
    ["nothing", "ssh-ed25519", ""],
  ];
  for (const [what, algorithm, key] of REFUSED) {
    it(`refuses ${what}`, () => assert.equal(read(algorithm, key), null));
  }

  it("refuses any other base64 of the same bytes", () => {
    const key = blob("ecdsa-sha2-nistp256", "nistp256", POINT);
    assert.match(key, /[^=]=$/);
    assert.notEqual(read("ecdsa-sha2-nistp256", key), null);
    const twin = key.replace(/(.)=$/, (_, last: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}=`);
    assert.deepEqual(Buffer.from(twin, "base64"), Buffer.from(key, "base64"));
    for (const other of [twin, key.slice(0, -1), `${key}=`, ` ${key}`, `${key} `, key.replaceAll("/", "_")]) {
      assert.equal(read("ecdsa-sha2-nistp256", other), null, other);
    }
  });
});

describe("cutSshPublicKey", () => {
  it("knows where the key ends, whatever follows", () => {
    for (const [algorithm, key] of [
      ["ssh-ed25519", blob("ssh-ed25519", Buffer.alloc(32))],
      ["ssh-rsa", blob("ssh-rsa", EXPONENT, MODULUS)],
      ["ecdsa-sha2-nistp256", blob("ecdsa-sha2-nistp256", "nistp256", POINT)],
    ] as const) {
      for (const rest of ["", " a comment", "+a+comment", "AAAA", "=", "x".repeat(1_000_000)]) {
        assert.equal(cutSshPublicKey(algorithm, key + rest)?.key, key, rest.slice(0, 20));
      }
    }
  });
});

it("the fingerprint of a public key is that of ssh-keygen, and none for what is no key", () => {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github.com";
  assert.equal(fingerprintOf(key), "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
  assert.equal(fingerprintOf("nonsense"), null);
});
