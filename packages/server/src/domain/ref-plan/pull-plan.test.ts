import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MirrorDeletions } from "@heliostat/contract";
import {
  advertisedRefs,
  everything,
  exactAnswers,
  localRefs,
  oidOf,
  type RefTable,
  reachableFrom,
} from "./commit-graph.test-support.ts";
import { type PullPlan, type PullPlanInput, planPull } from "./pull-plan.ts";
import type { RefPlan } from "./ref-plan.ts";

/** 0 ← 1 ← 2 ← 3 is upstream's; 4 is ours alone, on top of 1; 5 and 6 tag 1 and 2. */
const GRAPH = { edges: [[], [0], [1], [2], [1], [1], [2]], commits: 5 };

const MAIN = "refs/heads/main";

interface Given {
  readonly ours: RefTable;
  readonly theirs: RefTable;
  readonly overwrite?: boolean;
  readonly deletions?: MirrorDeletions;
  readonly follow?: boolean;
  readonly wants?: (branch: string) => boolean;
  readonly wantsTag?: (tag: string) => boolean;
  readonly mayChangeTag?: (tag: string) => boolean;
  readonly mayChangeBranch?: (branch: string) => boolean;
  readonly ourHead?: string | null;
  readonly theirHead?: string;
  readonly ourSymrefs?: readonly string[];
  readonly symrefs?: Readonly<Record<string, string>>;
  readonly peeled?: RefTable;
}

/** After the transfer: every object is here. */
function pull({
  ours,
  theirs,
  overwrite = false,
  deletions = "default",
  follow = false,
  wants = () => true,
  wantsTag = () => true,
  mayChangeTag = () => true,
  mayChangeBranch = () => true,
  ourHead = MAIN,
  theirHead,
  ourSymrefs = [],
  symrefs,
  peeled,
}: Given): PullPlan {
  const store = reachableFrom(GRAPH, [3, 4, 5, 6].map(oidOf));
  return planPull({
    ours: localRefs(ours, ourHead, ourSymrefs),
    theirs: advertisedRefs(theirs, {
      ...(theirHead === undefined ? {} : { head: theirHead }),
      ...(symrefs === undefined ? {} : { symrefs }),
      ...(peeled === undefined ? {} : { peeled }),
    }),
    wants: { branch: wants, tag: wantsTag },
    overwriteDivergedBranches: overwrite,
    deletions,
    followDefaultBranch: follow,
    mayChangeTag,
    mayChangeBranch,
    ancestry: exactAnswers(GRAPH, store),
  });
}

const changesOf = (plan: RefPlan) => plan.changes.map(({ action, ref }) => `${action} ${ref}`);
const heldOf = (plan: RefPlan) => plan.held.map(({ outcome, ref }) => `${outcome} ${ref}`);
const nothing = {
  ...{ changes: [], held: [], upToDate: [], skipped: [], notes: [], failures: [] },
  ...{ afterDefault: new Set(), head: null },
};
/** The options of a mirror of which nothing was asked. */
const plain: Omit<PullPlanInput, "ours" | "theirs"> = {
  wants: everything,
  overwriteDivergedBranches: false,
  deletions: "default",
  followDefaultBranch: false,
  mayChangeTag: () => true,
  mayChangeBranch: () => true,
  ancestry: () => "unknown",
};

