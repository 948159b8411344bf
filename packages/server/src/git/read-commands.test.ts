import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { FLUSH_PKT, pktLine } from "../../../../test/support/pkt-line.ts";
import { readCommands } from "./read-commands.ts";

const NULL = "0".repeat(40);
const A = "a".repeat(40);
const B = "b".repeat(40);
const never = () => new AbortController().signal;

function streamOf(...chunks: readonly string[]): PassThrough {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return stream;
}

test("commands, options and shallow lines are read in pieces of any size, and what follows stays", async () => {
  const whole =
    pktLine(`shallow ${A}\n`) +
    pktLine(`${NULL} ${A} refs/heads/a\0 report-status-v2 side-band-64k push-options object-format=sha1\n`) +
    pktLine(`${A} ${NULL} refs/heads/b`) +
    FLUSH_PKT +
    pktLine("ci.skip") +
    pktLine("a=b c\n") +
    FLUSH_PKT;
  for (const size of [1, 3, 64, 100_000]) {
    const all = `${whole}PACKand more`;
    const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
      all.slice(at * size, (at + 1) * size),
    );
    const input = streamOf(...chunks);
    const { raw, ...list } = await readCommands(input, never());
    assert.deepEqual(list, {
      commands: [
        { ref: "refs/heads/a", old: null, new: A },
        { ref: "refs/heads/b", old: A, new: null },
      ],
      options: ["ci.skip", "a=b c"],
      hasSideBand: true,
    });
    assert.equal(raw.toString(), whole);
    assert.equal(await text(input), "PACKand more");
  }
});

test("push options are read only where the client says that there are any", async () => {
  const input = streamOf(pktLine(`${A} ${B} refs/heads/a\0 report-status`), FLUSH_PKT, "0008PACK");
  const { options, hasSideBand } = await readCommands(input, never());
  assert.deepEqual([options, hasSideBand], [[], false]);
  assert.equal(await text(input), "0008PACK");
});

test("what git does not send is refused: framing, oids, names given twice, certificates, and too much of anything", async () => {
  const first = (line: string) => pktLine(`${line}\0 report-status push-options`);
  const good = `${A} ${B} refs/heads/a`;
  const options = (count: number, size: number) =>
    first(good) + FLUSH_PKT + pktLine("x".repeat(size)).repeat(count) + FLUSH_PKT;
  const bad: Readonly<Record<string, string>> = {
    "no framing": "nonsense",
    "an empty packet": "0004",
    "a delimiter": "0001",
    "a packet that is too long": "fff5",
    "no command": first("hello"),
    "a short oid": first(`${A} ${B.slice(1)} refs/heads/a`),
    "oids of two formats": first(`${A} ${"b".repeat(64)} refs/heads/a`),
    "upper case": first(`${A.toUpperCase()} ${B} refs/heads/a`),
    "no name": first(`${A} ${B} `),
    "a ref twice": first(good) + pktLine(good) + FLUSH_PKT,
    "a certificate": first("push-cert"),
    "too many options": options(101, 1),
    "options that are too long": options(2, 9_000),
  };
  for (const [what, request] of Object.entries(bad)) {
    await assert.rejects(readCommands(streamOf(request), never()), { code: "push-malformed" }, what);
  }
  await readCommands(streamOf(options(100, 100)), never());
});

test("a list of refs without an end is not read for ever", async () => {
  let sent = 0;
  const endless = Readable.from(
    (function* () {
      yield Buffer.from(pktLine(`${A} ${B} refs/heads/a\0 report-status`));
      for (;;) {
        const lines = Array.from({ length: 500 }, () => pktLine(`${A} ${B} refs/heads/${++sent}`));
        yield Buffer.from(lines.join(""));
      }
    })(),
  );
  await assert.rejects(readCommands(endless, never()), {
    code: "push-malformed",
    message: "A push may name 200000 refs: push them in portions.",
  });
  endless.destroy();
  assert.ok(sent <= 210_000);
});

test("a client that goes away in the middle is told from one that sends nonsense", async () => {
  const half = pktLine(`${A} ${B} refs/heads/a\0 report-status`).slice(0, 50);
  await assert.rejects(readCommands(streamOf(half), never()), { code: "cancelled" });
  const waiting = new PassThrough();
  const gone = new AbortController();
  const read = assert.rejects(readCommands(waiting, gone.signal), { code: "cancelled" });
  gone.abort();
  await read;
});
