import assert from "node:assert/strict";
import { test } from "node:test";
import { HeliostatError } from "../../domain/errors.ts";
import { createRedactor } from "../../domain/redact.ts";
import { describeUnexpected, fieldsForLog } from "./log-fields.ts";

const hide = createRedactor(["s3cret"]);

test("every text of a line is redacted, however deep, and what is no text stays", () => {
  const at = new Date(0);
  const fields = { a: "s3cret", b: [{ c: "x s3cret" }, 7, null, true], at, url: "https://u:p@example.com" };
  assert.deepEqual(fieldsForLog(fields, hide), {
    a: "*****",
    b: [{ c: "x *****" }, 7, null, true],
    at,
    url: "https://*****:*****@example.com",
  });
});

test("an error is told with its causes, without what hangs on it", () => {
  const row = Object.assign(new Error("no s3cret"), {
    code: "23505",
    constraint: "one",
    detail: "Failing row contains (s3cret-row)",
    client: { password: "other" },
  });
  const error = new HeliostatError("bug", "s3cret is bad", { cause: new AggregateError([row], "many") });
  const { err } = fieldsForLog({ err: error }, hide);
  const text = JSON.stringify(err);
  for (const told of ["HeliostatError", '"bug"', "23505", '"one"', "no *****", "***** is bad", "many"])
    assert(text.includes(told), `${told} in ${text}`);
  for (const hidden of ["s3cret", "Failing row", "other"]) assert(!text.includes(hidden), text);
  assert.match(text, /"stack":"\w*Error: \*{5} is bad\\n +at /);
});

test("of a connection or the like only the kind is told", () => {
  assert.deepEqual(fieldsForLog({ client: new Map([["s3cret", 1]]) }, hide), { client: "[Map]" });
});

test("circles end", () => {
  const error = new Error("round");
  error.cause = error;
  const fields: { self?: object; err: Error } = { err: error };
  fields.self = fields;
  assert.match(JSON.stringify(fieldsForLog(fields, hide)), /…/);
  assert.match(describeUnexpected(error, hide), /caused by/);
});

test("what nobody expected is printed with its causes, redacted", () => {
  const error = new Error("bad", { cause: new Error("s3cret") });
  Object.assign(error, { request: "GET /s3cret" });
  const text = describeUnexpected(error, hide);
  assert.match(text, /^Error: bad\n +at [\s\S]*\ncaused by: Error: \*{5}\n +at /);
  assert(!text.includes("GET"));
  assert.equal(describeUnexpected("s3cret", hide), "*****");
});