describe("planPull on branches", () => {
  it("one that we lack is created, the default branch first", () => {
    const plan = pull({ ours: {}, theirs: { "refs/heads/a": 1, [MAIN]: 3 } });
    assert.deepEqual(plan.changes, [
      { ref: MAIN, action: "create", old: null, new: oidOf(3) },
      { ref: "refs/heads/a", action: "create", old: null, new: oidOf(1) },
    ]);
  });

  it("an equal one is up to date", () => {
    assert.deepEqual(pull({ ours: { [MAIN]: 3 }, theirs: { [MAIN]: 3 } }), { ...nothing, upToDate: [MAIN] });
  });

  for (const overwrite of [false, true]) {
    it(`one that upstream moved on is fast-forwarded, ${overwrite ? "with" : "without"} overwriting`, () => {
      const plan = pull({ ours: { [MAIN]: 2 }, theirs: { [MAIN]: 3 }, overwrite });
      assert.deepEqual(plan.changes, [{ ref: MAIN, action: "fast-forward", old: oidOf(2), new: oidOf(3) }]);
    });
  }

  it("one that diverged, or is ahead of upstream, is overwritten where that is wanted", () => {
    const ours = { [MAIN]: 4, "refs/heads/ahead": 3 };
    const plan = pull({ ours, theirs: { [MAIN]: 3, "refs/heads/ahead": 2 }, overwrite: true });
    assert.deepEqual(changesOf(plan), [`force ${MAIN}`, "force refs/heads/ahead"]);
    assert.deepEqual(plan.failures, []);
  });

  it("one that diverged, or is ahead of upstream, is held otherwise; that is no failure", () => {
    const plan = pull({
      ours: { [MAIN]: 2, "refs/heads/diverged": 4, "refs/heads/ahead": 3 },
      theirs: { [MAIN]: 3, "refs/heads/diverged": 3, "refs/heads/ahead": 2 },
    });
    assert.deepEqual(changesOf(plan), [`fast-forward ${MAIN}`]);
    assert.deepEqual(heldOf(plan), ["diverged refs/heads/ahead", "diverged refs/heads/diverged"]);
    assert.deepEqual(plan.failures, []);
    assert.match(plan.held[0]?.message ?? "", /has diverged from its upstream counterpart.*Delete it here/);
  });

  it("the default branch that diverged makes the update fail, while the others go on", () => {
    const message =
      "The default branch (main) has diverged from its upstream counterpart and could not be updated automatically.";
    const plan = pull({ ours: { [MAIN]: 4, "refs/heads/a": 1 }, theirs: { [MAIN]: 3, "refs/heads/a": 2 } });
    assert.deepEqual(changesOf(plan), ["fast-forward refs/heads/a"]);
    assert.deepEqual(plan.held, [{ ref: MAIN, outcome: "diverged", old: oidOf(4), new: oidOf(3), message }]);
    assert.deepEqual(plan.failures, [message]);
  });

  it("the default branch is the one that HEAD will point at", () => {
    const given = {
      ours: { [MAIN]: 4, "refs/heads/trunk": 4 },
      theirs: { [MAIN]: 3, "refs/heads/trunk": 3 },
      theirHead: "refs/heads/trunk",
    };
    const message = (name: string) =>
      `The default branch (${name}) has diverged from its upstream counterpart and could not be updated automatically.`;
    assert.deepEqual(pull({ ...given, follow: true }).failures, [message("trunk")]);
    assert.deepEqual(pull(given).failures, [message("main")]);
  });

  it("one whose relation is unknown counts as diverged", () => {
    const plan = planPull({
      ours: localRefs({ "refs/heads/a": 1 }),
      theirs: advertisedRefs({ "refs/heads/a": 2 }),
      ...plain,
    });
    assert.deepEqual(heldOf(plan), ["diverged refs/heads/a"]);
  });

  it("one that upstream deleted, or only we have, stays", () => {
    assert.deepEqual(
      pull({ ours: { [MAIN]: 3, "refs/heads/local": 1, "refs/tags/local": 1 }, theirs: { [MAIN]: 3 } }),
      {
        ...nothing,
        upToDate: [MAIN],
      },
    );
    assert.deepEqual(pull({ ours: { [MAIN]: 3 }, theirs: {} }), nothing);
  });
});

