import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { createApi, idOf } from "../support/api.ts";
import { makeAuthority, openssl } from "../support/certificates.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { PROXY_SOURCE, startConnectProxy, startSocksProxy, type TestProxy } from "../support/proxies.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { startTlsPeer } from "../support/tls-peer.ts";

/*
 * Remotes behind TLS with an authority of one's own, and behind proxies: mirrors of both directions get there, by the
 * way that was configured and no other, and say what is wrong when they do not.
 */

const directory = await makeTempDir({ after });
const authority = await makeAuthority(await makeDirectory("authority"));
const server = await authority.issue("git", { names: "IP:127.0.0.1,DNS:localhost" });
const client = await authority.issue("mirror");
const peer = await startGitHttpPeer({ root: directory });
after(() => peer.close());
const tls = { cert: server.certificate, key: server.key };
const open = await startTlsPeer(peer, tls);
after(() => open.close());
const closed = await startTlsPeer(peer, { ...tls, requestCert: true, ca: authority.certificate });
after(() => closed.close());
const heliostat = await startServer();
after(() => heliostat.stop());
const api = createApi(heliostat);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

async function makeDirectory(name: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(path);
  return path;
}

async function makeUpstream(name: string): Promise<string> {
  const path = await makeRepository(join(directory, `${name}.git`));
  await makeCommit(path);
  return path;
}

interface MirrorCertificates {
  readonly ca_certificates: string | null;
  readonly ca_certificate_details: readonly { readonly subject: string }[];
  readonly client_certificate_details: {
    readonly subject: string;
    readonly fingerprint_sha256: string;
  } | null;
}

test("a mirror's own certificates lead it to a server that nobody else knows, in both directions", async () => {
  const upstream = await makeUpstream("private-up");
  const downstream = await makeRepository(join(directory, "private-down.git"));
  const project = (await api.createProject("private")).id;
  const without = await api.createMirror(project, "pull", closed.urlOf("private-up.git"));
  const failed = await api.waitForMirror(project, without, "failed");
  assert.match(
    failed.error ?? "",
    /No secure connection: 127\.0\.0\.1 shows a certificate by "Heliostat test root"/,
  );

  const certificates = {
    ca_certificates: authority.certificate,
    client_certificate: client.certificate,
    client_key: client.key,
  };
  const mirrors = `/projects/${project}/mirrors`;
  const [pull] = (await api.get(mirrors)) as { id: number }[];
  const changed = (await api.put(`${mirrors}/${pull?.id}`, certificates)) as MirrorCertificates;
  assert.deepEqual(
    [
      changed.ca_certificate_details.map(({ subject }) => subject),
      changed.client_certificate_details?.subject,
    ],
    [["CN=Heliostat test root"], "CN=mirror"],
  );
  assert.match(
    changed.client_certificate_details?.fingerprint_sha256 ?? "",
    /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/,
  );
  assert.doesNotMatch(JSON.stringify(changed), /PRIVATE KEY/);
  // An answer may be sent back as it is: the key is not in it, and stays.
  await api.put(`${mirrors}/${pull?.id}`, { ...changed });
  const pulled = await api.update(project, "pull");
  assert.equal(pulled.status, "finished", pulled.error ?? "");
  assert.deepEqual(await refsOf(heliostat.repositoryOf(project)), await refsOf(upstream));

  const push = await api.post(mirrors, {
    direction: "push",
    url: closed.urlOf("private-down.git"),
    ...certificates,
  });
  await api.waitForMirror(project, idOf(push), "finished");
  assert.deepEqual(await refsOf(downstream), await refsOf(upstream));

  const [line = ""] = client.key.split("\n").slice(1);
  assert.ok(!heliostat.output().includes(line), "no key in the log");

  const elsewhere = (await api.put(`${mirrors}/${idOf(push)}`, {
    url: closed.urlOf("private-down.git", "localhost"),
  })) as MirrorCertificates;
  assert.deepEqual(
    [elsewhere.ca_certificates, elsewhere.client_certificate_details],
    [null, null],
    "of another host",
  );
});

