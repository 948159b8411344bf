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
import { planPush } from "./push-plan.ts";
import type { RefPlan } from "./ref-plan.ts";

/** 0 ← 1 ← 2 ← 3 is ours; 4 branches off at 1; 5 is theirs alone, on top of 2; 6 and 7 tag 1 and 2. */
const GRAPH = { edges: [[], [0], [1], [2], [1], [2], [1], [2]], commits: 6 };

const MAIN = "refs/heads/main";

interface Given {
  readonly ours: RefTable;
  readonly theirs: RefTable;
  readonly keep?: boolean;
  readonly deletions?: MirrorDeletions;
  readonly wants?: (branch: string) => boolean;
  readonly wantsTag?: (tag: string) => boolean;
  readonly ourHead?: string | null;
  readonly ourSymrefs?: readonly string[];
  readonly theirHead?: string;
  readonly symrefs?: Readonly<Record<string, string>>;
}

/** Our repository holds all but commit 5. */
function push({
  ours,
  theirs,
  keep = false,
  deletions = "default",
  wants = () => true,
  wantsTag = () => true,
  ourHead = MAIN,
  ourSymrefs = [],
  theirHead,
  symrefs,
}: Given): RefPlan {
  const store = reachableFrom(GRAPH, [3, 4, 6, 7].map(oidOf));
  return planPush({
    ours: localRefs(ours, ourHead, ourSymrefs),
    theirs: advertisedRefs(theirs, {
      ...(theirHead === undefined ? {} : { head: theirHead }),
      ...(symrefs === undefined ? {} : { symrefs }),
    }),
    wants: { branch: wants, tag: wantsTag },
    keepDivergentRefs: keep,
    deletions,
    ancestry: exactAnswers(GRAPH, store),
  });
}

const changesOf = (plan: RefPlan) => plan.changes.map(({ action, ref }) => `${action} ${ref}`);
const heldOf = (plan: RefPlan) => plan.held.map(({ outcome, ref }) => `${outcome} ${ref}`);
const nothing = {
  ...{ changes: [], afterDefault: new Set(), held: [], upToDate: [], skipped: [], notes: [], failures: [] },
};

