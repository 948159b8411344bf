import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { prepareSocketDirectory, socketDirectoryFor } from "./prepare-socket-directory.ts";

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "heliostat-socket-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("the socket is in the data directory as long as its path fits, and else in a short place", () => {
  assert.deepEqual(socketDirectoryFor("/srv/heliostat"), {
    path: "/srv/heliostat/postgres-socket",
    isInTemporary: false,
  });
  const long = socketDirectoryFor(`/${"é".repeat(50)}`);
  assert.equal(long.isInTemporary, true);
  assert(Buffer.byteLength(`${long.path}/.s.PGSQL.5432`) <= 103);
  assert.deepEqual(socketDirectoryFor(`/${"é".repeat(50)}`), long);
  assert.notEqual(socketDirectoryFor(`/${"é".repeat(51)}`).path, long.path);
});

test("a directory in the temporary place that others can enter, or a link, is refused", async (t) => {
  const parent = await makeDirectory(t);
  const open = join(parent, "open");
  await mkdir(open);
  await chmod(open, 0o755);
  const link = join(parent, "link");
  const target = join(parent, "target");
  await mkdir(target, { mode: 0o700 });
  await symlink(target, link);
  for (const path of [open, link]) {
    await assert.rejects(prepareSocketDirectory({ path, isInTemporary: true }, null), {
      code: "config-invalid",
    });
  }
});

test("stale sockets and their locks are cleared in either place", async (t) => {
  const parent = await makeDirectory(t);
  for (const isInTemporary of [true, false]) {
    const path = join(parent, String(isInTemporary));
    await prepareSocketDirectory({ path, isInTemporary }, null);
    await writeFile(join(path, ".s.PGSQL.5432"), "");
    await writeFile(join(path, ".s.PGSQL.5432.lock"), "1\n");
    await prepareSocketDirectory({ path, isInTemporary }, null);
    await assert.rejects(stat(join(path, ".s.PGSQL.5432")), { code: "ENOENT" });
    await assert.rejects(stat(join(path, ".s.PGSQL.5432.lock")), { code: "ENOENT" });
    assert.equal((await stat(path)).mode & 0o777, 0o700);
  }
});
