import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import type { RemoteAccess } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { parseRemoteUrl, type RemoteUrl } from "../domain/remote-url.ts";
import { encodePktLine } from "./pkt-line.ts";
import { createRemotes, type RemotesOptions } from "./remotes.ts";

const LOCAL = { allowLocalRequests: true };
const CREDENTIAL = { username: "mirror-user", password: "s3cret/p@ssword" };
const BASIC = Buffer.from(`${CREDENTIAL.username}:${CREDENTIAL.password}`).toString("base64");
const OID = "a".repeat(40);

/** Answers one request, told as text, on its connection. */
type Answer = (socket: Socket, request: string) => void;

interface RawPeer {
  readonly port: number;
  readonly requests: readonly string[];
  readonly connections: number;
}

/** A server that says exactly what it is told to: for what no real git would say. */
async function startRawPeer(
  t: TestContext,
  answer: Answer,
  address = "127.0.0.1",
  port = 0,
): Promise<RawPeer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      requests.push(chunk.toString("latin1"));
      answer(socket, chunk.toString("latin1"));
    });
  });
  server.listen(port, address);
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    get connections() {
      return connections;
    },
  };
}

function http(status: string, headers: Readonly<Record<string, string>>, body: string | Buffer = ""): Buffer {
  const all = { "Content-Length": String(Buffer.byteLength(body)), ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${head.join("")}\r\n`), Buffer.from(body)]);
}

const ADVERTISEMENT = { "Content-Type": "application/x-git-upload-pack-advertisement" };
const RESULT = { "Content-Type": "application/x-git-upload-pack-result" };
const SERVICE = `${encodePktLine("# service=git-upload-pack\n")}0000`;
const V2 = `${SERVICE}${encodePktLine("version 2\n")}${encodePktLine("ls-refs=unborn\n")}0000`;
const REFS_V0 = `${encodePktLine(`${OID} refs/heads/main\0agent=x`)}${encodePktLine(`${OID} refs/heads/two\n`)}0000`;
const REFS_V2 = `${encodePktLine(`${OID} refs/heads/main\n`)}0000`;

const send =
  (bytes: Buffer | string): Answer =>
  (socket) =>
    void socket.write(bytes);
/** Speaks protocol 2 up to `ls-refs`, to which it answers this. */
const sendToLsRefs =
  (bytes: Buffer | string): Answer =>
  (socket, request) => {
    socket.write(request.startsWith("GET") ? http("200 OK", ADVERTISEMENT, V2) : bytes);
  };

function makeRemotes(t: TestContext, options: Partial<RemotesOptions> = {}) {
  const ignore = () => {};
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test", ...options });
  t.after(() => remotes.close());
  return remotes;
}

async function listFrom(t: TestContext, url: string, options: Partial<RemotesOptions> = {}) {
  const remotes = makeRemotes(t, options);
  const remote = await remotes.open(parseRemoteUrl(url).url, CREDENTIAL, LOCAL);
  return remotes.listRefs(remote, { signal: t.signal });
}

/** The error has this code and text; neither it nor anything that it holds tells the credential. */
function failure(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HeliostatError, inspect(error));
    assert.equal(error.code, code, inspect(error));
    assert.match(error.message, message);
    const everything = inspect(error, { depth: 10, showHidden: true });
    for (const secret of [CREDENTIAL.password, encodeURIComponent(CREDENTIAL.password), BASIC]) {
      assert.ok(!everything.includes(secret), "tells the credential");
    }
    return true;
  };
}

const QUICK = { idleMs: 150, totalMs: 5_000, connectMs: 1_000 };

interface Fault {
  readonly what: string;
  readonly answer: Answer;
  readonly code: string;
  readonly message: RegExp;
  readonly limits?: RemotesOptions["limits"];
}

const web = http(
  "200 OK",
  { "Content-Type": "text/html; charset=utf-8" },
  "<!doctype html><title>Hi</title>",
);
const echo: Answer = (socket, request) => {
  const authorization = /authorization: (.*)\r/i.exec(request)?.[1] ?? "";
  const text = `no ${authorization} ${CREDENTIAL.password} ${CREDENTIAL.username} \x1b[31m\x07 here`;
  socket.write(http("200 OK", ADVERTISEMENT, `${SERVICE}${encodePktLine(`ERR ${text}`)}`));
};
const endless = (head: string, piece: (i: number) => string): Answer => {
  return (socket) => {
    let i = 0;
    const pour = () => {
      let hasRoom = true;
      while (hasRoom && !socket.destroyed) {
        hasRoom = socket.write(Array.from({ length: 1000 }, () => piece(i++)).join(""));
      }
    };
    socket.write(head);
    socket.on("drain", pour);
    pour();
  };
};
const CHUNKLESS = "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n";
/** 18 MB in 20 kB. */
const bomb = gzipSync(SERVICE + encodePktLine(`${OID} refs/pull/${"x".repeat(900)}`).repeat(20_000));
const zipped = { "Content-Encoding": "gzip" };

const HTTP_FAULTS: readonly Fault[] = [
  { what: "a web page", answer: send(web), code: "remote-not-git", message: /a web page/ },
  {
    what: "a redirect to the repository's new place",
    answer: send(
      http("301 Moved", { Location: "https://new.example:8443/g/r.git/info/refs?service=git-upload-pack" }),
    ),
    code: "remote-redirects",
    message:
      /redirects to https:\/\/new\.example:8443\/g\/r\.git\. Redirects are not followed: .* use its URL/,
  },
  {
    what: "a redirect to a sign-in page, with our credential in it",
    answer: send(
      http("302 Found", {
        Location: `http://u:${encodeURIComponent(CREDENTIAL.password)}@login.example/in?t=${BASIC}`,
      }),
    ),
    code: "remote-redirects",
    message: /redirects to http:\/\/login\.example\. /,
  },
  {
    what: "a redirect to another path",
    answer: send(http("307 Moved", { Location: "/other.git/info/refs?service=git-upload-pack" })),
    code: "remote-redirects",
    message: /redirects to http:\/\/127\.0\.0\.1:\d+\/other\.git\./,
  },
  {
    what: "a redirect to nowhere",
    answer: send(http("308 Moved", {})),
    code: "remote-redirects",
    message: /without saying where/,
  },
  { what: "400", answer: send(http("400 Bad", {})), code: "remote-not-git", message: /HTTP 400/ },
  {
    what: "401",
    answer: send(http("401 No", { "WWW-Authenticate": "Basic" }, BASIC)),
    code: "remote-credential",
    message: /refused the user name, password or token/,
  },
  { what: "403", answer: send(http("403 No", {})), code: "remote-forbidden", message: /HTTP 403/ },
  { what: "404", answer: send(http("404 No", {})), code: "remote-not-found", message: /HTTP 404/ },
  { what: "410", answer: send(http("410 No", {})), code: "remote-not-found", message: /HTTP 410/ },
  {
    what: "429",
    answer: send(http("429 Slow", { "Retry-After": "17" })),
    code: "remote-busy",
    message: /HTTP 429; asks for 17 s/,
  },
  { what: "500", answer: send(http("500 Oh", {})), code: "remote-busy", message: /HTTP 500/ },
  { what: "503", answer: send(http("503 No", {})), code: "remote-busy", message: /HTTP 503/ },
  { what: "204", answer: send(http("204 Nothing", {})), code: "remote-not-git", message: /HTTP 204/ },
  { what: "nothing, ever", answer: () => {}, code: "remote-timeout", message: /did not answer in time/ },
  {
    what: "half a head, then nothing",
    answer: send("HTTP/1.1 200 OK\r\nContent-"),
    code: "remote-timeout",
    message: /did not answer in time/,
  },
  {
    what: "half a body, then nothing",
    answer: send(http("200 OK", { ...ADVERTISEMENT, "Content-Length": "9999" }, SERVICE)),
    code: "remote-timeout",
    message: /did not answer in time/,
  },
  {
    what: "a body in drips, each in time",
    answer: (socket) => {
      socket.write(CHUNKLESS + SERVICE);
      const timer = setInterval(() => socket.write(encodePktLine(`${OID} refs/pull/1/head\0`)), 30);
      socket.on("close", () => clearInterval(timer));
    },
    limits: { totalMs: 400 },
    code: "remote-timeout",
    message: /limited to 400 ms/,
  },
  {
    what: "a closed connection in place of an answer",
    answer: (socket) => socket.end(),
    code: "remote-closed",
    message: /closed the connection/,
  },
  {
    what: "a reset connection",
    answer: (socket) => socket.resetAndDestroy(),
    code: "remote-unreachable",
    message: /ECONNRESET/,
  },
  {
    what: "half a body, then a closed connection",
    answer: (socket) =>
      socket.end(http("200 OK", { ...ADVERTISEMENT, "Content-Length": "9999" }, SERVICE + REFS_V0)),
    code: "remote-closed",
    message: /closed the connection/,
  },
  {
    what: "a body that ends before its last flush",
    answer: send(http("200 OK", ADVERTISEMENT, (SERVICE + REFS_V0).slice(0, -4))),
    code: "remote-closed",
    message: /before its answer was complete/,
  },
  {
    what: "a body that ends inside a line",
    answer: (socket) => socket.end(CHUNKLESS + (SERVICE + REFS_V0).slice(0, -20)),
    code: "remote-closed",
    message: /before its answer was complete/,
  },
  {
    what: "an empty body",
    answer: send(http("200 OK", ADVERTISEMENT)),
    code: "remote-not-git",
    message: /nothing at all/,
  },
  {
    what: "200 and nothing, to every request",
    answer: send(http("200 OK", { "Content-Type": "text/plain" })),
    code: "remote-not-git",
    message: /no Git repository/,
  },
  {
    what: "plain text",
    answer: send(http("200 OK", { "Content-Type": "text/plain" }, "hello\nworld\n")),
    code: "remote-not-git",
    message: /no Git repository/,
  },
  {
    what: "no HTTP",
    answer: send("SSH-2.0-OpenSSH_9\r\n"),
    code: "remote-not-git",
    message: /not speak HTTP/,
  },
  {
    what: "an endless head",
    answer: endless("HTTP/1.1 200 OK\r\n", () => `X-Filler: ${"x".repeat(100)}\r\n`),
    code: "remote-not-git",
    message: /not speak HTTP/,
  },
  {
    what: "garbage for pkt-lines",
    answer: send(http("200 OK", ADVERTISEMENT, "hello world")),
    code: "remote-not-git",
    message: /bad line length "hell"/,
  },
  {
    what: "a pkt-line that is too long",
    answer: send(http("200 OK", ADVERTISEMENT, `${SERVICE}fff1${"x".repeat(65_533)}`)),
    code: "remote-not-git",
    message: /bad line length "fff1"/,
  },
  {
    what: "more after the end",
    answer: send(http("200 OK", ADVERTISEMENT, `${SERVICE}${REFS_V0}0000`)),
    code: "remote-not-git",
    message: /no list of Git refs/,
  },
  {
    what: "an endless list of other refs",
    answer: endless(CHUNKLESS + SERVICE, () => encodePktLine(`${OID} refs/pull/1/head`)),
    limits: { answerBytes: 1_000_000 },
    code: "remote-too-large",
    message: /larger than 1000000 bytes/,
  },
  {
    what: "an endless list of refs",
    answer: endless(CHUNKLESS + SERVICE, (i) => encodePktLine(`${OID} refs/heads/x${i}`)),
    limits: { refs: 5_000 },
    code: "too-many-refs",
    message: /more than 5000 refs.*raise `max_refs`/,
  },
  {
    what: "a gzip bomb",
    answer: send(http("200 OK", { ...ADVERTISEMENT, ...zipped }, bomb)),
    limits: { answerBytes: 1_000_000 },
    code: "remote-too-large",
    message: /larger than 1000000 bytes/,
  },
  {
    what: "gzip that is none",
    answer: send(http("200 OK", { ...ADVERTISEMENT, ...zipped }, SERVICE)),
    code: "remote-not-git",
    message: /marked as gzip/,
  },
  {
    what: "half a gzip",
    answer: send(
      http("200 OK", { ...ADVERTISEMENT, ...zipped }, gzipSync(SERVICE + REFS_V0).subarray(0, -12)),
    ),
    code: "remote-closed",
    message: /ends in the middle/,
  },
  {
    what: "an encoding that was not asked for",
    answer: send(http("200 OK", { ...ADVERTISEMENT, "Content-Encoding": "br" }, SERVICE)),
    code: "remote-not-git",
    message: /encoding/,
  },
  {
    what: "a refusal that echoes the credential",
    answer: echo,
    code: "remote-not-git",
    message: /127\.0\.0\.1 refuses: no Basic \*{5} \*{5} \*{5} +\[31m +here$/,
  },
  {
    what: "a refusal: not found",
    answer: send(http("200 OK", ADVERTISEMENT, `${SERVICE}${encodePktLine("ERR Repository not found.")}`)),
    code: "remote-not-found",
    message: /Repository not found/,
  },
  {
    what: "a web page to ls-refs",
    answer: sendToLsRefs(web),
    code: "remote-not-git",
    message: /no Git repository/,
  },
  {
    what: "403 to ls-refs",
    answer: sendToLsRefs(http("403 No", {})),
    code: "remote-forbidden",
    message: /HTTP 403/,
  },
  {
    what: "garbage to ls-refs",
    answer: sendToLsRefs(http("200 OK", RESULT, `${encodePktLine("so what")}0000`)),
    code: "remote-not-git",
    message: /valid object id/,
  },
  {
    what: "a refusal to ls-refs",
    answer: sendToLsRefs(http("200 OK", RESULT, encodePktLine("ERR too many requests, try again"))),
    code: "remote-busy",
    message: /try again/,
  },
  {
    what: "half an answer to ls-refs",
    answer: sendToLsRefs(http("200 OK", RESULT, REFS_V2.slice(0, -4))),
    code: "remote-closed",
    message: /before its answer was complete/,
  },
];

