import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeGit, makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { makeRepository, makeTempDir } from "../../../../test/support/repositories.ts";
import { createGit } from "./run-git.ts";
import { readGitVersion, requireGit } from "./version.ts";

async function makeFakeGit(scope: Parameters<typeof makeTempDir>[0], script: string): Promise<string> {
  const dir = await makeTempDir(scope);
  await writeFile(join(dir, "git"), `#!/bin/sh\n${script}\n`);
  await chmod(join(dir, "git"), 0o755);
  return dir;
}

test("the environment of git is built, not inherited", async () => {
  const dir = await makeGit().run({ args: ["config", "--list", "--show-scope"], cwd: "/" });
  for (const line of dir.stdout.toString().trim().split("\n")) assert.match(line, /^command\t/);
});

test("configuration given for one call reaches the git that git starts", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const result = await makeGit().run({
    gitDir: path,
    args: ["-c", "alias.inner=!git config --get some.value", "inner"],
    config: [["some.value", "it is here"]],
  });
  assert.equal(result.stdout.toString(), "it is here\n");
});

test("a repository that is not there is not looked for further up", async (t) => {
  const dir = await makeTempDir(t);
  await makeRepository(dir);
  const missing = makeGit().run({ gitDir: join(dir, "missing.git"), args: ["for-each-ref"] });
  await assert.rejects(missing, { name: "HeliostatError", code: "repository-corrupt" });
});

test("no protocol is spoken that the call does not name", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const git = makeGit();
  for (const url of [
    path,
    `file://${path}`,
    "http://127.0.0.1:1/a",
    "ssh://127.0.0.1/a",
    "ext::sh -c true",
  ]) {
    await assert.rejects(git.run({ args: ["ls-remote", "--", url] }), /transport '[a-z]+' not allowed/, url);
  }
  await assert.rejects(
    git.run({ args: ["ls-remote", "--", "ext::sh -c true"], protocols: ["file"] }),
    /not allowed/,
  );
  await git.run({ args: ["ls-remote", "--", path], protocols: ["file"] });
});

test("expected exit codes come back, others are thrown and logged", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const log = makeMemoryLog();
  const git = createGit({ log });
  const call = { gitDir: path, args: ["rev-parse", "--verify", "--quiet", "refs/heads/none"] };
  assert.equal((await git.run({ ...call, expect: [1] })).exitCode, 1);
  await assert.rejects(git.run(call), { code: "git-failed" });
  assert.equal(log.lines.length, 1);
});

test("an unknown failure keeps git's own words and no secret", async (t) => {
  const log = makeMemoryLog();
  const searchPath = await makeFakeGit(
    t,
    "echo 'fatal: something new at https://me:planted@host/x' >&2; exit 99",
  );
  const git = createGit({ log, searchPath });
  await assert.rejects(git.run({ args: ["frobnicate"], secrets: ["planted"] }), (error: Error) => {
    assert.match(error.message, /git frobnicate failed \(exit code 99\): fatal: something new/);
    assert.doesNotMatch(error.message, /planted|me:/);
    return true;
  });
  assert.doesNotMatch(log.lines.join(), /planted/);
});

test("each reason to stop has its error", async (t) => {
  const searchPath = await makeFakeGit(t, 'case "$1" in flood) yes;; *) sleep 5;; esac');
  const git = createGit({ log: makeMemoryLog(), searchPath: `${searchPath}:/usr/bin:/bin` });
  const cases = [
    [{ args: ["hang"], signal: AbortSignal.timeout(50) }, "cancelled"],
    [{ args: ["hang"], timeoutMs: 50 }, "timed-out"],
    [{ args: ["hang"], idleTimeoutMs: 50 }, "timed-out"],
    [{ args: ["hang"], idleTimeoutMs: 50, protocols: ["http"] }, "remote-timeout"],
    [{ args: ["flood"], maxOutput: 1000 }, "output-too-large"],
  ] as const;
  for (const [call, code] of cases) await assert.rejects(git.run(call), { code });
});

test("git that is missing, old or something else is told apart", async (t) => {
  const log = makeMemoryLog();
  const missing = createGit({ log, searchPath: await makeTempDir(t) });
  await assert.rejects(requireGit(missing), { code: "git-missing", message: /Install git 2\.39/ });
  const old = createGit({ log, searchPath: await makeFakeGit(t, "echo git version 2.38.1") });
  await assert.rejects(requireGit(old), { code: "git-too-old", message: /2\.38\.1 is too old/ });
  const other = createGit({ log, searchPath: await makeFakeGit(t, "echo busybox") });
  await assert.rejects(requireGit(other), { code: "git-missing" });
  const apple = createGit({
    log,
    searchPath: await makeFakeGit(t, "echo 'git version 3.0.1 (Apple Git-154)'"),
  });
  assert.deepEqual(await requireGit(apple), { major: 3, minor: 0, text: "3.0.1" });
  assert.equal((await readGitVersion(makeGit())).major, 2);
});
