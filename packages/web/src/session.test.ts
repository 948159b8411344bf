import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeRefusal, returnPath, signInAddress } from "./session.ts";

const ORIGIN = "https://git.example.com";
const after = (wanted: string) => returnPath(`?${new URLSearchParams({ return_to: wanted })}`, ORIGIN);

describe("after signing in", () => {
  it("one is back where one came from", () => {
    for (const path of ["/-/mirrors", "/ada/p?ref=main&x=%2F#top", "/a//b"]) assert.equal(after(path), path);
    assert.equal(
      returnPath(signInAddress("/-/mirrors").slice("/users/sign_in".length), ORIGIN),
      "/-/mirrors",
    );
  });

  it("one is at the start page when nothing is said, and never at the sign-in page again", () => {
    assert.equal(returnPath("", ORIGIN), "/");
    assert.equal(after("/users/sign_in?return_to=/x"), "/");
  });

  const elsewhere = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example/",
    "/\n//evil.example",
    " //evil.example",
    "/.//evil.example/",
    "/x/..//evil.example/",
    "/%2e//evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "https:evil.example",
    "http://git.example.com/",
  ];
  for (const wanted of elsewhere) {
    it(`one is not sent elsewhere by ${JSON.stringify(wanted)}`, () => {
      const path = after(wanted);
      assert.equal(new URL(path, ORIGIN).origin, ORIGIN);
      assert.equal(path, "/");
    });
  }
});

describe("a refusal", () => {
  it("says how long to wait in words", () => {
    assert.match(describeRefusal(429, "", "1"), /in a second\.$/);
    assert.match(describeRefusal(429, "", "45"), /in 45 seconds\.$/);
    assert.match(describeRefusal(429, "", "640"), /in 11 minutes\.$/);
    assert.match(describeRefusal(429, "", null), /in a moment\.$/);
  });

  it("says what to do when the account is blocked, and else shows what the server says", () => {
    assert.match(describeRefusal(403, "403 Forbidden - Your account has been blocked.", null), /unblock/);
    assert.match(describeRefusal(403, "", null), /Reload/);
    assert.equal(describeRefusal(507, "The disk is full.", null), "The disk is full.");
  });
});
