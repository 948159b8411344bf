import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvents } from "./read-events.ts";

const STREAM =
  ': beat\n\nevent: progress\nid: 9\ndata: {"phase":"Empfänge"}\n\nevent: end\r\ndata: [1,\r\ndata: 2]\r\n\r\nevent: cut\ndata: 1\n';

test("events are read however the bytes are cut; comments and what is cut off at the end are not", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (let size = 1; size <= bytes.length; size += 1) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const events = [];
    for await (const event of readEvents(body)) events.push(event);
    assert.deepEqual(events, [
      { event: "progress", id: "9", data: { phase: "Empfänge" } },
      { event: "end", id: null, data: [1, 2] },
    ]);
  }
});
