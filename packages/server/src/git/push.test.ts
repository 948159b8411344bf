import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { startGitDaemonPeer } from "../../../../test/support/git-daemon-peer.ts";
import { startGitHttpPeer } from "../../../../test/support/git-http-peer.ts";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../../../../test/support/repositories.ts";
import type { RefChange, RefResult } from "../domain/refs.ts";
import { readPushReport } from "./push-report.ts";
import { createRepositories } from "./repositories.ts";

const signal = new AbortController().signal;
const patience = { stallSeconds: 2, silenceSeconds: 8 };

async function setUp(t: Parameters<typeof makeTempDir>[0]) {
  const dir = await makeTempDir(t);
  const repositories = createRepositories({ root: join(dir, "data"), log: makeMemoryLog(), patience });
  const path = await makeRepository(join(dir, "ours.git"));
  const [a = "", b = "", c = ""] = await makeCommits(path, 3);
  const side = await makeCommit(path, { ref: "refs/heads/side", parents: [a] });
  const peers = join(dir, "peers");
  const downstream = await makeRepository(join(peers, "d.git"));
  const peer = await startGitHttpPeer({ root: peers });
  t.after(() => peer.close());
  const push = (changes: readonly RefChange[], url = peer.urlOf("d.git")): Promise<readonly RefResult[]> =>
    repositories.push(path, openRemote(url), changes, { signal });
  const fill = async (refs: Record<string, string>): Promise<void> => {
    await git(path, [
      "push",
      "-q",
      "-f",
      downstream,
      ...Object.entries(refs).map(([ref, oid]) => `${oid}:${ref}`),
    ]);
  };
  return { dir, path, a, b, c, side, peers, downstream, peer, push, fill };
}

async function installHook(repository: string, name: string, script: string): Promise<void> {
  await mkdir(join(repository, "hooks"), { recursive: true });
  await writeFile(join(repository, "hooks", name), `#!/bin/sh\n${script}\n`);
  await chmod(join(repository, "hooks", name), 0o755);
}

function outcomes(results: readonly RefResult[]): string[] {
  return results.map((result) => result.outcome);
}

test("every kind of change arrives over every transport, and is answered in order", async (t) => {
  const { path, a, b, c, side, peers, downstream, peer, push, fill } = await setUp(t);
  const daemon = await startGitDaemonPeer({ root: peers });
  const v0 = await startGitHttpPeer({ root: peers, protocol: 0 });
  t.after(async () => {
    await Promise.all([daemon.close(), v0.close()]);
  });
  const tag = await makeTag(path, "v1", a);
  for (const url of [peer.urlOf("d.git"), v0.urlOf("d.git"), daemon.urlOf("d.git"), downstream]) {
    for (const ref of Object.keys(await refsOf(downstream))) await setRef(downstream, ref, null);
    await fill({
      "refs/heads/main": a,
      "refs/heads/forced": c,
      "refs/heads/gone": a,
      "refs/tags/moved": b,
      "refs/heads/same": a,
    });
    const results = await push(
      [
        changeOf("refs/heads/new", null, b),
        changeOf("refs/heads/main", a, c, "fast-forward"),
        changeOf("refs/heads/forced", c, side, "force"),
        changeOf("refs/heads/gone", a, null),
        changeOf("refs/tags/v1", null, tag),
        changeOf("refs/tags/moved", b, tag, "force"),
      ],
      url,
    );
    assert.deepEqual(
      outcomes(results),
      ["created", "fast-forward", "forced", "deleted", "created", "forced"],
      url,
    );
    assert.deepEqual(await refsOf(downstream), {
      "refs/heads/forced": side,
      "refs/heads/main": c,
      "refs/heads/new": b,
      "refs/heads/same": a,
      "refs/tags/moved": tag,
      "refs/tags/v1": tag,
    });
  }
});

test("a ref that moved at the remote is never overwritten, and the others arrive", async (t) => {
  const { a, b, c, side, downstream, push, fill } = await setUp(t);
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
    changeOf("refs/heads/fine", a, c),
  ]);
  assert.deepEqual(outcomes(results), ["rejected", "rejected", "rejected", "fast-forward"]);
  for (const result of results.slice(0, 3)) assert.match(result.message ?? "", /changed meanwhile/);
  assert.deepEqual(await refsOf(downstream), {
    "refs/heads/fine": c,
    "refs/heads/kept": side,
    "refs/heads/moved": side,
    "refs/heads/there": side,
  });
});

