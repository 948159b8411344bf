import assert from "node:assert/strict";
import { test } from "node:test";
import { HeliostatError } from "../domain/errors.ts";
import { encodePktLine } from "./pkt-line.ts";
import { createReportReader } from "./receive-pack-report.ts";

const OID = "a".repeat(40);
const REPORT = [
  ...["unpack ok\n", "ok refs/heads/a\n", "ng refs/heads/b hook declined\n", "ok refs/for/main\n"],
  ...[
    "option refname refs/heads/review\n",
    `option new-oid ${OID}\n`,
    "option forced-update\n",
    "ok refs/heads/c",
  ],
]
  .map(encodePktLine)
  .join("")
  .concat("0000");

function read(bytes: string, { hasSideBand = true, size = bytes.length } = {}) {
  const refuse = (text: string) => new HeliostatError("remote-busy", text);
  const reader = createReportReader({ hasSideBand, maxRefs: 10, refuse });
  for (let at = 0; at < bytes.length; at += size)
    reader.push(Buffer.from(bytes.slice(at, at + size), "latin1"));
  return reader.end();
}

const band = (number: number, data: string) => encodePktLine(String.fromCharCode(number) + data);

test("a report reads the same in one piece and in many, with bands and without", () => {
  const pieces = REPORT.match(/.{1,7}/gs) ?? [];
  const banded = `${band(2, "hello\n")}${pieces.map((piece) => band(1, piece)).join(band(2, "") + band(1, ""))}0000`;
  const plain = read(REPORT, { hasSideBand: false });
  assert.deepEqual(
    [...(plain?.refs ?? [])],
    [
      ["refs/heads/a", { isOk: true, otherRef: null, otherOid: null }],
      ["refs/heads/b", { isOk: false, reason: "hook declined" }],
      ["refs/for/main", { isOk: true, otherRef: "refs/heads/review", otherOid: OID }],
      ["refs/heads/c", { isOk: true, otherRef: null, otherOid: null }],
    ],
  );
  for (const size of [1, 3, banded.length]) {
    assert.deepEqual(read(banded, { size }), { unpack: "ok", refs: plain?.refs, lines: ["hello"] });
  }
});

test("a report that ends early is none, wherever it ends", () => {
  for (let end = 0; end < REPORT.length; end += 1) {
    assert.equal(read(REPORT.slice(0, end), { hasSideBand: false }), null, String(end));
  }
});

test("progress is left out of what the remote says, and what it says is bounded", () => {
  const said = ["Checking: 50%\rChecking: 100%\r", "no room\r\n", "\x1b[31mgr", "\xc3\xb6\xc3\x9fer\n"];
  const words = read(said.map((text) => band(2, text)).join("") + band(1, REPORT))?.lines.join(" ");
  assert.equal(words, "no room \x1b[31mgrößer");
  const flood = read(`${band(2, "x".repeat(60_000)).repeat(50)}${band(1, REPORT)}`);
  assert.ok((flood?.lines.join(" ").length ?? 0) < 100_000, "of three million bytes");
});

test("what is no report is refused", () => {
  for (const bytes of [
    band(4, "x"),
    band(1, encodePktLine("ok refs/heads/a\n")),
    band(1, `${encodePktLine("unpack ok\n")}${encodePktLine("what\n")}`),
    band(1, "0000"),
    band(1, `${REPORT}${encodePktLine("ok refs/heads/late\n")}`),
    "0001",
    band(
      1,
      ["unpack ok", ...Array.from({ length: 11 }, (_, i) => `ok refs/heads/${i}`)]
        .map(encodePktLine)
        .join(""),
    ),
  ]) {
    assert.throws(() => read(bytes), { code: "remote-not-git" }, JSON.stringify(bytes.slice(0, 60)));
  }
  assert.throws(() => read(band(3, "out of order")), { code: "remote-busy", message: "out of order" });
});
