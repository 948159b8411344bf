import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOid } from "./oid.ts";
import { explainStaleAgain, refusedVerdict, staleVerdict } from "./push-verdict.ts";
import { parseRefName } from "./ref-name.ts";
import type { RefChange } from "./refs.ts";

const change: RefChange = {
  ref: parseRefName("refs/heads/a"),
  action: "create",
  old: null,
  new: parseOid("a".repeat(40)),
};
const stale = staleVerdict(change).result;

describe("a ref that is stale twice", () => {
  it("is hidden from the list where both looks saw the same", () => {
    const result = explainStaleAgain(stale, stale);
    assert.deepEqual([result.outcome, result.reason], ["rejected", "hidden-ref"]);
    assert.match(result.message ?? "", /does not list this ref as a push finds it/);
    assert.match(result.fix ?? "", /uploadpack\.hideRefs/);
  });

  it("is stale where somebody changed it in between, or it was not stale before, or is refused in other words", () => {
    const moved = staleVerdict({ ...change, action: "force", old: parseOid("b".repeat(40)) }).result;
    assert.equal(explainStaleAgain(moved, stale), stale);
    assert.equal(explainStaleAgain(undefined, stale), stale);
    const locked = refusedVerdict(change, "failed to lock", []).result;
    assert.equal(locked.reason, "stale-lease");
    assert.equal(explainStaleAgain(locked, locked), locked);
  });
});
