import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { FLUSH_PKT, pktLine } from "../../../../test/support/pkt-line.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTempDir,
  refsOf,
  setRef,
} from "../../../../test/support/repositories.ts";
import type { PushedRef, PushPlan } from "../app/ports.ts";
import { branchRef } from "../domain/ref-name.ts";
import { createRepositories } from "./repositories.ts";

interface Exchange {
  readonly service: string;
  readonly updates: Promise<readonly PushedRef[]>;
}

/** Everything may come, and nothing is said of it. */
const ANY_PUSH: PushPlan = {
  ...{ refusals: [], fastForwardOnly: [], notes: [], maxFileBytes: null, maxPushBytes: null },
};

/** The thinnest smart HTTP door there can be around one repository. */
async function setUp(t: Parameters<typeof makeTempDir>[0], plan: () => PushPlan = () => ANY_PUSH) {
  const dir = await makeTempDir(t);
  const log = makeMemoryLog();
  const repositories = createRepositories({ root: join(dir, "data"), log });
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  const exchanges: Exchange[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const service = /git-(upload-pack|receive-pack)/.exec(request.url ?? "")?.[1];
    assert.ok(service === "upload-pack" || service === "receive-pack");
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const protocol = request.headers["git-protocol"];
    const exchange = { protocol: typeof protocol === "string" ? protocol : null, signal: gone.signal };
    if (request.method === "GET") {
      response.setHeader("Content-Type", `application/x-git-${service}-advertisement`);
      response.write(`${pktLine(`# service=git-${service}\n`)}${FLUSH_PKT}`);
      response.end(await repositories.advertise(path, service, exchange));
      return;
    }
    response.setHeader("Content-Type", `application/x-git-${service}-result`);
    const isPacked = request.headers["content-encoding"] === "gzip";
    const input = isPacked ? request.pipe(createGunzip()) : request;
    const updates =
      service === "receive-pack"
        ? repositories
            .receivePack(path, { ...exchange, decide: async () => plan() }, input, response)
            .then(({ pushed }) => pushed)
        : repositories.servePack(path, exchange, input, response).then(() => []);
    exchanges.push({ service, updates });
    await updates.catch(() => {});
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const lastUpdates = async () => {
    const last = exchanges.filter((one) => one.service === "receive-pack").at(-1);
    assert.ok(last);
    return last.updates;
  };
  return {
    dir,
    path,
    repositories,
    exchanges,
    lastUpdates,
    port,
    url: `http://127.0.0.1:${port}/1.git`,
    log,
  };
}

test("clients push and clone, in version 0 and 2, and every changed ref is told", async (t) => {
  const { dir, path, url, lastUpdates } = await setUp(t);
  const work = await makeRepository(join(dir, "work.git"));
  const [a = "", b = ""] = await makeCommits(work, 2);
  await git(work, ["push", "-q", url, `${a}:refs/heads/main`, `${a}:refs/heads/gone`]);
  assert.deepEqual(byName(await lastUpdates()), [
    { ref: "refs/heads/gone", old: null, new: a },
    { ref: "refs/heads/main", old: null, new: a },
  ]);
  await git(work, ["push", "-q", url, `${b}:refs/heads/main`, ":refs/heads/gone"]);
  assert.deepEqual(byName(await lastUpdates()), [
    { ref: "refs/heads/gone", old: a, new: null },
    { ref: "refs/heads/main", old: a, new: b },
  ]);
  assert.deepEqual(await refsOf(path), { "refs/heads/main": b });
  await checkRepository(path);
  for (const version of [0, 1, 2]) {
    const clone = join(dir, `clone-${version}`);
    await git(dir, ["-c", `protocol.version=${version}`, "clone", "-q", "--bare", url, clone]);
    assert.deepEqual(await refsOf(clone), { "refs/heads/main": b });
    const c = await makeCommit(work);
    await git(work, ["push", "-q", url, `${c}:refs/heads/v${version}`]);
    await git(clone, ["-c", `protocol.version=${version}`, "fetch", "-q", url, `refs/heads/v${version}`]);
    await setRef(path, `refs/heads/v${version}`, null);
  }
});

test("a push that changes nothing tells nothing, and one that is refused in part tells the rest", async (t) => {
  const { dir, path, url, lastUpdates, exchanges } = await setUp(t);
  const work = await makeRepository(join(dir, "work.git"));
  const [a = "", b = ""] = await makeCommits(work, 2);
  await git(work, ["push", "-q", url, `${a}:refs/heads/main`, `${a}:refs/heads/x`]);
  await git(work, ["push", "-q", url, `${a}:refs/heads/main`]);
  assert.equal(exchanges.length, 1, "git has nothing to say to the server");
  await mkdir(join(path, "refs/heads"), { recursive: true });
  await writeFile(join(path, "refs/heads/x.lock"), "");
  await assert.rejects(git(work, ["push", "-q", url, `${b}:refs/heads/main`, `${b}:refs/heads/x`]));
  assert.deepEqual(await lastUpdates(), [{ ref: "refs/heads/main", old: a, new: b }]);
});

test("hooks and refs of the repository's own are not for clients", async (t) => {
  const { dir, path, url, lastUpdates } = await setUp(t);
  const work = await makeRepository(join(dir, "work.git"));
  const a = await makeCommit(work);
  await mkdir(join(path, "hooks"), { recursive: true });
  for (const hook of ["pre-receive", "update", "post-receive", "post-update", "reference-transaction"]) {
    await writeFile(join(path, "hooks", hook), "#!/bin/sh\ntouch hook-ran\nexit 1\n");
    await chmod(join(path, "hooks", hook), 0o755);
  }
  await git(work, ["push", "-q", url, `${a}:refs/heads/main`]);
  assert.equal((await lastUpdates()).length, 1);
  assert.equal(existsSync(join(path, "hook-ran")), false);
  await rm(join(path, "hooks"), { recursive: true });
  await setRef(path, "refs/heliostat/ledger/1", a);
  await git(path, ["config", "--unset", "transfer.hideRefs"]);
  const shown = await git(work, ["ls-remote", url]);
  assert.match(shown, /refs\/heads\/main/);
  assert.doesNotMatch(shown, /heliostat/);
  await assert.rejects(git(work, ["push", "-q", url, `${a}:refs/heliostat/mine`]), /hidden ref/);
  await assert.rejects(git(work, ["push", "-q", url, ":refs/heliostat/ledger/1"]));
});

test("partial clones are served", async (t) => {
  const { dir, url } = await setUp(t);
  const work = await makeRepository(join(dir, "work.git"));
  await makeCommits(work, 3);
  await git(work, ["push", "-q", url, "refs/heads/main:refs/heads/main"]);
  await git(dir, ["clone", "-q", "--bare", "--filter=blob:none", url, join(dir, "partial.git")]);
  await git(dir, ["clone", "-q", "--bare", "--depth=1", url, join(dir, "shallow.git")]);
});

test("the probe of four bytes that clients send first is answered", async (t) => {
  const { path, repositories } = await setUp(t);
  const output = new PassThrough();
  output.resume();
  const exchange = {
    ...{ protocol: null, signal: new AbortController().signal },
    decide: () => assert.fail("there is nothing to decide"),
  };
  assert.deepEqual(
    await repositories.receivePack(path, exchange, Readable.from([Buffer.from("0000")]), output),
    { pushed: [], refusals: [] },
  );
});

/** A commit whose objects nothing can compress: so many megabytes on the wire. */
async function makeNoise(repository: string, megabytes: number): Promise<string> {
  // Git would look for likenesses in it, and for ways to compress it, for many seconds.
  await git(repository, ["config", "pack.window", "0"]);
  await git(repository, ["config", "core.compression", "0"]);
  const lines: string[] = [];
  for (let i = 0; i < megabytes; i += 4) {
    const input = randomBytes(4 * 1024 * 1024);
    const oid = await git(repository, ["hash-object", "-w", "--stdin"], { input });
    lines.push(`100644 blob ${oid}\tfile-${i}\n`);
  }
  const tree = await git(repository, ["mktree"], { input: lines.join("") });
  return git(repository, ["commit-tree", "-m", "noise", tree]);
}

test("a large push passes with little memory", async (t) => {
  const { dir, path, url } = await setUp(t);
  const work = await makeRepository(join(dir, "work.git"));
  const commit = await makeNoise(work, 32);
  let peak = 0;
  const before = process.memoryUsage().arrayBuffers;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }, 5);
  await git(work, ["-c", "http.postBuffer=65536", "push", "-q", url, `${commit}:refs/heads/main`]);
  clearInterval(watch);
  assert.equal((await refsOf(path))["refs/heads/main"], commit);
  t.diagnostic(`${Math.round(peak / 1e6)} MB in buffers`);
  assert.ok(peak < 16_000_000, `${peak} bytes in buffers`);
});

