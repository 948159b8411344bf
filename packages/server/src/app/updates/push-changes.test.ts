import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { access, chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { changeOf, makeMemoryLog, openRemote } from "../../../../../test/support/git-adapter.ts";
import { startGitDaemonPeer } from "../../../../../test/support/git-daemon-peer.ts";
import {
  type GitHttpPeer,
  type PeerFault,
  startGitHttpPeer,
} from "../../../../../test/support/git-http-peer.ts";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
} from "../../../../../test/support/repositories.ts";
import { waitFor } from "../../../../../test/support/wait-for.ts";
import type { UpdateProgress } from "../../domain/mirror.ts";
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
  const push = async (
    changes: readonly RefChange[],
    signal: AbortSignal = t.signal,
  ): Promise<readonly RefResult[]> =>
    (await pushChanges({ repositories, remotes }, path, openRemote(url), changes, { signal })).results;
  const pushAll = (
    changes: readonly RefChange[],
    onProgress = (_: UpdateProgress): void => {},
    signal: AbortSignal = t.signal,
  ) => pushChanges({ repositories, remotes }, path, openRemote(url), changes, { signal, onProgress });
  const fill = async (refs: Record<string, string>): Promise<void> => {
    const refspecs = Object.entries(refs).map(([ref, oid]) => `${oid}:${ref}`);
    await git(path, ["push", "-q", "-f", downstream, ...refspecs]);
  };
  /** Git is the judge: these refs, and all that they need. */
  const expectRefs = async (refs: Record<string, string>): Promise<void> => {
    assert.deepEqual(await refsOf(downstream), refs);
    await git(downstream, ["fsck", "--connectivity-only", "--no-dangling"]);
  };
  return { path, a, b, c, side, downstream, peer, push, pushAll, fill, expectRefs, log };
}

async function installHook(repository: string, name: string, script: string): Promise<void> {
  await mkdir(join(repository, "hooks"), { recursive: true });
  await writeFile(join(repository, "hooks", name), `#!/bin/sh\n${script}\n`);
  await chmod(join(repository, "hooks", name), 0o755);
}

/** Sets a fault once the first push has arrived, whose answer the downstream keeps back until then. */
async function failAfterFirst(
  { downstream, peer }: { readonly downstream: string; readonly peer: GitHttpPeer },
  fault: PeerFault,
): Promise<void> {
  const [arrived, go] = [join(downstream, "arrived"), join(downstream, "go")];
  const look = () =>
    access(arrived).then(
      () => true,
      () => false,
    );
  await waitFor(look, { message: "the first push arrived" });
  peer.setFault(fault);
  await writeFile(go, "");
}

