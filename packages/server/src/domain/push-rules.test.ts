import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOid } from "./oid.ts";
import type { Actor } from "./protections.ts";
import { refusalLines } from "./push-refusal.ts";
import { judgePush, mirroredWarning, type PushCommand, type PushRules } from "./push-rules.ts";
import { branchRef, parseRefName } from "./ref-name.ts";

const A = parseOid("a".repeat(40));
const B = parseOid("b".repeat(40));
const create = (ref: string): PushCommand => ({ ref, old: null, new: A });
const update = (ref: string): PushCommand => ({ ref, old: A, new: B });
const remove = (ref: string): PushCommand => ({ ref, old: A, new: null });
const VERBS = [create, update, remove] as const;

const user = (level: number): Actor => ({
  ...{ level, isAdmin: false, userId: 1, groupIds: [7], deployKeyId: null },
});
const KEY: Actor = { level: 0, isAdmin: false, userId: null, groupIds: [], deployKeyId: 5 };
const OTHER_KEY: Actor = { ...KEY, deployKeyId: 6 };
const ADMIN: Actor = { ...user(50), isAdmin: true };
const ACTORS: Readonly<Record<string, Actor>> = {
  ...{ developer: user(30), maintainer: user(40), owner: user(50), admin: ADMIN, key: KEY, other: OTHER_KEY },
};

const role = (level: number) => ({ grantee: { kind: "role", level } as const });
const RULES: Omit<PushRules, "actor"> = {
  door: "git",
  branches: [
    { name: "none", allowForcePush: true, push: [role(0)] },
    { name: "devs", allowForcePush: false, push: [role(30)] },
    { name: "main*", allowForcePush: false, push: [role(40)] },
    { name: "force", allowForcePush: true, push: [role(40)] },
    { name: "admins", allowForcePush: false, push: [role(60)] },
    { name: "named", allowForcePush: false, push: [{ grantee: { kind: "deploy-key", id: 5 } }] },
  ],
  tags: [
    { name: "v*", create: [role(40), { grantee: { kind: "deploy-key", id: 5 } }] },
    { name: "none", create: [role(0)] },
  ],
  head: branchRef("trunk"),
  isFirstPushProtected: false,
  isMirrored: (branch) => branch === "refs/heads/mirrored",
  pushesToMirroredBranches: "warn",
};

/** Letters for what becomes of creating, updating and deleting: `y`es, yes if `f`ast-forward, `n`o. */
function verdicts(actor: Actor, ref: string, rules: Partial<PushRules> = {}): string {
  return VERBS.map((verb) => {
    const { refusals, fastForwardOnly } = judgePush([verb(ref)], { ...RULES, actor, ...rules });
    if (refusals.length > 0) return "n";
    return fastForwardOnly.length > 0 ? "f" : "y";
  }).join("");
}

