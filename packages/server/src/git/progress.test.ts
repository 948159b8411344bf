import assert from "node:assert/strict";
import { test } from "node:test";
import { readProgress } from "./progress.ts";

const noBytes = { bytes: null, bytesPerSecond: null };

test("git's progress lines are read, others are not", () => {
  const cases: readonly (readonly [line: string, progress: ReturnType<typeof readProgress>])[] = [
    [
      "Receiving objects:  45% (450/1000), 1.20 MiB | 3.40 MiB/s",
      { phase: "Receiving objects", done: 450, total: 1000, ...noBytes },
    ],
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
