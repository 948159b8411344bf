import assert from "node:assert/strict";
import { test } from "node:test";
import type { Asker } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { createQuick } from "./quick-git.ts";

const anyPlace = async () => () => {};
const askerWith = (signal: AbortSignal): Asker => ({ client: "somebody", signal });
const patient = askerWith(new AbortController().signal);
const hasCode = (code: string) => (error: unknown) => error instanceof HeliostatError && error.code === code;

/** Work that goes on until its signal fires. */
const endless = (onEnd: () => void) => (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      onEnd();
      reject(signal.reason);
    });
  });

test("what is asked for twice is done once, and ends when the last who asked has left", async () => {
  const quick = createQuick(anyPlace);
  const [first, second] = [new AbortController(), new AbortController()];
  let started = 0;
  let ended = 0;
  const ask = ({ signal }: AbortController) =>
    quick.within(askerWith(signal), ["same"], (limits) => {
      started += 1;
      return endless(() => {
        ended += 1;
      })(limits.signal);
    });
  const answers = [ask(first), ask(second)].map((answer) => assert.rejects(answer, hasCode("cancelled")));
  await new Promise(setImmediate);
  first.abort();
  await answers[0];
  assert.deepEqual([started, ended], [1, 0]);
  second.abort();
  await answers[1];
  assert.deepEqual([started, ended], [1, 1]);
});

test("who leaves leaves the line too", async () => {
  let waits = 0;
  const full = (_client: string, signal: AbortSignal) =>
    new Promise<() => void>((_resolve, reject) => {
      waits += 1;
      signal.addEventListener("abort", () => {
        waits -= 1;
        reject(signal.reason);
      });
    });
  const quick = createQuick(full);
  for (const what of [["some"], null]) {
    const leaving = new AbortController();
    const answer = quick.within(askerWith(leaving.signal), what, async () => "never");
    assert.equal(waits, 1);
    leaving.abort();
    await assert.rejects(answer, hasCode("cancelled"));
    assert.equal(waits, 0);
  }
});

test("what took too long or gave too much is not tried again at once; other failures are", async () => {
  const quick = createQuick(anyPlace);
  let tries = 0;
  const fail = (code: "timed-out" | "output-too-large" | "git-failed") => () => {
    tries += 1;
    return Promise.reject(new HeliostatError(code, "so it was"));
  };
  for (const code of ["timed-out", "output-too-large"] as const) {
    tries = 0;
    for (let time = 0; time < 3; time += 1) {
      await assert.rejects(quick.within(patient, [code], fail(code)), hasCode("repository-too-large"));
    }
    assert.equal(tries, 1, code);
  }
  tries = 0;
  for (let time = 0; time < 2; time += 1) {
    await assert.rejects(quick.within(patient, ["other"], fail("git-failed")), hasCode("git-failed"));
  }
  assert.equal(tries, 2);
});
