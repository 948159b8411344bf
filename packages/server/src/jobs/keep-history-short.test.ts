import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../../test/support/fake-clock.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { keepHistoryShort } from "./keep-history-short.ts";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const START = new Date("2026-03-01T00:00:00Z");

test("old updates are removed every hour by the clock of the server, also after an hour that failed", async () => {
  const clock = new FakeClock(START);
  const before: number[] = [];
  const auditBefore: number[] = [];
  let days = 0;
  const ports = {
    clock,
    log: makeMemoryLog(),
    settings: { read: async () => ({ mirrorUpdateRetentionDays: 30, auditEventRetentionDays: days }) },
    mirrors: {
      async removeOldUpdates(date: Date) {
        before.push(date.getTime() - START.getTime() + 30 * DAY_MS);
        if (before.length === 2) throw new Error("the database is away");
        return 0;
      },
    },
    audit: {
      async removeOld(date: Date, limit: number) {
        auditBefore.push((START.getTime() - date.getTime()) / HOUR_MS);
        return auditBefore.length === 1 ? limit : 0;
      },
    },
  };
  const stop = keepHistoryShort(ports);
  await clock.advance(3 * HOUR_MS);
  assert.deepEqual(before, [0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS]);
  assert.deepEqual(auditBefore, [], "they are kept for ever unless told");
  days = 2;
  await clock.advance(HOUR_MS);
  assert.deepEqual(auditBefore, [44, 44], "until none is left that is old enough");
  await stop();
  await clock.advance(2 * HOUR_MS);
  assert.equal(before.length, 5);
});
