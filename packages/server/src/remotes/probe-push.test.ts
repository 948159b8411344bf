import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { Duplex, PassThrough } from "node:stream";
import { type TestContext, test } from "node:test";
import { makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { startGitHttpPeer } from "../../../../test/support/git-http-peer.ts";
import {
  GIT_ENV,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../../../../test/support/repositories.ts";
import type { RemoteAccess } from "../app/ports.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createRemotes } from "./remotes.ts";

/** Everything that tries a push, with nothing of it left open. */
function makeRemotes(t: TestContext) {
  const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/test" });
  t.after(() => remotes.close());
  return remotes;
}

const options = () => ({ signal: AbortSignal.timeout(20_000) });

/** What an `ssh://` remote looks like to the probe: a conversation that somebody else opens. */
function conversing(converse: NonNullable<RemoteAccess["converse"]>): RemoteAccess {
  const { url } = parseRemoteUrl("ssh://git@ssh.example.org/a.git");
  return { url, credential: null, address: "192.0.2.1", converse };
}

test("an empty push over HTTP is let in, and writes nothing", async (t) => {
  const root = await makeTempDir(t);
  const path = await makeRepository(join(root, "a.git"));
  await makeCommit(path);
  const before = await refsOf(path);
  const peer = await startGitHttpPeer({ root });
  t.after(() => peer.close());
  await makeRemotes(t).probePush(openRemote(peer.urlOf("a.git")), options());
  assert.deepEqual(
    peer.requests.map(({ method, url }) => `${method} ${url}`),
    ["GET /a.git/info/refs?service=git-receive-pack", "POST /a.git/git-receive-pack"],
  );
  assert.deepEqual(await refsOf(path), before);
});

test("a host that shows everybody its advertisement, and refuses the push itself, is found out", async (t) => {
  const root = await makeTempDir(t);
  await makeRepository(join(root, "a.git"));
  const peer = await startGitHttpPeer({ root });
  t.after(() => peer.close());
  const front = createServer(async (request, response) => {
    if (request.method === "POST") return response.writeHead(403).end();
    const answer = await fetch(`${peer.url}${request.url}`);
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    return response.end(Buffer.from(await answer.arrayBuffer()));
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  t.after(() => front.close());
  const address = front.address();
  assert(typeof address === "object" && address);
  const remote = openRemote(`http://127.0.0.1:${address.port}/a.git`);
  await assert.rejects(makeRemotes(t).probePush(remote, options()), { code: "remote-forbidden" });
});

test("over a conversation, as SSH is: the real receive-pack ends well, and writes nothing", async (t) => {
  const root = await makeTempDir(t);
  const path = await makeRepository(join(root, "a.git"));
  await makeCommit(path);
  const before = await refsOf(path);
  const ends: Promise<unknown[]>[] = [];
  const remote = conversing(async (service) => {
    assert.equal(service, "git-receive-pack");
    const child = spawn(service, [path], { env: GIT_ENV, stdio: ["pipe", "pipe", "ignore"] });
    ends.push(once(child, "close"));
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => child.stdin.write(chunk, () => done()),
      final: (done) => child.stdin.end(() => done()),
    });
    child.stdout.on("data", (chunk: Buffer) => stream.push(chunk)).once("end", () => stream.push(null));
    return stream;
  });
  await makeRemotes(t).probePush(remote, options());
  assert.deepEqual(await ends[0], [0, null]);
  assert.deepEqual(await refsOf(path), before);
});

test("a conversation that says no, nonsense or nothing fails with its reason, and is left", async (t) => {
  const remotes = makeRemotes(t);
  const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
  const saying = (text: string, ends = true) => {
    const stream = new PassThrough();
    stream.write(text);
    if (ends) stream.end();
    return stream;
  };
  for (const [stream, code] of [
    [saying(line("ERR access denied")), "remote-forbidden"],
    [saying("Welcome to the machine\n"), "remote-not-git"],
    [saying(""), "remote-closed"],
  ] as const) {
    const probing = remotes.probePush(
      conversing(async () => stream),
      options(),
    );
    await assert.rejects(probing, { code });
    assert(stream.destroyed, `${code}: left open`);
  }
  const silent = saying("", false);
  const stop = new AbortController();
  const probing = remotes.probePush(
    conversing(async () => silent),
    { signal: stop.signal },
  );
  stop.abort(new Error("enough"));
  await assert.rejects(probing, /enough/);
  assert(silent.destroyed);
});
