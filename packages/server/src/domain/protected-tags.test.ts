import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileTagProtection, type TagProtection } from "./protected-tags.ts";
import { parseRefName } from "./ref-name.ts";

function may(rules: readonly TagProtection[], level: number, tag: string): boolean {
  return compileTagProtection(rules, level)(parseRefName(`refs/tags/${tag}`));
}

const rule = (name: string, createAccessLevel: number) => ({ name, createAccessLevel });

describe("compileTagProtection", () => {
  it("leaves tags free that no rule names", () => {
    assert.ok(may([], 0, "v1"));
    assert.ok(may([rule("v*", 0)], 0, "release"));
    assert.ok(may([rule("v1", 0)], 0, "v10"));
  });

  it("asks for the level of the rule; a wildcard stands for any run of characters", () => {
    assert.ok(may([rule("v*", 40)], 40, "v1/x"));
    assert.ok(may([rule("v*", 30)], 40, "v1"));
    assert.ok(!may([rule("v*", 40)], 30, "v1"));
  });

  it("lets nobody pass where no one may, not even an owner", () => {
    assert.ok(!may([rule("v*", 0)], 50, "v1"));
  });

  it("goes by the most generous of the rules that match", () => {
    assert.ok(may([rule("v*", 0), rule("v1", 30)], 30, "v1"));
    assert.ok(!may([rule("v*", 0), rule("v1", 30)], 30, "v2"));
  });
});
