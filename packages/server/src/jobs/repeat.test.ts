import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../../test/support/fake-clock.ts";
import { repeat } from "./repeat.ts";

const START = new Date("2026-01-01T12:00:00Z");

test("works at once, and again so long after each end, whatever that took", async () => {
  const clock = new FakeClock(START);
  const began: number[] = [];
  const stop = repeat(clock, 1000, async () => {
    began.push(clock.now().getTime() - START.getTime());
    await new Promise<void>((resolve) => clock.after(300, resolve));
  });
  await clock.advance(3000);
  assert.deepEqual(began, [0, 1300, 2600]);
  const stopped = stop();
  await clock.advance(5000);
  await stopped;
  assert.equal(began.length, 3, "nothing is begun any more");
});

test("tells the work that it is to end, and waits for it", async () => {
  const clock = new FakeClock(START);
  let hasEnded = false;
  const stop = repeat(clock, 1000, async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    hasEnded = true;
  });
  await stop();
  assert.equal(hasEnded, true);
});
