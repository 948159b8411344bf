import assert from "node:assert/strict";
import { test } from "node:test";
import { readPushReport } from "./push-report.ts";

test("a report is read as git-push(1) describes it", () => {
  const report = readPushReport(
    [
      "To http://example.com/a.git",
      "*\t1111:refs/heads/new\t[new branch]",
      " \t1111:refs/heads/ff\t1111111..2222222",
      "+\t1111:refs/heads/forced\t1111111...2222222 (forced update)",
      "-\t:refs/heads/gone\t[deleted]",
      "=\t1111:refs/heads/same\t[up to date]",
      "!\t1111:refs/heads/stale\t[rejected] (stale info)",
      "!\t(delete):refs/heads/(odd)\t[remote rejected] (hook declined)",
      "Done",
      "",
    ].join("\n"),
  );
  assert.deepEqual(
    [...report].map(([ref, { flag, reason }]) => [ref, flag, reason]),
    [
      ["refs/heads/new", "*", ""],
      ["refs/heads/ff", " ", ""],
      ["refs/heads/forced", "+", "forced update"],
      ["refs/heads/gone", "-", ""],
      ["refs/heads/same", "=", ""],
      ["refs/heads/stale", "!", "stale info"],
      ["refs/heads/(odd)", "!", "hook declined"],
    ],
  );
});
