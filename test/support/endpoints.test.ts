import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { ENDPOINTS_FILE, endpointsText } from "../../scripts/write-endpoints.ts";

/** The formatter breaks lines, and sorts what stands in braces. */
function wordsOf(text: string): readonly string[] {
  return text
    .split(/[\s,{}<>]+/)
    .filter((word) => word !== "")
    .sort();
}

test("typed clients know the endpoints that the server has; else: npm run endpoints", async () => {
  assert.deepEqual(wordsOf(await readFile(ENDPOINTS_FILE, "utf8")), wordsOf(await endpointsText()));
});
