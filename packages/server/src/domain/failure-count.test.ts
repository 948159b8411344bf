import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode, MirrorDirection, UpdateTrigger } from "@heliostat/contract";
import { countFailure } from "./failure-count.ts";
import { HARD_FAILURE_AFTER } from "./schedule.ts";

function count(
  direction: MirrorDirection,
  before: { readonly retryCount: number; readonly lastErrorCode?: ErrorCode },
  code: ErrorCode | null,
  trigger: UpdateTrigger = "schedule",
): number {
  return countFailure({ direction, lastErrorCode: null, ...before }, { code, trigger });
}

describe("countFailure", () => {
  it("counts one more for a pull mirror, whatever started it", () => {
    assert.equal(count("pull", { retryCount: 4 }, "remote-not-found", "manual"), 5);
    assert.equal(count("pull", { retryCount: 0 }, "remote-credential"), 1);
  });

  it("reaches the hard failure at the second refused credential or certificate in a row", () => {
    const twice = count("pull", { retryCount: 1, lastErrorCode: "remote-tls" }, "remote-tls");
    assert.equal(twice, HARD_FAILURE_AFTER + 1);
    const mixed = count("pull", { retryCount: 1, lastErrorCode: "remote-timeout" }, "remote-credential");
    assert.equal(mixed, 2);
    const again = count("pull", { retryCount: 20, lastErrorCode: "remote-tls" }, "secret-unreadable");
    assert.equal(again, 21);
  });

  it("does not reach it by a proxy that fails", () => {
    const after = [0, HARD_FAILURE_AFTER - 1, HARD_FAILURE_AFTER, HARD_FAILURE_AFTER + 1].map((retryCount) =>
      count("pull", { retryCount, lastErrorCode: "remote-proxy" }, "remote-proxy"),
    );
    assert.deepEqual(after, [1, HARD_FAILURE_AFTER, HARD_FAILURE_AFTER, HARD_FAILURE_AFTER + 1]);
  });

  it("starts anew for a push mirror when there is something new to push, not when it is tried again", () => {
    const counts = (["push", "pull", "manual", "configured", "retry", "schedule", "recovery"] as const).map(
      (trigger) => count("push", { retryCount: 4 }, null, trigger),
    );
    assert.deepEqual(counts, [1, 1, 1, 1, 5, 5, 5]);
    assert.equal(count("push", { retryCount: 1, lastErrorCode: "remote-tls" }, "remote-tls"), 2);
  });
});
