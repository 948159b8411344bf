import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FakeClock } from "../../../../../test/support/fake-clock.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { type ClientLimits, createClientQueue } from "./client-queue.ts";

const NEVER = new AbortController().signal;

function makeQueue(limits: Partial<ClientLimits> = {}) {
  const clock = new FakeClock(new Date("2026-01-01T00:00:00Z"));
  return { clock, queue: createClientQueue(clock, { places: 4, waiting: 10, patienceMs: 1000, ...limits }) };
}

function isBusy(error: unknown): boolean {
  return error instanceof HeliostatError && error.code === "server-busy" && error.retryAfterSeconds === 10;
}

/** Enters for each of these, and notes in which order they came in, with what gives their places back. */
function enterAll(queue: ReturnType<typeof makeQueue>["queue"], clients: readonly string[]) {
  const came: string[] = [];
  const releases: (() => void)[] = [];
  for (const client of clients) {
    void queue.enter("packs", client, NEVER).then((release) => {
      came.push(client);
      releases.push(release);
    });
  }
  return { came, releases };
}

test("as many as there are places are served, and the next when one is given back, once", async () => {
  const { queue } = makeQueue({ places: 2 });
  const { came, releases } = enterAll(queue, ["a", "b", "c", "d"]);
  await turn();
  assert.deepEqual(came, ["a", "b"]);
  assert.deepEqual(queue.count("packs"), { served: 2, waiting: 2 });
  releases[0]?.();
  releases[0]?.();
  await turn();
  assert.deepEqual(came, ["a", "b", "c"]);
  assert.deepEqual(queue.count("packs"), { served: 2, waiting: 1 });
});

test("what is quick does not wait for what is not", async () => {
  const { queue } = makeQueue({ places: 1, waiting: 0 });
  await queue.enter("packs", "a", NEVER);
  await assert.rejects(queue.enter("packs", "b", NEVER), isBusy);
  const release = await queue.enter("refs", "b", NEVER);
  release();
  assert.deepEqual(queue.count("refs"), { served: 0, waiting: 0 });
});

test("one client's many leave a quarter of the places to others, and turns go round", async () => {
  const { queue } = makeQueue();
  const { came, releases } = enterAll(queue, ["a", "a", "a", "a", "a", "b", "c", "b", "c"]);
  await turn();
  assert.deepEqual(came, ["a", "a", "a", "b"]);
  for (let index = 0; index < 5; index += 1) {
    releases[index]?.();
    await turn();
  }
  assert.deepEqual(came, ["a", "a", "a", "b", "a", "c", "b", "a", "c"]);
});

test("beyond those that may wait, and after its patience, a client is told to come again", async () => {
  const { queue, clock } = makeQueue({ places: 1, waiting: 1 });
  const release = await queue.enter("packs", "a", NEVER);
  const waits = assert.rejects(queue.enter("packs", "b", NEVER), isBusy);
  await assert.rejects(queue.enter("packs", "c", NEVER), isBusy);
  await clock.advance(999);
  assert.equal(queue.count("packs").waiting, 1);
  await clock.advance(1);
  await waits;
  assert.deepEqual(queue.count("packs"), { served: 1, waiting: 0 });
  release();
  assert.deepEqual(queue.count("packs"), { served: 0, waiting: 0 });
});

test("a client that leaves gives up its place in the line, and none is kept for it", async () => {
  const { queue } = makeQueue({ places: 1, waiting: 2 });
  const release = await queue.enter("packs", "a", NEVER);
  const gone = new AbortController();
  const reason = new Error("gone");
  const waits = assert.rejects(queue.enter("packs", "b", gone.signal), reason);
  const { came } = enterAll(queue, ["c"]);
  gone.abort(reason);
  await waits;
  assert.equal(queue.count("packs").waiting, 1);
  release();
  await turn();
  assert.deepEqual(came, ["c"]);
  await assert.rejects(queue.enter("packs", "d", AbortSignal.abort(reason)), reason);
});