describe("http:// remotes at fault", { concurrency: 8 }, () => {
  for (const { what, answer, code, message, limits } of HTTP_FAULTS) {
    test(`HTTP: a remote that answers ${what} fails as ${code}`, async (t) => {
      const peer = await startRawPeer(t, answer);
      const listed = listFrom(t, `http://127.0.0.1:${peer.port}/r.git`, { limits: { ...QUICK, ...limits } });
      await assert.rejects(listed, failure(code, message));
    });
  }
});

const GIT_FAULTS: readonly Fault[] = [
  { what: "nothing, ever", answer: () => {}, code: "remote-timeout", message: /did not answer in time/ },
  {
    what: "half a list, then nothing",
    answer: send(REFS_V0.slice(0, -4)),
    code: "remote-timeout",
    message: /did not answer in time/,
  },
  {
    what: "drips, each in time",
    answer: (socket) => {
      const timer = setInterval(() => socket.write(encodePktLine(`${OID} refs/pull/1/head\0`)), 30);
      socket.on("close", () => clearInterval(timer));
    },
    limits: { totalMs: 400 },
    code: "remote-timeout",
    message: /limited to 400 ms/,
  },
  {
    what: "a closed connection",
    answer: (socket) => socket.end(),
    code: "remote-closed",
    message: /closed the connection/,
  },
  {
    what: "half a list, then a closed connection",
    answer: (socket) => socket.end(REFS_V0.slice(0, -4)),
    code: "remote-closed",
    message: /closed the connection/,
  },
  {
    what: "a reset connection",
    answer: (socket) => socket.resetAndDestroy(),
    code: "remote-unreachable",
    message: /ECONNRESET/,
  },
  { what: "a web page", answer: send(web), code: "remote-not-git", message: /bad line length "HTTP"/ },
  {
    what: "a line that is too long",
    answer: send(`ffff${"x".repeat(65_531)}`),
    code: "remote-not-git",
    message: /bad line length/,
  },
  {
    what: "an endless list of other refs",
    answer: endless("", () => encodePktLine(`${OID} refs/pull/1/head\0`)),
    limits: { answerBytes: 1_000_000 },
    code: "remote-too-large",
    message: /larger than 1000000 bytes/,
  },
  {
    what: "a refusal: access denied",
    answer: send(encodePktLine("ERR access denied or repository not exported: /r.git")),
    code: "remote-not-found",
    message: /access denied or repository not exported: \/r\.git/,
  },
];