describe("planPush creates and updates", () => {
  it("a branch and a tag that the remote lacks are created", () => {
    const plan = push({ ours: { [MAIN]: 3, "refs/tags/v1": 6 }, theirs: {} });
    assert.deepEqual(plan.changes, [
      { ref: MAIN, action: "create", old: null, new: oidOf(3) },
      { ref: "refs/tags/v1", action: "create", old: null, new: oidOf(6) },
    ]);
  });

  it("an equal ref is up to date", () => {
    assert.deepEqual(push({ ours: { [MAIN]: 3 }, theirs: { [MAIN]: 3 } }), { ...nothing, upToDate: [MAIN] });
  });

  for (const keep of [false, true]) {
    it(`a ref whose remote value is an ancestor is fast-forwarded, ${keep ? "where divergent refs are kept too" : "where divergent refs are not kept"}`, () => {
      const plan = push({
        ours: { [MAIN]: 3, "refs/tags/v1": 2 },
        theirs: { [MAIN]: 2, "refs/tags/v1": 1 },
        keep,
      });
      assert.deepEqual(plan.changes, [
        { ref: MAIN, action: "fast-forward", old: oidOf(2), new: oidOf(3) },
        { ref: "refs/tags/v1", action: "fast-forward", old: oidOf(1), new: oidOf(2) },
      ]);
      assert.deepEqual(plan.failures, []);
    });
  }

  it("a diverged, a rewound and an unknown remote value are overwritten", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/old": 1, "refs/heads/x": 3 },
      theirs: { [MAIN]: 4, "refs/heads/old": 2, "refs/heads/x": 5 },
    });
    assert.deepEqual(changesOf(plan), [`force ${MAIN}`, "force refs/heads/old", "force refs/heads/x"]);
  });

  it("a moved annotated tag is overwritten: its objects are no commits", () => {
    assert.deepEqual(changesOf(push({ ours: { "refs/tags/v1": 7 }, theirs: { "refs/tags/v1": 6 } })), [
      "force refs/tags/v1",
    ]);
  });

  it("diverged refs are held and reported when they are kept, the others go on", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/a": 3, "refs/heads/b": 3, "refs/tags/v1": 7 },
      theirs: { [MAIN]: 2, "refs/heads/a": 4, "refs/heads/b": 5, "refs/tags/v1": 6 },
      keep: true,
    });
    assert.deepEqual(changesOf(plan), [`fast-forward ${MAIN}`]);
    assert.deepEqual(heldOf(plan), [
      "diverged refs/heads/a",
      "diverged refs/heads/b",
      "diverged refs/tags/v1",
    ]);
    assert.deepEqual(plan.failures, [
      "Some refs have diverged and have not been updated on the remote:\n\nrefs/heads/a\nrefs/heads/b\nrefs/tags/v1",
    ]);
    assert.match(plan.held[0]?.message ?? "", /keeps divergent refs/);
  });

  it("the failure lists a hundred refs at most", () => {
    const names = Array.from({ length: 120 }, (_, at) => `refs/heads/b${String(at).padStart(3, "0")}`);
    const plan = push({
      ours: Object.fromEntries(names.map((name) => [name, 3])),
      theirs: Object.fromEntries(names.map((name) => [name, 4])),
      keep: true,
    });
    assert.equal(plan.held.length, 120);
    assert.deepEqual(plan.failures[0]?.split("\n").slice(2), names.slice(0, 100));
  });

  it("the default branch comes first, then the others by name, deletions last", () => {
    const plan = push({
      ours: { "refs/heads/a": 1, "refs/heads/z": 1, [MAIN]: 3, "refs/tags/v1": 1 },
      theirs: { "refs/heads/a": 0, "refs/heads/gone": 0 },
    });
    assert.deepEqual(changesOf(plan), [
      `create ${MAIN}`,
      "fast-forward refs/heads/a",
      "create refs/heads/z",
      "create refs/tags/v1",
      "delete refs/heads/gone",
    ]);
  });
});

describe("planPush deletes", () => {
  const theirs = { [MAIN]: 3, "refs/heads/merged": 2, "refs/heads/tip": 3, "refs/tags/merged": 1 };

  it("a branch or tag that only the remote has and whose value our default branch contains", () => {
    const plan = push({ ours: { [MAIN]: 3 }, theirs });
    assert.deepEqual(plan.changes, [
      { ref: "refs/heads/merged", action: "delete", old: oidOf(2), new: null },
      { ref: "refs/heads/tip", action: "delete", old: oidOf(3), new: null },
      { ref: "refs/tags/merged", action: "delete", old: oidOf(1), new: null },
    ]);
  });

  it("nothing that is not merged, or that we do not know", () => {
    const plan = push({
      ours: { [MAIN]: 3 },
      theirs: { [MAIN]: 3, "refs/heads/unmerged": 4, "refs/heads/unknown": 5, "refs/tags/annotated": 6 },
    });
    assert.deepEqual(plan, { ...nothing, upToDate: [MAIN] });
  });

  it("nothing when divergent refs are kept", () => {
    assert.deepEqual(changesOf(push({ ours: { [MAIN]: 3 }, theirs, keep: true })), []);
  });

  it("nothing when our default branch does not exist, or there is none", () => {
    assert.deepEqual(changesOf(push({ ours: { "refs/heads/a": 3 }, theirs })), ["create refs/heads/a"]);
    assert.deepEqual(changesOf(push({ ours: { "refs/heads/a": 3 }, theirs, ourHead: null })), [
      "create refs/heads/a",
    ]);
    assert.deepEqual(changesOf(push({ ours: {}, theirs })), []);
  });

  it("never the remote's default branch, and says so", () => {
    const plan = push({
      ours: { [MAIN]: 3 },
      theirs: { [MAIN]: 3, "refs/heads/master": 2 },
      theirHead: "refs/heads/master",
    });
    assert.deepEqual(plan, {
      ...nothing,
      upToDate: [MAIN],
      notes: ["refs/heads/master is gone here but kept on the remote, whose default branch it is."],
    });
  });

  it("nothing to say about a remote default branch that is not merged", () => {
    const plan = push({
      ours: { [MAIN]: 3 },
      theirs: { "refs/heads/master": 4 },
      theirHead: "refs/heads/master",
    });
    assert.deepEqual(plan.notes, []);
  });
});

