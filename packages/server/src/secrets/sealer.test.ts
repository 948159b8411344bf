import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { HeliostatError } from "../domain/errors.ts";
import { createPasswordHasher } from "./password-hasher.ts";

function hasCode(code: string) {
  return (error: unknown) => error instanceof HeliostatError && error.code === code;
}

describe("a sealed secret", () => {
  const sealer = createTestSealer("k1");

  it("opens to what was sealed, and its text is nowhere in it", () => {
    const secret = sealer.seal("päss:wörd", "mirror:1:password");
    assert.equal(secret.sealed.includes("päss"), false);
    assert.equal(sealer.open(secret, "mirror:1:password"), "päss:wörd");
  });

  it("differs each time it is sealed", () => {
    assert.notDeepEqual(sealer.seal("x", "c").sealed, sealer.seal("x", "c").sealed);
  });

  it("does not open for another row", () => {
    const secret = sealer.seal("password", "mirror:1:password");
    assert.throws(() => sealer.open(secret, "mirror:2:password"), hasCode("secret-unreadable"));
  });

  it("does not open once a bit of it was changed", () => {
    const secret = sealer.seal("password", "c");
    const changed = Buffer.from(secret.sealed);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    assert.throws(() => sealer.open({ keyId: "k1", sealed: changed }, "c"), hasCode("secret-unreadable"));
  });

  it("says which key is missing when the secrets file was replaced", () => {
    const secret = sealer.seal("password", "c");
    const other = createTestSealer("k2");
    assert.throws(() => other.open(secret, "c"), /key k1 .* not in the secrets file/);
  });
});

describe("a password hash", () => {
  const hasher = createPasswordHasher();

  it("is argon2id in PHC form, verifies its password and no other", async () => {
    const hash = await hasher.hash("correct horse");
    assert.match(hash, /^\$argon2id\$v=19\$m=7168,t=5,p=1\$/);
    assert.equal(await hasher.verify("correct horse", hash), true);
    assert.equal(await hasher.verify("correct horsf", hash), false);
  });

  it("verifies a hash that another implementation made with other costs", async () => {
    // From the argon2 reference tool: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 4
    const hash = "$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo";
    assert.equal(await hasher.verify("password", hash), true);
  });

  it("that is malformed is an error, not a wrong password", async () => {
    await assert.rejects(hasher.verify("x", "plain"), hasCode("bug"));
  });
});
