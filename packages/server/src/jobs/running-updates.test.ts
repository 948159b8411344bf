import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRunningUpdates } from "./running-updates.ts";

describe("running updates", () => {
  it("start no other while they drain, though the queue still has some", async () => {
    const running = createRunningUpdates();
    const first = Promise.withResolvers<void>();
    const ended = running.run(1, () => first.promise);
    const drained = running.drain(60_000, "the end");
    let started = false;
    await running.run(2, async () => {
      started = true;
    });
    assert.equal(started, false);
    first.resolve();
    await Promise.all([ended, drained]);
  });

  it("that outlast the grace are ended with the reason", async () => {
    const running = createRunningUpdates();
    let reason: unknown;
    const ended = running.run(1, async (signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      reason = signal.reason;
    });
    await running.drain(0, "the end");
    await ended;
    assert.equal(reason, "the end");
  });
});
