import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./nearest.ts";

test("a name with a slip of the hand finds the one that was meant, the likeliest first", () => {
  const known = ["root/hello", "root/jello2", "team/hello", "team/world"];
  assert.deepEqual(nearest("root/hlelo", known), ["root/hello"]);
  assert.deepEqual(nearest("root/helo", known), ["root/hello"]);
  assert.deepEqual(nearest("ROOT/jello", known), ["root/hello", "root/jello2"]);
  assert.deepEqual(nearest("hello", known), ["root/hello", "team/hello"]);
  assert.deepEqual(nearest("quite/another", known), []);
});

test("no more than three are named", () => {
  assert.equal(nearest("name", ["name1", "name2", "name3", "name4"]).length, 3);
});