describe("git:// remotes at fault", { concurrency: 8 }, () => {
  for (const { what, answer, code, message, limits } of GIT_FAULTS) {
    test(`git://: a remote that answers ${what} fails as ${code}`, async (t) => {
      const peer = await startRawPeer(t, answer);
      const listed = listFrom(t, `git://127.0.0.1:${peer.port}/r.git`, { limits: { ...QUICK, ...limits } });
      await assert.rejects(listed, failure(code, message));
    });
  }
});

test("a redirect is not followed, not even on the same host", async (t) => {
  const location = "/other.git/info/refs?service=git-upload-pack";
  const peer = await startRawPeer(t, send(http("301 Moved", { Location: location })));
  await assert.rejects(
    listFrom(t, `http://127.0.0.1:${peer.port}/r.git`),
    failure("remote-redirects", /other/),
  );
  assert.equal(peer.requests.length, 1);
});

test("nobody listens", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  for (const scheme of ["http", "https", "git"]) {
    const expected = failure("remote-unreachable", /127\.0\.0\.1 cannot be reached \(ECONNREFUSED\)/);
    await assert.rejects(listFrom(t, `${scheme}://127.0.0.1:${port}/r.git`), expected);
  }
});

test("gzip is read, whole or in single bytes", async (t) => {
  const answer = http("200 OK", { ...ADVERTISEMENT, ...zipped }, gzipSync(SERVICE + REFS_V0));
  const whole = await startRawPeer(t, send(answer));
  const drip = (socket: Socket, at = 0): void => {
    if (at < answer.length) socket.write(answer.subarray(at, at + 1), () => drip(socket, at + 1));
  };
  const slow = await startRawPeer(t, (socket) => drip(socket));
  for (const peer of [whole, slow]) {
    const { refs } = await listFrom(t, `http://127.0.0.1:${peer.port}/r.git`);
    assert.deepEqual([...refs.keys()], ["refs/heads/main", "refs/heads/two"]);
  }
});