const WAIT_FOR_GO = "touch arrived; while [ ! -e go ]; do sleep 0.02; done";

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

  test(`${way}: a ref that the remote's words name is set apart at once`, async (t) => {
    const { a, downstream, push, peer } = await setUp(t, way);
    const script =
      'while read old new ref; do case $ref in *-bad-*) echo "$ref: is protected"; exit 1;; esac; done';
    await installHook(downstream, "pre-receive", script);
    const names = Array.from({ length: 300 }, (_, i) => `topic${i % 100 === 50 ? "-bad-" : "-"}${i}`);
    const results = await push(names.map((name) => changeOf(`refs/heads/${name}`, null, a)));
    const rejected = results.filter((result) => result.outcome !== "created");
    assert.deepEqual(
      rejected.map(({ ref, reason }) => [ref, reason]),
      [50, 150, 250].map((i) => [`refs/heads/topic-bad-${i}`, "protected-branch"]),
    );
    for (const { ref, message } of rejected) assert.match(message ?? "", new RegExp(`says: ${ref}: is`));
    const pushes = peer.requests.filter((request) => request.method === "POST").length;
    assert.ok(pushes <= 7, `${pushes} pushes: one whole, and for each bad one itself and the others`);
  });

  test(`${way}: words that name the wrong ref lead nobody astray`, async (t) => {
    const { a, downstream, push } = await setUp(t, way);
    const script =
      'if grep -q culprit; then echo "refs/heads/topic-7 is to blame, and \x1b[31m\0"; exit 1; fi';
    await installHook(downstream, "pre-receive", script);
    const names = [...Array.from({ length: 40 }, (_, i) => `topic-${i}`), "culprit"];
    const results = await push(names.map((name) => changeOf(`refs/heads/${name}`, null, a)));
    assert.deepEqual(
      results.filter(({ outcome }) => outcome !== "created").map(({ ref }) => ref),
      ["refs/heads/culprit"],
    );
    assert.equal(Object.keys(await refsOf(downstream)).length, 40);
  });

  test(`${way}: bad refs here and there are all found`, async (t) => {
    const { a, downstream, push } = await setUp(t, way);
    await installHook(downstream, "pre-receive", "if grep -q bad; then exit 1; fi");
    const bad = new Set([0, 1, 63, 64, 499]);
    const names = Array.from({ length: 500 }, (_, i) => `${bad.has(i) ? "bad" : "topic"}-${i}`);
    const results = await push(names.map((name) => changeOf(`refs/heads/${name}`, null, a)));
    assert.deepEqual(
      results.flatMap(({ outcome }, i) => (outcome === "created" ? [] : [i])),
      [...bad],
    );
    for (const i of bad) assert.equal(results[i]?.reason, "hook-declined");
  });

  test(`${way}: a host that takes fewer refs at once gets fewer, whether it says so or not`, async (t) => {
    const limit = "Pushes can not update more than 20 branches or tags.";
    for (const said of [`echo "- ${limit}" >&2;`, ""]) {
      const { a, downstream, push, peer } = await setUp(t, way);
      await installHook(downstream, "pre-receive", `test "$(wc -l)" -le 20 || { ${said} exit 1; }`);
      const results = await push(
        Array.from({ length: 120 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a)),
      );
      assert.deepEqual(new Set(outcomes(results)), new Set(["created"]));
      const pushes = peer.requests.filter((request) => request.method === "POST").length;
      assert.ok(pushes <= (said === "" ? 45 : 7), `${pushes} pushes`);
    }
  });

  test(`${way}: the search for a bad ref does not cost those for which the plan makes room`, async (t) => {
    const { a, b, downstream, push, fill } = await setUp(t, way);
    await fill({ "refs/heads/x": a });
    await installHook(downstream, "pre-receive", "if grep -q bad; then exit 1; fi");
    const results = await push([
      changeOf("refs/heads/x", a, null),
      ...Array.from({ length: 20 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a)),
      changeOf("refs/heads/x/y", null, b),
      changeOf("refs/heads/bad", null, a),
    ]);
    assert.deepEqual(
      results.filter(({ outcome }) => outcome === "rejected").map(({ ref }) => ref),
      ["refs/heads/bad"],
    );
    assert.equal((await refsOf(downstream))["refs/heads/x/y"], b);
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

test("a ref whose objects are damaged here is named as such, and holds up no other", async (t) => {
  for (const way of WAYS) {
    const { path, a, b, push, expectRefs } = await setUp(t, way);
    const bad = await makeCommit(path, { ref: "refs/heads/bad", parents: [a], files: { lost: way } });
    const blob = await git(path, ["rev-parse", `${bad}:lost`]);
    await rm(join(path, "objects", blob.slice(0, 2), blob.slice(2)));
    const results = await push([
      changeOf("refs/heads/bad", null, bad),
      changeOf("refs/heads/main", null, b),
      changeOf("refs/heads/other", null, a),
    ]);
    assert.deepEqual(
      results.map(({ outcome, reason }) => [outcome, reason]),
      [
        ["rejected", "corrupt-object"],
        ["created", undefined],
        ["created", undefined],
      ],
      way,
    );
    assert.match(
      results[0]?.message ?? "",
      new RegExp(`repository on this server is damaged.* The object: ${blob}`),
    );
    await expectRefs({ "refs/heads/main": b, "refs/heads/other": a });
  }
});

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
  await installHook(downstream, "post-receive", WAIT_FOR_GO);
  const changes = Array.from({ length: 1_100 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a));
  const running = push(changes);
  await failAfterFirst({ downstream, peer }, "close-midway");
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

test("an abort after some refs arrived forgets nothing: each ref has the truth", async (t) => {
  for (const way of WAYS) {
    const { a, pushAll, downstream } = await setUp(t, way);
    // The first push arrives, the second is held.
    await installHook(
      downstream,
      "pre-receive",
      "cat > /dev/null; [ ! -e first ] || { touch held; while [ ! -e go ]; do sleep 0.02; done; }; touch first",
    );
    const changes = Array.from({ length: 1_100 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a));
    const stop = new AbortController();
    const running = pushAll(changes, () => {}, stop.signal);
    await waitFor(() => existsSync(join(downstream, "held")), { message: "the second push is held" });
    stop.abort();
    const { results, brokenOffBy } = await running;
    assert.equal(brokenOffBy?.code, "cancelled", way);
    assert.deepEqual(new Set(outcomes(results.slice(0, 500))), new Set(["created"]));
    assert.match(results[600]?.message ?? "", /^The update was stopped while this ref was pushed/);
    assert.match(results[1_050]?.message ?? "", /^Not pushed, because the update was stopped\.$/);
    for (const result of results.slice(500)) assert.equal(result.reason, "broken-off");
    await writeFile(join(downstream, "go"), "");
  }
});

test("10,000 refs pass a host that takes no more than 500 at once, and little is held of them", async (t) => {
  const { a, downstream, push, peer } = await setUp(t);
  await git(downstream, ["config", "receive.autogc", "false"]);
  await installHook(downstream, "pre-receive", 'test "$(wc -l)" -le 500');
  const changes = Array.from({ length: 10_000 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a));
  globalThis.gc?.();
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }, 5);
  t.after(() => clearInterval(timer));
  const results = await push(changes);
  assert.deepEqual(new Set(outcomes(results)), new Set(["created"]));
  assert.equal(Object.keys(await refsOf(downstream)).length, 10_000);
  const [lists, pushes] = ["GET", "POST"].map(
    (method) => peer.requests.filter((request) => request.method === method).length,
  );
  assert.equal(pushes, 20);
  assert.ok((lists ?? 0) < 5, `${lists} listings`);
  assert.ok(peak < 20_000_000, `${peak} bytes`);
});