describe("planPush deletes what our default branch contains only once the remote has that branch", () => {
  const theirs = { [MAIN]: 1, "refs/heads/merged": 2, "refs/heads/x": 2, "refs/heads/y": 2 };
  const ours = { [MAIN]: 3, "refs/heads/x/new": 3, "refs/heads/y": 3 };

  it("the deletions, and what they make room for, wait for it; the others do not", () => {
    const plan = push({ ours, theirs });
    assert.deepEqual([...plan.afterDefault].sort(), [
      "refs/heads/merged",
      "refs/heads/x",
      "refs/heads/x/new",
    ]);
    assert.deepEqual(push({ ours, theirs: { ...theirs, [MAIN]: 3 } }).afterDefault, new Set());
    assert.deepEqual(push({ ours, theirs, deletions: "always" }).afterDefault, new Set());
  });

  it("nothing while another name keeps it from the remote, and the update fails with them", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/x": 3 },
      theirs: { "refs/heads/main/x": 4, "refs/heads/merged": 2, "refs/heads/x/y": 2 },
    });
    assert.deepEqual(changesOf(plan), []);
    assert.deepEqual(heldOf(plan), [
      `held ${MAIN}`,
      "held refs/heads/merged",
      "held refs/heads/x",
      "held refs/heads/x/y",
    ]);
    assert.equal(
      plan.held[1]?.message,
      "The source no longer has it, but it is kept on the remote: main did not arrive there, and commits that it contains would be lost.",
    );
    assert.deepEqual(plan.failures, [
      `Some refs conflict with names on the remote and have not been created there:\n\n${MAIN}\nrefs/heads/x`,
      "Some refs were not deleted on the remote or not created there, because the default branch did not arrive:\n\nrefs/heads/merged\nrefs/heads/x/y",
    ]);
  });

  it("nothing while the filter keeps it from the remote, or it is symbolic there, and says so", () => {
    const notes = ["Kept on the remote, because this mirror does not carry main, which has them: 'merged'."];
    const given = { ours: { [MAIN]: 3, "refs/heads/a": 3 }, theirs: { "refs/heads/merged": 2 } };
    const filtered = push({ ...given, wants: (branch) => branch !== MAIN });
    assert.deepEqual([changesOf(filtered), filtered.notes], [["create refs/heads/a"], notes]);
    const symbolic = push({
      ours: given.ours,
      theirs: { ...given.theirs, [MAIN]: 4, "refs/heads/a": 3 },
      symrefs: { [MAIN]: "refs/heads/other" },
    });
    assert.deepEqual([changesOf(symbolic), symbolic.notes], [[], notes]);
  });
});

describe("planPush with deletions: never", () => {
  it("deletes nothing, merged or not", () => {
    const theirs = { [MAIN]: 3, "refs/heads/merged": 2, "refs/tags/merged": 1 };
    assert.deepEqual(push({ ours: { [MAIN]: 3 }, theirs, deletions: "never" }), {
      ...nothing,
      upToDate: [MAIN],
    });
  });

  it("holds a ref whose place is taken by a merged one", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/x/y": 1 },
      theirs: { [MAIN]: 3, "refs/heads/x": 1 },
      deletions: "never",
    });
    assert.deepEqual(heldOf(plan), ["held refs/heads/x/y"]);
  });
});