test("an empty repository behind a plain web server is told by its HEAD file", async (t) => {
  const peer = await startRawPeer(t, (socket, request) => {
    const body = request.startsWith("GET /r.git/HEAD ") ? "ref: refs/heads/trunk\n" : "";
    socket.write(http("200 OK", { "Content-Type": "application/octet-stream" }, body));
  });
  const listed = await listFrom(t, `http://127.0.0.1:${peer.port}/r.git`);
  assert.deepEqual(listed, { objectFormat: "sha1", refs: new Map(), head: "refs/heads/trunk" });
});

test("a kept connection that the remote closes at the next request is replaced", async (t) => {
  const seen = new Map<Socket, number>();
  const peer = await startRawPeer(t, (socket, request) => {
    seen.set(socket, (seen.get(socket) ?? 0) + 1);
    if ((seen.get(socket) ?? 0) > 2) socket.destroy();
    else
      socket.write(
        request.startsWith("GET") ? http("200 OK", ADVERTISEMENT, V2) : http("200 OK", RESULT, REFS_V2),
      );
  });
  const remotes = makeRemotes(t);
  const remote = await remotes.open(parseRemoteUrl(`http://127.0.0.1:${peer.port}/r.git`).url, null, LOCAL);
  for (let i = 0; i < 3; i += 1) {
    const { refs } = await remotes.listRefs(remote, { signal: t.signal });
    assert.equal(refs.size, 1);
  }
  assert.equal(peer.connections, 2);
});

