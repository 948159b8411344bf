import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expiryNews } from "./credential.ts";

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