test("a client that reads slowly holds git back, not its answer in memory", async (t) => {
  const { path, repositories } = await setUp(t);
  const commit = await makeNoise(path, 16);
  await setRef(path, "refs/heads/main", commit);
  const stop = new AbortController();
  const body = `${pktLine(`want ${commit} ofs-delta\n`)}${FLUSH_PKT}${pktLine("done\n")}`;
  const output = new PassThrough();
  const before = process.memoryUsage().arrayBuffers;
  const exchange = { protocol: null, signal: stop.signal };
  const served = repositories.servePack(path, exchange, Readable.from([Buffer.from(body)]), output);
  const ended = assert.rejects(served, { code: "cancelled" });
  await once(output, "readable");
  await sleep(500);
  const held = process.memoryUsage().arrayBuffers - before;
  assert.ok(held < 4_000_000, `${held} bytes in buffers`);
  stop.abort();
  await ended;
  assert.ok(output.destroyed, "a cut answer does not end like a whole one");
});

test("a client that breaks off its push ends git and changes nothing", async (t) => {
  const { path, port, exchanges } = await setUp(t);
  const oid = "deadbeef".repeat(5);
  const request = httpRequest({ port, host: "127.0.0.1", method: "POST", path: "/1.git/git-receive-pack" });
  request.on("error", () => {});
  request.write(pktLine(`${"0".repeat(40)} ${oid} refs/heads/x\0 report-status\n`));
  request.write(`${FLUSH_PKT}PACK`);
  while (exchanges.length === 0) await sleep(5);
  await sleep(50);
  const startedAt = performance.now();
  request.destroy();
  const [exchange] = exchanges;
  assert.ok(exchange);
  await assert.rejects(exchange.updates, { code: "cancelled" });
  assert.ok(performance.now() - startedAt < 4_000);
  assert.deepEqual(await refsOf(path), {});
});

