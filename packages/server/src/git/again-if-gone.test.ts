import assert from "node:assert/strict";
import { test } from "node:test";
import { againIfGone } from "./again-if-gone.ts";

function failing(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test("what fails because something was taken away is done again, but not for ever; other errors come at once", async () => {
  let calls = 0;
  const secondTime = async () => {
    calls += 1;
    if (calls === 1) throw failing("ENOENT");
    return "done";
  };
  assert.equal(await againIfGone(secondTime), "done");
  for (const [code, expected] of [
    ["ENOENT", 101],
    ["EACCES", 1],
  ] as const) {
    calls = 0;
    const never = async () => {
      calls += 1;
      throw failing(code);
    };
    await assert.rejects(againIfGone(never), { code });
    assert.equal(calls, expected);
  }
});