describe("planPull on tags", () => {
  it("they are created, and follow upstream wherever it moves them", () => {
    const plan = pull({
      ours: { "refs/tags/back": 3, "refs/tags/on": 1, "refs/tags/same": 2 },
      theirs: { "refs/tags/back": 1, "refs/tags/new": 2, "refs/tags/on": 2, "refs/tags/same": 2 },
    });
    assert.deepEqual(changesOf(plan), ["force refs/tags/back", "create refs/tags/new", "force refs/tags/on"]);
    assert.deepEqual(plan.upToDate, ["refs/tags/same"]);
  });

  it("changes carry what an annotated tag peels to", () => {
    const plan = pull({
      ours: { "refs/tags/moved": 5 },
      theirs: { "refs/tags/moved": 6, "refs/tags/new": 5, "refs/tags/plain": 1 },
      peeled: { "refs/tags/moved": 2, "refs/tags/new": 1 },
    });
    assert.deepEqual(plan.changes, [
      { ref: "refs/tags/moved", action: "force", old: oidOf(5), new: oidOf(6), peeled: oidOf(2) },
      { ref: "refs/tags/new", action: "create", old: null, new: oidOf(5), peeled: oidOf(1) },
      { ref: "refs/tags/plain", action: "create", old: null, new: oidOf(1) },
    ]);
  });
});

describe("planPull on protected branches", () => {
  const mayChangeBranch = (branch: string) => !branch.startsWith("refs/heads/rel/");

  it("holds new, moved and deleted ones that the mirror user may not push to, and fails", () => {
    const plan = pull({
      ours: { [MAIN]: 2, "refs/heads/rel/1": 1, "refs/heads/rel/2": 2, "refs/heads/rel/4": 2 },
      theirs: { [MAIN]: 3, "refs/heads/rel/1": 2, "refs/heads/rel/2": 2, "refs/heads/rel/3": 3 },
      overwrite: true,
      deletions: "always",
      mayChangeBranch,
    });
    assert.deepEqual(changesOf(plan), [`fast-forward ${MAIN}`]);
    assert.deepEqual(heldOf(plan), ["held refs/heads/rel/1", "held refs/heads/rel/3"]);
    assert.deepEqual(plan.upToDate, ["refs/heads/rel/2"]);
    assert.deepEqual(plan.failures, [
      "The mirror user is not allowed to push to protected branches: 'rel/1', 'rel/3'. Let somebody who may save the mirror, or change the rule.",
    ]);
    assert.deepEqual(plan.notes, [
      "Branches that are gone upstream but kept here, because they are protected: 'rel/4'.",
    ]);
  });
});

describe("planPull on protected tags", () => {
  const mayChangeTag = (tag: string) => !tag.startsWith("refs/tags/v");

  it("holds a new and a moved one, lets all the rest go on, and fails in GitLab's words", () => {
    const plan = pull({
      ours: { [MAIN]: 2, "refs/tags/v0": 1, "refs/tags/v2": 1 },
      theirs: { [MAIN]: 3, "refs/tags/v0": 1, "refs/tags/v2": 2, "refs/tags/v1": 3, "refs/tags/w": 3 },
      mayChangeTag,
    });
    assert.deepEqual(changesOf(plan), [`fast-forward ${MAIN}`, "create refs/tags/w"]);
    assert.deepEqual(plan.held, [
      {
        ...{ ref: "refs/tags/v1", outcome: "held", old: null, new: oidOf(3) },
        message: "You are not allowed to create tags: 'v1' as they are protected.",
      },
      {
        ...{ ref: "refs/tags/v2", outcome: "held", old: oidOf(1), new: oidOf(2) },
        message: "You are not allowed to create tags: 'v2' as they are protected.",
      },
    ]);
    assert.deepEqual(plan.failures, [
      "You are not allowed to create tags: 'v1', 'v2' as they are protected.",
    ]);
    assert.deepEqual(plan.upToDate, ["refs/tags/v0"]);
  });

  it("names ten of them, and others", () => {
    const theirs = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`refs/tags/v${at}`, 3]));
    assert.deepEqual(pull({ ours: {}, theirs, mayChangeTag }).failures, [
      "You are not allowed to create tags: 'v0', 'v1', 'v10', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8' and others as they are protected.",
    ]);
  });

  it("keeps one that upstream deleted, and says so", () => {
    const plan = pull({
      ours: { [MAIN]: 3, "refs/tags/v1": 1, "refs/tags/w": 1 },
      theirs: { [MAIN]: 3 },
      deletions: "always",
      mayChangeTag,
    });
    assert.deepEqual(changesOf(plan), ["delete refs/tags/w"]);
    assert.deepEqual(plan.notes, [
      "Tags that are gone upstream but kept here, because they are protected: 'v1'.",
    ]);
    assert.deepEqual(plan.failures, []);
  });
});

