import assert from "node:assert/strict";
import { test } from "node:test";
import { lastLines, plainText } from "./plain-text.ts";

test("what a database refuses is gone, and what people read stays", () => {
  assert.equal(plainText("on the remote side.\0"), "on the remote side.");
  assert.equal(plainText("\u001b[31mred\u001b[0m\u0007\u007f\u0085\r\n\tdone"), "[31mred[0m\n\tdone");
  assert.equal(plainText("🙂".slice(0, 1)), "\ufffd");
  assert.equal(plainText("Grüße 🙂"), "Grüße 🙂");
});

test("the end of a text begins with a line, where one is left whole", () => {
  assert.equal(lastLines("one\ntwo\nthree", 20), "one\ntwo\nthree");
  assert.equal(lastLines("one\ntwo\nthree", 10), "two\nthree");
  assert.equal(lastLines("one\ntwo\nthree", 9), "two\nthree");
  assert.equal(lastLines("one\ntwo\nthree", 7), "three");
  assert.equal(lastLines("one\ntwo\nthree", 5), "three");
  assert.equal(lastLines("one\ntwo\nthree", 3), "ree");
});
