import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSlots } from "./slots.ts";

describe("slots", () => {
  it("let so many through at once, and the others in their order", async () => {
    const slots = createSlots(2);
    const seen: string[] = [];
    const first = await slots.take();
    const second = await slots.take();
    const takeAs = async (name: string) => {
      const giveBack = await slots.take();
      seen.push(name);
      return giveBack;
    };
    const third = takeAs("third");
    const fourth = takeAs("fourth");
    await new Promise(setImmediate);
    assert.deepEqual(seen, []);
    assert.equal(slots.isFull(), true);
    second();
    second();
    await third;
    await new Promise(setImmediate);
    assert.deepEqual(seen, ["third"], "a slot that is given back twice is one slot");
    first();
    (await fourth)();
    (await third)();
    assert.equal(slots.isFull(), false);
  });

  it("forget who no longer waits", async () => {
    const slots = createSlots(1);
    const giveBack = await slots.take();
    const impatient = new AbortController();
    const waits = slots.take(impatient.signal);
    impatient.abort();
    await assert.rejects(waits, { name: "AbortError" });
    await assert.rejects(slots.take(AbortSignal.abort()), { name: "AbortError" });
    giveBack();
    (await slots.take())();
  });
});
