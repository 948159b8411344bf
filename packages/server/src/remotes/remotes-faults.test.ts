import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { encodePktLine } from "./pkt-line.ts";
import {
  ADVERTISEMENT,
  type Answer,
  BASIC,
  CREDENTIAL,
  failure,
  http,
  LOCAL,
  listFrom,
  makeRemotes,
  OID,
  REFS_V0,
  REFS_V2,
  RESULT,
  SERVICE,
  send,
  sendToLsRefs,
  startRawPeer,
  WEB_PAGE,
} from "./raw-peer.test-support.ts";
import { createRemotes, type RemotesOptions } from "./remotes.ts";

const QUICK = { idleMs: 400, totalMs: 5_000, connectMs: 1_000 };

interface Fault {
  readonly what: string;
  readonly answer: Answer;
  readonly code: string;
  readonly message: RegExp;
  readonly limits?: RemotesOptions["limits"];
}

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
  { what: "a web page", answer: send(WEB_PAGE), code: "remote-not-git", message: /a web page/ },
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
    answer: sendToLsRefs(WEB_PAGE),
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
  { what: "a web page", answer: send(WEB_PAGE), code: "remote-not-git", message: /bad line length "HTTP"/ },
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
