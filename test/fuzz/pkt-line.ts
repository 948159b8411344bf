import assert from "node:assert/strict";
import fc from "fast-check";
import { HeliostatError } from "../../packages/server/src/domain/errors.ts";
import { createPacketDecoder } from "../../packages/server/src/remotes/pkt-line.ts";
import { type FuzzTarget, mutated } from "./fuzz.ts";

const SEEDS = [
  "000aone two\n0000",
  "001e# service=git-upload-pack\n0000000eversion 2\n0000",
  "0004000100020009done\n",
  `fff0${"x".repeat(65_516)}0000`,
  "0032want 1111111111111111111111111111111111111111\n00000009done\n",
  "0017ERR access denied\n",
];
const DICTIONARY =
  "0000 0001 0002 0003 0004 0005 0006 000a FFF0 fff0 fff1 ffff -001 +004 0x04 00 0 \n ERR <!doctype".split(
    " ",
  );

/** All at once: what a stream holds, and how it ends. */
function decodeAtOnce(bytes: Buffer): readonly string[] {
  const seen: string[] = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const digits = bytes.toString("latin1", at, at + 4);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : 3;
    if (length === 3 || length > 65_520) return [...seen, "refused"];
    if (length < 3) {
      seen.push(["flush", "delim", "response-end"][length] ?? "");
      at += 4;
      continue;
    }
    if (at + length > bytes.length) break;
    seen.push(`packet ${bytes.toString("latin1", at + 4, at + length)}`);
    at += length;
  }
  return [...seen, at === bytes.length ? "whole" : "open"];
}

function decodeInChunks(chunks: readonly Buffer[]): readonly string[] {
  const seen: string[] = [];
  const decoder = createPacketDecoder({
    packet: (bytes) => seen.push(`packet ${bytes.toString("latin1")}`),
    control: (kind) => seen.push(kind),
  });
  try {
    for (const chunk of chunks) decoder.push(chunk);
  } catch (error) {
    if (!(error instanceof HeliostatError && error.code === "remote-not-git")) throw error;
    return [...seen, "refused"];
  }
  return [...seen, decoder.isAtBoundary() ? "whole" : "open"];
}

export const pktLine: FuzzTarget = {
  name: "pkt-line",
  property: fc.property(
    mutated(SEEDS, DICTIONARY),
    fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 8 }),
    (text, sizes) => {
      const bytes = Buffer.from(text, "latin1");
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        // Empty chunks too; but a long line in tiny pieces would take all the time.
        const size = bytes.length > 2000 ? 7919 : (sizes[chunks.length % sizes.length] ?? 1);
        chunks.push(bytes.subarray(at, at + size));
        at += size;
        if (chunks.length > 4000) {
          chunks.push(bytes.subarray(at));
          break;
        }
      }
      assert.deepEqual(decodeInChunks(chunks), decodeAtOnce(bytes));
    },
  ),
};
