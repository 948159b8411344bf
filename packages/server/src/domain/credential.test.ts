import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expiryNews, fingerprintOf } from "./credential.ts";

describe("expiryNews", () => {
  const expiry = new Date("2030-01-10T00:00:00Z");
  const cases: [now: string, news: string | null][] = [
    ["2030-01-02T23:59:59.999Z", null],
    ["2030-01-03T00:00:00Z", "week"],
    ["2030-01-08T23:59:59.999Z", "week"],
    ["2030-01-09T00:00:00Z", "day"],
    ["2030-01-09T23:59:59.999Z", "day"],
    ["2030-01-10T00:00:00Z", "expired"],
    ["2040-01-01T00:00:00Z", "expired"],
  ];
  for (const [now, news] of cases) {
    it(`${now}: ${news}`, () => assert.equal(expiryNews(expiry, new Date(now)), news));
  }

  it("has nothing to say of one that does not expire", () => {
    assert.equal(expiryNews(null, new Date()), null);
  });
});

describe("fingerprintOf", () => {
  it("is that of ssh-keygen", () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github.com";
    assert.equal(fingerprintOf(key), "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
  });

  it("is none for what is no key", () => {
    assert.equal(fingerprintOf("nonsense"), null);
  });
});
