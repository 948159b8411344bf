import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeliostatError } from "../../domain/errors.ts";
import { parseOid } from "../../domain/oid.ts";
import { branchRef } from "../../domain/ref-name.ts";
import { rejectedResult, successResult } from "../../domain/ref-result.ts";
import type { RefChange } from "../../domain/refs.ts";
import { rejectionFor } from "../../domain/rejection.ts";
import type { PushOutcome } from "./push-in-chunks.ts";
import { pushInOrder } from "./push-in-order.ts";

const oid = parseOid("a".repeat(40));
const [main, topic] = [branchRef("main"), branchRef("topic")];
const create: RefChange = { ref: main, action: "create", old: null, new: oid };
const deletion: RefChange = { ref: topic, action: "delete", old: oid, new: null };
const plan = { changes: [create, deletion], afterDefault: new Set([topic]) };

const done = (changes: readonly RefChange[], brokenOffBy: HeliostatError | null = null): PushOutcome => ({
  results: changes.map(successResult),
  brokenOffBy,
});
const broken = new HeliostatError("remote-unreachable", "The connection ended.");

describe("pushInOrder", () => {
  it("pushes what waits for the default branch by itself, after it", async () => {
    const pushes: (readonly RefChange[])[] = [];
    const { results, failures } = await pushInOrder(plan, main, async (changes) => {
      pushes.push(changes);
      return done(changes);
    });
    assert.deepEqual(pushes, [[create], [deletion]]);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ["created", "deleted"],
    );
    assert.deepEqual(failures, []);
  });

  it("pushes once where nothing waits, and not at all where there is nothing to push", async () => {
    const pushes: (readonly RefChange[])[] = [];
    const push = async (changes: readonly RefChange[]) => {
      pushes.push(changes);
      return done(changes);
    };
    await pushInOrder({ changes: plan.changes, afterDefault: new Set() }, main, push);
    await pushInOrder({ changes: [], afterDefault: new Set() }, main, push);
    assert.deepEqual(pushes, [plan.changes]);
  });

  it("holds what waits, and says so, where the default branch is refused", async () => {
    const refused = rejectedResult(create, "no", rejectionFor("other"));
    const pushed = await pushInOrder(plan, main, async () => ({ results: [refused], brokenOffBy: null }));
    assert.deepEqual(
      pushed.results.map(({ outcome }) => outcome),
      ["rejected", "held"],
    );
    assert.match(pushed.failures.join(), /did not arrive:\n\nrefs\/heads\/topic$/);
  });

  it("goes no further when the connection ends, and forgets nothing", async () => {
    const first = await pushInOrder(plan, main, async (changes) => {
      assert.deepEqual(changes, [create]);
      return done(changes, broken);
    });
    for (const error of [broken, new HeliostatError("cancelled", "The update was cancelled.")]) {
      const second = await pushInOrder(plan, main, async (changes) => {
        if (changes.includes(deletion)) throw error;
        return done(changes);
      });
      assert.equal(second.brokenOffBy, error);
      assert.match(first.results[1]?.message ?? "", /^Not pushed/);
      assert.match(second.results[1]?.message ?? "", /may or may not have changed it/);
      for (const { results } of [first, second]) {
        assert.deepEqual(
          results.map(({ outcome }) => outcome),
          ["created", "rejected"],
        );
        assert.equal(results[1]?.reason, "broken-off");
      }
    }
  });

  it("throws what ends the first push", async () => {
    await assert.rejects(
      pushInOrder(plan, main, () => Promise.reject(broken)),
      broken,
    );
  });
});