test("a signal stops a listing, at once or in the middle, and frees the connection", async (t) => {
  for (const scheme of ["http", "git"]) {
    const stop = new AbortController();
    const closed = Promise.withResolvers<void>();
    const peer = await startRawPeer(t, (socket) => {
      socket.on("close", () => closed.resolve());
      stop.abort(new Error("enough"));
    });
    const remotes = makeRemotes(t);
    const remote = await remotes.open(
      parseRemoteUrl(`${scheme}://127.0.0.1:${peer.port}/r.git`).url,
      null,
      LOCAL,
    );
    const expected = failure("cancelled", /Stopped while listing/);
    await assert.rejects(remotes.listRefs(remote, { signal: stop.signal }), expected);
    await closed.promise;
    await assert.rejects(remotes.listRefs(remote, { signal: stop.signal }), expected);
    assert.equal(peer.connections, 1, "connected for nobody");
  }
});

test("closing cancels what runs", async (t) => {
  const asked = Promise.withResolvers<void>();
  const peer = await startRawPeer(t, () => asked.resolve());
  const remotes = makeRemotes(t);
  const { url } = parseRemoteUrl(`http://127.0.0.1:${peer.port}/r.git`);
  const listed = remotes.listRefs(await remotes.open(url, null, LOCAL), { signal: t.signal });
  const expected = assert.rejects(listed, failure("cancelled", /shuts down/));
  await asked.promise;
  await remotes.close();
  await expected;
});

