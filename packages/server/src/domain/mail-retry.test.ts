import assert from "node:assert/strict";
import { test } from "node:test";
import { isStale, nextMailAttempt } from "./mail-retry.ts";

const T0 = new Date("2026-01-01T00:00:00Z");
const minutes = (count: number) => new Date(T0.getTime() + count * 60_000);

test("a mail is tried after 1, 5, 30 minutes and 2 hours, then every 2 hours, and given up after a day", () => {
  const tried: number[] = [];
  let now: Date | null = T0;
  for (let attempts = 1; now !== null; attempts += 1) {
    tried.push((now.getTime() - T0.getTime()) / 60_000);
    now = nextMailAttempt({ createdAt: T0, attempts }, now);
  }
  assert.deepEqual(tried.slice(0, 7), [0, 1, 6, 36, 156, 276, 396]);
  assert.deepEqual([tried.length, tried.at(-1)], [15, 1356]);
});

test("a mail is stale after a day", () => {
  assert.equal(isStale({ createdAt: T0 }, minutes(24 * 60)), false);
  assert.equal(isStale({ createdAt: T0 }, minutes(24 * 60 + 1)), true);
});
