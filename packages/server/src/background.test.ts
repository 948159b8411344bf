import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeMemoryLog } from "../../../test/support/git-adapter.ts";
import { createBackground } from "./background.ts";

test("work is done a little at a time, in the order in which it was given", async () => {
  const background = createBackground(makeMemoryLog());
  const begun: number[] = [];
  let underWay = 0;
  let most = 0;
  for (const number of [1, 2, 3, 4, 5]) {
    background.run("counting", async () => {
      begun.push(number);
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(5);
      underWay -= 1;
    });
  }
  assert.deepEqual(begun, [], "nobody waits for it");
  await background.drain(10_000);
  assert.deepEqual(begun, [1, 2, 3, 4, 5]);
  assert.equal(most, 2);
});

test("a failure is a line in the log, and what comes after is done", async () => {
  const log = makeMemoryLog();
  const background = createBackground(log);
  background.run("failing", async () => {
    throw new Error("no");
  });
  let isDone = false;
  background.run("going on", async () => {
    isDone = true;
  });
  await background.drain(10_000);
  assert.equal(isDone, true);
  assert.match(log.lines.join("\n"), /failing/);
});

test("draining waits for work that other work has given, and ends what takes too long", async () => {
  const background = createBackground(makeMemoryLog());
  const done: string[] = [];
  background.run("first", async () => {
    background.run("second", async (signal) => {
      await sleep(60_000, undefined, { signal, ref: true }).catch(() => undefined);
      done.push(signal.aborted ? "ended" : "finished");
    });
  });
  await background.drain(20);
  assert.deepEqual(done, ["ended"]);
});