test("the connection goes to the address that was checked, whatever the name means by then", async (t) => {
  const answer: Answer = (socket, request) => {
    if (request.startsWith("GET")) socket.write(http("200 OK", ADVERTISEMENT, SERVICE + REFS_V0));
    else socket.write(REFS_V0);
  };
  const good = await startRawPeer(t, answer);
  const evil = await startRawPeer(t, answer, "127.0.0.2", good.port);
  let asked = 0;
  const resolve = async () => {
    asked += 1;
    return [asked === 1 ? "127.0.0.1" : "127.0.0.2"];
  };
  for (const scheme of ["http", "git"]) {
    asked = 0;
    const before = evil.connections;
    const remotes = makeRemotes(t, { resolve, limits: { addressesMs: 0 } });
    const { url } = parseRemoteUrl(`${scheme}://forge.example:${good.port}/r.git`);
    const remote = await remotes.open(url, null, LOCAL);
    for (let i = 0; i < 2; i += 1) await remotes.listRefs(remote, { signal: t.signal });
    assert.equal(asked, 1);
    assert.equal(evil.connections, before);
    // The second look-up leads elsewhere: refused by the rules, and, where they allow it, not over the old connection.
    await assert.rejects(
      remotes.open(url, null, { allowLocalRequests: false }),
      failure("url-blocked", /loopback/),
    );
    await remotes.listRefs(await remotes.open(url, null, LOCAL), { signal: t.signal });
  }
  assert.equal(evil.connections, 2);
  assert.match(
    good.requests[0] ?? "",
    new RegExp(`^GET /r\\.git/.*\\r\\nhost: forge\\.example:${good.port}\\r\\n`, "is"),
  );
  assert.match(good.requests.join(""), new RegExp(`\\0host=forge\\.example:${good.port}\\0\\0version=2\\0`));
});

test("a host with a dead address is reached at its next one", async (t) => {
  const peer = await startRawPeer(t, send(http("200 OK", ADVERTISEMENT, SERVICE + REFS_V0)), "127.0.0.2");
  const remotes = makeRemotes(t, { resolve: async () => ["127.0.0.1", "127.0.0.2"] });
  const { url } = parseRemoteUrl(`http://forge.example:${peer.port}/r.git`);
  const list = async () => remotes.listRefs(await remotes.open(url, null, LOCAL), { signal: t.signal });
  await assert.rejects(list(), failure("remote-unreachable", /ECONNREFUSED/));
  assert.equal((await list()).refs.size, 2);
});

