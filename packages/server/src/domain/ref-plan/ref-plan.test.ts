import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { carries } from "../branch-filter.ts";
import type { Oid } from "../oid.ts";
import { isBranch, type RefName } from "../ref-name.ts";
import type { AdvertisedRefs } from "../refs.ts";
import {
  type AncestryAnswer,
  type AncestryAnswers,
  type AncestryQuestion,
  collectQuestions,
} from "./ancestry.ts";
import {
  applyOneByOne,
  exactAnswers,
  type RandomMirror,
  randomMirror,
  reachableFrom,
} from "./commit-graph.test-support.ts";
import { planPull } from "./pull-plan.ts";
import { planPush } from "./push-plan.ts";
import type { RefPlan } from "./ref-plan.ts";

const RUNS = { numRuns: 2000 };

type Refs = ReadonlyMap<RefName, Oid>;

/** Their refs that stand for themselves. */
function ownRefs({ refs }: AdvertisedRefs): Map<RefName, Oid> {
  return new Map(
    [...refs].filter(([, ref]) => ref.symref === undefined).map(([name, { oid }]) => [name, oid]),
  );
}

/** The two directions seen alike: what a plan reads from and writes to, and how to make one. */
interface Direction {
  readonly plan: (mirror: RandomMirror, ancestry: AncestryAnswers) => RefPlan;
  readonly source: (mirror: RandomMirror) => Refs;
  readonly target: (mirror: RandomMirror) => Refs;
  /** Every object that the planning side holds: a pull plans after the transfer. */
  readonly store: (mirror: RandomMirror) => ReadonlySet<Oid>;
  readonly withTarget: (mirror: RandomMirror, target: Refs) => RandomMirror;
}

const push: Direction = {
  plan: ({ ours, theirs, wants, option }, ancestry) =>
    planPush({ ours, theirs, wants, keepDivergentRefs: option, ancestry }),
  source: ({ ours }) => ours.refs,
  // A symbolic ref takes up its name all the same.
  target: ({ theirs }) => new Map([...theirs.refs].map(([name, { oid }]) => [name, oid])),
  store: ({ store }) => store,
  withTarget: (mirror, target) => ({
    ...mirror,
    theirs: {
      ...mirror.theirs,
      refs: new Map([...target].map(([name, oid]) => [name, { ...mirror.theirs.refs.get(name), oid }])),
    },
  }),
};

const pull: Direction = {
  plan: ({ ours, theirs, wants, option }, ancestry) =>
    planPull({ ours, theirs, wants, overwriteDivergedBranches: option, ancestry }),
  source: ({ theirs }) => ownRefs(theirs),
  target: ({ ours }) => ours.refs,
  store: ({ graph, store, theirs }) => store.union(reachableFrom(graph, ownRefs(theirs).values())),
  withTarget: (mirror, target) => ({ ...mirror, ours: { ...mirror.ours, refs: target } }),
};

interface Run {
  readonly plan: RefPlan;
  readonly before: Refs;
  readonly after: Refs;
}

function runOf(direction: Direction, mirror: RandomMirror): Run {
  const plan = direction.plan(mirror, exactAnswers(mirror.graph, direction.store(mirror)));
  const before = direction.target(mirror);
  return { plan, before, after: applyOneByOne(before, plan.changes) };
}

function holds(direction: Direction, claim: (mirror: RandomMirror, run: Run) => void): void {
  fc.assert(
    fc.property(randomMirror, (mirror) => claim(mirror, runOf(direction, mirror))),
    RUNS,
  );
}

