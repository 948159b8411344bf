import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestPlaces } from "./test-places.ts";

test("so many tests a minute for each user, counted back from each of them", () => {
  let now = 0;
  const places = createTestPlaces({ now: () => new Date(now) }, 2);
  const takeAt = (second: number, userId: number) => {
    now = second * 1000;
    places.take(userId);
  };
  takeAt(0, 1);
  takeAt(30, 1);
  assert.throws(() => takeAt(59, 1), { code: "too-many-tests", kind: "throttled" });
  takeAt(59, 2);
  takeAt(60, 1);
  assert.throws(() => takeAt(89, 1), { code: "too-many-tests" });
  takeAt(90, 1);
});
