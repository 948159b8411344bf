import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileBranchFilter } from "./branch-filter.ts";
import { carries } from "./ref-filter.ts";
import { parseRefName } from "./ref-name.ts";
import { compileTagFilter } from "./tag-filter.ts";

const refs = ["refs/heads/main", "refs/heads/x", "refs/tags/main", "refs/tags/x", "refs/notes/main"].map(
  parseRefName,
);

function carried(patterns: readonly string[] | null, tags: string): string[] {
  const filter = patterns === null ? ({ kind: "all" } as const) : ({ kind: "protected", patterns } as const);
  return refs.filter(carries({ branch: compileBranchFilter(filter), tag: compileTagFilter(tags) }));
}

describe("carries", () => {
  it("takes the wanted branches, the wanted tags and no other ref", () => {
    assert.deepEqual(carried(["main"], "all"), ["refs/heads/main", "refs/tags/main", "refs/tags/x"]);
    assert.deepEqual(carried(["main"], "^x"), ["refs/heads/main", "refs/tags/x"]);
    assert.deepEqual(carried([], "none"), []);
  });

  it("takes every branch and tag, and still no other ref, when nothing is filtered", () => {
    assert.deepEqual(carried(null, "all"), refs.slice(0, 4));
  });
});
