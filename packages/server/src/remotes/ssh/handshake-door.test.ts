import assert from "node:assert/strict";
import { test } from "node:test";
import { HeliostatError } from "../../domain/errors.ts";
import { createHandshakeDoor } from "./handshake-door.ts";

test("so many go through at a time, in their order; who is stopped while it waits leaves the queue", async (t) => {
  const door = createHandshakeDoor(2);
  const inside: string[] = [];
  const enter = (name: string, signal: AbortSignal = t.signal, server = "a") => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const passed = door.through(server, signal, () => {
      inside.push(name);
      return promise;
    });
    passed.catch(() => {});
    return { leave: resolve, passed };
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const stopping = new AbortController();
  const first = enter("first");
  const second = enter("second");
  const impatient = enter("impatient", stopping.signal);
  const third = enter("third");
  const elsewhere = enter("elsewhere", t.signal, "b");
  await settle();
  assert.deepEqual(inside, ["first", "second", "elsewhere"]);

  stopping.abort(new HeliostatError("cancelled", "Enough."));
  await assert.rejects(impatient.passed, { code: "cancelled", message: "Enough." });
  first.leave();
  await first.passed;
  await settle();
  assert.deepEqual(inside, ["first", "second", "elsewhere", "third"]);
  for (const each of [second, third, elsewhere]) each.leave();
  await Promise.all([second.passed, third.passed, elsewhere.passed]);
  await assert.rejects(enter("late", stopping.signal).passed, { code: "cancelled" });
  assert.equal(inside.length, 4);
});