test("a client that does not wait for the answer to its push has pushed all the same", async (t) => {
  const { dir, path, repositories } = await setUp(t);
  const work = await makeRepository(join(dir, "work.git"));
  const a = await makeCommit(work);
  await git(path, ["fetch", "-q", work, a]);
  const gone = new AbortController();
  // Takes nothing of the answer, and is away by the time that git has read the request.
  const output = new PassThrough({ highWaterMark: 1 });
  const line = pktLine(`${"0".repeat(40)} ${a} refs/heads/main\0 report-status\n`);
  const input = Readable.from([Buffer.from(`${line}${FLUSH_PKT}`), makeEmptyPack()]);
  input.once("end", () => {
    gone.abort();
    output.destroy();
  });
  const { pushed } = await repositories.receivePack(
    path,
    { protocol: null, signal: gone.signal, decide: async () => ANY_PUSH },
    input,
    output,
  );
  assert.deepEqual(pushed, [{ ref: "refs/heads/main", old: null, new: a }]);
  assert.equal((await refsOf(path))["refs/heads/main"], a);
});

test("a client that is gone ends its fetch", async (t) => {
  const { dir, url, port, exchanges } = await setUp(t);
  const work = await makeRepository(join(dir, "work.git"));
  const files = { noise: randomBytes(3_000_000).toString("hex") };
  const commit = await makeCommit(work, { files });
  await git(work, ["push", "-q", url, "refs/heads/main:refs/heads/main"]);
  const body = `${pktLine(`want ${commit} ofs-delta\n`)}${FLUSH_PKT}${pktLine("done\n")}`;
  const request = httpRequest({ port, host: "127.0.0.1", method: "POST", path: "/1.git/git-upload-pack" });
  request.on("error", () => {});
  request.end(body);
  // Reads nothing: git and the server wait, with what fits into the pipes.
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.pause();
  response.on("error", () => {});
  await sleep(50);
  response.destroy();
  const exchange = exchanges.find((one) => one.service === "upload-pack");
  assert.ok(exchange);
  await assert.rejects(exchange.updates, { code: "cancelled" });
});

test("the rest of a request that git does not care to read is read all the same", async (t) => {
  const { path, repositories } = await setUp(t);
  const exchange = {
    ...{ protocol: null, signal: new AbortController().signal },
    decide: () => assert.fail("there is nothing to decide"),
  };
  const chunks = Array.from({ length: 200 }, () => Buffer.alloc(64 * 1024, "x"));
  const input = Readable.from([Buffer.from("nonsense"), ...chunks]);
  const isRead = once(input, "end");
  const sink = new PassThrough();
  sink.resume();
  await assert.rejects(repositories.receivePack(path, exchange, input, sink), { code: "push-malformed" });
  await isRead;
});

test("a request that is none, and a repository that is none, are errors", async (t) => {
  const { path, repositories } = await setUp(t);
  const exchange = { protocol: null, signal: new AbortController().signal };
  const sink = new PassThrough();
  sink.resume();
  await assert.rejects(
    repositories.servePack(path, exchange, Readable.from([Buffer.from("nonsense")]), sink),
  );
  await assert.rejects(repositories.advertise(`${path}-missing`, "upload-pack", exchange));
});

/** In the order of names: git tells them in the order in which the client listed them. */
function byName(updates: readonly PushedRef[]): PushedRef[] {
  return [...updates].sort((x, y) => (x.ref < y.ref ? -1 : 1));
}

/** The header and digest of a pack with no objects. */
function makeEmptyPack(): Buffer {
  const header = Buffer.from([0x50, 0x41, 0x43, 0x4b, 0, 0, 0, 2, 0, 0, 0, 0]);
  return Buffer.concat([header, createHash("sha1").update(header).digest()]);
}
