import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { changeOf, makeMemoryLog, openRemote } from "../../../../../test/support/git-adapter.ts";
import { startGitDaemonPeer } from "../../../../../test/support/git-daemon-peer.ts";
import { startGitHttpPeer } from "../../../../../test/support/git-http-peer.ts";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
} from "../../../../../test/support/repositories.ts";
import type { RefChange, RefResult } from "../../domain/refs.ts";
import { createRepositories } from "../../git/repositories.ts";
import { createRemotes } from "../../remotes/remotes.ts";
import { pushChanges } from "./push-changes.ts";

/** HTTP is pushed to in process, `git://` and paths by `git push`; the same is to come of it. */
const TRANSPORTS = ["http", "git", "path"] as const;
type Transport = (typeof TRANSPORTS)[number];
/** One for each way to push. */
const WAYS = ["http", "path"] as const;

async function setUp(t: TestContext, way: Transport = "http", objectFormat: "sha1" | "sha256" = "sha1") {
  const dir = await makeTempDir(t);
  const log = makeMemoryLog();
  const patience = { stallSeconds: 2, silenceSeconds: 8 };
  const repositories = createRepositories({ root: join(dir, "data"), log, patience });
  const limits = { idleMs: 1_000, pushIdleMs: 2_000 };
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test", limits });
  const path = await makeRepository(join(dir, "ours.git"), { objectFormat });
  const [a = "", b = "", c = ""] = await makeCommits(path, 3);
  const side = await makeCommit(path, { ref: "refs/heads/side", parents: [a] });
  const peers = join(dir, "peers");
  const downstream = await makeRepository(join(peers, "d.git"), { objectFormat });
  const peer = await startGitHttpPeer({ root: peers });
  const daemon = await startGitDaemonPeer({ root: peers });
  t.after(async () => {
    await remotes.close();
    await Promise.all([peer.close(), daemon.close()]);
  });
  const url = { http: peer.urlOf("d.git"), git: daemon.urlOf("d.git"), path: downstream }[way];
  const push = (
    changes: readonly RefChange[],
    signal: AbortSignal = t.signal,
  ): Promise<readonly RefResult[]> =>
    pushChanges({ repositories, remotes }, path, openRemote(url), changes, { signal });
  const fill = async (refs: Record<string, string>): Promise<void> => {
    const refspecs = Object.entries(refs).map(([ref, oid]) => `${oid}:${ref}`);
    await git(path, ["push", "-q", "-f", downstream, ...refspecs]);
  };
  /** Git is the judge: these refs, and all that they need. */
  const expectRefs = async (refs: Record<string, string>): Promise<void> => {
    assert.deepEqual(await refsOf(downstream), refs);
    await git(downstream, ["fsck", "--connectivity-only", "--no-dangling"]);
  };
  return { dir, path, a, b, c, side, downstream, peer, push, fill, expectRefs, log };
}

async function installHook(repository: string, name: string, script: string): Promise<void> {
  await mkdir(join(repository, "hooks"), { recursive: true });
  await writeFile(join(repository, "hooks", name), `#!/bin/sh\n${script}\n`);
  await chmod(join(repository, "hooks", name), 0o755);
}

function outcomes(results: readonly RefResult[]): string[] {
  return results.map((result) => result.outcome);
}

for (const way of TRANSPORTS) {
  for (const objectFormat of ["sha1", "sha256"] as const) {
    test(`${way}, ${objectFormat}: every kind of change arrives and is answered in order`, async (t) => {
      const { path, a, b, c, side, push, fill, expectRefs } = await setUp(t, way, objectFormat);
      const tag = await makeTag(path, "v1", a);
      await fill({
        "refs/heads/main": a,
        "refs/heads/forced": c,
        "refs/heads/gone": a,
        "refs/tags/moved": b,
        "refs/heads/same": a,
      });
      const results = await push([
        changeOf("refs/heads/new", null, b),
        changeOf("refs/heads/main", a, c, "fast-forward"),
        changeOf("refs/heads/forced", c, side, "force"),
        changeOf("refs/heads/gone", a, null),
        changeOf("refs/tags/v1", null, tag),
        changeOf("refs/tags/moved", b, tag, "force"),
        changeOf("refs/heads/größe-ß", null, side),
      ]);
      assert.deepEqual(outcomes(results), [
        "created",
        "fast-forward",
        "forced",
        "deleted",
        "created",
        "forced",
        "created",
      ]);
      await expectRefs({
        "refs/heads/forced": side,
        "refs/heads/größe-ß": side,
        "refs/heads/main": c,
        "refs/heads/new": b,
        "refs/heads/same": a,
        "refs/tags/moved": tag,
        "refs/tags/v1": tag,
      });
    });
  }
}

