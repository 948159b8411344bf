import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openTestStore } from "../../../../test/support/store.ts";
import { createAuditStore } from "./audit-events.ts";

const db = await openTestStore();
after(() => db.destroy());
const audit = createAuditStore(db);
const day = (number: number) => new Date(Date.UTC(2026, 0, number));

test("old events are removed a part at a time, the oldest first, and no newer ones", async () => {
  for (const at of [day(3), day(1), day(2), day(5), day(4)]) {
    await audit.record({
      at,
      author: { id: null, name: "ada" },
      authenticatedBy: null,
      from: null,
      action: "project-created",
      entity: { type: "Instance", id: null, path: null },
    });
  }
  const left = async () => {
    const days: number[] = [];
    for await (const { at } of audit.readAll({})) days.push(at.getUTCDate());
    return days;
  };
  assert.equal(await audit.removeOld(day(4), 2), 2);
  assert.deepEqual(await left(), [3, 5, 4]);
  assert.equal(await audit.removeOld(day(4), 2), 1);
  assert.equal(await audit.removeOld(day(4), 2), 0);
  assert.deepEqual(await left(), [5, 4]);
});
