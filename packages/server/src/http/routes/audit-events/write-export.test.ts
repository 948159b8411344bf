import assert from "node:assert/strict";
import test from "node:test";
import type { AuditEvent } from "../../../domain/audit-event.ts";
import { writeExport } from "./write-export.ts";

function eventOf(authorName: string): AuditEvent {
  return {
    id: 7,
    at: new Date("2026-01-02T03:04:05.678Z"),
    author: { id: 3, name: authorName },
    authenticatedBy: null,
    from: { door: "http", address: "192.0.2.1" },
    action: "project-changed",
    entity: { type: "Project", id: 5, path: "ada/p" },
    details: { changes: { description: { from: null, to: 'a "b", c' } } },
  };
}

async function written(events: readonly AuditEvent[], format: "csv" | "ndjson"): Promise<string> {
  async function* each() {
    yield* events;
  }
  let text = "";
  for await (const chunk of writeExport(each(), format).content) text += chunk;
  return text;
}

async function authorColumn(name: string): Promise<string> {
  const text = await written([eventOf(name)], "csv");
  const start =
    text.indexOf("\r\n7,2026-01-02T03:04:05.678Z,3,") + "\r\n7,2026-01-02T03:04:05.678Z,3,".length;
  return text.slice(start, text.indexOf(",,192.0.2.1,http"));
}

test("what a spreadsheet would take for a formula is a text in CSV, however it begins", async () => {
  for (const start of ["=", "+", "-", "@", " =", "\t=", "\n=", "\r=", "\t", "\u00a0="]) {
    const field = await authorColumn(`${start}1+1`);
    assert.match(field, /^"?'/, JSON.stringify(start));
  }
  assert.equal(await authorColumn("Ada"), "Ada");
});

test("quotes, commas and line breaks stay in their field", async () => {
  assert.equal(await authorColumn('a"b'), '"a""b"');
  assert.equal(await authorColumn("a,b"), '"a,b"');
  assert.equal(await authorColumn("a\nb"), '"a\nb"');
  assert.equal(await authorColumn("a\rb"), '"a\rb"');
});

test("a line of NDJSON is an event as the API answers it", async () => {
  const [line, rest] = (await written([eventOf("Ada")], "ndjson")).split("\n");
  assert.equal(rest, "");
  const event = JSON.parse(line ?? "");
  assert.deepEqual(
    [event.id, event.author_name, event.entity_path, event.target_type, event.ip_address],
    [7, "Ada", "ada/p", "Project", "192.0.2.1"],
  );
  assert.equal(event.details.changes.description.to, 'a "b", c');
});

test("of no events an export has its header only", async () => {
  assert.match(await written([], "csv"), /^id,[a-z_,]+\r\n$/);
  assert.equal(await written([], "ndjson"), "");
});
