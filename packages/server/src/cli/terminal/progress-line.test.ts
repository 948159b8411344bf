import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes } from "../../domain/format-bytes.ts";
import type { UpdateProgress } from "../../domain/mirror.ts";
import { describeProgress, type ProgressStream, showProgress } from "./progress-line.ts";

const HALF: UpdateProgress = {
  phase: "Receiving objects",
  done: 5,
  total: 10,
  bytes: 1258291,
  bytesPerSecond: 280,
};
const COUNTING: UpdateProgress = {
  phase: "Counting objects",
  done: 7,
  total: null,
  bytes: null,
  bytesPerSecond: null,
};

function record(stream: Omit<ProgressStream, "write">): ProgressStream & { written: string[] } {
  const written: string[] = [];
  return { ...stream, written, write: (text) => written.push(text) };
}

test("on a terminal one line is written again and again, no wider than the terminal", () => {
  const wide = record({ isTTY: true, columns: 100 });
  const bar = showProgress(wide);
  for (const progress of [HALF, COUNTING, { ...HALF, done: 20 }]) bar.update(progress);
  bar.clear();
  assert.deepEqual(wide.written, [
    `\r\u001b[KReceiving objects ${"█".repeat(12)}${"░".repeat(12)} 50%, 1.20 MiB, 280 bytes/s`,
    "\r\u001b[KCounting objects 7",
    `\r\u001b[KReceiving objects ${"█".repeat(24)} 100%, 1.20 MiB, 280 bytes/s`,
    "\r\u001b[K",
  ]);
  const narrow = record({ isTTY: true, columns: 30 });
  showProgress(narrow).update(HALF);
  assert.equal(narrow.written[0]?.length, "\r\u001b[K".length + 29);
});

test("elsewhere no bar is written", () => {
  const file = record({ isTTY: false });
  const bar = showProgress(file);
  bar.update(HALF);
  bar.clear();
  assert.deepEqual(file.written, []);
});

test("in words", () => {
  assert.equal(describeProgress(HALF), "Receiving objects 5/10, 1.20 MiB, 280 bytes/s");
  assert.equal(describeProgress(COUNTING), "Counting objects 7");
  assert.equal(describeProgress({ ...COUNTING, phase: "Starting", done: 0 }), "Starting");
  assert.deepEqual([0, 1023, 1024, 1024 ** 2 * 1.5, 1024 ** 4 * 2000].map(formatBytes), [
    "0 bytes",
    "1023 bytes",
    "1.00 KiB",
    "1.50 MiB",
    "2000.00 TiB",
  ]);
});
