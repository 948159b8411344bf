import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Actor,
  compileBranchProtection,
  compileTagProtection,
  defaultBranchRule,
  type Grantee,
  isGranted,
  protectsEmptyProject,
} from "./protections.ts";
import { branchRef, parseRefName } from "./ref-name.ts";

const NOBODY: Actor = { level: 0, isAdmin: false, userId: 1, groupIds: [7], deployKeyId: null };
const KEY: Actor = { level: 0, isAdmin: false, userId: null, groupIds: [], deployKeyId: 5 };
const ADMIN: Actor = { ...NOBODY, level: 50, isAdmin: true };
const at = (level: number): Actor => ({ ...NOBODY, level });
const role = (level: number): Grantee => ({ kind: "role", level });

describe("isGranted", () => {
  it("says yes from the level on that an entry names, and never for level 0", () => {
    const actors: readonly Actor[] = [at(20), at(30), at(40), at(50), ADMIN, KEY];
    const table = ([0, 30, 40, 60] as const).map((level) => [
      level,
      actors.map((actor) => isGranted([{ grantee: role(level) }], actor)),
    ]);
    assert.deepEqual(table, [
      [0, [false, false, false, false, false, false]],
      [30, [false, true, true, true, true, false]],
      [40, [false, false, true, true, true, false]],
      [60, [false, false, false, false, true, false]],
    ]);
  });

  it("knows a user, a direct member of a group and a deploy key, each by its own number only", () => {
    const entries = (["user", "group", "deploy-key"] as const).flatMap((kind) =>
      [1, 5, 7].map((id): Grantee => ({ kind, id })),
    );
    const granted = (actor: Actor) =>
      entries
        .filter((grantee) => isGranted([{ grantee }], actor))
        .map((entry) => [entry.kind, "id" in entry && entry.id]);
    assert.deepEqual(granted(NOBODY), [
      ["user", 1],
      ["group", 7],
    ]);
    assert.deepEqual(granted(KEY), [["deploy-key", 5]]);
    assert.equal(isGranted([], ADMIN), false);
  });
});

describe("compileBranchProtection", () => {
  const rule = (name: string, level: number, allowForcePush = false) => ({
    ...{ name, allowForcePush, push: [{ grantee: role(level) }] },
  });

  it("leaves branches free that no rule names, and goes by the most generous of those that do", () => {
    const access = (actor: Actor, name: string) =>
      compileBranchProtection(
        [rule("rel/*", 0), rule("rel/1", 40), rule("*/1", 30, true)],
        actor,
      )(branchRef(name));
    assert.deepEqual(access(at(30), "main"), { isProtected: false, mayPush: true, mayForce: true });
    assert.deepEqual(access(ADMIN, "rel/2"), { isProtected: true, mayPush: false, mayForce: false });
    assert.deepEqual(access(at(30), "rel/1"), { isProtected: true, mayPush: true, mayForce: true });
    assert.deepEqual(access(at(20), "rel/1"), { isProtected: true, mayPush: false, mayForce: false });
  });

  it("lets force only whom it lets push", () => {
    const access = compileBranchProtection([rule("a", 40), rule("*", 0, true)], at(40));
    assert.deepEqual(access(branchRef("a")), { isProtected: true, mayPush: true, mayForce: true });
    assert.deepEqual(access(branchRef("b")), { isProtected: true, mayPush: false, mayForce: false });
  });
});

describe("compileTagProtection", () => {
  const may = (rules: readonly (readonly [string, number])[], level: number, tag: string): boolean => {
    const entries = rules.map(([name, needed]) => ({ name, create: [{ grantee: role(needed) }] }));
    return compileTagProtection(entries, at(level))(parseRefName(`refs/tags/${tag}`)).mayCreate;
  };

  it("leaves tags free that no rule names", () => {
    assert.ok(may([], 0, "v1"));
    assert.ok(may([["v*", 0]], 0, "release"));
    assert.ok(may([["v1", 0]], 0, "v10"));
  });

  it("asks for the level of the rule; a wildcard stands for any run of characters", () => {
    assert.ok(may([["v*", 40]], 40, "v1/x"));
    assert.ok(may([["v*", 30]], 40, "v1"));
    assert.ok(!may([["v*", 40]], 30, "v1"));
  });

  it("lets nobody pass where no one may, not even an owner", () => {
    assert.ok(!may([["v*", 0]], 50, "v1"));
  });

  it("goes by the most generous of the rules that match", () => {
    const rules = [
      ["v*", 0],
      ["v1", 30],
    ] as const;
    assert.ok(may(rules, 30, "v1"));
    assert.ok(!may(rules, 30, "v2"));
  });
});

it("the setting for new default branches means what it means in GitLab", () => {
  const rules = [0, 1, 2, 3, 4].map((protection) => {
    const rule = defaultBranchRule(protection);
    const levels = [...(rule?.push ?? []), ...(rule?.merge ?? [])].map(
      (entry) => entry.kind === "role" && entry.level,
    );
    return [levels, protectsEmptyProject(protection)];
  });
  assert.deepEqual(rules, [
    [[], false],
    [[30, 30], false],
    [[40, 40], true],
    [[40, 30], true],
    [[40, 40], false],
  ]);
});
