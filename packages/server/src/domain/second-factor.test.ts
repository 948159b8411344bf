import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatRecoveryCode,
  formatTotpSecret,
  isTimeCode,
  normalizeRecoveryCode,
  stepOfCode,
  totpUrl,
} from "./second-factor.ts";

/** The key of the test vectors of RFC 6238, appendix B, and the last six digits of its values. */
const SECRET = formatTotpSecret(Buffer.from("12345678901234567890", "ascii"));
const VECTORS: readonly (readonly [seconds: number, code: string])[] = [
  [59, "287082"],
  [1_111_111_109, "081804"],
  [1_111_111_111, "050471"],
  [1_234_567_890, "005924"],
  [2_000_000_000, "279037"],
  [20_000_000_000, "353130"],
];

const at = (seconds: number) => new Date(seconds * 1000);

describe("the code of a moment", () => {
  for (const [seconds, code] of VECTORS) {
    it(`is that of RFC 6238 at ${seconds} s`, () => {
      assert.equal(stepOfCode(SECRET, code, at(seconds)), Math.floor(seconds / 30));
    });
  }

  it("is taken one step before and after, and names the step that it is of", () => {
    const [seconds, code] = [1_234_567_890, "005924"];
    const step = Math.floor(seconds / 30);
    assert.equal(stepOfCode(SECRET, code, at(step * 30 - 30)), step);
    assert.equal(stepOfCode(SECRET, code, at(step * 30 + 59)), step);
    assert.equal(stepOfCode(SECRET, code, at(step * 30 - 31)), null);
    assert.equal(stepOfCode(SECRET, code, at(step * 30 + 60)), null);
  });

  it("may be typed as apps show it, with a blank in the middle", () => {
    assert.equal(stepOfCode(SECRET, " 287 082 ", at(59)), 1);
  });

  it("is nothing but six digits", () => {
    for (const text of ["", "28708", "2870822", "28708a", "-87082", "２８７０８２"]) {
      assert.equal(stepOfCode(SECRET, text, at(59)), null, text);
      assert.equal(isTimeCode(text), false, text);
    }
  });
});

it("an app reads secret, user and server from the URL", () => {
  const url = new URL(totpUrl({ secret: SECRET, username: "ada", host: "git.example.com:8443" }));
  assert.equal(url.protocol, "otpauth:");
  assert.equal(url.host, "totp");
  assert.equal(decodeURIComponent(url.pathname), "/git.example.com:8443:ada");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    ...{ issuer: "git.example.com:8443", secret: SECRET },
    ...{ algorithm: "SHA1", digits: "6", period: "30" },
  });
});

it("a recovery code reads the same however it was typed", () => {
  const code = formatRecoveryCode(Buffer.alloc(10, 0xa5));
  assert.match(code, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  const typed = ` ${code.toUpperCase().replaceAll("-", " ")}`;
  assert.equal(normalizeRecoveryCode(typed), normalizeRecoveryCode(code));
});
