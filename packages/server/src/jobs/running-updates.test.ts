import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../system-clock.ts";
import { createRunningUpdates } from "./running-updates.ts";

describe("running updates", () => {
  it("start no other while they drain, though the queue still has some", async () => {
    const running = createRunningUpdates(systemClock);
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
    const running = createRunningUpdates(systemClock);
    let reason: unknown;
    const ended = running.run(1, async (signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      reason = signal.reason;
    });
    await running.drain(0, "the end");
    await ended;
    assert.equal(reason, "the end");
  });

  it("run once more for who came too late for the run under way, and never side by side", async () => {
    const running = createRunningUpdates(systemClock);
    const first = Promise.withResolvers<void>();
    let atOnce = 0;
    let runs = 0;
    const work = async () => {
      runs += 1;
      atOnce += 1;
      assert.equal(atOnce, 1);
      await first.promise;
      atOnce -= 1;
    };
    const ended = running.run(1, work);
    await Promise.all([running.run(1, work), running.run(1, work)]);
    assert.equal(runs, 1);
    first.resolve();
    await ended;
    assert.equal(runs, 2);
  });
});
