import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequestCounts } from "./request-counts.ts";

function countAt(counts: ReturnType<typeof createRequestCounts>) {
  return (seconds: number, key: string, period = 60) => {
    const { observed, resetsAt } = counts.add(key, new Date(seconds * 1000), period);
    return [observed, resetsAt.getTime() / 1000];
  };
}

test("each key has a count of its own, and all begin anew with the period", () => {
  const at = countAt(createRequestCounts(10));
  assert.deepEqual(at(120, "a"), [1, 180]);
  assert.deepEqual(at(150, "a"), [2, 180]);
  assert.deepEqual(at(179.9, "b"), [1, 180]);
  assert.deepEqual(at(180, "a"), [1, 240]);
  assert.deepEqual(at(1000, "b"), [1, 1020]);
});

test("another length of the period begins anew, and so does a clock that was set back", () => {
  const at = countAt(createRequestCounts(10));
  assert.deepEqual(at(119, "a"), [1, 120]);
  assert.deepEqual(at(119, "a", 3600), [1, 3600]);
  assert.deepEqual(at(119, "a", 3600), [2, 3600]);
  assert.deepEqual(at(-1, "a", 3600), [1, 0]);
});

test("of too many keys the first are forgotten, and no others", () => {
  const at = countAt(createRequestCounts(3));
  for (const key of ["a", "b", "c", "d"]) assert.deepEqual(at(0, key), [1, 60]);
  assert.deepEqual(at(1, "b"), [2, 60]);
  assert.deepEqual(at(1, "d"), [2, 60]);
  assert.deepEqual(at(1, "a"), [1, 60]);
  assert.deepEqual(at(2, "c"), [2, 60]);
  assert.deepEqual(at(2, "b"), [1, 60]);
});