for (const way of WAYS) {
  test(`${way}: a ref that moved at the remote is never overwritten, and the others arrive`, async (t) => {
    const { a, b, c, side, push, fill, expectRefs } = await setUp(t, way);
    await fill({
      "refs/heads/moved": side,
      "refs/heads/there": side,
      "refs/heads/kept": side,
      "refs/heads/fine": a,
    });
    const results = await push([
      changeOf("refs/heads/moved", a, b, "force"),
      changeOf("refs/heads/there", null, b),
      changeOf("refs/heads/kept", a, null),
      changeOf("refs/heads/fine", a, c, "fast-forward"),
    ]);
    assert.deepEqual(outcomes(results), ["rejected", "rejected", "rejected", "fast-forward"]);
    for (const result of results.slice(0, 3)) {
      assert.match(result.message ?? "", /changed meanwhile/);
      assert.equal(result.reason, "stale-lease");
    }
    await expectRefs({
      "refs/heads/fine": c,
      "refs/heads/kept": side,
      "refs/heads/moved": side,
      "refs/heads/there": side,
    });
  });

  test(`${way}: a ref that is already where it was to go counts as done`, async (t) => {
    const { a, b, push, fill, expectRefs } = await setUp(t, way);
    await fill({ "refs/heads/done": b });
    const results = await push([
      changeOf("refs/heads/done", a, b, "fast-forward"),
      changeOf("refs/heads/gone", a, null),
      changeOf("refs/heads/gone-too", a, null),
      changeOf("refs/heads/new", null, a),
    ]);
    // `git push` does not tell whether a ref that it cannot delete is gone.
    const gone = way === "http" ? "deleted" : "rejected";
    assert.deepEqual(outcomes(results), ["fast-forward", gone, gone, "created"]);
    await expectRefs({ "refs/heads/done": b, "refs/heads/new": a });
  });

  test(`${way}: a branch makes room for others below its name`, async (t) => {
    const { a, b, push, fill, expectRefs } = await setUp(t, way);
    await fill({ "refs/heads/topic": a });
    assert.deepEqual(outcomes(await push([changeOf("refs/heads/topic", a, null)])), ["deleted"]);
    const results = await push([
      changeOf("refs/heads/topic/one", null, b),
      changeOf("refs/heads/topic/one/two", null, b),
      changeOf("refs/heads/other", null, a),
    ]);
    assert.equal(results.filter(({ outcome }) => outcome === "created").length, 2);
    const rejected = results.find(({ outcome }) => outcome === "rejected");
    assert.match(rejected?.message ?? "", /The remote refused it: .*/);
    assert.equal(rejected?.reason, "name-conflict");
    assert.match(rejected?.fix ?? "", /`x` and `x\/y` cannot both exist/);
    assert.equal(results[2]?.outcome, "created");
    const other =
      rejected?.ref === "refs/heads/topic/one" ? "refs/heads/topic/one/two" : "refs/heads/topic/one";
    await expectRefs({ "refs/heads/other": a, [other]: b });
  });

  test(`${way}: refs that a hook declines one by one are named, with the hook's words`, async (t) => {
    const { a, downstream, push } = await setUp(t, way);
    await installHook(downstream, "update", 'case $1 in *bad*) echo "no bad names here"; exit 1;; esac');
    const results = await push(
      ["x", "bad-1", "y", "bad-2"].map((name) => changeOf(`refs/heads/${name}`, null, a)),
    );
    assert.deepEqual(outcomes(results), ["created", "rejected", "created", "rejected"]);
    assert.match(results[1]?.message ?? "", /hook declined\. The remote says: .*no bad names here/);
    assert.equal(results[1]?.reason, "hook-declined");
    assert.deepEqual(Object.keys(await refsOf(downstream)), ["refs/heads/x", "refs/heads/y"]);
  });

  test(`${way}: a hook that declines a push as a whole costs only the ref that it means`, async (t) => {
    const { a, b, c, downstream, push, peer } = await setUp(t, way);
    await installHook(
      downstream,
      "pre-receive",
      "if grep -q poisoned; then echo 'this one is poisoned'; exit 1; fi",
    );
    const changes = Array.from({ length: 200 }, (_, i) =>
      changeOf(`refs/heads/topic-${i}`, null, [a, b, c][i % 3] ?? a),
    );
    const results = await push([
      ...changes.slice(0, 77),
      changeOf("refs/heads/poisoned", null, a),
      ...changes.slice(77),
    ]);
    const rejected = results.filter((result) => result.outcome !== "created");
    assert.deepEqual(
      rejected.map((result) => result.ref),
      ["refs/heads/poisoned"],
    );
    assert.match(rejected[0]?.message ?? "", /pre-receive hook declined\. The remote says: .*poisoned/);
    assert.equal(Object.keys(await refsOf(downstream)).length, 200);
    const pushes = peer.requests.filter((request) => request.method === "POST").length;
    assert.ok(pushes <= 40, `${pushes} requests`);
  });

  test(`${way}: a hook that declines everything is not asked for ever`, async (t) => {
    const { a, downstream, push, peer } = await setUp(t, way);
    await installHook(downstream, "pre-receive", "exit 1");
    const results = await push(
      Array.from({ length: 600 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a)),
    );
    assert.ok(results.every((result) => result.outcome === "rejected"));
    const pushes = peer.requests.filter((request) => request.method === "POST").length;
    assert.ok(pushes <= 120, `${pushes} requests`);
  });

  test(`${way}: more refs than one push takes`, async (t) => {
    const { a, downstream, push } = await setUp(t, way);
    const results = await push(
      Array.from({ length: 1_200 }, (_, i) => changeOf(`refs/heads/${"long-".repeat(20)}${i}`, null, a)),
    );
    assert.ok(results.every((result) => result.outcome === "created"));
    assert.equal(Object.keys(await refsOf(downstream)).length, 1_200);
  });

  test(`${way}: what is pushed is the commit that the plan saw`, async (t) => {
    const { path, a, c, push, expectRefs } = await setUp(t, way);
    assert.notEqual((await refsOf(path))["refs/heads/main"], a);
    await push([changeOf("refs/heads/main", null, a)]);
    await expectRefs({ "refs/heads/main": a });
    assert.notEqual(a, c);
  });
}

