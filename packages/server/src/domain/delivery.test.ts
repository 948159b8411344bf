import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AttemptOutcome,
  alertStatusOf,
  GOOD_HEALTH,
  healthAfter,
  nextDeliveryAttempt,
  outcomeOfAnswer,
  type TargetHealth,
} from "./delivery.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const MINUTE = 60_000;
const FAILED: AttemptOutcome = { kind: "failed", isFinal: false, retryAfter: null };

function after(ms: number): Date {
  return new Date(T0.getTime() + ms);
}

/** The health after so many failures, each as soon as it may be. */
function failTimes(count: number): { health: TargetHealth; rests: number[] } {
  let health = GOOD_HEALTH;
  let now = T0;
  const rests: number[] = [];
  for (let time = 0; time < count; time += 1) {
    health = healthAfter(health, FAILED, now);
    if (health.disabledUntil instanceof Date) {
      rests.push((health.disabledUntil.getTime() - now.getTime()) / MINUTE);
      now = health.disabledUntil;
    }
  }
  return { health, rests };
}

describe("the health of a target", () => {
  it("rests from the fourth failure in a row on, twice as long each time and never more than a day", () => {
    assert.deepEqual(failTimes(3).rests, []);
    assert.deepEqual(failTimes(15).rests, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440]);
  });

  it("is switched off for good by the fortieth", () => {
    assert.notEqual(failTimes(39).health.disabledUntil, "for-good");
    assert.equal(failTimes(40).health.disabledUntil, "for-good");
  });

  it("is good again with one delivery", () => {
    assert.deepEqual(healthAfter(failTimes(40).health, { kind: "delivered" }, T0), GOOD_HEALTH);
  });

  it("does not count what was under way when it was switched off", () => {
    const { health } = failTimes(4);
    assert.equal(healthAfter(health, FAILED, after(-1)), health);
  });

  it("has GitLab's words", () => {
    const { health } = failTimes(4);
    assert.equal(alertStatusOf(GOOD_HEALTH, T0), "executable");
    assert.equal(alertStatusOf(health, T0), "temporarily_disabled");
    assert.equal(alertStatusOf(health, after(MINUTE)), "executable");
    assert.equal(alertStatusOf(failTimes(40).health, after(1e12)), "disabled");
  });
});

describe("the next attempt of a delivery", () => {
  const nextAfter = (attempts: number, outcome: AttemptOutcome = FAILED, health = GOOD_HEALTH) =>
    nextDeliveryAttempt({ createdAt: T0, attempts }, outcome, health, T0);

  it("is later each time, and there are four", () => {
    const seconds = [1, 2, 3, 4, 5].map((attempts) => {
      const next = nextAfter(attempts);
      return next === null ? null : (next.getTime() - T0.getTime()) / 1000;
    });
    assert.deepEqual(seconds, [10, 60, 300, 1800, null]);
  });

  it("is not where it would end the same way, and not of what was delivered", () => {
    assert.equal(nextAfter(1, { kind: "failed", isFinal: true, retryAfter: null }), null);
    assert.equal(nextAfter(1, { kind: "delivered" }), null);
  });

  it("waits as long as the receiver asks for, up to an hour", () => {
    assert.deepEqual(nextAfter(1, { ...FAILED, retryAfter: 120 }), after(120_000));
    assert.deepEqual(nextAfter(1, { ...FAILED, retryAfter: 5 }), after(10_000));
    assert.deepEqual(nextAfter(1, { ...FAILED, retryAfter: 1e8 }), after(3600_000));
  });

  it("waits until the target is in use, and is given up when that is more than a day away", () => {
    const until = (disabledUntil: Date | "for-good") => ({ ...GOOD_HEALTH, disabledUntil });
    assert.deepEqual(nextAfter(1, FAILED, until(after(MINUTE))), after(MINUTE));
    assert.equal(nextAfter(1, FAILED, until(after(25 * 60 * MINUTE))), null);
    assert.equal(nextAfter(1, FAILED, until("for-good")), null);
  });
});

describe("the meaning of an answer", () => {
  it("is delivered by 2xx alone", () => {
    const kinds = [200, 201, 204, 299, 301, 302, 400, 404, 500].map(
      (status) => outcomeOfAnswer(status, "").kind,
    );
    assert.deepEqual(kinds, [...Array(4).fill("delivered"), ...Array(5).fill("failed")]);
  });

  it("is worth another attempt where the receiver cannot just now", () => {
    const isFinal = (status: number) => {
      const outcome = outcomeOfAnswer(status, undefined);
      return outcome.kind === "failed" && outcome.isFinal;
    };
    assert.deepEqual([500, 503, 429, 408].map(isFinal), [false, false, false, false]);
    assert.deepEqual([301, 400, 401, 404, 410].map(isFinal), [true, true, true, true, true]);
  });

  it("reads whole seconds of Retry-After", () => {
    assert.deepEqual(outcomeOfAnswer(503, "7"), { kind: "failed", isFinal: false, retryAfter: 7 });
    assert.deepEqual(outcomeOfAnswer(503, "soon"), { kind: "failed", isFinal: false, retryAfter: null });
  });
});
