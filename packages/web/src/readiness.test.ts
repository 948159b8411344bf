import assert from "node:assert/strict";
import { test } from "node:test";
import { describeReadiness, readinessOf } from "./readiness.ts";

test("only 200 means ready", () => {
  assert.equal(readinessOf(200), "ready");
  assert.equal(readinessOf(204), "not-ready");
  assert.equal(readinessOf(503), "not-ready");
  assert.equal(readinessOf(404), "not-ready");
  assert.equal(readinessOf(null), "unreachable");
});

test("every state has its own word and a sentence", () => {
  const words = (["checking", "ready", "not-ready", "unreachable"] as const).map(describeReadiness);
  assert.equal(new Set(words.map(({ word }) => word)).size, words.length);
  for (const { sentence } of words) assert.match(sentence, /[.?]$/);
});