test("the hooks of our own repository are never run", async (t) => {
  const { path, a, push } = await setUp(t, "path");
  await installHook(path, "pre-push", "exit 1");
  assert.deepEqual(outcomes(await push([changeOf("refs/heads/new", null, a)])), ["created"]);
});

test("a remote that misbehaves has its error", async (t) => {
  const { a, peer, push, downstream } = await setUp(t);
  const cases = [
    ["html", "remote-not-git"],
    ["redirect", "remote-redirects"],
    ["not-found", "remote-not-found"],
    ["status:401", "remote-credential"],
    ["status:403", "remote-forbidden"],
    ["status:503", "remote-busy"],
    ["hang", "remote-timeout"],
  ] as const;
  for (const [fault, code] of cases) {
    peer.setFault(fault);
    await assert.rejects(push([changeOf("refs/heads/new", null, a)]), { code }, fault);
  }
  assert.deepEqual(await refsOf(downstream), {});
});

test("a push whose answer is cut off is an error, whatever it did", async (t) => {
  const { a, b, peer, push } = await setUp(t);
  peer.setFault("close-midway");
  const changes = [changeOf("refs/heads/x", null, a), changeOf("refs/heads/y", null, b)];
  await assert.rejects(push(changes), { code: "remote-closed" });
  peer.setFault(null);
  assert.deepEqual(outcomes(await push(changes)), ["created", "created"], "the next push finds out");
});

test("when the line breaks after some refs arrived, each ref has the truth", async (t) => {
  const { a, peer, push, downstream } = await setUp(t);
  await installHook(downstream, "post-receive", "touch arrived");
  const changes = Array.from({ length: 1_100 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a));
  const running = push(changes);
  // The first 500 are through when the second push begins.
  while (peer.requests.filter((request) => request.method === "GET").length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  peer.setFault("close-midway");
  const results = await running;
  assert.deepEqual(new Set(outcomes(results.slice(0, 500))), new Set(["created"]));
  assert.match(
    results[600]?.message ?? "",
    /broke off and may or may not have changed it: .* closed the connection/,
  );
  assert.match(results[1_050]?.message ?? "", /Not pushed, because the push before it broke off/);
  for (const result of results.slice(500)) assert.equal(result.reason, "broken-off");
});

test("an abort is told as such", async (t) => {
  const { a, peer, push } = await setUp(t);
  peer.setFault("hang");
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  await assert.rejects(push([changeOf("refs/heads/new", null, a)], stop.signal), { code: "cancelled" });
});
