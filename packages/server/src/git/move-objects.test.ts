import assert from "node:assert/strict";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { moveObjects } from "./move-objects.ts";

const DIRECTORIES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

test("objects arrive though a git that packs takes their empty directories away meanwhile", async (t) => {
  const root = await makeTempDir(t);
  const [from, to] = [join(root, "from"), join(root, "to")];
  for (const name of DIRECTORIES) {
    await mkdir(join(from, name), { recursive: true });
    await writeFile(join(from, name, "object"), name);
  }
  await mkdir(to);
  let isMoving = true;
  const packers = [0, 1].map(async () => {
    while (isMoving) {
      const empty = (await readdir(to)).slice(-1);
      await Promise.all(empty.map((name) => rmdir(join(to, name)).catch(() => {})));
    }
  });
  try {
    await moveObjects(from, to);
  } finally {
    isMoving = false;
    await Promise.all(packers);
  }
  const arrived = (await readdir(to, { recursive: true })).filter((name) => name.endsWith("object"));
  assert.equal(arrived.length, DIRECTORIES.length);
});