describe("planPush with deletions: always", () => {
  const theirs = {
    [MAIN]: 3,
    "refs/heads/merged": 2,
    "refs/heads/unknown": 5,
    "refs/heads/unmerged": 4,
    "refs/tags/annotated": 6,
  };
  const gone = [
    "delete refs/heads/merged",
    "delete refs/heads/unknown",
    "delete refs/heads/unmerged",
    "delete refs/tags/annotated",
  ];

  for (const keep of [false, true]) {
    it(`takes everything away that only the remote has, ${keep ? "where divergent refs are kept too" : "merged or not"}`, () => {
      assert.deepEqual(changesOf(push({ ours: { [MAIN]: 3 }, theirs, deletions: "always", keep })), gone);
    });
  }

  it("asks nothing of the history", () => {
    planPush({
      ...{ ours: localRefs({ [MAIN]: 3 }), theirs: advertisedRefs(theirs), wants: everything },
      ...{ keepDivergentRefs: false, deletions: "always" },
      ancestry: () => assert.fail("asked"),
    });
  });

  it("leaves what the filter does not carry, and symbolic refs of either side", () => {
    const plan = push({
      ours: { [MAIN]: 3 },
      theirs: { ...theirs, "refs/heads/alias": 3, "refs/heads/ours": 1 },
      symrefs: { "refs/heads/alias": MAIN },
      ourSymrefs: ["refs/heads/ours"],
      wants: (branch) => branch !== "refs/heads/unmerged",
      wantsTag: () => false,
      deletions: "always",
    });
    assert.deepEqual(changesOf(plan), gone.slice(0, 2));
  });

  it("keeps the remote's default branch, and says so", () => {
    const plan = push({
      ours: { [MAIN]: 3 },
      theirs: { [MAIN]: 3, "refs/heads/master": 4 },
      theirHead: "refs/heads/master",
      deletions: "always",
    });
    assert.deepEqual(changesOf(plan), []);
    assert.deepEqual(plan.notes, [
      "refs/heads/master is gone here but kept on the remote, whose default branch it is.",
    ]);
  });

  it("takes nothing away while our default branch does not exist, and says so", () => {
    const note = "Our default branch does not exist, so nothing is deleted on the remote.";
    for (const given of [
      { ours: {} },
      { ours: { "refs/heads/a": 3 } },
      { ours: { [MAIN]: 3 }, ourHead: null },
      { ours: { [MAIN]: 3 }, ourHead: "refs/heads/unborn" },
    ]) {
      const plan = push({ theirs, deletions: "always", ...given });
      assert.ok(plan.changes.every(({ action }) => action !== "delete"));
      assert.deepEqual(plan.notes, [note]);
    }
  });

  it("takes nothing away while we have no branch that the filter carries, and says so", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/tags/v1": 3 },
      theirs: { "refs/heads/release": 1, "refs/tags/old": 1 },
      wants: (branch) => branch === "refs/heads/release",
      deletions: "always",
    });
    assert.deepEqual(changesOf(plan), ["create refs/tags/v1"]);
    assert.deepEqual(plan.notes, [
      "No branch matches the filter, so no branch is mirrored.",
      "There is no branch here that this mirror carries, so nothing is deleted on the remote.",
    ]);
  });

  it("says nothing of what it would not delete where there is nothing to delete", () => {
    assert.deepEqual(push({ ours: {}, theirs: {}, deletions: "always" }), nothing);
  });

  it("makes room for a new ref, in both directions of the conflict", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/x": 1, "refs/heads/y/z": 1 },
      theirs: { [MAIN]: 3, "refs/heads/x/unmerged": 4, "refs/heads/y": 5 },
      deletions: "always",
    });
    assert.deepEqual(changesOf(plan), [
      "delete refs/heads/x/unmerged",
      "delete refs/heads/y",
      "create refs/heads/x",
      "create refs/heads/y/z",
    ]);
    assert.deepEqual(plan.held, []);
  });
});

