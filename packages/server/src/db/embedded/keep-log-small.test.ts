import assert from "node:assert/strict";
import { appendFile, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { keepLogSmall } from "./keep-log-small.ts";

test("a log beyond its bound moves aside while its writer goes on in the same file", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "heliostat-log-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, "postgres.log");
  await keepLogSmall(path, 10);
  await writeFile(path, "short\n");
  await keepLogSmall(path, 10);
  assert.equal(await readFile(path, "utf8"), "short\n");

  const writer = await open(path, "a");
  t.after(() => writer.close());
  await appendFile(path, "and more\n");
  await keepLogSmall(path, 10);
  await writer.write("next\n");
  assert.equal(await readFile(path, "utf8"), "next\n");
  assert.equal(await readFile(`${path}.1`, "utf8"), "short\nand more\n");
});
