import assert from "node:assert/strict";
import { it } from "node:test";
import { PATH_PATTERN } from "../app/path-rules.ts";
import { fitUsername, numberedUsername } from "./fit-username.ts";

const CASES: readonly (readonly [wanted: string | null, email: string, name: string])[] = [
  ["ada", "x@example.com", "ada"],
  ["Ada.Lovelace", "x@example.com", "Ada.Lovelace"],
  ["ada@corp.example.com", "x@example.com", "ada"],
  ["Zoë Müller", "x@example.com", "Zoe-Muller"],
  ["../../etc/passwd", "x@example.com", "etc-passwd"],
  ["repo.git", "x@example.com", "repo"],
  ["repo.git-.atom", "x@example.com", "repo.git-atom"],
  ["-", "grace.hopper@example.com", "grace.hopper"],
  [null, "grace+git@example.com", "grace-git"],
  [null, "李@example.com", "user"],
  ["a".repeat(300), "x@example.com", "a".repeat(60)],
];

for (const [wanted, email, name] of CASES) {
  it(`${wanted ?? "nothing"} of ${email} is called ${name}`, () => {
    const fitted = fitUsername(wanted, email);
    assert.equal(fitted, name);
    assert.match(fitted, PATH_PATTERN);
    assert.match(numberedUsername(fitted, 12), PATH_PATTERN);
  });
}

it("a name that is taken gets a number", () => {
  assert.deepEqual(
    [0, 1, 2].map((attempt) => numberedUsername("ada", attempt)),
    ["ada", "ada1", "ada2"],
  );
});