describe("planPush filters", () => {
  it("branches only: the rest of them is neither written nor deleted", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/topic": 4, "refs/tags/v1": 3 },
      theirs: { "refs/heads/other": 1, "refs/tags/old": 1 },
      wants: (branch) => branch === MAIN,
    });
    assert.deepEqual(changesOf(plan), [`create ${MAIN}`, "create refs/tags/v1", "delete refs/tags/old"]);
    assert.deepEqual(plan.skipped, ["refs/heads/topic"]);
    assert.deepEqual(plan.notes, []);
  });

  it("no branch at all, and then says so: an empty filter mirrors nothing, not everything", () => {
    const plan = push({ ours: { [MAIN]: 3, "refs/tags/v1": 3 }, theirs: {}, wants: () => false });
    assert.deepEqual(changesOf(plan), ["create refs/tags/v1"]);
    assert.deepEqual(plan.notes, ["No branch matches the filter, so no branch is mirrored."]);
  });

  it("nothing where there is no branch to filter", () => {
    assert.deepEqual(push({ ours: {}, theirs: {}, wants: () => false }), nothing);
    assert.deepEqual(push({ ours: { "refs/tags/v1": 1 }, theirs: {}, wants: () => false }).notes, []);
  });

  it("refs outside of heads and tags on both sides", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/notes/commits": 1, "refs/heliostat/keep": 1 },
      theirs: { [MAIN]: 3, "refs/pull/1/head": 1, "refs/merge-requests/1/head": 1 },
    });
    assert.deepEqual(plan, { ...nothing, upToDate: [MAIN] });
  });

  it("tags that are not wanted: neither written nor deleted", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/tags/v1": 3, "refs/tags/nightly": 3, "refs/heads/nightly": 3 },
      theirs: { [MAIN]: 3, "refs/tags/v0": 1, "refs/tags/nightly-1": 1 },
      wantsTag: (tag) => tag.startsWith("refs/tags/v"),
    });
    assert.deepEqual(changesOf(plan), [
      "create refs/heads/nightly",
      "create refs/tags/v1",
      "delete refs/tags/v0",
    ]);
    assert.deepEqual(plan.skipped, ["refs/tags/nightly"]);
  });

  it("symbolic refs of ours: the remote's ref of that name is neither updated nor deleted", () => {
    const plan = push({
      ours: { [MAIN]: 3 },
      theirs: { [MAIN]: 3, "refs/heads/alias": 1 },
      ourSymrefs: ["refs/heads/alias"],
    });
    assert.deepEqual(plan, { ...nothing, upToDate: [MAIN] });
  });

  it("symbolic refs of the remote", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/alias": 4 },
      theirs: { [MAIN]: 3, "refs/heads/alias": 3, "refs/heads/other": 3 },
      symrefs: { "refs/heads/alias": MAIN, "refs/heads/other": MAIN },
    });
    assert.deepEqual(plan, { ...nothing, upToDate: [MAIN] });
  });
});

