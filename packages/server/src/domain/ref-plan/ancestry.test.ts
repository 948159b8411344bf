import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseOid } from "../oid.ts";
import { answersFrom, collectQuestions } from "./ancestry.ts";

const [a, b, c] = [parseOid("a".repeat(40)), parseOid("b".repeat(40)), parseOid("c".repeat(40))];

describe("collectQuestions", () => {
  it("hands out what the plan asks, each question once and in order, and knows no answer", () => {
    const seen: string[] = [];
    const questions = collectQuestions((ancestry) => {
      seen.push(ancestry({ ancestor: b, descendant: a }));
      seen.push(ancestry({ ancestor: a, descendant: b }));
      seen.push(ancestry({ ancestor: b, descendant: a }));
    });
    assert.deepEqual(questions, [
      { ancestor: b, descendant: a },
      { ancestor: a, descendant: b },
    ]);
    assert.deepEqual(seen, ["unknown", "unknown", "unknown"]);
  });

  it("is content with a plan that asks nothing", () => {
    assert.deepEqual(
      collectQuestions(() => null),
      [],
    );
  });
});

describe("answersFrom", () => {
  it("answers by the two oids, and only what was answered", () => {
    const answers = answersFrom(
      new Map([
        [{ ancestor: a, descendant: b }, "yes"],
        [{ ancestor: b, descendant: a }, "no"],
      ]),
    );
    assert.equal(answers({ ancestor: a, descendant: b }), "yes");
    assert.equal(answers({ ancestor: b, descendant: a }), "no");
    assert.equal(answers({ ancestor: a, descendant: c }), "unknown");
  });
});
