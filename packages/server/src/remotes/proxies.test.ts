import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startGitDaemonPeer } from "../../../../test/support/git-daemon-peer.ts";
import {
  PROXY_SOURCE,
  startConnectProxy,
  startSocksProxy,
  type TestProxy,
} from "../../../../test/support/proxies.ts";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { startTlsPeer } from "../../../../test/support/tls-peer.ts";
import { HeliostatError } from "../domain/errors.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { askSocks5 } from "./socks5.ts";
import {
  failureOf,
  fetch,
  LOCAL,
  list,
  makeRemotes,
  openTlsStage,
  troubleOf,
} from "./tls-stage.test-support.ts";

const PROXY_AUTH = { username: "proxy user", password: "pl@nted: proxy/secret%" };

const { root, makeDir, authority, server, peer, open, startPeer } = await openTlsStage();

type Kind = "http" | "socks5";
function startProxy(kind: Kind, options: Parameters<typeof startConnectProxy>[0]): Promise<TestProxy> {
  return kind === "http" ? startConnectProxy(options) : startSocksProxy(options);
}

for (const kind of ["http", "socks5"] as const) {
  for (const auth of [undefined, PROXY_AUTH]) {
    const title = `${kind} proxy ${auth ? "with a password" : "without one"}`;
    test(`${title}: listing and fetching go through it, with and without TLS`, async (t) => {
      // tinyproxy reads its configuration word by word.
      const given = auth && kind === "http" ? { username: "ada", password: "planted-proxy-secret" } : auth;
      const proxy = await startProxy(kind, { dir: await makeTempDir(t), ...(given ? { auth: given } : {}) });
      t.after(() => proxy.close());
      const plain = await startPlainPeer(t);
      const tls = await startPeer(t, server);
      const remotes = makeRemotes(t, { proxyFor: () => proxy.url, caCertificates: authority.certificate });

      for (const base of [`http://git.example:${plain.port}`, `https://git.example:${tls.port}`]) {
        const { url } = parseRemoteUrl(`${base}/a.git`);
        const remote = await remotes.open(url, null, LOCAL);
        const { refs } = await remotes.listRefs(remote, { signal: t.signal });
        assert.deepEqual([...refs.keys()], ["refs/heads/main"], base);
        assert.deepEqual(await fetch(t, remote), ["refs/heads/main"], base);
      }
      const sources = [...plain.sources, ...tls.sources];
      assert.ok(sources.length >= 4, String(sources.length));
      assert.deepEqual(new Set(sources), new Set([PROXY_SOURCE]), "nothing went round the proxy");
      assert.equal(tls.servernames.at(-1), "git.example");
      // The address that was checked is asked for, so that the proxy looks up nothing of its own.
      assert.match(await proxy.log(), /127\.0\.0\.1/);
      assert.doesNotMatch(await proxy.log(), /git\.example/);
    });
  }
}

test("a proxy that is spoken to over TLS is known by the certificates of the instance", async (t) => {
  const proxy = await startConnectProxy({ dir: await makeTempDir(t) });
  t.after(() => proxy.close());
  const front = await startTlsPeer(proxy, { cert: server.certificate, key: server.key });
  t.after(() => front.close());
  const proxyFor = () => `https://127.0.0.1:${front.port}`;
  const caCertificates = authority.certificate;
  assert.deepEqual(await list(t, open.urlOf("a.git"), { proxyFor, caCertificates }), ["refs/heads/main"]);
  const said = await troubleOf(t, open.urlOf("a.git"), { proxyFor });
  assert.match(
    said,
    /^remote-proxy: The proxy https:\/\/127\.0\.0\.1:\d+ cannot be used\. No secure connection: /,
  );
});

test("a proxy that does not let us through says why, without its credentials", async (t) => {
  const auth = { username: "ada", password: "planted-secret" };
  const connectProxy = await startConnectProxy({ dir: await makeDir("connect"), auth, connectPorts: [1] });
  t.after(() => connectProxy.close());
  const socks = await startSocksProxy({ dir: await makeTempDir(t), auth });
  t.after(() => socks.close());
  const wrong = (url: string) => url.replace("planted-secret", "planted-wrong");
  const nobody = await findClosedPort();
  const target = open.urlOf("a.git");
  const asked = `Asked for: 127.0.0.1, port ${open.port}.`;
  const cases: readonly [proxy: string, url: string, said: string][] = [
    [connectProxy.bareUrl, target, `${connectProxy.bareUrl} wants a user name and a password (HTTP 407).`],
    [
      wrong(connectProxy.url),
      target,
      `${connectProxy.bareUrl} refuses the user name and password (HTTP 401).`,
    ],
    [
      connectProxy.url,
      target,
      `${connectProxy.bareUrl} does not allow connections there (HTTP 403). ${asked}`,
    ],
    [socks.bareUrl, target, `${socks.bareUrl} wants a user name and a password.`],
    [wrong(socks.url), target, `${socks.bareUrl} refuses the user name and password.`],
    [
      socks.url,
      `https://127.0.0.1:${nobody}/a.git`,
      `${socks.bareUrl} refuses: nothing listens there. Asked for: 127.0.0.1, port ${nobody}.`,
    ],
    [
      `http://ada:planted-secret@127.0.0.1:${nobody}`,
      target,
      `http://127.0.0.1:${nobody} cannot be reached (ECONNREFUSED).`,
    ],
    [
      `socks5://127.0.0.1:${peer.port}`,
      target,
      `socks5://127.0.0.1:${peer.port} is no SOCKS5 proxy. ${asked}`,
    ],
  ];
  for (const [proxy, url, said] of cases) {
    assert.equal(await troubleOf(t, url, { proxyFor: () => proxy }), `remote-proxy: The proxy ${said}`);
  }
});

