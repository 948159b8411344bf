import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  addFailure,
  blockedUntil,
  type FailureCount,
  networkOf,
  THROTTLE_RULES,
  takeBackFailure,
} from "./sign-in-throttle.ts";

const RULE = { free: 3, firstDelayMs: 1000, longestDelayMs: 5000 };
const NOON = new Date("2026-03-04T12:00:00Z");
const at = (ms: number) => new Date(NOON.getTime() + ms);

function failures(count: number): FailureCount {
  let counted = addFailure(null, RULE, NOON);
  for (let n = 1; n < count; n += 1) counted = addFailure(counted, RULE, NOON);
  return counted;
}

describe("failed sign-ins", () => {
  it("cost nothing at first, then twice as long each time, up to a bound", () => {
    const delays = [3, 4, 5, 6, 7, 60].map((count) => {
      const until = blockedUntil(failures(count), NOON);
      return until === null ? 0 : until.getTime() - NOON.getTime();
    });
    assert.deepEqual(delays, [0, 1000, 2000, 4000, 5000, 5000]);
  });

  it("block until that time, and no longer", () => {
    assert.deepEqual(blockedUntil(failures(4), at(999)), at(1000));
    assert.equal(blockedUntil(failures(4), at(1000)), null);
    assert.equal(blockedUntil(null, NOON), null);
  });

  it("are forgotten after an hour without one", () => {
    assert.equal(addFailure(failures(3), RULE, at(3600_000 - 1)).failures, 4);
    assert.equal(addFailure(failures(3), RULE, at(3600_000)).failures, 1);
  });

  it("that were none are taken back, with the block that came of them", () => {
    const back = takeBackFailure(failures(4), RULE);
    assert.equal(back.failures, 3);
    assert.equal(back.blockedUntil, null);
    assert.equal(takeBackFailure({ ...back, failures: 0 }, RULE).failures, 0);
  });

  it("are so many that ten tries at once lock nobody out, by any count that clients run into by themselves", () => {
    // Codes are typed by people.
    const { code, ...others } = THROTTLE_RULES;
    for (const { free } of Object.values(others)) assert.ok(free >= 20);
    assert.ok(code.free < 20);
  });
});

describe("the network of an address", () => {
  const cases = {
    "203.0.113.7": "203.0.113.7",
    "::ffff:203.0.113.7": "203.0.113.7",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2",
    "2001:DB8:0001:2::9": "2001:db8:1:2",
    "2001:db8::9": "2001:db8:0:0",
    "::1": "0:0:0:0",
    "fe80::1%eth0": "fe80:0:0:0",
  };
  for (const [address, network] of Object.entries(cases)) {
    it(`of ${address} is ${network}`, () => assert.equal(networkOf(address), network));
  }
});