test("TLS: a server that speaks plain HTTP, and one that never shakes hands", async (t) => {
  const plain = await startRawPeer(t, send(web));
  const listed = listFrom(t, `https://127.0.0.1:${plain.port}/r.git`);
  await assert.rejects(
    listed,
    failure("remote-tls", /^No secure connection: what answers at this port of 127\.0\.0\.1 is not TLS/),
  );
  const silent = await startRawPeer(t, () => {});
  const slow = listFrom(t, `https://127.0.0.1:${silent.port}/r.git`, { limits: { connectMs: 200 } });
  await assert.rejects(slow, failure("remote-timeout", /cannot be reached in time/));
});

test("TLS: an untrusted certificate is refused, and asked for under the host's name", async (t) => {
  const names: string[] = [];
  const requests: string[] = [];
  const server = createTlsServer({
    ...selfSigned("forge.example"),
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  server.on("secureConnection", (socket) => socket.on("data", (chunk) => requests.push(String(chunk))));
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const listed = listFrom(t, `https://forge.example:${port}/r.git`, { resolve: async () => ["127.0.0.1"] });
  await assert.rejects(
    listed,
    failure("remote-tls", /^No secure connection: forge\.example shows a certificate that it signed itself/),
  );
  assert.deepEqual(names, ["forge.example"]);
  assert.deepEqual(requests, [], "sent something to a server that it does not trust");
});

/** A key and an X.509 certificate for `host`, signed by itself, in as little DER as it takes. */
function selfSigned(host: string): { key: string | Buffer; cert: string } {
  const der = (tag: number, ...parts: readonly (Buffer | string)[]): Buffer => {
    const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const size = content.length;
    const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
    return Buffer.concat([Buffer.from([tag, ...length]), content]);
  };
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from("2a8648ce3d040302", "hex")));
  const commonName = der(0x30, der(0x06, Buffer.from("550403", "hex")), der(0x0c, host));
  const name = der(0x30, der(0x31, commonName));
  const altName = der(0x30, der(0x06, Buffer.from("551d11", "hex")), der(0x04, der(0x30, der(0x82, host))));
  const content = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    der(0x30, der(0x17, "200101000000Z"), der(0x17, "491231235959Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, altName)),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", content, privateKey));
  const base64 = der(0x30, content, ecdsaWithSha256, signature).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

test("a remote without a checked address is our mistake, not a reason to look one up", async (t) => {
  const remote: RemoteAccess = {
    url: "http://forge.example/r.git" as RemoteUrl,
    credential: null,
    address: null,
  };
  const listed = makeRemotes(t).listRefs(remote, { signal: t.signal });
  await assert.rejects(listed, failure("bug", /without a checked address/));
});

const HOUR = 3_600_000;
const SENT = Date.UTC(2026, 0, 1, 12);
const dateHeader = (ms: number): string => new Date(ms).toUTCString();

/** `Retry-After`, its answer's other headers, and the seconds that we make of it. */
const WAITS: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
  ["120", {}, 120],
  ["99999999", {}, 86_400],
  ["0", {}, undefined],
  ["-5", {}, undefined],
  ["1.5", {}, undefined],
  ["soon", {}, undefined],
  ["1 apple", {}, undefined],
  ["", {}, undefined],
  [dateHeader(SENT + 90_000), { Date: dateHeader(SENT) }, 90],
  [dateHeader(SENT - HOUR), { Date: dateHeader(SENT) }, undefined],
  [dateHeader(SENT + 1000 * HOUR), { Date: dateHeader(SENT) }, 86_400],
  [dateHeader(SENT), { Date: "garbage" }, undefined],
];