for (const [name, direction] of Object.entries({ push, pull })) {
  describe(`any ${name} plan`, () => {
    it("has changes that apply one by one, each against the value it names", () => {
      // Applying checks it; the claim is that nothing throws.
      holds(direction, () => undefined);
    });

    it("brings every wanted ref of the source to the target, or says why not", () => {
      holds(direction, (mirror, { plan, after, before }) => {
        const isCarried = carries(mirror.wants);
        const held = new Map(plan.held.map((result) => [result.ref, result]));
        for (const [ref, oid] of direction.source(mirror)) {
          if (!isCarried(ref) || mirror.theirs.refs.get(ref)?.symref !== undefined) continue;
          const result = held.get(ref);
          if (result === undefined) assert.equal(after.get(ref), oid, ref);
          else {
            assert.equal(after.get(ref), before.get(ref), ref);
            assert.deepEqual([result.old, result.new], [before.get(ref) ?? null, oid]);
            assert.ok(result.message);
          }
        }
      });
    });

    it("touches nothing that the mirror does not carry, and no ref twice", () => {
      holds(direction, (mirror, { plan }) => {
        const isCarried = carries(mirror.wants);
        const refs = [...plan.changes, ...plan.held].map(({ ref }) => ref);
        assert.ok(refs.every((ref) => isCarried(ref) && mirror.theirs.refs.get(ref)?.symref === undefined));
        assert.equal(new Set(refs).size, refs.length);
      });
    });

    it("calls a change what it is", () => {
      holds(direction, (mirror, { plan }) => {
        for (const { action, old, new: to } of plan.changes) {
          assert.equal(old === null, action === "create");
          assert.equal(to === null, action === "delete");
          if (action === "fast-forward" && old !== null && to !== null) {
            assert.notEqual(old, to);
            assert.ok(reachableFrom(mirror.graph, [to]).has(old));
          }
        }
      });
    });

    it("holds a name only while one that stays is in its way", () => {
      holds(direction, (_mirror, { plan, after }) => {
        for (const { ref, outcome } of plan.held) {
          if (outcome !== "held") continue;
          assert.ok(
            [...after.keys()].some((other) => other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`)),
          );
        }
      });
    });

    it("counts every ref of the source once", () => {
      holds(direction, (mirror, { plan }) => {
        const source = [...direction.source(mirror).keys()].filter(
          (ref) => /^refs\/(heads|tags)\//.test(ref) && mirror.theirs.refs.get(ref)?.symref === undefined,
        );
        const written = plan.changes.filter(({ action }) => action !== "delete");
        const unwanted = source.filter((ref) => isBranch(ref) && !mirror.wants(ref));
        assert.equal(
          written.length + plan.held.length + plan.upToDate.length,
          source.length - unwanted.length,
        );
      });
    });

    it("leaves nothing to do once it is applied", () => {
      holds(direction, (mirror, { plan, after }) => {
        const again = runOf(direction, direction.withTarget(mirror, after)).plan;
        assert.deepEqual(again.changes, []);
        assert.deepEqual(
          again.held.map(({ ref }) => ref),
          plan.held.map(({ ref }) => ref),
        );
      });
    });

    it("does not depend on the order of the refs", () => {
      const shuffled = randomMirror.chain((mirror) =>
        fc.record({
          mirror: fc.constant(mirror),
          ours: shuffle(mirror.ours.refs),
          theirs: shuffle(mirror.theirs.refs),
        }),
      );
      fc.assert(
        fc.property(shuffled, ({ mirror, ours, theirs }) => {
          const other = {
            ...mirror,
            ours: { ...mirror.ours, refs: ours },
            theirs: { ...mirror.theirs, refs: theirs },
          };
          const answers = exactAnswers(mirror.graph, direction.store(mirror));
          assert.deepEqual(direction.plan(other, answers), direction.plan(mirror, answers));
        }),
        RUNS,
      );
    });

    it("asks the same questions whatever the answers are", () => {
      const answers = fc.infiniteStream(fc.constantFrom<AncestryAnswer>("yes", "no", "unknown"));
      fc.assert(
        fc.property(randomMirror, answers, (mirror, stream) => {
          const asked: AncestryQuestion[] = [];
          direction.plan(mirror, (question) => {
            asked.push(question);
            return stream.next().value;
          });
          const collected = collectQuestions((ancestry) => direction.plan(mirror, ancestry));
          const known = new Set(collected.map((question) => JSON.stringify(question)));
          assert.deepEqual(known, new Set(asked.map((question) => JSON.stringify(question))));
          assert.equal(known.size, collected.length);
        }),
        RUNS,
      );
    });
  });
}

function shuffle<V>(map: ReadonlyMap<RefName, V>): fc.Arbitrary<ReadonlyMap<RefName, V>> {
  return fc.shuffledSubarray([...map], { minLength: map.size }).map((entries) => new Map(entries));
}

describe("any push plan", () => {
  it("takes no commit from the remote where divergent refs are kept", () => {
    holds(push, ({ graph, option }, { before, after }) => {
      if (!option) return;
      const left = reachableFrom(graph, after.values());
      for (const oid of reachableFrom(graph, before.values())) assert.ok(left.has(oid));
    });
  });

  it("deletes what only the remote has and our default branch is known to contain, and nothing else", () => {
    holds(push, (mirror, { plan }) => {
      const { graph, ours, theirs, store, option } = mirror;
      const tip = ours.head === null ? undefined : ours.refs.get(ours.head);
      const merged = (oid: Oid) =>
        tip !== undefined && exactAnswers(graph, store)({ ancestor: oid, descendant: tip }) === "yes";
      const expected = [...ownRefs(theirs)].filter(
        ([ref, oid]) =>
          !option && !ours.refs.has(ref) && carries(mirror.wants)(ref) && ref !== theirs.head && merged(oid),
      );
      const deleted = plan.changes
        .filter(({ action }) => action === "delete")
        .map(({ ref, old }) => [ref, old]);
      assert.deepEqual(deleted.toSorted(), expected.toSorted());
    });
  });

  it("fails if it holds anything", () => {
    holds(push, (_mirror, { plan }) => assert.equal(plan.failures.length > 0, plan.held.length > 0));
  });
});

describe("any pull plan", () => {
  it("loses no commit of our branches unless it may overwrite them", () => {
    holds(pull, ({ graph, option }, { before, after }) => {
      if (option) return;
      const tips = (refs: Refs) => [...refs].filter(([ref]) => isBranch(ref)).map(([, oid]) => oid);
      const left = reachableFrom(graph, tips(after));
      for (const oid of reachableFrom(graph, tips(before))) assert.ok(left.has(oid));
    });
  });

  it("deletes nothing, and leaves alone what only we have", () => {
    holds(pull, ({ theirs }, { before, after }) => {
      for (const [ref, oid] of before) {
        if (theirs.refs.has(ref)) assert.ok(after.has(ref));
        else assert.equal(after.get(ref), oid);
      }
    });
  });

  it("holds a branch that diverged only while it may not overwrite", () => {
    holds(pull, ({ option }, { plan }) => {
      assert.ok(!option || plan.held.every(({ outcome }) => outcome === "held"));
    });
  });
});
