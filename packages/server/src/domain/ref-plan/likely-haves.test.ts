import assert from "node:assert/strict";
import { test } from "node:test";
import { localRefs, oidOf } from "./commit-graph.test-support.ts";
import { likelyHaves } from "./likely-haves.ts";

const table = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`refs/heads/b${index}`, 10 + index]));

test("a repository with few refs shows them all", () => {
  assert.equal(likelyHaves(localRefs(table(4_999)), []), undefined);
});

test("one with many shows what changes, the default branch, and some of the others", () => {
  const ours = localRefs({ ...table(50_000), "refs/heads/main": 1, "refs/tags/v1": 2 });
  const haves = likelyHaves(ours, [{ old: oidOf(4_321) }, { old: null }]) ?? [];
  assert.ok(haves.includes(oidOf(1)), "the default branch");
  assert.ok(haves.includes(oidOf(4_321)), "the old value of what changes");
  assert.ok(haves.length > 900 && haves.length <= 1_002, String(haves.length));
  assert.equal(new Set(haves).size, haves.length);
});
