import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { linkLibraries } from "./link-libraries.ts";

async function makePackage(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "heliostat-links-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, "native/lib"), { recursive: true });
  await writeFile(join(root, "native/lib/libx.so.6.18"), "library");
  const links = ["native/lib/libx.so.6", "native/lib/libx.so"];
  const listed = links.map((target) => ({ source: "native/lib/libx.so.6.18", target }));
  await writeFile(join(root, "native/pg-symlinks.json"), JSON.stringify(listed));
  return root;
}

test("links that the install script did not make are made beside the libraries, once", async (t) => {
  const root = await makePackage(t);
  const own = join(root, "own");
  const answers = await Promise.all([linkLibraries(root, own), linkLibraries(root, own)]);
  assert.deepEqual([...answers, await linkLibraries(root, own)], [null, null, null]);
  assert.equal(await readFile(join(root, "native/lib/libx.so.6"), "utf8"), "library");
  assert.equal(await readFile(join(root, "native/lib/libx.so"), "utf8"), "library");
});

test("where the package cannot be written the links go to a directory of ours", async (t) => {
  const root = await makePackage(t);
  const own = join(root, "own");
  // Root may write everywhere, so the way is blocked by a file instead of by rights.
  const blocked = { source: "native/lib/libx.so.6.18", target: "native/blocked/libx.so.6" };
  await writeFile(join(root, "native/blocked"), "");
  await writeFile(join(root, "native/pg-symlinks.json"), JSON.stringify([blocked]));
  const path = `${own}:${join(root, "native/lib")}`;
  assert.equal(await linkLibraries(root, own), path);
  assert.equal(await linkLibraries(root, own), path);
  assert.equal(await readFile(join(own, "libx.so.6"), "utf8"), "library");
});
