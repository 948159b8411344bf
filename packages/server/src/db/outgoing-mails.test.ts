import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { openTestStore } from "../../../../test/support/store.ts";
import { createMailOutbox } from "./outgoing-mails.ts";
import type { Db } from "./pool.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const LATER = new Date("2026-01-01T12:05:00Z");

let db: Db;
before(async () => {
  db = await openTestStore();
});
after(async () => {
  await db.destroy();
});

it("hands out each mail to one of many that claim at the same time", async () => {
  let puts = 0;
  const outbox = createMailOutbox(db, {
    onPut: () => {
      puts += 1;
    },
  });
  for (let round = 0; round < 10; round += 1) {
    await db.deleteFrom("outgoing_mails").execute();
    const subjects = Array.from({ length: 40 }, (_, index) => `${index}`);
    await outbox.put(
      subjects.map((subject) => ({ recipient: "a@example.com", subject, text: "", html: "" })),
      T0,
    );
    const claims = await Promise.all(Array.from({ length: 16 }, () => outbox.claimDue(T0, LATER, 5)));
    const claimed = claims.flat().map(({ subject }) => subject);
    assert.deepEqual(
      claimed.toSorted((a, b) => Number(a) - Number(b)),
      [...new Set(claimed)].toSorted((a, b) => Number(a) - Number(b)),
    );
    // Some may have found the rest locked by others: nothing is lost by that.
    claimed.push(...(await outbox.claimDue(T0, LATER, 40)).map(({ subject }) => subject));
    assert.equal(new Set(claimed).size, 40);
    assert.equal(claimed.length, 40);
    assert.deepEqual(await outbox.claimDue(T0, LATER, 5), [], "it is somebody's until then");
    assert.equal((await outbox.claimDue(LATER, LATER, 5)).length, 5);
  }
  assert.equal(puts, 10);
});
