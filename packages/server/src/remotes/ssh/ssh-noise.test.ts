import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { changeOf } from "../../../../../test/support/git-adapter.ts";
import { makeRepository } from "../../../../../test/support/repositories.ts";
import { PASSWORD, setUpSsh } from "./ssh-stage.test-support.ts";

test("a login script that prints is named, with what it prints, by listings, fetches, pushes and tests", async (t) => {
  const { peer, root, list, open, ours, b, remotes, repositories } = await setUpSsh(t);
  await makeRepository(join(root, "target.git"));
  const { signal } = t;
  const credential = { password: PASSWORD };
  const url = peer.urlOf("theirs.git", "someone");
  const to = await open(peer.urlOf("target.git", "someone"), { credential });
  const push = () => repositories.push(ours, to, [changeOf("refs/heads/main", null, b)], { signal });
  for (const [shell, quoted] of [
    ["echo Welcome to this machine", ": 'Welcome to this machine'."],
    ["printf hi", ": 'hi'."],
    ["echo 0032want", ": '0032want'."],
    ["printf 00; sleep 0.1; echo 32want", ": '0032want'."],
    ["echo; echo", "prints blank lines"],
    [`echo "${PASSWORD} is no secret"`, ": '***** is no secret'."],
    ["yes | head -c 100000", ": 'y y y"],
  ] as const) {
    await peer.setFault(shell);
    for (const [what, work] of [
      ["list", () => list(url, { credential })],
      ["fetch", async () => repositories.fetchAll(ours, await open(url, { credential }), { signal })],
      ["push", push],
      ["test", () => remotes.probePush(to, { signal })],
    ] as const) {
      await assert.rejects(work(), (error: Error & { code?: string }) => {
        assert.equal(error.code, "remote-noise", `${what} ${shell}: ${error.message}`);
        assert.ok(error.message.includes(quoted), `${what} ${shell}: ${error.message}`);
        assert.match(error.message, /^127\.0\.0\.1 prints .*\.bashrc, a forced command/);
        return true;
      });
    }
  }
  // On the other channel it may say what it likes.
  await peer.setFault("echo Welcome >&2");
  assert.deepEqual(await list(url, { credential }), { "refs/heads/main": b });
  await repositories.fetchAll(ours, await open(url, { credential }), { signal });
  const [verdict] = await push();
  assert.equal(verdict?.result.outcome, "created");
});
