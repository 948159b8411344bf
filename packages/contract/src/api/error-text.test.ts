import assert from "node:assert/strict";
import { test } from "node:test";
import { errorText } from "./error-text.ts";

test("every form of an error of the API has its text", () => {
  assert.equal(errorText({ message: "404 Project Not Found" }), "404 Project Not Found");
  assert.equal(errorText({ error: "insufficient_scope" }), "insufficient_scope");
  assert.equal(
    errorText({ message: { name: ["is long", "is odd"], base: ["No."] } }),
    "name is long, is odd; No.",
  );
  assert.equal(errorText({ message: ["one", "two"] }), "one, two");
  for (const none of [null, undefined, 7, {}]) assert.equal(errorText(none), "");
});
