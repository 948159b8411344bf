import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeParameters, parseNestedParameters } from "./request-parameters.ts";

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test("nested names are read as Rack reads them", () => {
  const cases: [string, object][] = [
    ["a=1&b=x+y&c=%26", { a: "1", b: "x y", c: "&" }],
    ["a=1&a=2", { a: "2" }],
    ["a[]=1&a[]=2", { a: ["1", "2"] }],
    ["a%5Bb%5D=1&a%5Bc%5D%5Bd%5D=2", { a: { b: "1", c: { d: "2" } } }],
    ["a[][x]=1&a[][y]=2&a[][x]=3", { a: [{ x: "1", y: "2" }, { x: "3" }] }],
    ["a=1&a[b]=2", { a: { b: "2" } }],
    ["a[b]=1&a[]=2", { a: ["2"] }],
    ["[]=1&a]b=2&a[b=3", { "[]": "1", "a]b": "2", "a[b": "3" }],
    ["&=1&x", { "": "1", x: "" }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(plain(parseNestedParameters(text)), expected, text);
});

test("no name reaches a prototype, and nothing makes it throw", () => {
  parseNestedParameters("__proto__[polluted]=1&constructor[prototype][polluted]=1&a[__proto__][polluted]=1");
  mergeParameters(JSON.parse('{"__proto__":{"polluted":1}}'));
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.stringMatching(/^[a[\]_]{0,9}$/), fc.string())), (pairs) => {
      parseNestedParameters(new URLSearchParams(pairs).toString());
      parseNestedParameters(pairs.map(([key, value]) => `${key}=${value}`).join("&"));
    }),
  );
});
