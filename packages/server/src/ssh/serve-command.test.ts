import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenRepository } from "../app/use-cases.ts";
import { serveCommand } from "./serve-command.ts";

test("a push of which two bytes have come keeps nobody else from being served", {
  timeout: 20_000,
}, async () => {
  const served: string[] = [];
  const repository: OpenRepository = {
    advertise: async () => Buffer.from("0000"),
    converse: async () => assert.fail(),
    async serve(input) {
      for await (const chunk of input) served.push(String(chunk));
    },
  };
  const [input, output] = [new PassThrough(), new PassThrough()];
  const exchange = { protocol: null, signal: new AbortController().signal };
  const done = serveCommand(
    { openRepository: async () => repository },
    { kind: "anonymous" },
    { program: "receive-pack", fullPath: "a/b", exchange, input, output, watchInput: () => () => undefined },
  );
  input.write("00");
  // A loop over a stream that is never empty would let no timer come.
  await sleep(50);
  assert.deepEqual(served, []);
  input.end("a0rest");
  await done;
  assert.equal(served.join(""), "00a0rest");
});