test("a host that throttles in the middle is left alone, and each ref has the truth", async (t) => {
  const { a, peer, pushAll, downstream } = await setUp(t);
  await installHook(downstream, "post-receive", WAIT_FOR_GO);
  const changes = Array.from({ length: 1_100 }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, a));
  const running = pushAll(changes);
  await failAfterFirst({ downstream, peer }, "status:429");
  const { results, brokenOffBy } = await running;
  assert.equal(brokenOffBy?.code, "remote-busy");
  assert.deepEqual(new Set(outcomes(results.slice(0, 500))), new Set(["created"]));
  assert.deepEqual(new Set(results.slice(500).map(({ reason }) => reason)), new Set(["broken-off"]));
  assert.equal(peer.requests.filter((request) => request.method === "POST").length, 2, "no third push");
});

test("who watches is told objects and bytes, and the bytes are counted over all pushes", async (t) => {
  const { path, a, pushAll } = await setUp(t);
  await git(path, ["config", "core.compression", "0"]);
  const big = await makeCommit(path, {
    parents: [a],
    files: { large: randomBytes(6_000_000).toString("hex") },
  });
  const seen: UpdateProgress[] = [];
  const { bytesSent } = await pushAll([changeOf("refs/heads/big", null, big)], (progress) =>
    seen.push(progress),
  );
  assert.ok(bytesSent > 12_000_000 && bytesSent < 13_000_000, `${bytesSent} bytes`);
  assert.equal(seen.findLast(({ bytes }) => bytes !== null)?.bytes, bytesSent);
  const last = seen.findLast(({ phase }) => phase === "Writing objects");
  assert.ok((last?.total ?? 0) >= 3 && last?.done === last?.total, "all objects");
  assert.ok(seen.some(({ bytesPerSecond }) => (bytesPerSecond ?? 0) > 0));
});
