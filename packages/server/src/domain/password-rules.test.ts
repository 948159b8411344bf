import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { passwordComplaints } from "./password-rules.ts";

const ADA = { username: "ada.lovelace", name: "Ada Lovelace", email: "countess@example.com" };

describe("a new password", () => {
  const refused = {
    "a shorter one": ["sevench", /too short \(minimum is 8/],
    "one of few characters that take many code units": ["🔑🔑🔑🔑🔑🔑🔑", /too short/],
    "one that is too much to hash": ["x9".repeat(65), /too long \(maximum is 128/],
    "one of the commonest": ["Password123", /commonly used/],
    "the same character again and again": ["zzzzzzzzzzzz", /commonly used/],
    "the user name": ["Ada.Lovelace", /commonly used/],
    "the user name and a year": ["ada.lovelace1815", /commonly used/],
    "a digit and the own address": ["1countess", /commonly used/],
    "the whole address": ["countess@example.com", /commonly used/],
  } as const;
  for (const [what, [password, complaint]] of Object.entries(refused)) {
    it(`is not ${what}`, () => {
      const [said = ""] = passwordComplaints(password, ADA);
      assert.match(said, complaint);
    });
  }

  it("is anything else of eight characters", () => {
    for (const password of ["vq7-hwxz", "correct horse battery staple", "ada.lovelace wrote the first one"]) {
      assert.deepEqual(passwordComplaints(password, ADA), []);
    }
  });

  it("may hold a name that is shorter than a word", () => {
    assert.deepEqual(passwordComplaints("joh8xqzt", { username: "jo", name: "Jo", email: "jo@x.org" }), []);
  });
});