test("a proxy that never answers is given up in time, and its silence is not the remote's", async (t) => {
  /** Says this, and no more. */
  const listen = async (words: readonly number[]): Promise<string> => {
    const silent = createServer((socket) => {
      t.after(() => void socket.destroy());
      socket.on("error", () => {});
      if (words.length > 0) socket.write(Buffer.from(words));
    }).listen(0, "127.0.0.1");
    t.after(() => void silent.close());
    await once(silent, "listening");
    const address = silent.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  };
  const trouble = (proxy: string): Promise<string> =>
    troubleOf(t, open.urlOf("a.git"), { proxyFor: () => proxy, limits: { connectMs: 100 } });
  const silent = await listen([]);
  for (const proxy of [`http://${silent}`, `socks5://${silent}`]) {
    assert.equal(
      await trouble(proxy),
      `remote-proxy: The proxy ${proxy} did not answer in time. Asked for: 127.0.0.1, port ${open.port}.`,
    );
  }
  // It let us in, and is on its way.
  assert.equal(
    await trouble(`socks5://${await listen([5, 0])}`),
    "remote-timeout: 127.0.0.1 cannot be reached in time.",
  );
});

test("who looks a name up: we, unless the proxy is wanted to", async (t) => {
  const socks = await startSocksProxy({ dir: await makeTempDir(t) });
  t.after(() => socks.close());
  const asked = async (scheme: string, host: string, rules = {}): Promise<string | null> => {
    const remotes = makeRemotes(t, { proxyFor: () => `${scheme}://127.0.0.1:${socks.port}` });
    const { url } = parseRemoteUrl(`https://${host}/a.git`);
    return (await remotes.open(url, null, { ...LOCAL, ...rules })).address;
  };
  assert.equal(await asked("socks5", "git.example"), "127.0.0.1");
  assert.equal(await asked("http", "git.example"), "127.0.0.1");
  assert.equal(await asked("socks5h", "git.example"), null);
  assert.equal(await asked("http", "git.example", { dnsRebindingProtectionEnabled: false }), null);
  // A failed look-up is no reason to ask the proxy by name, unless that was wanted or the name is trusted.
  assert.equal(await asked("http", "unknown.test"), null);
  const strict = { allowLocalRequests: false };
  for (const scheme of ["http", "socks5"])
    await assert.rejects(asked(scheme, "unknown.test", strict), {
      code: "remote-unreachable",
      message: /^Host cannot be resolved or invalid, and the proxy may not look it up/,
    });
  assert.equal(await asked("socks5h", "unknown.test", strict), null);
  assert.equal(
    await asked("http", "unknown.test", { ...strict, dnsRebindingProtectionEnabled: false }),
    null,
  );
  assert.equal(await asked("http", "unknown.test", { ...strict, outboundAllowlist: ["unknown.test"] }), null);

  // localhost is nothing that the test's resolver knows, but the proxy does.
  const tls = await startPeer(t, await authority.issue("git", { names: "DNS:localhost" }));
  const caCertificates = authority.certificate;
  const proxyFor = () => `socks5h://127.0.0.1:${socks.port}`;
  const url = tls.urlOf("a.git", "localhost");
  assert.deepEqual(await list(t, url, { proxyFor, caCertificates }), ["refs/heads/main"]);
  assert.deepEqual(tls.sources, [PROXY_SOURCE]);
});

