import assert from "node:assert/strict";
import { test } from "node:test";
import { createUpdateLog } from "./update-log.ts";

const clock = { now: () => new Date("2026-01-02T03:04:05.678Z") };

test("a log of few lines is kept as it is, each with its time", () => {
  const log = createUpdateLog(clock);
  log.add("Started");
  assert.deepEqual(log.lines(), [{ at: "2026-01-02T03:04:05.678Z", text: "Started" }]);
});

test("a long log keeps its beginning and its end, and says what is missing", () => {
  const log = createUpdateLog(clock);
  for (let line = 1; line <= 1000; line += 1) log.add(`line ${line}`);
  const texts = log.lines().map(({ text }) => text);
  assert.equal(texts.length, 201);
  assert.deepEqual(texts.slice(149, 152), ["line 150", "… 800 lines left out", "line 951"]);
  assert.equal(texts.at(-1), "line 1000");
});

test("secrets are cut out of lines before these are cut short, also of those that came before", () => {
  const log = createUpdateLog(clock);
  log.add(`${"x".repeat(497)}hunter2`);
  log.hideWith((text) => text.replaceAll("hunter2", "*****"));
  log.add("hunter2");
  const texts = log.lines().map(({ text }) => text);
  assert.deepEqual(texts, [`${"x".repeat(497)}***…`, "*****"]);
});
