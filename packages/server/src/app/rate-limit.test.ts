import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimit } from "./rate-limit.ts";

function makeLimit(total?: number) {
  let now = 0;
  const options = { perKey: 2, windowMs: 60_000, ...(total === undefined ? {} : { total }) };
  const limit = createRateLimit({ now: () => new Date(now) }, options);
  return (second: number, ...keys: string[]) => {
    now = second * 1000;
    return limit.take(...keys);
  };
}

test("so many for each key, counted back from each of them", () => {
  const takeAt = makeLimit();
  assert.equal(takeAt(0, "a"), true);
  assert.equal(takeAt(30, "a"), true);
  assert.equal(takeAt(59, "a"), false);
  assert.equal(takeAt(59, "b"), true);
  assert.equal(takeAt(60, "a"), true);
  assert.equal(takeAt(89, "a"), false);
  assert.equal(takeAt(90, "a"), true);
});

test("what one key refuses is not counted for the other", () => {
  const takeAt = makeLimit();
  assert.equal(takeAt(0, "user", "project 1"), true);
  assert.equal(takeAt(0, "user", "project 2"), true);
  for (let i = 0; i < 5; i += 1) assert.equal(takeAt(1, "user", "project 3"), false);
  assert.equal(takeAt(2, "other", "project 3"), true);
  assert.equal(takeAt(2, "another", "project 3"), true);
  assert.equal(takeAt(2, "fourth", "project 3"), false);
});

test("so many for all together", () => {
  const takeAt = makeLimit(3);
  for (const key of ["a", "b", "c"]) assert.equal(takeAt(0, key), true);
  assert.equal(takeAt(59, "d"), false);
  assert.equal(takeAt(60, "d"), true);
});
