import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOid } from "./oid.ts";
import { groupMoves, titleOf } from "./project-event.ts";
import { parseRefName } from "./ref-name.ts";
import type { RefMove } from "./refs.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);

function move(ref: string, old: string | null, next: string | null): RefMove {
  return {
    ref: parseRefName(ref),
    old: old === null ? null : parseOid(old),
    new: next === null ? null : parseOid(next),
  };
}

test("moves are grouped by what happened to what; refs that did not move, and refs of other kinds, are left out", () => {
  const groups = groupMoves([
    move("refs/tags/v1", null, A),
    move("refs/heads/new", null, A),
    move("refs/heads/gone", A, null),
    move("refs/heads/main", A, B),
    move("refs/heads/other", B, A),
    move("refs/heads/still", A, A),
    move("refs/notes/commits", null, A),
    move("refs/tags/v0", A, null),
    move("refs/tags/moved", A, B),
  ]);
  assert.deepEqual(
    groups.map(({ refType, action, moves }) => [refType, action, moves.map(({ ref }) => ref)]),
    [
      ["branch", "created", ["refs/heads/new"]],
      ["branch", "removed", ["refs/heads/gone"]],
      ["branch", "pushed", ["refs/heads/main", "refs/heads/other"]],
      ["tag", "created", ["refs/tags/v1"]],
      ["tag", "removed", ["refs/tags/v0"]],
      ["tag", "pushed", ["refs/tags/moved"]],
    ],
  );
});

const TITLES: readonly (readonly [string, string | null])[] = [
  ["one line\n\nand a body\n", "one line"],
  ["first\nsecond line of the same paragraph\n", "first"],
  ["\n\n  begins late  \n", "begins late"],
  ["", null],
  ["\n \n", null],
  ["x".repeat(70), "x".repeat(70)],
  ["x".repeat(71), `${"x".repeat(67)}...`],
  // A character is a character, however many units it takes.
  ["\u{1f600}".repeat(70), "\u{1f600}".repeat(70)],
  ["\u{1f600}".repeat(71), `${"\u{1f600}".repeat(67)}...`],
  ["bro\ufffdken", "bro\ufffdken"],
  ["NUL\0, bell\u0007, return\r\nnext", "NUL , bell , return"],
];

for (const [message, title] of TITLES) {
  test(`the title of ${JSON.stringify(message.slice(0, 30))}`, () => assert.equal(titleOf(message), title));
}

test("a line of many megabytes is cut like any other, and makes no half characters", () => {
  const title = titleOf(`a${"\u{1f600}".repeat(5_000_000)}`);
  assert.equal(title, `a${"\u{1f600}".repeat(66)}...`);
  assert.equal(titleOf(`${"\ud83d".repeat(80)}`)?.isWellFormed(), true);
});