test("certificates that cannot be used are refused in words", async () => {
  const project = (await api.createProject("refused")).id;
  const encrypted = await openssl(directory, [
    "genpkey",
    "-algorithm",
    "ed25519",
    "-aes128",
    "-pass",
    "pass:planted",
  ]);
  const other = await authority.issue("other");
  const { certificate, key } = client;
  const cases: readonly [parameters: Record<string, string>, field: string, complaint: RegExp][] = [
    [{ ca_certificates: "hello" }, "ca_certificates", /holds no certificate: paste the text/],
    [{ ca_certificates: authority.certificate + key }, "ca_certificates", /holds a private key/],
    [{ client_certificate: certificate }, "client_key", /is missing/],
    [{ client_key: key }, "client_certificate", /is missing/],
    [{ client_certificate: certificate, client_key: other.key }, "client_key", /does not belong/],
    [{ client_certificate: certificate, client_key: encrypted }, "client_key", /is encrypted/],
  ];
  for (const [parameters, field, complaint] of cases) {
    const { status, body } = await api.call("POST", `/projects/${project}/mirrors`, {
      ...{ direction: "push", url: open.urlOf("x.git") },
      ...parameters,
    });
    assert.equal(status, 400, JSON.stringify(body));
    const { message } = body as { message: Record<string, string[]> };
    assert.match(message[field]?.[0] ?? "", complaint);
    const said = JSON.stringify(body);
    assert.ok(![key, other.key, encrypted].some((text) => said.includes(text.split("\n")[1] ?? "")), said);
  }
});

const AUTH = { username: "ada", password: "planted-proxy-secret" };
const PROXIES: readonly [name: string, (dir: string) => Promise<TestProxy>][] = [
  ["http", (dir) => startConnectProxy({ dir })],
  ["http-auth", (dir) => startConnectProxy({ dir, auth: AUTH })],
  ["socks", (dir) => startSocksProxy({ dir })],
  ["socks-auth", (dir) => startSocksProxy({ dir, auth: AUTH })],
];
for (const [name, start] of PROXIES) {
  test(`mirrors of both directions go through the proxy (${name}) and not round it`, async (t: TestContext) => {
    const caFile = join(directory, "ca.pem");
    await writeFile(caFile, authority.certificate);
    const proxy = await start(await makeDirectory(`proxy-${name}`));
    t.after(() => proxy.close());
    const by = await startTlsPeer(peer, tls);
    t.after(() => by.close());
    const beside = await startTlsPeer(peer, tls);
    t.after(() => beside.close());
    await heliostat.restart({
      HELIOSTAT_CA_FILE: caFile,
      ...(name.startsWith("http") ? { HTTPS_PROXY: proxy.url } : { all_proxy: proxy.url }),
      NO_PROXY: `127.0.0.1:${beside.port}`,
    });

    const upstream = await makeUpstream(`up-${name}`);
    const project = (await api.createProject(`by-${name}`)).id;
    await api.createMirror(project, "pull", by.urlOf(`up-${name}.git`));
    await api.waitForMirror(project, "pull", "finished");
    assert.deepEqual(await refsOf(heliostat.repositoryOf(project)), await refsOf(upstream));
    // Now with something here: what is transferred takes another way in git than a first pull.
    await makeCommit(upstream);
    assert.equal((await api.update(project, "pull")).status, "finished");
    assert.deepEqual(await refsOf(heliostat.repositoryOf(project)), await refsOf(upstream));
    for (const [down, place, source] of [
      ["down", by, PROXY_SOURCE],
      ["beside", beside, "127.0.0.1"],
    ] as const) {
      const downstream = await makeRepository(join(directory, `${down}-${name}.git`));
      const mirror = await api.createMirror(project, "push", place.urlOf(`${down}-${name}.git`));
      await api.waitForMirror(project, mirror, "finished");
      assert.deepEqual(await refsOf(downstream), await refsOf(upstream));
      assert.deepEqual(new Set(place.sources), new Set([source]), down);
    }

    await proxy.close();
    const failed = await api.update(project, "pull");
    assert.match(failed.error ?? "", new RegExp(`^The proxy ${proxy.bareUrl} cannot be reached`));
    assert.ok(!heliostat.output().includes(AUTH.password), "not in the log");
  });
}