describe("planPush and names that exclude each other", () => {
  it("what is in the way of a new ref is deleted before it, when it is merged", () => {
    for (const [ours, theirs] of [
      ["refs/heads/x", "refs/heads/x/y"],
      ["refs/heads/x/y", "refs/heads/x"],
    ] as const) {
      const plan = push({
        ours: { [MAIN]: 3, [ours]: 1 },
        theirs: { [MAIN]: 2, [theirs]: 2, "refs/heads/a": 1 },
      });
      assert.deepEqual(changesOf(plan), [
        `fast-forward ${MAIN}`,
        `delete ${theirs}`,
        `create ${ours}`,
        "delete refs/heads/a",
      ]);
      assert.deepEqual(plan.failures, []);
    }
  });

  it("what is in the way of the default branch goes before it, and only that, where all must go", () => {
    const given = {
      ours: { [MAIN]: 3, "refs/heads/a": 1 },
      theirs: { "refs/heads/main/x": 2, "refs/heads/a/b": 2 },
    };
    assert.deepEqual(changesOf(push({ ...given, deletions: "always" })), [
      "delete refs/heads/main/x",
      `create ${MAIN}`,
      "delete refs/heads/a/b",
      "create refs/heads/a",
    ]);
    // Otherwise it is there because the default branch contains it, which is not there yet.
    assert.deepEqual(changesOf(push(given)), []);
  });

  it("a ref is held while what is in its way stays; the others go on", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/x": 1, "refs/heads/y/z": 1 },
      theirs: { "refs/heads/x/unmerged": 4, "refs/heads/x/merged": 2, "refs/heads/y": 5 },
    });
    assert.deepEqual(changesOf(plan), [`create ${MAIN}`, "delete refs/heads/x/merged"]);
    assert.deepEqual(heldOf(plan), ["held refs/heads/x", "held refs/heads/y/z"]);
    assert.match(plan.held[0]?.message ?? "", /refs\/heads\/x\/unmerged.* on the remote/);
    assert.deepEqual(plan.failures, [
      "Some refs conflict with names on the remote and have not been created there:\n\nrefs/heads/x\nrefs/heads/y/z",
    ]);
  });

  it("the remote's default branch, a filtered and a symbolic branch stay in the way", () => {
    const plan = push({
      ours: { [MAIN]: 3, "refs/heads/a/b": 1, "refs/heads/c/d": 1, "refs/heads/e/f": 1 },
      theirs: { [MAIN]: 3, "refs/heads/a": 1, "refs/heads/c": 1, "refs/heads/e": 3 },
      theirHead: "refs/heads/a",
      wants: (branch) => branch !== "refs/heads/c",
      symrefs: { "refs/heads/e": MAIN },
    });
    assert.deepEqual(changesOf(plan), []);
    assert.deepEqual(heldOf(plan), ["held refs/heads/a/b", "held refs/heads/c/d", "held refs/heads/e/f"]);
  });

  it("names that only look alike are in nobody's way", () => {
    const plan = push({
      ours: { "refs/heads/x": 1, "refs/tags/x": 1 },
      theirs: { "refs/heads/xy": 4, "refs/heads/x.y/z": 4, "refs/tags/x-1/y": 4 },
    });
    assert.deepEqual(heldOf(plan), []);
  });
});

describe("planPush and many refs", () => {
  it("decides on 10,000 at once, and on names that differ only in case one by one", () => {
    const names = Array.from({ length: 2_500 }, (_, at) => `refs/heads/team/topic-${at}`);
    const ours = Object.fromEntries([
      [MAIN, 3],
      ...names.map((name) => [name, 3]),
      ...names.map((name) => [`${name}x`, 3]),
      ...names.map((name) => [name.toUpperCase().replace("REFS/HEADS", "refs/heads"), 2]),
    ]);
    const theirs = Object.fromEntries([
      [MAIN, 3],
      ...names.map((name) => [name, 2]),
      ...names.map((name) => [`${name}y`, 1]),
    ]);
    const plan = push({ ours, theirs });
    const counts = Map.groupBy(plan.changes, ({ action }) => action);
    assert.deepEqual([...counts].map(([action, { length }]) => [action, length]).sort(), [
      ["create", 5_000],
      ["delete", 2_500],
      ["fast-forward", 2_500],
    ]);
    assert.deepEqual(plan.held, []);
  });
});

describe("planPush and object formats", () => {
  const sha256 = { objectFormat: "sha256", refs: new Map(), symrefs: new Set<never>(), head: null } as const;
  const plan = (ours: ReturnType<typeof localRefs>, theirs: ReturnType<typeof advertisedRefs>) =>
    planPush({
      ...{ ours, theirs, wants: everything },
      ...{ keepDivergentRefs: false, deletions: "always", ancestry: () => "unknown" },
    });

  it("refuses to mix them, with a sentence that names both", () => {
    assert.throws(
      () => plan(localRefs({ [MAIN]: 1 }), { ...advertisedRefs({ [MAIN]: 1 }), objectFormat: "sha256" }),
      {
        code: "object-format-mismatch",
        message:
          "The source is a SHA-1 repository and the target a SHA-256 one: Git cannot mirror between the two.",
      },
    );
  });

  it("believes nothing about a side that has no refs", () => {
    assert.equal(plan(localRefs({ [MAIN]: 1 }), sha256).changes.length, 1);
    assert.equal(plan(sha256, advertisedRefs({ [MAIN]: 1 })).changes.length, 0);
  });
});
