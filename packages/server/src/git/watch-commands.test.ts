import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { test } from "node:test";
import { FLUSH_PKT, pktLine } from "../../../../test/support/pkt-line.ts";
import { watchCommands } from "./watch-commands.ts";

/** Sends the text in pieces of this size, and answers what `isComplete` says at the end and what came through. */
async function send(text: string, size: number): Promise<{ isComplete: boolean; passed: string }> {
  const input = new PassThrough();
  const commands = watchCommands(input);
  let passed = "";
  input.on("data", (chunk: Buffer) => {
    passed += chunk.toString("latin1");
  });
  for (let at = 0; at < text.length; at += size) input.write(text.slice(at, at + size), "latin1");
  input.end();
  await finished(input);
  return { isComplete: commands.isComplete(), passed };
}

test("the commands of a push are complete with their flush packet, however they come", async () => {
  const commands = `${pktLine("old new refs/heads/a\0 report-status")}${pktLine("old new refs/heads/b")}`;
  for (const size of [1, 3, 4, 7, 1_000]) {
    for (const rest of ["", "PACK0000", "0000"]) {
      const text = `${commands}${FLUSH_PKT}${rest}`;
      assert.deepEqual(await send(text, size), { isComplete: true, passed: text });
    }
    for (const text of [
      commands,
      `${commands}000`,
      commands.slice(0, -1),
      "",
      "PACKPACK",
      "0003",
      "zzzz0000",
    ]) {
      assert.deepEqual(await send(text, size), { isComplete: false, passed: text });
    }
  }
});
