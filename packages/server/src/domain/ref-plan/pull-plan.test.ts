import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  advertisedRefs,
  exactAnswers,
  localRefs,
  oidOf,
  type RefTable,
  reachableFrom,
} from "./commit-graph.test-support.ts";
import { planPull } from "./pull-plan.ts";
import type { RefPlan } from "./ref-plan.ts";

/** 0 ← 1 ← 2 ← 3 is upstream's; 4 is ours alone, on top of 1; 5 and 6 tag 1 and 2. */
const GRAPH = { edges: [[], [0], [1], [2], [1], [1], [2]], commits: 5 };

const MAIN = "refs/heads/main";

interface Given {
  readonly ours: RefTable;
  readonly theirs: RefTable;
  readonly overwrite?: boolean;
  readonly wants?: (branch: string) => boolean;
  readonly ourHead?: string | null;
  readonly symrefs?: Readonly<Record<string, string>>;
  readonly peeled?: RefTable;
}

/** After the transfer: every object is here. */
function pull({
  ours,
  theirs,
  overwrite = false,
  wants = () => true,
  ourHead = MAIN,
  symrefs,
  peeled,
}: Given): RefPlan {
  const store = reachableFrom(GRAPH, [3, 4, 5, 6].map(oidOf));
  return planPull({
    ours: localRefs(ours, ourHead),
    theirs: advertisedRefs(theirs, {
      ...(symrefs === undefined ? {} : { symrefs }),
      ...(peeled === undefined ? {} : { peeled }),
    }),
    wants,
    overwriteDivergedBranches: overwrite,
    ancestry: exactAnswers(GRAPH, store),
  });
}

const changesOf = (plan: RefPlan) => plan.changes.map(({ action, ref }) => `${action} ${ref}`);
const heldOf = (plan: RefPlan) => plan.held.map(({ outcome, ref }) => `${outcome} ${ref}`);
const nothing = { changes: [], held: [], upToDate: [], skipped: [], notes: [], failures: [] };

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

  it("one whose relation is unknown counts as diverged", () => {
    const plan = planPull({
      ours: localRefs({ "refs/heads/a": 1 }),
      theirs: advertisedRefs({ "refs/heads/a": 2 }),
      wants: () => true,
      overwriteDivergedBranches: false,
      ancestry: () => "unknown",
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
    const plan = (ours: RefTable) =>
      planPull({
        ours: localRefs(ours),
        theirs,
        wants: () => true,
        overwriteDivergedBranches: false,
        ancestry: () => "unknown",
      });
    assert.throws(() => plan({ [MAIN]: 1 }), { code: "object-format-mismatch" });
    assert.equal(plan({}).changes.length, 1);
  });
});
