import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRefName, type RefName } from "./ref-name.ts";
import { maxRefsIn, namedRefs, wordsAbout } from "./remote-words.ts";

const ref = (name: string): RefName => parseRefName(name);

test("a host that names the ref first has its paragraph read for that ref", () => {
  const lines = [
    "Checking",
    "error: GH013: Repository rule violations found for refs/heads/a.",
    "- no a",
    "error: GH013: Repository rule violations found for refs/heads/b.",
    "- no b",
  ];
  assert.deepEqual(wordsAbout(ref("refs/heads/a"), lines), lines.slice(1, 3));
  assert.deepEqual(wordsAbout(ref("refs/heads/b"), lines), lines.slice(3));
  assert.deepEqual(wordsAbout(ref("refs/heads/c"), lines), ["Checking"]);
});

test("git names the ref after its hook has spoken", () => {
  const lines = [
    "a is bad",
    "error: hook declined to update refs/heads/a",
    "b is bad",
    "error: hook declined to update refs/heads/b",
  ];
  assert.deepEqual(wordsAbout(ref("refs/heads/a"), lines), lines.slice(0, 2));
  assert.deepEqual(wordsAbout(ref("refs/heads/b"), lines), lines.slice(2));
});

test("words that name other refs only are all there is to say", () => {
  const lines = ["refs/heads/a is bad"];
  assert.deepEqual(wordsAbout(ref("refs/heads/b"), lines), lines);
  assert.deepEqual(wordsAbout(ref("refs/heads/b"), []), []);
});

test("refs are found by full name, else by short name, as whole words", () => {
  const refs = ["refs/heads/main", "refs/heads/main-2", "refs/heads/x/y", "refs/tags/v1"].map(ref);
  const named = (...lines: string[]): readonly string[] => namedRefs(refs, lines);
  assert.deepEqual(named("GH006: Protected branch update failed for refs/heads/main."), ["refs/heads/main"]);
  assert.deepEqual(named("Gitea: branch x/y is protected from deletion"), ["refs/heads/x/y"]);
  assert.deepEqual(named("Tag v1 is protected", "branch 'main-2', too"), [
    "refs/heads/main-2",
    "refs/tags/v1",
  ]);
  assert.deepEqual(named("refs/tags/v1 is worse than main"), ["refs/tags/v1"]);
  assert.deepEqual(named("mainly nothing"), []);
});

test("a limit on the refs of one push is read", () => {
  assert.equal(maxRefsIn(["", "- Pushes can not update more than 5 branches or tags."]), 5);
  assert.equal(maxRefsIn(["Pushes cannot update more than 0 refs"]), 1);
  assert.equal(maxRefsIn(["5 branches"]), null);
});
