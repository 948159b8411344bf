import assert from "node:assert/strict";
import { appendFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { branchRef } from "../domain/ref-name.ts";
import { createRememberedCapabilities } from "./remembered-capabilities.ts";
import { createRepositories } from "./repositories.ts";
import { createGit } from "./run-git.ts";
import { UPLOAD_CONFIG } from "./serve-pack.ts";

const signal = new AbortController().signal;
const VERSION_2 = { protocol: "version=2", signal };

test("a client of version 2 is told what git itself says, of each object format and configuration", async (t) => {
  const dir = await makeTempDir(t);
  const log = makeMemoryLog();
  const repositories = createRepositories({ root: dir, log });
  const git = createGit({ log });
  const ask = async (path: string): Promise<Buffer> => {
    const args = ["upload-pack", "--strict", "--http-backend-info-refs", path];
    const env = { GIT_PROTOCOL: "version=2" };
    return (await git.run({ args, config: UPLOAD_CONFIG, env })).stdout;
  };
  const formats = ["sha1", "sha256", "sha1", "sha256"] as const;
  for (const [id, objectFormat] of formats.entries()) {
    const path = repositories.pathOf(id);
    await repositories.init(path, { objectFormat, head: branchRef("main") });
    const told = await repositories.advertise(path, "upload-pack", VERSION_2);
    assert.ok(Buffer.isBuffer(told));
    assert.equal(told.toString(), (await ask(path)).toString());
    assert.match(told.toString(), new RegExp(`object-format=${objectFormat}\n`));
  }
  const path = repositories.pathOf(0);
  await appendFile(join(path, "config"), "[lsrefs]\n\tunborn = ignore\n");
  const told = await repositories.advertise(path, "upload-pack", VERSION_2);
  assert.equal(String(told), String(await ask(path)));
  assert.doesNotMatch(String(told), /unborn/);
  // Other versions tell of the refs, and a repository that is gone is none.
  const old = await repositories.advertise(path, "upload-pack", { protocol: null, signal });
  assert.doesNotMatch(String(old), /version 2/);
  await rm(path, { recursive: true });
  await assert.rejects(async () => repositories.advertise(path, "upload-pack", VERSION_2));
});

test("git is asked once for each configuration, and again after a while", async (t) => {
  const dir = await makeTempDir(t);
  let now = 0;
  let asked = 0;
  const ask = async (): Promise<Buffer> => {
    asked += 1;
    return Buffer.from(`answer ${asked}`);
  };
  const capabilities = createRememberedCapabilities(() => now);
  await appendFile(join(dir, "config"), "[core]\n\tbare = true\n");
  assert.equal(String(await capabilities.read(dir, ask)), "answer 1");
  assert.equal(String(await capabilities.read(dir, ask)), "answer 1");
  now = 60_001;
  assert.equal(String(await capabilities.read(dir, ask)), "answer 2");
  await appendFile(join(dir, "config"), "[include]\n\tpath = elsewhere\n");
  assert.equal(String(await capabilities.read(dir, ask)), "answer 3");
  assert.equal(String(await capabilities.read(dir, ask)), "answer 4");
});