for (const status of ["429 Too Many Requests", "503 Service Unavailable"]) {
  test(`HTTP ${status}: how long the remote asks to be left alone is read, and garbage is not`, async (t) => {
    for (const [wait, headers, expected] of WAITS) {
      const peer = await startRawPeer(t, send(http(status, { "Retry-After": wait, ...headers })));
      const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test" });
      t.after(() => remotes.close());
      const remote = openRemote(`http://127.0.0.1:${peer.port}/a.git`);
      const isBusy = (error: unknown): boolean => {
        assert.ok(error instanceof HeliostatError);
        assert.deepEqual([error.code, error.retryAfterSeconds], ["remote-busy", expected], wait);
        return true;
      };
      await assert.rejects(remotes.listRefs(remote, { signal: t.signal }), isBusy);
      const push = remotes.openPush(remote, () => Promise.reject(new Error("no pack")), { signal: t.signal });
      await assert.rejects(push([changeOf("refs/heads/main", null, OID)]), isBusy);
    }
  });
}

test("each request of a listing is read for Retry-After: v2's second, and the HEAD of a dumb remote", async (t) => {
  const busy = http("503 No", { "Retry-After": "7" });
  const dumb = http("200 OK", { "Content-Type": "text/plain" }, `${OID}\trefs/heads/main\n`);
  const cases: readonly Answer[] = [
    (socket, request) =>
      void socket.write(request.startsWith("POST") ? busy : http("200 OK", ADVERTISEMENT, V2)),
    (socket, request) => void socket.write(request.includes("/HEAD ") ? busy : dumb),
  ];
  for (const answer of cases) {
    const peer = await startRawPeer(t, answer);
    const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test" });
    t.after(() => remotes.close());
    const listing = remotes.listRefs(openRemote(`http://127.0.0.1:${peer.port}/a.git`), { signal: t.signal });
    await assert.rejects(listing, { code: "remote-busy", retryAfterSeconds: 7 });
  }
});

test("a 403 is a refusal, unless it says when to come back", async (t) => {
  for (const [headers, code] of [
    [{}, "remote-forbidden"],
    [{ "Retry-After": "60" }, "remote-busy"],
  ] as const) {
    const peer = await startRawPeer(t, send(http("403 Forbidden", headers)));
    const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test" });
    t.after(() => remotes.close());
    const listing = remotes.listRefs(openRemote(`http://127.0.0.1:${peer.port}/a.git`), { signal: t.signal });
    await assert.rejects(listing, { code });
  }
});

test("a listing that says nothing is given up in its own time, however patient the caller is", async (t) => {
  const silent = await startRawPeer(t, () => {});
  const log = makeMemoryLog();
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test", limits: { idleMs: 200 } });
  t.after(() => remotes.close());
  for (const scheme of ["http", "git"]) {
    const remote = openRemote(`${scheme}://127.0.0.1:${silent.port}/a.git`);
    const options = { signal: AbortSignal.timeout(10_000), stallTimeoutMs: 3_600_000 };
    await assert.rejects(remotes.listRefs(remote, options), { code: "remote-timeout" }, scheme);
  }
});

test("the caller says how long a listing or a push may go without a byte", async (t) => {
  const silent = await startRawPeer(t, () => {});
  const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test" });
  t.after(() => remotes.close());
  const options = { signal: t.signal, stallTimeoutMs: 300 };
  for (const scheme of ["http", "git"]) {
    const remote = openRemote(`${scheme}://127.0.0.1:${silent.port}/a.git`);
    await assert.rejects(remotes.listRefs(remote, options), { code: "remote-timeout" }, scheme);
  }
  const deaf = await startRawPeer(t, (socket, request) => {
    const line = encodePktLine(`${OID} refs/heads/other\0report-status delete-refs`);
    const service = `${encodePktLine("# service=git-receive-pack\n")}0000`;
    const type = { "Content-Type": "application/x-git-receive-pack-advertisement" };
    if (request.startsWith("GET")) socket.write(http("200 OK", type, `${service}${line}0000`));
  });
  const remote = openRemote(`http://127.0.0.1:${deaf.port}/a.git`);
  const push = remotes.openPush(remote, () => Promise.reject(new Error("no pack")), options);
  await assert.rejects(push([changeOf("refs/heads/other", OID, null)]), { code: "remote-timeout" });
});