describe("planPull and refs that upstream does not have", () => {
  const ours = { [MAIN]: 3, "refs/heads/a": 4, "refs/tags/v1": 1 };

  for (const deletions of ["default", "never"] as const) {
    it(`they stay with deletions: ${deletions}`, () => {
      const plan = pull({ ours, theirs: { [MAIN]: 3 }, deletions });
      assert.deepEqual(plan, { ...nothing, upToDate: [MAIN] });
    });
  }

  it("they go with deletions: always, but for the default branch, and that is said", () => {
    const plan = pull({ ours, theirs: { "refs/heads/b": 1 }, deletions: "always" });
    assert.deepEqual(plan.changes, [
      { ref: "refs/heads/b", action: "create", old: null, new: oidOf(1) },
      { ref: "refs/heads/a", action: "delete", old: oidOf(4), new: null },
      { ref: "refs/tags/v1", action: "delete", old: oidOf(1), new: null },
    ]);
    assert.deepEqual(plan.notes, [
      "refs/heads/main is gone upstream but kept here, because it is the default branch.",
    ]);
  });

  it("only those that the filter carries go", () => {
    const plan = pull({
      ours,
      theirs: { [MAIN]: 3 },
      wants: (branch) => branch === MAIN,
      wantsTag: () => false,
      deletions: "always",
    });
    assert.deepEqual(changesOf(plan), []);
  });

  it("none goes while upstream offers nothing that the filter carries, and that is said", () => {
    const note = "Upstream offers no branch that this mirror carries, so nothing is deleted here.";
    assert.deepEqual(pull({ ours, theirs: {}, deletions: "always" }), { ...nothing, notes: [note] });
    const filtered = pull({
      ours,
      theirs: { "refs/heads/x": 1, "refs/pull/1/head": 1 },
      wants: (branch) => branch !== "refs/heads/x",
      deletions: "always",
    });
    assert.deepEqual(changesOf(filtered), []);
    assert.deepEqual(filtered.notes, ["No branch matches the filter, so no branch is mirrored.", note]);
  });

  it("none goes while upstream shows tags only: it may hide its branches", () => {
    const plan = pull({ ours, theirs: { "refs/tags/v2": 1 }, deletions: "always" });
    assert.deepEqual(changesOf(plan), ["create refs/tags/v2"]);
    assert.deepEqual(plan.notes, [
      "Upstream offers no branch that this mirror carries, so nothing is deleted here.",
    ]);
  });

  it("a symbolic ref of ours stays, and so does one of ours whose name is symbolic upstream", () => {
    const plan = pull({
      ours,
      theirs: { [MAIN]: 3, "refs/heads/a": 3, "refs/heads/alias": 2, "refs/tags/v1": 1 },
      symrefs: { "refs/heads/a": MAIN },
      ourSymrefs: ["refs/heads/alias"],
      deletions: "always",
    });
    assert.deepEqual(plan, { ...nothing, upToDate: [MAIN, "refs/tags/v1"] });
  });

  it("they make room for a new ref, in both directions of the conflict", () => {
    const plan = pull({
      ours: { [MAIN]: 3, "refs/heads/x": 4, "refs/heads/y/z": 1 },
      theirs: { [MAIN]: 3, "refs/heads/x/y": 1, "refs/heads/y": 1 },
      deletions: "always",
    });
    assert.deepEqual(changesOf(plan), [
      "delete refs/heads/x",
      "delete refs/heads/y/z",
      "create refs/heads/x/y",
      "create refs/heads/y",
    ]);
    assert.deepEqual(plan.held, []);
  });
});

