import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { renderConfigurationPage } from "./configuration-page.ts";

test("docs/configuration.md is what the declaration says (if not: npm run docs)", async () => {
  const page = await readFile(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");
  assert.equal(page, renderConfigurationPage());
});
