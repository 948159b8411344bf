import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Oid } from "../oid.ts";
import { carries } from "../ref-filter.ts";
import { isBranch, isTag, type RefName } from "../ref-name.ts";
import type { AdvertisedRefs } from "../refs.ts";
import { splitAtDefault } from "./after-default.ts";
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
import { type PullPlan, planPull } from "./pull-plan.ts";
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

/** Whether a ref is a name for another one, on either side: then nothing happens to it. */
function isSymbolic({ ours, theirs }: RandomMirror, ref: RefName): boolean {
  return ours.symrefs.has(ref) || theirs.refs.get(ref)?.symref !== undefined;
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
  plan: ({ ours, theirs, wants, option, deletions }, ancestry) =>
    planPush({ ours, theirs, wants, keepDivergentRefs: option, deletions, ancestry }),
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

function pullPlanOf(mirror: RandomMirror, ancestry: AncestryAnswers): PullPlan {
  return planPull({ ...mirror, overwriteDivergedBranches: mirror.option, ancestry });
}

const pull: Direction = {
  plan: pullPlanOf,
  source: ({ theirs }) => ownRefs(theirs),
  target: ({ ours }) => ours.refs,
  store: ({ graph, store, theirs }) => store.union(reachableFrom(graph, ownRefs(theirs).values())),
  withTarget: (mirror, target) => {
    const ancestry = exactAnswers(mirror.graph, pull.store(mirror));
    const head = pullPlanOf(mirror, ancestry).head ?? mirror.ours.head;
    return { ...mirror, ours: { ...mirror.ours, refs: target, head } };
  },
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

function isProtected(mirror: RandomMirror, ref: RefName): boolean {
  return isTag(ref) && !mirror.mayChangeTag(ref);
}

/** What the target alone has and the mirror carries. */
function extraRefs(direction: Direction, mirror: RandomMirror): [RefName, Oid][] {
  const source = direction.source(mirror);
  return [...direction.target(mirror)].filter(
    ([ref]) => !source.has(ref) && carries(mirror.wants)(ref) && !isSymbolic(mirror, ref),
  );
}

function deletedRefs({ changes }: RefPlan): RefName[] {
  return changes.flatMap(({ ref, action }) => (action === "delete" ? [ref] : []));
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
          if (!isCarried(ref) || isSymbolic(mirror, ref)) continue;
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
        assert.ok(refs.every((ref) => isCarried(ref) && !isSymbolic(mirror, ref)));
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
      holds(direction, (mirror, { plan, after }) => {
        for (const { ref, outcome, new: to } of plan.held) {
          if (outcome !== "held" || to === null || isProtected(mirror, ref)) continue;
          assert.ok(
            [...after.keys(), ...mirror.ours.symrefs].some(
              (other) => other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`),
            ),
          );
        }
      });
    });

    it("counts every ref of the source once", () => {
      holds(direction, (mirror, { plan }) => {
        const source = [...direction.source(mirror).keys()].filter(
          (ref) => /^refs\/(heads|tags)\//.test(ref) && !isSymbolic(mirror, ref),
        );
        const written = plan.changes.filter(({ action }) => action !== "delete");
        const unwanted = source.filter((ref) => !carries(mirror.wants)(ref));
        const held = plan.held.filter((result) => result.new !== null);
        assert.equal(written.length + held.length + plan.upToDate.length, source.length - unwanted.length);
      });
    });

    it("deletes nothing where deletions are never wanted", () => {
      holds(direction, ({ deletions }, { plan }) => {
        if (deletions === "never") assert.deepEqual(deletedRefs(plan), []);
      });
    });

    it("deletes only what the source lacks", () => {
      holds(direction, (mirror, { plan }) => {
        const extra = new Map(extraRefs(direction, mirror));
        for (const ref of deletedRefs(plan)) assert.ok(extra.has(ref), ref);
      });
    });

    it("says why a ref is left that was to go", () => {
      holds(direction, (mirror, { plan }) => {
        const left = extraRefs(direction, mirror).length - deletedRefs(plan).length;
        if (mirror.deletions === "always" && left > 0) assert.ok(plan.notes.length > 0);
      });
    });

    it("leaves nothing to do once it is applied", () => {
      holds(direction, (mirror, { plan, after }) => {
        const again = runOf(direction, direction.withTarget(mirror, after)).plan;
        assert.deepEqual(again.changes, []);
        if ("head" in again) assert.equal(again.head, null);
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
    holds(push, ({ graph, option, deletions }, { before, after }) => {
      if (!option || deletions === "always") return;
      const left = reachableFrom(graph, after.values());
      for (const oid of reachableFrom(graph, before.values())) assert.ok(left.has(oid));
    });
  });

  it("deletes by default what only the remote has and our default branch is known to contain, once that has arrived, and nothing else", () => {
    holds(push, (mirror, { plan, before, after }) => {
      const { graph, ours, theirs, store, option } = mirror;
      if (mirror.deletions !== "default") return;
      const tip = ours.head === null ? undefined : ours.refs.get(ours.head);
      // A branch that the mirror does not carry may be there too, and may go any moment: nothing is judged by it.
      const isThere =
        ours.head !== null &&
        carries(mirror.wants)(ours.head) &&
        !isSymbolic(mirror, ours.head) &&
        after.get(ours.head) === tip;
      const merged = (oid: Oid) =>
        tip !== undefined && exactAnswers(graph, store)({ ancestor: oid, descendant: tip }) === "yes";
      const expected = extraRefs(push, mirror)
        .filter(([ref, oid]) => !option && ref !== theirs.head && merged(oid))
        .map(([ref]) => ref);
      if (!isThere) {
        assert.deepEqual(deletedRefs(plan), []);
        if (expected.length > 0) assert.ok(plan.failures.length + plan.notes.length > 0);
        return;
      }
      assert.deepEqual(deletedRefs(plan).toSorted(), expected.toSorted());
      const isFirst = before.get(ours.head) === tip;
      for (const ref of expected) assert.equal(plan.afterDefault.has(ref), !isFirst);
    });
  });

  it("has no commit of the remote's lost where its default branch is refused, unless told to", () => {
    holds(push, ({ graph, ours, deletions }, { plan, before }) => {
      if (deletions === "always") return;
      const refused = plan.changes.filter(({ ref, action }) => ref !== ours.head && action !== "force");
      const { first } = splitAtDefault({ ...plan, changes: refused });
      if (!plan.changes.some(({ ref }) => ref === ours.head)) return;
      const left = reachableFrom(graph, applyOneByOne(before, first).values());
      for (const oid of reachableFrom(graph, before.values())) assert.ok(left.has(oid));
    });
  });

  it("makes the remote equal to us where deletions are always wanted, but for its default branch and what is held", () => {
    holds(push, (mirror, { plan, after }) => {
      const { ours, theirs } = mirror;
      const hasBranch = [...ours.refs.keys()].some((ref) => isBranch(ref) && carries(mirror.wants)(ref));
      if (mirror.deletions !== "always" || ours.head === null || !ours.refs.has(ours.head) || !hasBranch) {
        return;
      }
      const held = new Set(plan.held.map(({ ref }) => ref));
      for (const ref of new Set([...after.keys(), ...ours.refs.keys()])) {
        if (!carries(mirror.wants)(ref) || isSymbolic(mirror, ref) || held.has(ref)) continue;
        if (ref === theirs.head && !ours.refs.has(ref))
          assert.equal(after.get(ref), theirs.refs.get(ref)?.oid);
        else assert.equal(after.get(ref), ours.refs.get(ref), ref);
      }
    });
  });

  it("deletes nothing while we have no default branch, or no branch that is carried", () => {
    holds(push, (mirror, { plan }) => {
      const { ours } = mirror;
      const isBorn = ours.head !== null && ours.refs.has(ours.head);
      const hasBranch = [...ours.refs.keys()].some((ref) => isBranch(ref) && carries(mirror.wants)(ref));
      if (!isBorn || (mirror.deletions === "always" && !hasBranch)) assert.deepEqual(deletedRefs(plan), []);
    });
  });

  it("fails if it holds anything", () => {
    holds(push, (_mirror, { plan }) => assert.equal(plan.failures.length > 0, plan.held.length > 0));
  });
});

describe("any pull plan", () => {
  it("loses no commit of our branches unless it may overwrite or delete them", () => {
    holds(pull, ({ graph, option, deletions }, { before, after }) => {
      if (option || deletions === "always") return;
      const tips = (refs: Refs) => [...refs].filter(([ref]) => isBranch(ref)).map(([, oid]) => oid);
      const left = reachableFrom(graph, tips(after));
      for (const oid of reachableFrom(graph, tips(before))) assert.ok(left.has(oid));
    });
  });

  it("deletes nothing by default, and leaves alone what only we have", () => {
    holds(pull, ({ theirs, deletions }, { before, after }) => {
      if (deletions === "always") return;
      for (const [ref, oid] of before) {
        if (theirs.refs.has(ref)) assert.ok(after.has(ref));
        else assert.equal(after.get(ref), oid);
      }
    });
  });

  it("makes us equal to upstream where deletions are always wanted, but for the default branch and what is held", () => {
    holds(pull, (mirror, { plan, after }) => {
      const source = pull.source(mirror);
      const isOfUse = [...source.keys()].some(
        (ref) => isBranch(ref) && carries(mirror.wants)(ref) && !isSymbolic(mirror, ref),
      );
      if (mirror.deletions !== "always" || !isOfUse) return;
      const held = new Set(plan.held.map(({ ref }) => ref));
      const head =
        pullPlanOf(mirror, exactAnswers(mirror.graph, pull.store(mirror))).head ?? mirror.ours.head;
      for (const ref of new Set([...after.keys(), ...source.keys()])) {
        if (!carries(mirror.wants)(ref) || isSymbolic(mirror, ref) || held.has(ref)) continue;
        if (!source.has(ref) && (ref === head || isProtected(mirror, ref))) {
          assert.equal(after.get(ref), mirror.ours.refs.get(ref));
        } else assert.equal(after.get(ref), source.get(ref), ref);
      }
    });
  });

  it("deletes nothing while upstream offers no branch that is carried", () => {
    holds(pull, (mirror, { plan }) => {
      const source = [...pull.source(mirror).keys()];
      if (!source.some((ref) => isBranch(ref) && mirror.wants.branch(ref)))
        assert.deepEqual(deletedRefs(plan), []);
    });
  });

  it("changes no protected tag", () => {
    holds(pull, (mirror, { plan }) => {
      for (const { ref } of plan.changes) assert.ok(!isProtected(mirror, ref));
    });
  });

  it("never leaves HEAD on a branch that it deletes, and follows only to one that is there", () => {
    fc.assert(
      fc.property(randomMirror, (mirror) => {
        const plan = pullPlanOf(mirror, exactAnswers(mirror.graph, pull.store(mirror)));
        const after = applyOneByOne(mirror.ours.refs, plan.changes);
        const { ours, theirs } = mirror;
        const isBorn = ours.head !== null && ours.refs.has(ours.head);
        const head = plan.head ?? ours.head;
        if (isBorn && head !== null) assert.ok(after.has(head));
        if (plan.head !== null && ours.refs.size > 0) {
          assert.ok(mirror.followDefaultBranch && theirs.refs.has(plan.head) && after.has(plan.head));
        }
        if (mirror.followDefaultBranch && theirs.head !== null && theirs.refs.has(theirs.head)) {
          if (after.has(theirs.head)) assert.equal(head, theirs.head);
        }
      }),
      RUNS,
    );
  });

  it("deletes the branch that HEAD points at only after HEAD has moved to one that is there by then", () => {
    fc.assert(
      fc.property(randomMirror, (mirror) => {
        const plan = pullPlanOf(mirror, exactAnswers(mirror.graph, pull.store(mirror)));
        const { head, refs } = mirror.ours;
        if (head === null || !refs.has(head)) return;
        const between = applyOneByOne(refs, splitAtDefault(plan).first);
        assert.ok(between.has(head));
        if (plan.head !== null) assert.ok(between.has(plan.head));
      }),
      RUNS,
    );
  });

  it("fails if it holds a protected tag", () => {
    holds(pull, (mirror, { plan }) => {
      const hasProtected = plan.held.some(({ ref }) => isProtected(mirror, ref));
      assert.equal(
        plan.failures[0]?.startsWith("You are not allowed to create tags: '") ?? false,
        hasProtected,
      );
    });
  });

  it("holds a branch that diverged only while it may not overwrite", () => {
    holds(pull, ({ option }, { plan }) => {
      assert.ok(!option || plan.held.every(({ outcome }) => outcome === "held"));
    });
  });
});