describe("planPull and HEAD", () => {
  const theirs = { "refs/heads/trunk": 3, [MAIN]: 2 };
  const theirHead = "refs/heads/trunk";

  it("a first pull takes upstream's, asked for or not, and brings that branch first", () => {
    const plan = pull({ ours: {}, theirs, theirHead });
    assert.equal(plan.head, theirHead);
    assert.deepEqual(changesOf(plan), ["create refs/heads/trunk", `create ${MAIN}`]);
    assert.equal(pull({ ours: {}, theirs }).head, null);
  });

  it("an empty upstream, whatever its HEAD, changes nothing", () => {
    assert.deepEqual(pull({ ours: {}, theirs: {}, theirHead, follow: true }), nothing);
    assert.deepEqual(pull({ ours: {}, theirs: {}, follow: true, deletions: "always" }), nothing);
  });

  it("a later pull follows it only where that is asked for", () => {
    assert.equal(pull({ ours: { [MAIN]: 2 }, theirs, theirHead }).head, null);
    assert.equal(pull({ ours: { [MAIN]: 2 }, theirs, theirHead, follow: true }).head, theirHead);
    const ours = { ...theirs };
    assert.equal(pull({ ours, theirs, theirHead, follow: true }).head, theirHead);
    assert.equal(pull({ ours, theirs, theirHead, follow: true, ourHead: theirHead }).head, null);
    assert.equal(pull({ ours, theirs, theirHead, follow: true, ourHead: null }).head, theirHead);
  });

  it("it is left alone where upstream's is unborn or not advertised", () => {
    const ours = { [MAIN]: 2, "refs/heads/unborn": 1 };
    assert.equal(pull({ ours, theirs, theirHead: "refs/heads/unborn", follow: true }).head, null);
    assert.equal(pull({ ours, theirs, follow: true }).head, null);
  });

  it("it is left alone where that branch does not come here: filtered, symbolic here, or held", () => {
    const follow = { theirs, theirHead, follow: true };
    assert.equal(pull({ ...follow, ours: { [MAIN]: 2 }, wants: (branch) => branch === MAIN }).head, null);
    assert.equal(pull({ ...follow, ours: { [MAIN]: 2 }, ourSymrefs: [theirHead] }).head, null);
    const blocked = pull({ ...follow, ours: { [MAIN]: 2, "refs/heads/trunk/x": 1 } });
    assert.equal(blocked.head, null);
    assert.deepEqual(heldOf(blocked), ["held refs/heads/trunk"]);
  });

  it("a renamed default branch goes with its old name's deletion, once the new one is here", () => {
    const renamed = {
      theirs: { "refs/heads/trunk": 3 },
      theirHead,
      follow: true,
      deletions: "always",
    } as const;
    const plan = pull({ ...renamed, ours: { [MAIN]: 3 } });
    assert.deepEqual(changesOf(plan), ["create refs/heads/trunk", `delete ${MAIN}`]);
    assert.equal(plan.head, theirHead);
    const filtered = pull({
      ...renamed,
      theirs: { "refs/heads/trunk": 3, "refs/heads/b": 3 },
      ours: { [MAIN]: 3 },
      wants: (branch) => branch !== theirHead,
    });
    assert.deepEqual(changesOf(filtered), ["create refs/heads/b"]);
    assert.equal(filtered.head, null);
    assert.match(filtered.notes.join(" "), /kept here, because it is the default branch/);
  });

  it("the branch that HEAD points at goes after HEAD has moved, with the new refs that it makes room for", () => {
    const plan = pull({
      ours: { [MAIN]: 3, "refs/heads/gone": 1 },
      theirs: { "refs/heads/trunk": 3, "refs/heads/main/x": 3 },
      ...{ theirHead, follow: true, deletions: "always" },
    });
    assert.deepEqual([...plan.afterDefault].sort(), [MAIN, "refs/heads/main/x"]);
  });

  it("and stays where it is itself in the way of the new one", () => {
    const plan = pull({
      ours: { [MAIN]: 3 },
      theirs: { "refs/heads/main/trunk": 3 },
      ...{ theirHead: "refs/heads/main/trunk", follow: true, deletions: "always" },
    });
    assert.deepEqual([changesOf(plan), heldOf(plan), plan.head], [[], ["held refs/heads/main/trunk"], null]);
  });
});

