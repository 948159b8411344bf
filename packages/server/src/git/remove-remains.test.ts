import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { changeOf, makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { makeNoise } from "../../../../test/support/incompressible.ts";
import {
  checkRepository,
  endGroup,
  GIT_ENV,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../../../../test/support/repositories.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import { createRepositories } from "./repositories.ts";

const MB = 1024 * 1024;
const signal = new AbortController().signal;

async function setUp(t: TestContext, options: { isAlone: boolean } = { isAlone: true }) {
  const root = join(await makeTempDir(t), "data");
  const log = makeMemoryLog();
  const repositories = createRepositories({ root, log, ...options });
  const path = await makeRepository(repositories.pathOf(1));
  const oid = await makeCommit(path);
  return { repositories, path, oid, log };
}

/** A git that can be killed with all that it started, and is when the test ends. */
function startGit(t: TestContext, path: string, args: readonly string[]): ChildProcess {
  const child = spawn("git", [`--git-dir=${path}`, ...args], {
    env: GIT_ENV,
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  child.stdin?.on("error", () => {});
  t.after(() => endGroup(child));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null ? once(child, "close") : null;
  child.stdout?.resume();
  endGroup(child);
  await ended;
}

/** A transaction that holds the locks of its refs and is not carried out yet. */
async function startTransaction(t: TestContext, path: string, commands: string): Promise<ChildProcess> {
  const child = startGit(t, path, ["update-ref", "--stdin"]);
  child.stdin?.write(`start\n${commands}prepare\n`);
  let said = "";
  child.stdout?.on("data", (text: Buffer) => {
    said += text;
  });
  await waitFor(() => said.includes("prepare: ok"), { message: () => `prepared: ${said}` });
  return child;
}

test("locks of a killed update-ref: the next run clears them away", async (t) => {
  const { repositories, path, oid } = await setUp(t);
  const commands = `update refs/heads/main ${oid}\ncreate refs/heads/new ${oid}\ndelete refs/heads/gone\n`;
  await git(path, ["update-ref", "refs/heads/gone", oid]);
  await git(path, ["pack-refs", "--all"]);
  await kill(await startTransaction(t, path, commands));
  for (const lock of ["packed-refs.lock", "packed-refs.new", "refs/heads/main.lock", "refs/heads/new.lock"])
    assert(existsSync(join(path, lock)), lock);

  await repositories.removeRemains(path, signal);
  await git(path, ["update-ref", "refs/heads/main", oid]);
  await git(path, ["update-ref", "-d", "refs/heads/gone"]);
  assert.deepEqual(await refsOf(path), { "refs/heads/main": oid });
});

test("a run that meets the lock of a killed git clears it away itself", async (t) => {
  const { repositories, path, oid, log } = await setUp(t);
  const next = await makeCommit(path, { ref: "refs/heads/other" });
  await kill(await startTransaction(t, path, `update refs/heads/main ${oid}\n`));

  const changes = [changeOf("refs/heads/main", oid, next), changeOf("refs/heads/new", null, next)];
  const results = await repositories.applyChanges(path, changes);
  assert.deepEqual(
    results.map(({ ref, outcome }) => [ref, outcome]),
    [
      ["refs/heads/main", "forced"],
      ["refs/heads/new", "created"],
    ],
  );
  assert.equal((await refsOf(path))["refs/heads/main"], next);
  assert.match(log.lines.join("\n"), /removed what a dead git had left/);
});

test("the lock of a living git is waited for, however old it is, and never taken away", async (t) => {
  const { repositories, path, oid } = await setUp(t);
  const next = await makeCommit(path, { ref: "refs/heads/other" });
  const living = await startTransaction(t, path, `update refs/heads/main ${next}\n`);
  await sleep(2_500);
  let isApplied = false;
  const applied = repositories.applyChanges(path, [changeOf("refs/heads/main", oid, oid)]).finally(() => {
    isApplied = true;
  });
  await sleep(700);
  assert(!isApplied);
  assert(existsSync(join(path, "refs/heads/main.lock")));

  const ended = once(living, "close");
  living.stdin?.end("commit\n");
  await ended;
  const [result] = await applied;
  // It moved the ref: what we planned no longer holds.
  assert.match(result?.message ?? "", /changed meanwhile/);
  assert.equal((await refsOf(path))["refs/heads/main"], next);
});

test("who only reads objects stands in the way of no lock's removal", async (t) => {
  const { repositories, path } = await setUp(t);
  const reader = startGit(t, path, ["cat-file", "--batch-command", "--buffer"]);
  await once(reader, "spawn");
  await writeFile(join(path, "HEAD.lock"), "");
  await sleep(2_100);
  await repositories.removeRemains(path, signal);
  assert.equal(existsSync(join(path, "HEAD.lock")), false);
  assert.equal(reader.exitCode, null, "the reader is still there");
});

test("with other nodes at work a young lock stays, and the run goes on without that ref", async (t) => {
  const { repositories, path, oid } = await setUp(t, { isAlone: false });
  await kill(await startTransaction(t, path, `update refs/heads/main ${oid}\n`));
  await sleep(2_100);
  const changes = [changeOf("refs/heads/main", oid, oid), changeOf("refs/heads/new", null, oid)];
  const [locked, created] = await repositories.applyChanges(path, changes);
  assert.match(locked?.message ?? "", /locked by another process/);
  assert.equal(created?.outcome, "created");
  assert(existsSync(join(path, "refs/heads/main.lock")));
});

test("gits killed while they receive, pack and repack leave nothing that stays or breaks", async (t) => {
  const { repositories, path } = await setUp(t);
  await makeNoise(path, 8 * MB);
  const before = await refsOf(path);

  const pack = spawn("git", ["pack-objects", "--all", "--stdout"], { cwd: path, env: GIT_ENV });
  pack.stdin.end();
  const [bytes] = await once(pack.stdout, "data");
  pack.kill("SIGKILL");
  pack.stdout.destroy();
  const receiving = startGit(t, path, ["index-pack", "--stdin"]);
  receiving.stdin?.write(bytes);
  await leaves(path, /^pack\/tmp_pack_/);
  await kill(receiving);

  await killWhile(path, /^pack\/\.?tmp[-_].*pack/, 2, () =>
    startGit(t, path, ["repack", "-q", "-a", "-d", "-f"]),
  );

  const { length } = await remainsIn(path);
  assert(length >= 2, `${length} files were left`);
  await sleep(2_100);
  await repositories.removeRemains(path, signal);
  assert.deepEqual(await remainsIn(path), []);
  assert.deepEqual(await refsOf(path), before);
  await checkRepository(path);
});

async function remainsIn(path: string): Promise<readonly string[]> {
  const names = await readdir(join(path, "objects"), { recursive: true });
  return names.filter((name) => /tmp[-_]|\.lock$/.test(name));
}

async function leaves(path: string, file: RegExp): Promise<void> {
  await waitFor(async () => (await remainsIn(path)).some((name) => file.test(name)), {
    message: async () => `${file} is there; there is ${(await remainsIn(path)).join(" ")}`,
  });
}

/** Starts a git again and again until it is caught, and killed, while so many files of the name are there. */
async function killWhile(
  path: string,
  file: RegExp,
  count: number,
  start: () => ChildProcess,
): Promise<void> {
  const isThere = async () => (await remainsIn(path)).filter((name) => file.test(name)).length >= count;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const child = start();
    while (child.exitCode === null && !(await isThere())) await sleep(1);
    await kill(child);
    if (await isThere()) return;
  }
  assert.fail("git was never caught in the act");
}
