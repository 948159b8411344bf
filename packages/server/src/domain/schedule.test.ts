import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { nextCheckAfter, retryDelay } from "./schedule.ts";

const NOW = new Date("2030-01-01T00:00:00Z");
const MINUTE = 60;
const HOUR = 60 * MINUTE;

interface Given {
  readonly interval: number;
  readonly failures?: number;
  readonly duration?: number;
  readonly random?: number;
  readonly longest?: number;
}

/** Seconds from now until the next check. */
function delayOf({ interval, failures = 0, duration = 0, random = 0, longest = 5 * HOUR }: Given): number {
  const next = nextCheckAfter({
    now: NOW,
    intervalSeconds: interval,
    maxDelaySeconds: longest,
    retryCount: failures,
    durationMs: duration * 1000,
    random: () => random,
  });
  return (next.getTime() - NOW.getTime()) / 1000;
}

describe("nextCheckAfter", () => {
  it("waits for the interval after a success", () => {
    assert.equal(delayOf({ interval: 30 * MINUTE }), 30 * MINUTE);
    assert.equal(delayOf({ interval: MINUTE }), MINUTE);
  });

  it("adds up to 59 whole seconds to an interval of 30 minutes or more", () => {
    assert.equal(delayOf({ interval: 30 * MINUTE, random: 0.5 }), 30 * MINUTE + 30);
    assert.equal(delayOf({ interval: 30 * MINUTE, random: 0.9999 }), 30 * MINUTE + 59);
    assert.equal(delayOf({ interval: 24 * HOUR, random: 0.9999 }), 24 * HOUR + 59);
  });

  it("adds up to 5 % to a shorter interval", () => {
    assert.equal(delayOf({ interval: 100, random: 0.5 }), 102.5);
    assert.ok(delayOf({ interval: MINUTE, random: 0.9999 }) < 63.001);
  });

  it("waits at least as long as the run took", () => {
    assert.equal(delayOf({ interval: MINUTE, duration: 10 * MINUTE }), 10 * MINUTE);
    assert.equal(delayOf({ interval: MINUTE, duration: 10 }), MINUTE);
    assert.equal(delayOf({ interval: MINUTE, duration: 24 * HOUR }), 5 * HOUR);
  });

  it("waits longer with each failure, up to 300 minutes", () => {
    const delays = [1, 2, 3, 9, 10, 11, 1000].map(
      (failures) => delayOf({ interval: 30 * MINUTE, failures }) / MINUTE,
    );
    assert.deepEqual(delays, [30, 60, 90, 270, 300, 300, 300]);
    assert.equal(delayOf({ interval: MINUTE, failures: 3, duration: 2 * MINUTE }), 6 * MINUTE);
    assert.equal(delayOf({ interval: 30 * MINUTE, failures: 9, longest: 2 * HOUR }), 2 * HOUR);
  });

  it("never shortens an interval that is longer than that", () => {
    assert.equal(delayOf({ interval: 24 * HOUR }), 24 * HOUR);
    assert.equal(delayOf({ interval: 24 * HOUR, failures: 5 }), 24 * HOUR);
  });

  it("is never earlier than the interval and never later than the longest delay with its jitter", () => {
    const given = fc.record({
      interval: fc.integer({ min: 1, max: 2 * 24 * HOUR }),
      failures: fc.nat(50),
      duration: fc.nat(10 * HOUR),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(given, (run) => {
        const delay = delayOf(run);
        assert.ok(delay >= run.interval);
        assert.ok(delay <= Math.max(run.interval, 5 * HOUR) + Math.max(59, 0.05 * 30 * MINUTE));
      }),
    );
  });
});

describe("retryDelay", () => {
  it("tries a failed push again three times, each time later", () => {
    assert.deepEqual([1, 2, 3, 4, 100].map(retryDelay), [10, 60, 300, null, null]);
  });
});