describe("planPull filters", () => {
  it("branches only", () => {
    const plan = pull({
      ours: { "refs/heads/topic": 1 },
      theirs: { [MAIN]: 3, "refs/heads/topic": 2, "refs/tags/v1": 3 },
      wants: (branch) => branch === MAIN,
    });
    assert.deepEqual(changesOf(plan), [`create ${MAIN}`, "create refs/tags/v1"]);
    assert.deepEqual(plan.skipped, ["refs/heads/topic"]);
  });

  it("no branch at all, and then says so", () => {
    const plan = pull({ ours: {}, theirs: { [MAIN]: 3, "refs/heads/a": 1 }, wants: () => false });
    assert.deepEqual(plan, {
      ...nothing,
      skipped: ["refs/heads/a", MAIN],
      notes: ["No branch matches the filter, so no branch is mirrored."],
    });
  });

  it("tags that are not wanted", () => {
    const plan = pull({
      ours: { "refs/tags/a": 1 },
      theirs: { [MAIN]: 3, "refs/tags/a": 2, "refs/tags/b": 2, "refs/tags/v1": 3 },
      wantsTag: (tag) => tag === "refs/tags/v1",
    });
    assert.deepEqual(changesOf(plan), [`create ${MAIN}`, "create refs/tags/v1"]);
    assert.deepEqual(plan.skipped, ["refs/tags/a", "refs/tags/b"]);
  });

  it("refs of upstream that are symbolic here, whose name stays taken", () => {
    const plan = pull({
      ours: { [MAIN]: 3 },
      theirs: { [MAIN]: 3, "refs/heads/alias": 2, "refs/heads/other/x": 2 },
      ourSymrefs: ["refs/heads/alias", "refs/heads/other"],
    });
    assert.deepEqual(changesOf(plan), []);
    assert.deepEqual(heldOf(plan), ["held refs/heads/other/x"]);
  });

  it("refs outside of heads and tags, and symbolic refs", () => {
    const plan = pull({
      ours: {},
      theirs: { "refs/pull/1/head": 1, "refs/notes/commits": 1, "refs/heads/alias": 3 },
      symrefs: { "refs/heads/alias": MAIN },
    });
    assert.deepEqual(plan, nothing);
  });
});

describe("planPull and names that exclude each other", () => {
  it("a ref whose place is taken here is held, and the update fails with its name; the others go on", () => {
    const plan = pull({
      ours: { "refs/heads/x": 1, "refs/heads/y/z": 1 },
      theirs: { [MAIN]: 3, "refs/heads/x/y": 1, "refs/heads/y": 1 },
    });
    assert.deepEqual(changesOf(plan), [`create ${MAIN}`]);
    assert.deepEqual(heldOf(plan), ["held refs/heads/x/y", "held refs/heads/y"]);
    assert.match(plan.held[0]?.message ?? "", /conflicts with refs\/heads\/x, which exists here/);
    assert.deepEqual(plan.failures, [
      "Some refs conflict with names here and have not been created:\n\nrefs/heads/x/y\nrefs/heads/y",
    ]);
  });
});

describe("planPull and object formats", () => {
  it("refuses to mix them, but for an empty repository", () => {
    const theirs = { ...advertisedRefs({ [MAIN]: 1 }), objectFormat: "sha256" } as const;
    const plan = (ours: RefTable) => planPull({ ours: localRefs(ours), theirs, ...plain });
    assert.throws(() => plan({ [MAIN]: 1 }), { code: "object-format-mismatch" });
    assert.equal(plan({}).changes.length, 1);
  });
});
