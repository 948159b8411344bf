import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startGitHttpPeer } from "./git-http-peer.ts";
import { endGroup, GIT_ENV, makeCommit, makeRepository, makeTempDir, refsOf } from "./repositories.ts";
import { waitFor } from "./wait-for.ts";

test("a push that has come in full is carried out when its client is gone, and leaves no lock", async (t) => {
  const root = await makeTempDir(t);
  const ours = await makeRepository(join(root, "ours.git"));
  const oid = await makeCommit(ours, { message: "one" });
  const theirs = await makeRepository(join(root, "theirs.git"));
  // Holds git while it has the lock of the ref, until the client is gone.
  const hook = `#!/bin/sh
    [ "$1" = prepared ] || exit 0
    : > ../prepared
    until [ -e ../gone ]; do sleep 0.05; done
    sleep 0.2`;
  await writeFile(join(theirs, "hooks/reference-transaction"), hook, { mode: 0o755 });
  const peer = await startGitHttpPeer({ root });
  t.after(() => peer.close());

  const push = spawn("git", ["-C", ours, "push", "--quiet", peer.urlOf("theirs.git"), "main"], {
    env: GIT_ENV,
    stdio: "ignore",
    detached: true,
  });
  const ended = once(push, "exit");
  await waitFor(() => existsSync(join(root, "prepared")), { message: "git holds the lock" });
  endGroup(push);
  await ended;
  await waitFor(() => peer.exchanges.some(({ method }) => method === "POST"), {
    message: "the client is gone",
  });
  await writeFile(join(root, "gone"), "");
  await waitFor(async () => Object.keys(await refsOf(theirs)).length > 0, {
    message: "the push is carried out",
  });
  assert.deepEqual(await refsOf(theirs), { "refs/heads/main": oid });
  assert.equal(existsSync(join(theirs, "refs/heads/main.lock")), false);
});
