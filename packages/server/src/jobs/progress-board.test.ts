import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../app/ports.ts";
import type { UpdateProgress } from "../domain/mirror.ts";
import { createProgressBoard } from "./progress-board.ts";

const silent = () => {};

/** A board, what it wrote into the database, and the hand on its clock. */
function createBoard() {
  const recorded: [updateId: number, done: number][] = [];
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => new Date(0),
    after(ms, work) {
      assert.equal(ms, 1000);
      timers.add(work);
      return { cancel: () => timers.delete(work) };
    },
  };
  const board = createProgressBoard({
    clock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    mirrors: {
      recordProgress: async (updateId, { done }) => {
        recorded.push([updateId, done]);
      },
    },
  });
  const passSecond = () => {
    const due = [...timers];
    timers.clear();
    for (const work of due) work();
  };
  return { board, recorded, passSecond };
}

function at(done: number): UpdateProgress {
  return { phase: "Receiving objects", done, total: 10, bytes: null, bytesPerSecond: null };
}

test("what is on the board is read at once and written once a second", () => {
  const { board, recorded, passSecond } = createBoard();
  const run = board.begin({ mirrorId: 1, updateId: 5 });
  assert.equal(board.read(5), null);
  for (let done = 1; done <= 4; done += 1) run.report(at(done));
  assert.equal(board.read(5)?.done, 4);
  assert.deepEqual(recorded, [], "a run that is over within a second costs no statement");
  passSecond();
  assert.deepEqual(recorded, [[5, 4]]);
  passSecond();
  assert.deepEqual(recorded, [[5, 4]], "nothing new, nothing written");
  run.report(at(9));
  passSecond();
  run.report(at(10));
  run.end();
  passSecond();
  assert.deepEqual(recorded, [
    [5, 4],
    [5, 9],
  ]);
  assert.equal(board.read(5), null);
});

test("who watches a mirror hears of begin, news and end of its updates, until they stop", () => {
  const { board } = createBoard();
  let news = 0;
  const stop = board.watch(1, () => {
    news += 1;
  });
  board.begin({ mirrorId: 2, updateId: 4 }).report(at(1));
  assert.equal(news, 0, "another mirror's");
  const run = board.begin({ mirrorId: 1, updateId: 5 });
  run.report(at(1));
  run.end();
  assert.equal(news, 3);
  stop();
  board.begin({ mirrorId: 1, updateId: 6 }).end();
  assert.equal(news, 3);
});
