import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { startGitHttpPeer } from "../../../../test/support/git-http-peer.ts";
import { makeNoise } from "../../../../test/support/incompressible.ts";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../../../../test/support/repositories.ts";
import type { OpenPack } from "../app/ports.ts";
import type { PushVerdict } from "../domain/push-verdict.ts";
import type { RefChange } from "../domain/refs.ts";
import { createRepositories } from "../git/repositories.ts";
import { createRemotes } from "./remotes.ts";

const CREDENTIAL = { username: "mirror-user", password: "s3cret/p@ssword" };
const BASIC = Buffer.from(`${CREDENTIAL.username}:${CREDENTIAL.password}`).toString("base64");

interface Proxied {
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  /** The client's port: which connection it came by. */
  readonly port: number | undefined;
  /** Of the answer's head and the commands, no more than this is kept. */
  body: string;
  size: number;
}

/** What a proxy does to what goes through it; what is left out goes as it is. */
interface Meddling {
  /** Pairs of words of one length, so that the framing holds. */
  readonly capabilities?: readonly (readonly [string, string])[];
  /** Answers a push itself, once all of it is there. */
  readonly answerPush?: (response: ServerResponse) => void;
  /** Answers a push itself as soon as it begins. */
  readonly answerEarly?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A proxy before a real git server, which edits what the server says it can do. */
async function startProxy(t: TestContext, target: string, meddling: Meddling) {
  const seen: Proxied[] = [];
  const server = createServer((request, response) => {
    const one: Proxied = {
      method: request.method ?? "",
      headers: request.headers,
      port: request.socket.remotePort,
      body: "",
      size: 0,
    };
    seen.push(one);
    if (request.method === "POST" && meddling.answerEarly) {
      meddling.answerEarly(request, response);
      return;
    }
    const headers = { ...request.headers, "accept-encoding": "identity" };
    const own = meddling.answerPush;
    const onward =
      own && request.method === "POST"
        ? null
        : httpRequest(`${target}${request.url}`, { method: request.method, headers }, (answer) => {
            response.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.on("data", (chunk: Buffer) => {
              let text = chunk.toString("latin1");
              for (const [from, to] of request.method === "GET" ? (meddling.capabilities ?? []) : [])
                text = text.replace(from, to);
              response.write(Buffer.from(text, "latin1"));
            });
            answer.on("end", () => response.end());
          });
    onward?.on("error", () => response.destroy());
    response.on("close", () => onward?.destroy());
    request.on("data", (chunk: Buffer) => {
      one.size += chunk.length;
      if (one.body.length < 10_000) one.body += chunk.toString("latin1");
      if (onward && !onward.write(chunk)) {
        request.pause();
        onward.once("drain", () => request.resume());
      }
    });
    request.on("end", () => {
      onward?.end();
      if (!onward) own?.(response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function setUp(t: TestContext, meddling: Meddling = {}, pushIdleMs = 600) {
  const dir = await makeTempDir(t);
  const log = makeMemoryLog();
  const repositories = createRepositories({ root: join(dir, "data"), log });
  const limits = { idleMs: 1_000, pushIdleMs };
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test", limits });
  const path = await makeRepository(join(dir, "ours.git"));
  const [a = "", b = "", c = ""] = await makeCommits(path, 3);
  const peers = join(dir, "peers");
  const downstream = await makeRepository(join(peers, "d.git"));
  const peer = await startGitHttpPeer({ root: peers, auth: CREDENTIAL });
  const proxy = await startProxy(t, peer.url, meddling);
  t.after(async () => {
    await remotes.close();
    await peer.close();
  });
  const remote = openRemote(`${proxy.url}/d.git`, { credential: CREDENTIAL });
  const openPack: OpenPack = (request, signal) => repositories.packObjects(path, request, { signal });
  const push = (changes: readonly RefChange[], open = openPack, signal = t.signal) =>
    remotes.openPush(remote, open, { signal })(changes);
  const fsck = () => git(downstream, ["fsck", "--connectivity-only", "--no-dangling"]);
  return { dir, a, b, c, path, downstream, peer, proxy, push, openPack, fsck, log, remotes };
}

function outcomes(verdicts: readonly PushVerdict[]): string[] {
  return verdicts.map(({ result }) => result.outcome);
}

function failure(code: string) {
  return (error: unknown) => {
    assert.equal(error instanceof Error && "code" in error && error.code, code, inspect(error));
    assertNoSecret(inspect(error, { depth: 10, showHidden: true }));
    return true;
  };
}

function assertNoSecret(text: string): void {
  for (const secret of [CREDENTIAL.password, encodeURIComponent(CREDENTIAL.password), BASIC])
    assert.ok(!text.includes(secret), "tells the credential");
}

/** What has to be put in place of a capability to take it away. */
const without = (name: string) => [[` ${name} `, ` ${"x".repeat(name.length)} `]] as const;

test("a push is two requests on one connection, signed in at once, with the commands that git sends", async (t) => {
  const { a, proxy, push } = await setUp(t);
  assert.deepEqual(outcomes(await push([changeOf("refs/heads/main", null, a)])), ["created"]);
  const [get, post, ...more] = proxy.seen;
  assert.equal(more.length, 0);
  assert.equal(get?.port, post?.port);
  assert.equal(get?.headers.authorization, `Basic ${BASIC}`);
  assert.equal(post?.headers.authorization, `Basic ${BASIC}`);
  assert.equal(post?.headers["content-type"], "application/x-git-receive-pack-request");
  assert.equal(post?.headers["content-length"], String(post?.size), "small: not in chunks");
  assert.match(
    post?.body ?? "",
    new RegExp(
      `^00..0{40} ${a} refs/heads/main\0 report-status-v2 side-band-64k quiet object-format=sha1 agent=git/heliostat-test0000PACK`,
    ),
  );
});

test("whatever a remote cannot do, the push arrives all the same", async (t) => {
  for (const name of ["side-band-64k", "report-status-v2", "ofs-delta", "quiet", "object-format=sha1"]) {
    const { a, b, c, push, proxy, downstream, fsck } = await setUp(t, { capabilities: without(name) });
    assert.deepEqual(outcomes(await push([changeOf("refs/heads/main", null, a)])), ["created"], name);
    assert.deepEqual(
      outcomes(
        await push([
          changeOf("refs/heads/main", a, c, "fast-forward"),
          changeOf("refs/heads/stale", b, c, "force"),
        ]),
      ),
      ["fast-forward", "rejected"],
      name,
    );
    assert.deepEqual(await refsOf(downstream), { "refs/heads/main": c }, name);
    await fsck();
    assert.ok(!proxy.seen.some(({ body }) => body.includes(` ${name} `)), name);
  }
});

test("deletions are not sent where they are not allowed, and need no pack where they are", async (t) => {
  const refused = await setUp(t, { capabilities: without("delete-refs") });
  await refused.push([changeOf("refs/heads/x", null, refused.a)]);
  const [verdict] = await refused.push([changeOf("refs/heads/x", refused.a, null)]);
  assert.match(verdict?.result.message ?? "", /does not allow refs to be deleted/);
  assert.deepEqual(Object.keys(await refsOf(refused.downstream)), ["refs/heads/x"]);
  assert.equal(refused.proxy.seen.at(-1)?.method, "GET");

  const taken = await setUp(t);
  await taken.push([changeOf("refs/heads/x", null, taken.a)]);
  assert.deepEqual(outcomes(await taken.push([changeOf("refs/heads/x", taken.a, null)])), ["deleted"]);
  assert.ok(!taken.proxy.seen.at(-1)?.body.includes("PACK"));
  assert.deepEqual(await refsOf(taken.downstream), {});
});

test("a ref to what the remote has costs an empty pack; a change of a large file, a thin one", async (t) => {
  const { path, a, push, proxy, fsck } = await setUp(t);
  const lines = randomBytes(100_000).toString("base64");
  const one = await makeCommit(path, { parents: [a], files: { large: lines } });
  const two = await makeCommit(path, { parents: [one], files: { large: `${lines}!` } });
  await push([changeOf("refs/heads/main", null, one)]);
  await push([changeOf("refs/heads/again", null, one)]);
  assert.ok((proxy.seen.at(-1)?.size ?? 0) < 250, "an empty pack");
  await push([changeOf("refs/heads/main", one, two, "fast-forward")]);
  assert.ok((proxy.seen.at(-1)?.size ?? 0) < 2_000, "a delta against what the remote has");
  await fsck();
});

test("a remote that takes no thin packs gets none", async (t) => {
  const { path, a, push, proxy, fsck } = await setUp(t, { capabilities: [[" ofs-delta ", "  no-thin  "]] });
  const lines = randomBytes(100_000).toString("base64");
  const one = await makeCommit(path, { parents: [a], files: { large: lines } });
  const two = await makeCommit(path, { parents: [one], files: { large: `${lines}!` } });
  await push([changeOf("refs/heads/main", null, one)]);
  await push([changeOf("refs/heads/main", one, two, "fast-forward")]);
  assert.ok((proxy.seen.at(-1)?.size ?? 0) > 90_000);
  await fsck();
});

test("what only the remote has is passed over", async (t) => {
  const { path, downstream, a, b, push, fsck } = await setUp(t);
  await git(path, ["push", "-q", downstream, `${a}:refs/heads/main`]);
  const theirs = await makeCommit(downstream, { ref: "refs/heads/theirs" });
  const verdicts = await push([changeOf("refs/heads/main", a, b, "fast-forward")]);
  assert.deepEqual(outcomes(verdicts), ["fast-forward"]);
  assert.deepEqual(await refsOf(downstream), { "refs/heads/main": b, "refs/heads/theirs": theirs });
  await fsck();
});

test("a lease holds until the remote writes: a ref that moves after it was listed is kept", async (t) => {
  const { path, downstream, a, b, c, push, openPack, fsck } = await setUp(t);
  await git(path, ["push", "-q", downstream, `${a}:refs/heads/main`, `${c}:refs/heads/other`]);
  const [verdict] = await push(
    [changeOf("refs/heads/main", a, b, "fast-forward")],
    async (request, signal) => {
      await git(downstream, ["update-ref", "refs/heads/main", c]);
      return openPack(request, signal);
    },
  );
  assert.equal(verdict?.result.outcome, "rejected");
  assert.equal((await refsOf(downstream))["refs/heads/main"], c);
  await fsck();
});

test("a hook's words reach the message, without what it may echo", async (t) => {
  const { downstream, a, push } = await setUp(t);
  await mkdir(join(downstream, "hooks"), { recursive: true });
  const hook = join(downstream, "hooks", "pre-receive");
  await writeFile(hook, `#!/bin/sh\necho "no way, ${CREDENTIAL.password}: größer" >&2\nexit 1\n`);
  await chmod(hook, 0o755);
  const [verdict] = await push([changeOf("refs/heads/main", null, a)]);
  assert.match(
    verdict?.result.message ?? "",
    /refused it: pre-receive hook declined\. The remote says: no way, .*: größer/,
  );
  assert.equal(verdict?.isOfWholePush, true);
  assertNoSecret(inspect(verdict));
});

test("a pack that breaks off never passes for whole: the request is broken off with it", async (t) => {
  const { path, downstream, a, proxy, push, openPack } = await setUp(t);
  await git(path, ["config", "core.compression", "0"]);
  const files = { large: randomBytes(4_000_000).toString("base64") };
  const big = await makeCommit(path, { parents: [a], files });
  const failing: OpenPack = async (request, signal) => {
    const pack = await openPack(request, signal);
    const failed = pack.done.then(() => Promise.reject(new Error("not whole")));
    failed.catch(() => {});
    return { stream: pack.stream, done: failed };
  };
  await assert.rejects(push([changeOf("refs/heads/main", null, big)], failing), /not whole/);
  assert.deepEqual(await refsOf(downstream), {});
  assert.equal(proxy.seen.at(-1)?.headers["transfer-encoding"], "chunked");
  await assert.rejects(push([changeOf("refs/heads/main", null, a)], failing), /not whole/);
  assert.equal(proxy.seen.at(-1)?.method, "GET", "a small one is never begun");
});

test("objects that are missing here are our fault, told before anything is sent", async (t) => {
  const { downstream, proxy, push } = await setUp(t);
  await assert.rejects(
    push([changeOf("refs/heads/main", null, "1".repeat(40))]),
    failure("repository-corrupt"),
  );
  assert.equal(proxy.seen.at(-1)?.method, "GET");
  assert.deepEqual(await refsOf(downstream), {});
});

test("an answer to the push that is none has its error, and never the credential", async (t) => {
  const RESULT = { "content-type": "application/x-git-receive-pack-result" };
  const cases: readonly (readonly [string, string, (response: ServerResponse) => void])[] = [
    ["401", "remote-credential", (r) => r.writeHead(401).end()],
    ["403", "remote-forbidden", (r) => r.writeHead(403).end()],
    ["404", "remote-not-found", (r) => r.writeHead(404).end()],
    ["413", "remote-too-large", (r) => r.writeHead(413).end()],
    ["503", "remote-busy", (r) => r.writeHead(503).end()],
    ["redirect", "remote-redirects", (r) => r.writeHead(307, { location: "/d.git/git-receive-pack" }).end()],
    ["html", "remote-not-git", (r) => r.writeHead(200, { "content-type": "text/html" }).end("<p>")],
    ["nothing", "remote-closed", (r) => r.writeHead(200, RESULT).end()],
    ["half", "remote-closed", (r) => r.writeHead(200, RESULT).end("0013\x01000eunpack ok\n")],
    ["junk", "remote-not-git", (r) => r.writeHead(200, RESULT).end("hello, world")],
    [
      "band 3",
      "remote-forbidden",
      (r) => r.writeHead(200, RESULT).end(frame(`\x03access denied for ${CREDENTIAL.password}`)),
    ],
    ["close", "remote-closed", (r) => r.destroy()],
    ["hang", "remote-timeout", () => {}],
  ];
  for (const [what, code, answerPush] of cases) {
    const { a, push, proxy } = await setUp(t, { answerPush });
    await assert.rejects(push([changeOf("refs/heads/main", null, a)]), failure(code), what);
    assert.equal(proxy.seen.filter(({ method }) => method === "POST").length, 1, `${what}: sent once`);
  }
});

test("a remote that works in silence is waited for as long as it gives signs of life", async (t) => {
  const { a, push } = await setUp(t, {
    answerPush: (response) => {
      response.writeHead(200, { "content-type": "application/x-git-receive-pack-result" });
      let count = 0;
      const timer = setInterval(() => {
        count += 1;
        response.write("0005\x02");
        if (count < 5) return;
        clearInterval(timer);
        response.end(report("refs/heads/main"));
      }, 300);
    },
  });
  assert.deepEqual(outcomes(await push([changeOf("refs/heads/main", null, a)])), ["created"]);
});

const frame = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;

function report(ref: string): string {
  return `${frame(`\x01${frame("unpack ok\n")}${frame(`ok ${ref}\n`)}0000`)}0000`;
}

test("a remote that stops taking the pack is given up; an abort ends git too", async (t) => {
  const { path, a, push, openPack, peer } = await setUp(t, { answerEarly: (request) => request.pause() });
  await git(path, ["config", "core.compression", "0"]);
  const big = await makeCommit(path, {
    parents: [a],
    files: { large: randomBytes(30_000_000).toString("base64") },
  });
  const ended: string[] = [];
  const watched: OpenPack = async (request, signal) => {
    const pack = await openPack(request, signal);
    pack.done.then(
      () => ended.push("whole"),
      (error: { code?: string }) => ended.push(error.code ?? "?"),
    );
    return pack;
  };
  const changes = [changeOf("refs/heads/main", null, big)];
  await assert.rejects(push(changes, watched), failure("remote-timeout"));
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 200);
  await assert.rejects(push(changes, watched, stop.signal), failure("cancelled"));
  assert.deepEqual(ended, ["cancelled", "cancelled"], "git is gone when the push is");
  assert.ok(peer.requests.every(({ method }) => method === "GET"));
});

test("a remote that refuses a large push at its beginning is heard", async (t) => {
  const { path, a, push } = await setUp(t, {
    answerEarly: (request, response) => {
      response.writeHead(413).end("too large");
      request.resume();
    },
  });
  await git(path, ["config", "core.compression", "0"]);
  const files = { large: randomBytes(8_000_000).toString("base64") };
  const big = await makeCommit(path, { parents: [a], files });
  await assert.rejects(push([changeOf("refs/heads/main", null, big)]), failure("remote-too-large"));
});

test("200 MB pass through without being held", async (t) => {
  const { path, push, downstream, proxy, fsck } = await setUp(t, {}, 20_000);
  for (const [key, value] of [
    ["core.compression", "0"],
    ["core.bigFileThreshold", "64k"],
  ] as const)
    await git(path, ["config", key, value]);
  const tip = await makeNoise(path, 200_000_000);
  globalThis.gc?.();
  const before = process.memoryUsage();
  let peak = 0;
  const timer = setInterval(() => {
    const now = process.memoryUsage();
    peak = Math.max(peak, now.arrayBuffers + now.heapUsed - before.arrayBuffers - before.heapUsed);
  }, 5);
  t.after(() => clearInterval(timer));
  assert.deepEqual(outcomes(await push([changeOf("refs/heads/main", null, tip)])), ["created"]);
  assert.ok((proxy.seen.at(-1)?.size ?? 0) > 190_000_000);
  assert.ok(peak < 100_000_000, `${peak} bytes`);
  assert.deepEqual(await refsOf(downstream), { "refs/heads/main": tip });
  await fsck();
});

test("the connection goes to the checked address, whatever the name says", async (t) => {
  const { a, peer, remotes, openPack } = await setUp(t);
  const url = peer.urlOf("d.git").replace("127.0.0.1", "no-such-host.invalid");
  const remote = openRemote(url, { credential: CREDENTIAL });
  const changes = [changeOf("refs/heads/main", null, a)];
  assert.deepEqual(outcomes(await remotes.openPush(remote, openPack, { signal: t.signal })(changes)), [
    "created",
  ]);
  assert.equal(peer.requests[0]?.headers.host, new URL(url).host);
});
