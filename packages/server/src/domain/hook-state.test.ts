import assert from "node:assert/strict";
import test from "node:test";
import { HOOK_GRACE_MS, judgeHook } from "./hook-state.ts";

const AT = new Date("2026-01-02T03:04:05Z");
const later = (ms: number) => new Date(AT.getTime() + ms);
const state = (missedCount: number) => ({
  ...{ hasSecret: true, receivedAt: AT, missedCount },
  missedAt: missedCount === 0 ? null : AT,
});

test("a change counts as missed once its webhook has had the time to come", () => {
  const judge = (count: number, ms: number) => {
    const { missedCount, missedAt, isReliable } = judgeHook(state(count), later(ms));
    return [missedCount, missedAt, isReliable];
  };
  assert.deepEqual(judge(0, 0), [0, null, true]);
  assert.deepEqual(judge(1, HOOK_GRACE_MS - 1), [0, null, true]);
  assert.deepEqual(judge(1, HOOK_GRACE_MS), [1, AT, false]);
  assert.deepEqual(judge(3, 0), [2, AT, false], "those before were missed all the same");
});
