import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_NAMED_RESULTS, nameResults } from "./named-results.ts";
import { branchRef } from "./ref-name.ts";
import type { RefResult } from "./refs.ts";

function result(name: string, outcome: RefResult["outcome"]): RefResult {
  return { ref: branchRef(name), outcome, old: null, new: null };
}

test("as many refs as fit are all named, in their order, and nothing is noted", () => {
  const results = Array.from({ length: MAX_NAMED_RESULTS }, (_, n) =>
    result(`r${n}`, n % 2 === 0 ? "created" : "rejected"),
  );
  assert.deepEqual(nameResults(results), { results, note: null });
});

test("of too many refs, those that were left behind are named first, and the rest is told in a number", () => {
  const created = Array.from({ length: MAX_NAMED_RESULTS }, (_, n) => result(`c${n}`, "created"));
  const left = [result("a", "rejected"), result("b", "held"), result("c", "diverged")];
  const { results, note } = nameResults([...created, ...left]);
  assert.deepEqual(results, [...left, ...created.slice(0, MAX_NAMED_RESULTS - left.length)]);
  assert.match(note ?? "", /^3 more refs than these are counted, but not named/);
});
