import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeliostatError } from "./errors.ts";
import { readOfferedSshKey } from "./offered-ssh-key.ts";

const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

/** An RSA key whose modulus has so many bytes, the first of them with its highest bit. */
function rsaKey(bytes: number): string {
  const field = (value: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    return Buffer.concat([length, value]);
  };
  const modulus = Buffer.concat([Buffer.alloc(1), Buffer.alloc(bytes, 0xff)]);
  return Buffer.concat([
    field(Buffer.from("ssh-rsa")),
    field(Buffer.from([1, 0, 1])),
    field(modulus),
  ]).toString("base64");
}

describe("readOfferedSshKey", () => {
  it("keeps the line as it was given, and knows it by the key alone", () => {
    const named = readOfferedSshKey(`\n ssh-ed25519  ${KEY} ada@example.com, at work \r\n`);
    assert.equal(named.key, `ssh-ed25519  ${KEY} ada@example.com, at work`);
    assert.equal(named.fingerprintSha256, "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
    assert.equal(named.fingerprintMd5, "65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd");
    assert.equal(readOfferedSshKey(`ssh-ed25519 ${KEY}`).fingerprintSha256, named.fingerprintSha256);
    assert.match(readOfferedSshKey(`ssh-rsa ${rsaKey(256)}`).key, /^ssh-rsa /);
  });

  const SECRET = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";
  const REFUSED: readonly (readonly [what: string, text: string, complaint: RegExp])[] = [
    [
      "a private key",
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${SECRET}\n-----END OPENSSH PRIVATE KEY-----`,
      /^is a private key/,
    ],
    [
      "an RSA private key on one line",
      `-----BEGIN RSA PRIVATE KEY----- ${SECRET} -----END RSA PRIVATE KEY-----`,
      /^is a private key/,
    ],
    ["PuTTY's private key", `PuTTY-User-Key-File-3: ssh-ed25519\n${SECRET}`, /^is a private key/],
    ["PuTTY's public key", `---- BEGIN SSH2 PUBLIC KEY ----\n${KEY}`, /^is in another form/],
    ["two keys", `ssh-ed25519 ${KEY}\nssh-ed25519 ${KEY}`, /^must be one line/],
    ["a control character", `ssh-ed25519 ${KEY} a\u001b[2Jb`, /^must be one line/],
    ["options in front", `command="sh" ssh-ed25519 ${KEY}`, /^is not a public key/],
    ["a key that is cut off", `ssh-ed25519 ${KEY.slice(0, -6)}`, /^is not a public key/],
    ["a key that goes on", `ssh-ed25519 ${KEY}AAAA`, /^is not a public key/],
    ["another type in front", `ssh-rsa ${KEY}`, /^is not a public key/],
    ["the base64 alone", KEY, /^is not a public key/],
    ["DSA", "ssh-dss AAAAB3NzaC1kc3MAAACBAP", /^is a DSA key/],
    ["RSA of 1,024 bits", `ssh-rsa ${rsaKey(128)}`, /^is an RSA key of fewer/],
    ["RSA of 768 bits", `ssh-rsa ${rsaKey(96)}`, /^is an RSA key of fewer/],
    ["a security key", `sk-ssh-ed25519@openssh.com ${KEY}`, /^is a key of a security key/],
    ["a certificate", `ssh-ed25519-cert-v01@openssh.com ${KEY}`, /^is a certificate/],
    ["a very long text", `ssh-ed25519 ${KEY} ${"x".repeat(20_000)}`, /^is not a public key/],
  ];
  for (const [what, text, complaint] of REFUSED) {
    it(`refuses ${what}, and says nothing of what it was`, () => {
      assert.throws(
        () => readOfferedSshKey(text),
        (error) => {
          assert.ok(error instanceof HeliostatError);
          assert.equal(error.code, "model-invalid");
          assert.match(error.fields?.["key"]?.[0] ?? "", complaint);
          assert.ok(!JSON.stringify([error.message, error.fields]).includes(SECRET));
          return true;
        },
      );
    });
  }
});
