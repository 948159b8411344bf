import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { makeSelfSigned } from "../../../../test/support/certificates.ts";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import type { RemoteAccess } from "../app/ports.ts";
import { parseRemoteUrl, type RemoteUrl } from "../domain/remote-url.ts";
import {
  ADVERTISEMENT,
  type Answer,
  failure,
  http,
  LOCAL,
  listFrom,
  makeRemotes,
  REFS_V0,
  REFS_V2,
  RESULT,
  SERVICE,
  send,
  startRawPeer,
  V2,
  WEB_PAGE,
} from "./raw-peer.test-support.ts";

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
  const plain = await startRawPeer(t, send(WEB_PAGE));
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
  const { certificate, key } = await makeSelfSigned(await makeTempDir(t), "DNS:forge.example");
  const server = createTlsServer({
    ...{ cert: certificate, key },
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

test("a remote without a checked address is our mistake, not a reason to look one up", async (t) => {
  const remote: RemoteAccess = {
    url: "http://forge.example/r.git" as RemoteUrl,
    credential: null,
    address: null,
  };
  const listed = makeRemotes(t).listRefs(remote, { signal: t.signal });
  await assert.rejects(listed, failure("bug", /without a checked address/));
});