describe("judgePush", () => {
  it("lets maintainers delete what is protected by the API, and nobody the default branch", () => {
    const named = ["main", "none", "named", "trunk"];
    const table = Object.fromEntries(
      Object.entries(ACTORS).map(([who, actor]) => {
        const branches = named.map((name) => verdicts(actor, `refs/heads/${name}`, { door: "api" })[2]);
        const tags = ["v1", "none"].map((name) => verdicts(actor, `refs/tags/${name}`, { door: "api" })[2]);
        return [who, `${branches.join("")} ${tags.join("")}`];
      }),
    );
    assert.deepEqual(table, {
      developer: "nnnn nn",
      maintainer: "yyyn yy",
      owner: "yyyn yy",
      admin: "yyyn yy",
      key: "nnnn nn",
      other: "nnnn nn",
    });
  });

  it("goes by who pushes and what the rules say of the branch", () => {
    const branches = ["free", "trunk", "none", "devs", "main/x", "force", "admins", "named"];
    const table = Object.fromEntries(
      Object.entries(ACTORS).map(([who, actor]) => [
        who,
        branches.map((name) => verdicts(actor, `refs/heads/${name}`)).join(" "),
      ]),
    );
    assert.deepEqual(table, {
      //           free trunk none devs main force admins named
      developer: "yyy yyn nnn yfn nnn nnn nnn nnn",
      maintainer: "yyy yyn nnn yfn yfn yyn nnn nnn",
      owner: "yyy yyn nnn yfn yfn yyn nnn nnn",
      admin: "yyy yyn nnn yfn yfn yyn yfn nnn",
      key: "yyy yyn nnn nnn nnn nnn nnn yfn",
      other: "yyy yyn nnn nnn nnn nnn nnn nnn",
    });
  });

  it("and of the tag, which is never moved or deleted once it is protected", () => {
    const tags = ["free", "v1", "none"];
    const table = Object.fromEntries(
      Object.entries(ACTORS).map(([who, actor]) => [
        who,
        tags.map((name) => verdicts(actor, `refs/tags/${name}`)).join(" "),
      ]),
    );
    assert.deepEqual(table, {
      developer: "yyy nnn nnn",
      maintainer: "yyy ynn nnn",
      owner: "yyy ynn nnn",
      admin: "yyy ynn nnn",
      key: "yyy ynn nnn",
      other: "yyy nnn nnn",
    });
  });

  it("refuses new names that could be taken for something else, and lets old ones go", () => {
    const hex = "0123456789abcdef0123456789abcdef01234567";
    const names = ["-d", "HEAD", hex, hex.toUpperCase(), `${hex}/x`, `${hex}-x`, `${hex}${hex.slice(0, 24)}`];
    for (const name of names) assert.equal(verdicts(ADMIN, `refs/heads/${name}`), "nyy", name);
    for (const name of ["-d", "HEAD"]) assert.equal(verdicts(ADMIN, `refs/tags/${name}`), "nyy", name);
    for (const name of ["a-d", "x/HEAD", hex])
      assert.equal(verdicts(ADMIN, `refs/tags/${name}`), "yyy", name);
    for (const name of [`${hex}0`, `x${hex}`, `x/${hex}`, "a-d"]) {
      assert.equal(verdicts(ADMIN, `refs/heads/${name}`), "yyy", name);
    }
  });

  it("refuses what is no ref name, and the server's own refs, whatever is done to them", () => {
    for (const ref of ["HEAD", "main", "refs", "heads/main", "../x"]) {
      assert.equal(verdicts(ADMIN, ref), "nnn", ref);
    }
    for (const ref of ["refs/heads/a..b", "refs/heads/x.lock", "refs/heads/a\ufffd", "refs/heads/ "]) {
      assert.equal(verdicts(ADMIN, ref), "nny", `git knows whether ${ref} may go`);
    }
    assert.equal(verdicts(ADMIN, "refs/heliostat/x"), "nnn");
    assert.equal(verdicts(user(30), "refs/notes/commits"), "yyy");
    for (const name of ["replace", "bisect", "worktree", "rewritten", "main-worktree", "worktrees"]) {
      assert.equal(verdicts(ADMIN, `refs/${name}/x`), "nny", name);
    }
    assert.equal(verdicts(ADMIN, "refs/replaced/x"), "yyy");
  });

  it("leaves the first push of a project to maintainers where that is wanted", () => {
    const empty = { head: null, isFirstPushProtected: true };
    assert.equal(verdicts(user(30), "refs/heads/trunk", empty), "nny");
    assert.equal(verdicts(KEY, "refs/heads/trunk", empty), "nny");
    assert.equal(verdicts(user(40), "refs/heads/trunk", empty), "yyy");
    assert.equal(verdicts(user(30), "refs/heads/devs", empty), "yfn", "a rule that names it is stronger");
    assert.equal(verdicts(user(30), "refs/tags/x", empty), "yyy");
  });

  it("warns of branches that a pull mirror writes, refuses them, or does neither", () => {
    const ref = branchRef("mirrored");
    const judge = (pushesToMirroredBranches: PushRules["pushesToMirroredBranches"]) =>
      judgePush([update(ref), update("refs/heads/free"), create("refs/tags/mirrored")], {
        ...{ ...RULES, actor: user(40), pushesToMirroredBranches },
      });
    assert.deepEqual(judge("allow"), { refusals: [], fastForwardOnly: [], mirrored: [] });
    assert.deepEqual(judge("warn"), { refusals: [], fastForwardOnly: [], mirrored: [ref] });
    const { refusals, mirrored } = judge("refuse");
    assert.deepEqual(
      [refusals.map((one) => [one.ref, one.reason]), mirrored],
      [[[ref, "mirrored branch: its pull mirror writes it"]], []],
    );
  });

  it("judges each ref for itself, in the order of the commands", () => {
    const { refusals, fastForwardOnly } = judgePush(
      [remove("refs/heads/devs"), update("refs/heads/devs"), create("refs/heads/x"), create("refs/tags/v1")],
      { ...RULES, actor: user(30) },
    );
    assert.deepEqual(
      refusals.map(({ ref }) => ref),
      ["refs/heads/devs", "refs/tags/v1"],
    );
    assert.deepEqual(fastForwardOnly, [update("refs/heads/devs")]);
  });
});

it("the pusher reads each sentence once, with ten of its refs and what to do", () => {
  const commands = Array.from({ length: 12 }, (_, at) => update(`refs/heads/main/${at}`));
  const { refusals } = judgePush([...commands, remove("refs/tags/v1")], { ...RULES, actor: user(30) });
  const names = commands.slice(0, 10).map(({ ref }) => ref);
  assert.deepEqual(refusalLines(refusals), [
    "You are not allowed to push code to protected branches on this project.",
    `  ${names.join(", ")} and 2 others`,
    "  Push to another branch, or ask a maintainer to let you push to this one.",
    "You are not allowed to delete protected tags from this project. Only a project maintainer or owner can delete a protected tag.",
    "  refs/tags/v1",
    "  Ask a maintainer.",
  ]);
  assert.deepEqual(mirroredWarning([]), []);
  const many = Array.from({ length: 11 }, (_, at) => parseRefName(`refs/heads/${at}`));
  assert.match(mirroredWarning(many)[0] ?? "", /writes 0, 1, .*, 9 and 1 others\.$/);
});
