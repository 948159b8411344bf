import assert from "node:assert/strict";
import { test } from "node:test";
import { readProgress } from "./progress.ts";

const noBytes = { bytes: null, bytesPerSecond: null };

test("git's progress lines are read, others are not", () => {
  const cases: readonly (readonly [line: string, progress: ReturnType<typeof readProgress>])[] = [
    [
      "Receiving objects:  45% (450/1000), 1.20 MiB | 3.40 MiB/s",
      {
        phase: "Receiving objects",
        done: 450,
        total: 1000,
        bytes: Math.round(1.2 * 1024 ** 2),
        bytesPerSecond: Math.round(3.4 * 1024 ** 2),
      },
    ],
    [
      "Unpacking objects: 100% (3/3), 280 bytes | 93.00 KiB/s, done.",
      { phase: "Unpacking objects", done: 3, total: 3, bytes: 280, bytesPerSecond: 95_232 },
    ],
    [
      "Writing objects:   1% (1/99), 1 byte | 2.50 GiB/s",
      { phase: "Writing objects", done: 1, total: 99, bytes: 1, bytesPerSecond: 2.5 * 1024 ** 3 },
    ],
    // What a remote says of bytes is its own claim, and its numbers may be no numbers.
    [
      "remote: Writing objects:  10% (1/10), 9.00 GiB | 9.00 GiB/s",
      { phase: "Writing objects", done: 1, total: 10, ...noBytes },
    ],
    [`remote: Counting objects: ${"9".repeat(400)}`, null],
    [`remote: ${"A".repeat(400)}: 1`, null],
    [
      "remote: Counting objects: 100% (2/2), done.        ",
      { phase: "Counting objects", done: 2, total: 2, ...noBytes },
    ],
    [
      "remote: Enumerating objects: 12, done.",
      { phase: "Enumerating objects", done: 12, total: null, ...noBytes },
    ],
    ["Resolving deltas:   0% (0/17)", { phase: "Resolving deltas", done: 0, total: 17, ...noBytes }],
    ["remote: Total 12 (delta 3), reused 0 (delta 0), pack-reused 0", null],
    ["fatal: early EOF", null],
    ["From http://127.0.0.1/a", null],
    ["", null],
  ];
  for (const [line, progress] of cases) assert.deepEqual(readProgress(line), progress, line);
});
