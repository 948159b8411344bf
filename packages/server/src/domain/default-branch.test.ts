import assert from "node:assert/strict";
import { test } from "node:test";
import { pickDefaultBranch } from "./default-branch.ts";
import { parseRefName } from "./ref-name.ts";

test("main, else master, else the first by name becomes the default branch, and never a tag", () => {
  const pick = (...names: readonly string[]) => pickDefaultBranch(names.map((name) => parseRefName(name)));
  assert.equal(pick("refs/heads/a", "refs/heads/master", "refs/heads/main"), "refs/heads/main");
  assert.equal(pick("refs/heads/a", "refs/heads/master"), "refs/heads/master");
  assert.equal(pick("refs/tags/main", "refs/heads/b", "refs/heads/a", "refs/notes/a"), "refs/heads/a");
  assert.equal(pick("refs/tags/main"), null);
});