test("the remote's host is checked behind a proxy too, and the proxy itself is not", async (t) => {
  const proxyFor = () => "socks5h://127.0.0.1:1";
  const refusal = (url: string, rules: object): Promise<string> => {
    const opened = { allowLocalRequests: false, ...rules };
    return failureOf(makeRemotes(t, { proxyFor }).open(parseRemoteUrl(url).url, null, opened));
  };
  const denied = /^url-blocked: Requests to hosts and IP addresses not on the Allow List are denied/;
  assert.match(await refusal("https://10.0.0.1/a.git", {}), /^url-blocked: Requests to the local network/);
  assert.match(
    await refusal("https://git.example/a.git", {}),
    /^url-blocked: Requests to loopback|localhost/,
  );
  for (const host of ["intranet", "git.internal", "printer.local.", "x.localhost"])
    assert.match(
      await refusal(`https://${host}/a.git`, {}),
      /^url-blocked: Requests to the local network/,
      host,
    );
  assert.match(await refusal("https://unknown.test/a.git", { denyAllRequestsExceptAllowed: true }), denied);

  const { url } = parseRemoteUrl("https://unknown.test/a.git");
  const remote = await makeRemotes(t, { proxyFor }).open(url, null, {
    allowLocalRequests: false,
    denyAllRequestsExceptAllowed: true,
    outboundAllowlist: ["unknown.test"],
  });
  assert.equal(remote.proxy, "socks5h://127.0.0.1:1");
});

test("a tunnel is for who knows its password, leads to its remote only, and ends with its run", async (t) => {
  const remotes = makeRemotes(t, { caCertificates: authority.certificate });
  const remote = await remotes.open(parseRemoteUrl(open.urlOf("a.git")).url, null, LOCAL);
  const tunnel = await remote.openTunnel?.(t.signal);
  assert.ok(tunnel);
  const { port, username, password } = new URL(tunnel.proxy);
  const knock = async (credential: { username: string; password: string } | null) => {
    const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
    t.after(() => void socket.destroy());
    await once(socket, "connect");
    return { socket, refusal: await askSocks5(socket, { host: "10.9.9.9", port: 1 }, credential) };
  };
  assert.equal((await knock(null)).refusal?.kind, "credential");
  const guessed = { username, password: "x".repeat(password.length) };
  assert.equal((await knock(guessed)).refusal?.kind, "credential");
  assert.equal((await knock({ username, password: "" })).refusal?.kind, "credential");

  const { socket, refusal } = await knock({ username, password });
  assert.equal(refusal, null);
  socket.write("GET /a.git/HEAD HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 /, "the remote, whatever was asked for");

  tunnel.close();
  const [error] = await once(connect(Number(port), "127.0.0.1"), "error");
  assert.equal(error.code, "ECONNREFUSED");
});

test("git:// is listed through a proxy, and git, which cannot go that way, does not go round it", async (t) => {
  const daemon = await startGitDaemonPeer({ root: join(root, "served") });
  t.after(() => daemon.close());
  const socks = await startSocksProxy({ dir: await makeTempDir(t) });
  t.after(() => socks.close());
  const remotes = makeRemotes(t, { proxyFor: () => socks.url });
  const remote = await remotes.open(parseRemoteUrl(daemon.urlOf("a.git")).url, null, LOCAL);
  const { refs } = await remotes.listRefs(remote, { signal: t.signal });
  assert.deepEqual([...refs.keys()], ["refs/heads/main"]);
  assert.match(
    await failureOf(fetch(t, remote)),
    /^url-invalid: A git:\/\/ remote cannot be reached through a/,
  );
});

async function findClosedPort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** The peer, with a note of who came: the same port as TLS has, without TLS. */
async function startPlainPeer(t: TestContext): Promise<{ port: number; sources: readonly string[] }> {
  const sources: string[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sources.push(socket.remoteAddress ?? "");
    const upstream = connect({ host: "127.0.0.1", port: peer.port });
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.on("error", () => {});
    }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  const address = listener.address();
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, sources };
}

test("a tunnel that is stopped while it opens is not left open", async (t) => {
  const remotes = makeRemotes(t, { caCertificates: authority.certificate });
  const remote = await remotes.open(parseRemoteUrl(open.urlOf("a.git")).url, null, LOCAL);
  const stopping = new AbortController();
  const opening = remote.openTunnel?.(stopping.signal);
  stopping.abort(new HeliostatError("cancelled", "Enough."));
  await assert.rejects(async () => await opening, { code: "cancelled", message: "Enough." });
});

test("those who connect to a tunnel and say nothing do not keep git out", async (t) => {
  const remotes = makeRemotes(t, { caCertificates: authority.certificate });
  const remote = await remotes.open(parseRemoteUrl(open.urlOf("a.git")).url, null, LOCAL);
  const tunnel = await remote.openTunnel?.(t.signal);
  assert.ok(tunnel);
  t.after(() => tunnel.close());
  const { port, username, password } = new URL(tunnel.proxy);
  const knock = async (): Promise<Socket> => {
    const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
    t.after(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  };
  const first = await knock();
  // Long before its time to speak is over, for which the test does not wait.
  const hasGone = once(first.resume(), "close", { signal: AbortSignal.timeout(8_000) });
  for (let i = 0; i < 32; i += 1) await knock();
  await hasGone;
  assert.equal(await askSocks5(await knock(), { host: "10.9.9.9", port: 1 }, { username, password }), null);
});