test("a ref that is already where it was to go counts as done; one that is gone cannot be deleted", async (t) => {
  const { a, b, downstream, push, fill } = await setUp(t);
  await fill({ "refs/heads/done": b });
  const results = await push([
    changeOf("refs/heads/done", a, b, "fast-forward"),
    changeOf("refs/heads/gone", a, null),
    changeOf("refs/heads/gone-too", a, null),
    changeOf("refs/heads/new", null, a),
  ]);
  assert.deepEqual(outcomes(results), ["fast-forward", "rejected", "rejected", "created"]);
  assert.deepEqual(await refsOf(downstream), { "refs/heads/done": b, "refs/heads/new": a });
});

test("refs that a hook declines one by one are named, with the hook's words", async (t) => {
  const { a, downstream, push } = await setUp(t);
  await installHook(downstream, "update", 'case $1 in *bad*) echo "no bad names here"; exit 1;; esac');
  const results = await push(
    ["x", "bad-1", "y", "bad-2"].map((name) => changeOf(`refs/heads/${name}`, null, a)),
  );
  assert.deepEqual(outcomes(results), ["created", "rejected", "created", "rejected"]);
  assert.match(results[1]?.message ?? "", /hook declined\. The remote says: .*no bad names here/);
  assert.deepEqual(Object.keys(await refsOf(downstream)), ["refs/heads/x", "refs/heads/y"]);
});

test("a hook that declines a push as a whole costs only the ref that it means", async (t) => {
  const { a, b, c, downstream, push, peer } = await setUp(t);
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

test("a hook that declines everything is not asked for ever", async (t) => {
  const { a, downstream, push, peer } = await setUp(t);
  await installHook(downstream, "pre-receive", "exit 1");
  const results = await push(
    Array.from({ length: 600 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a)),
  );
  assert.ok(results.every((result) => result.outcome === "rejected"));
  const pushes = peer.requests.filter((request) => request.method === "POST").length;
  assert.ok(pushes <= 120, `${pushes} requests`);
});

test("more refs than one push takes", async (t) => {
  const { a, downstream, push } = await setUp(t);
  const results = await push(
    Array.from({ length: 1_100 }, (_, i) => changeOf(`refs/heads/${"long-".repeat(20)}${i}`, null, a)),
  );
  assert.ok(results.every((result) => result.outcome === "created"));
  assert.equal(Object.keys(await refsOf(downstream)).length, 1_100);
});

test("what is pushed is the commit that the plan saw", async (t) => {
  const { path, a, c, downstream, push } = await setUp(t);
  assert.notEqual((await refsOf(path))["refs/heads/main"], a);
  await push([changeOf("refs/heads/main", null, a)]);
  assert.deepEqual(await refsOf(downstream), { "refs/heads/main": a });
  assert.notEqual(a, c);
});

test("the hooks of our own repository are never run", async (t) => {
  const { path, a, push } = await setUp(t);
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
    /broke off and may or may not have changed it: The remote closed/,
  );
  assert.match(results[1_050]?.message ?? "", /Not pushed, because the push before it broke off/);
});

test("an abort is told as such", async (t) => {
  const { path, a, peer, dir } = await setUp(t);
  peer.setFault("hang");
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const repositories = createRepositories({ root: join(dir, "data"), log: makeMemoryLog() });
  const changes = [changeOf("refs/heads/new", null, a)];
  const pushed = repositories.push(path, openRemote(peer.urlOf("d.git")), changes, { signal: stop.signal });
  await assert.rejects(pushed, { code: "cancelled" });
});

test("a report is read as git-push(1) describes it", () => {
  const report = readPushReport(
    [
      "To http://example.com/a.git",
      "*\t1111:refs/heads/new\t[new branch]",
      " \t1111:refs/heads/ff\t1111111..2222222",
      "+\t1111:refs/heads/forced\t1111111...2222222 (forced update)",
      "-\t:refs/heads/gone\t[deleted]",
      "=\t1111:refs/heads/same\t[up to date]",
      "!\t1111:refs/heads/stale\t[rejected] (stale info)",
      "!\t(delete):refs/heads/(odd)\t[remote rejected] (hook declined)",
      "Done",
      "",
    ].join("\n"),
  );
  assert.deepEqual(
    [...report].map(([ref, { flag, reason }]) => [ref, flag, reason]),
    [
      ["refs/heads/new", "*", ""],
      ["refs/heads/ff", " ", ""],
      ["refs/heads/forced", "+", "forced update"],
      ["refs/heads/gone", "-", ""],
      ["refs/heads/same", "=", ""],
      ["refs/heads/stale", "!", "stale info"],
      ["refs/heads/(odd)", "!", "hook declined"],
    ],
  );
});
