import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { stdSerializers } from "pino";
import { HeliostatError } from "../../domain/errors.ts";
import { hideInError } from "./hide-in-error.ts";

const SECRET = "hunter2";
const hide = (text: string) => text.replaceAll(SECRET, "*****");

test("no text of an error that the log writes keeps a secret: its own, its stack, its causes", () => {
  const deepest = new TypeError(`bad url https://u:${SECRET}@host`, { cause: `a text with ${SECRET}` });
  const cause = Object.assign(new Error(`git said ${SECRET}`, { cause: deepest }), { stderr: SECRET });
  const error = new HeliostatError("remote-busy", `failed: ${SECRET}`, { cause, retryAfterSeconds: 7 });
  const hidden = hideInError(error, hide);

  for (const written of [JSON.stringify(stdSerializers.err(hidden)), inspect(hidden, { depth: 10 })]) {
    assert.ok(!written.includes(SECRET), written);
    assert.match(written, /failed: \*{5}.*git said \*{5}.*bad url/s, "what happened is still told");
  }
  assert.deepEqual([hidden.code, hidden.retryAfterSeconds], ["remote-busy", 7]);
  assert.match(hidden.stack ?? "", /hide-in-error\.test\.ts/, "the stack says where it was thrown");
});

test("an error that causes itself is hidden all the same", () => {
  const circle = new Error(SECRET);
  circle.cause = circle;
  const hidden = hideInError(new HeliostatError("bug", SECRET, { cause: circle }), hide);
  assert.ok(!inspect(hidden, { depth: 20 }).includes(SECRET));
});
