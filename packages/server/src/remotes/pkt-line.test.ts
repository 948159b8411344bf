import assert from "node:assert/strict";
import { test } from "node:test";
import { HeliostatError } from "../domain/errors.ts";
import { createPktLineDecoder, encodePktLine } from "./pkt-line.ts";

function collect() {
  const seen: string[] = [];
  const decoder = createPktLineDecoder({
    line: (text) => seen.push(`line ${text}`),
    control: (kind) => seen.push(kind),
    refused: (text) => {
      throw new Error(`refused: ${text}`);
    },
  });
  return { seen, decoder };
}

const STREAM = Buffer.from("0009one\n\n00010004000atwo \xe9\n0000000200060\n0007end", "latin1");
const LINES = [
  "line one\n",
  "delim",
  "line ",
  "line two \xe9",
  "flush",
  "response-end",
  "line 0",
  "line end",
];

test("cuts a stream into lines and controls, wherever its chunks end", () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const { seen, decoder } = collect();
    for (let at = 0; at < STREAM.length; at += size) decoder.push(STREAM.subarray(at, at + size));
    assert.deepEqual(seen, LINES, `in chunks of ${size}`);
    assert.ok(decoder.isAtBoundary());
  }
});

test("a stream that ends inside a line, or inside a length, is not at a boundary", () => {
  for (const text of ["0009on", "00", "00000"]) {
    const { decoder } = collect();
    decoder.push(Buffer.from(text));
    assert.equal(decoder.isAtBoundary(), false, text);
  }
});

test("refuses lengths that git refuses, and takes the longest one", () => {
  for (const text of ["0003", "fff1x", "ffff", "+004", " 00a", "0x0a", "-001", "<!do", "zzzz"]) {
    assert.throws(
      () => collect().decoder.push(Buffer.from(text)),
      (error) => error instanceof HeliostatError && error.code === "remote-not-git",
      text,
    );
  }
  const { seen, decoder } = collect();
  decoder.push(Buffer.from(`FFF0${"x".repeat(65_516)}`));
  assert.deepEqual(seen, [`line ${"x".repeat(65_516)}`]);
});

test("an ERR line ends the conversation with its text", () => {
  const { decoder } = collect();
  assert.throws(() => decoder.push(Buffer.from("0016ERR access denied\n")), {
    message: "refused: access denied",
  });
});

test("a long line in single bytes costs no copy for each byte", () => {
  const { seen, decoder } = collect();
  const line = Buffer.from(encodePktLine("y".repeat(65_516)));
  const before = process.cpuUsage();
  for (let round = 0; round < 4; round += 1) {
    for (let at = 0; at < line.length; at += 1) decoder.push(line.subarray(at, at + 1));
  }
  const { user } = process.cpuUsage(before);
  assert.equal(seen.length, 4);
  // Joining at each byte would copy 8 GB.
  assert.ok(user < 1_000_000, `${user} µs`);
});

test("encodes what it decodes, and nothing longer than a pkt-line", () => {
  assert.equal(encodePktLine("hello\n"), "000ahello\n");
  assert.throws(() => encodePktLine("x".repeat(65_517)), { code: "bug" });
});
