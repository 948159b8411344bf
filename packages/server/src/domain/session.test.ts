import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endOfSession, isLive, nextStep } from "./session.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = new Date("2026-03-04T12:00:00Z");
const after = (ms: number) => new Date(NOON.getTime() + ms);

describe("a session", () => {
  it("ends after thirty days, or after the time that it may go unused where that is longer", () => {
    assert.deepEqual(endOfSession(NOON, 10_080), after(30 * 24 * HOUR));
    assert.deepEqual(endOfSession(NOON, 60 * 24 * 60), after(60 * 24 * HOUR));
  });

  it("is over when it was not used for so long, and at its end in any case", () => {
    const session = { lastSeenAt: NOON, expiresAt: after(2 * HOUR) };
    assert.equal(isLive(session, after(HOUR - 1), 60), true);
    assert.equal(isLive(session, after(HOUR), 60), false);
    assert.equal(isLive({ ...session, lastSeenAt: after(2 * HOUR - 1) }, after(2 * HOUR), 60), false);
  });
});

describe("what to do when a secret of a session comes", () => {
  const fresh = { rotatedAt: NOON, isRotationConfirmed: true, lastSeenAt: NOON };

  it("notes its use at most once a minute, and replaces it every hour", () => {
    assert.equal(nextStep(fresh, false, after(MINUTE - 1)), "use");
    assert.equal(nextStep(fresh, false, after(MINUTE)), "touch");
    assert.equal(nextStep(fresh, false, after(HOUR)), "rotate");
  });

  it("notes at once that a new secret has reached its browser", () => {
    assert.equal(nextStep({ ...fresh, isRotationConfirmed: false }, false, after(1)), "touch");
  });

  it("takes the one before for a minute", () => {
    assert.equal(nextStep(fresh, true, after(MINUTE)), "use");
  });

  it("takes the one before for longer where the new one never reached the browser, and makes another", () => {
    assert.equal(nextStep({ ...fresh, isRotationConfirmed: false }, true, after(HOUR)), "rotate");
  });

  it("ends the session when the one before comes long after the new one was in use", () => {
    assert.equal(nextStep(fresh, true, after(MINUTE + 1)), "end");
  });
});
