import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeSelfSigned } from "../../../../test/support/certificates.ts";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { startOpensslServer, type TlsPeer } from "../../../../test/support/tls-peer.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import {
  failureOf,
  fetch,
  LOCAL,
  list,
  makeRemotes,
  openTlsStage,
  troubleOf,
} from "./tls-stage.test-support.ts";

const { authority, other, server, client, peer, open, closed, startPeer } = await openTlsStage();

test("the certificates of the instance are trusted, and those of one remote for this one", async (t) => {
  const caCertificates = authority.certificate;
  assert.deepEqual(await list(t, open.urlOf("a.git"), { caCertificates }), ["refs/heads/main"]);
  assert.deepEqual(await list(t, open.urlOf("a.git"), { trust: { caCertificates } }), ["refs/heads/main"]);

  const remotes = makeRemotes(t);
  const { url } = parseRemoteUrl(open.urlOf("a.git"));
  const trusting = await remotes.open(url, null, { ...LOCAL, trust: { caCertificates } });
  await remotes.listRefs(trusting, { signal: t.signal });
  // Not over the connection that the other one keeps open.
  const wary = await remotes.open(url, null, LOCAL);
  assert.match(await failureOf(remotes.listRefs(wary, { signal: t.signal })), /^remote-tls: /);
});

test("git fetches with the certificates of the instance and of the remote", async (t) => {
  for (const [options, trust] of [
    [{ caCertificates: authority.certificate }, undefined],
    [{}, { caCertificates: authority.certificate }],
  ] as const) {
    const remotes = makeRemotes(t, options);
    const { url } = parseRemoteUrl(open.urlOf("a.git", "git.example"));
    const remote = await remotes.open(url, null, { ...LOCAL, ...(trust ? { trust } : {}) });
    assert.deepEqual(await fetch(t, remote), ["refs/heads/main"]);
    assert.equal(peer.requests.at(-1)?.headers.host, `git.example:${open.port}`);
    assert.equal(open.servernames.at(-1), "git.example");
  }
});

test("a server's own certificate is enough to trust it, and so is an authority in between", async (t) => {
  const between = await authority.issueAuthority("Between");
  const below = await between.issue("git", { names: "IP:127.0.0.1" });
  const tls = await startPeer(t, below);
  const [own = ""] = below.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
  assert.deepEqual(await list(t, tls.urlOf("a.git"), { trust: { caCertificates: own } }), [
    "refs/heads/main",
  ]);
  const [sub = ""] = between.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
  assert.deepEqual(await list(t, tls.urlOf("a.git"), { trust: { caCertificates: sub } }), [
    "refs/heads/main",
  ]);
});

test("a client certificate is shown, in process and for git", async (t) => {
  const trust = {
    caCertificates: authority.certificate,
    clientCertificate: { certificate: client.certificate, privateKey: client.key },
  };
  assert.deepEqual(await list(t, closed.urlOf("a.git"), { trust }), ["refs/heads/main"]);
  const remote = await makeRemotes(t).open(parseRemoteUrl(closed.urlOf("a.git")).url, null, {
    ...LOCAL,
    trust,
  });
  assert.deepEqual(await fetch(t, remote), ["refs/heads/main"]);
});

const ADD_IT = "add its certificate to this mirror \\(ca_certificates\\) or, for all, to HELIOSTAT_CA_FILE";
const NAMES = "DNS:git.example,IP:127.0.0.1";

/** What is wrong with a server → what a person reads. It trusts another root, so that git goes through the tunnel. */
const TROUBLES: Record<
  string,
  { readonly message: RegExp; start(t: TestContext): Promise<TlsPeer | string> }
> = {
  "an authority that nobody knows": {
    message: new RegExp(
      `shows a certificate by "Heliostat test root", who is not trusted here, and none of that authority. If you trust it, ${ADD_IT}; if it is a public one, the server's chain`,
    ),
    start: (t) => startPeer(t, server),
  },
  "an authority that nobody knows, and that is sent along": {
    message: new RegExp(
      `127.0.0.1 shows a certificate by "Heliostat test root", who is not trusted here. If you trust that authority, ${ADD_IT}\\.$`,
    ),
    start: (t) => startPeer(t, { ...server, certificate: server.certificate + authority.certificate }),
  },
  "a certificate that signed itself": {
    message: new RegExp(`shows a certificate that it signed itself. If you trust it, ${ADD_IT}`),
    start: async (t) => startPeer(t, await makeSelfSigned(await makeTempDir(t), NAMES)),
  },
  "a certificate that expired": {
    message: /the certificate of 127\.0\.0\.1 expired on 2021-02-03\. It must be renewed there\./,
    start: async (t) =>
      startPeer(
        t,
        await other.issue("old", { names: NAMES, from: "20200101000000Z", until: "20210203000000Z" }),
      ),
  },
  "a certificate that is not valid yet": {
    message:
      /the certificate of 127\.0\.0\.1 is not valid before 2090-01-01\. Check the clocks of both servers\./,
    start: async (t) =>
      startPeer(
        t,
        await other.issue("new", { names: NAMES, from: "20900101000000Z", until: "20910101000000Z" }),
      ),
  },
  "a certificate for another name": {
    message:
      /the certificate of 127\.0\.0\.1 is not for this name but for git\.example, 10\.0\.0\.1\. Use a name/,
    start: async (t) => startPeer(t, await other.issue("git", { names: "DNS:git.example,IP:10.0.0.1" })),
  },
  "a chain that lacks its middle": {
    message:
      /shows a certificate by "Between", who is not trusted here, and none of that authority\. .* incomplete: mend that there\./,
    start: async (t) => {
      const below = await (await other.issueAuthority("Between")).issue("git", { names: NAMES });
      const [alone = ""] = below.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
      return startPeer(t, { ...below, certificate: alone });
    },
  },
  "a server that wants a client certificate": {
    message:
      /127\.0\.0\.1 wants a client certificate\. Give this mirror one \(client_certificate and client_key\)\./,
    start: async (t) =>
      startPeer(t, await other.issue("git", { names: NAMES }), { requestCert: true, ca: other.certificate }),
  },
  "a server with TLS 1.2 that wants a client certificate": {
    message: /127\.0\.0\.1 ends the handshake: it wants a client certificate, or has no cipher or version/,
    start: async (t) =>
      startPeer(t, await other.issue("git", { names: NAMES }), {
        ...{ requestCert: true, ca: other.certificate, maxVersion: "TLSv1.2" },
      }),
  },
  "a server with old versions of TLS only": {
    message: /127\.0\.0\.1 speaks no version of TLS that is safe: 1\.2 or newer is needed there\./,
    start: async (t) =>
      startPeer(t, await other.issue("git", { names: NAMES }), {
        ...{ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
      }),
  },
  "a port that speaks HTTP": {
    message:
      /what answers at this port of 127\.0\.0\.1 is not TLS\. Check the URL's port, and whether it should be http/,
    start: () => Promise.resolve(`https://127.0.0.1:${peer.port}/a.git`),
  },
};

for (const [name, { message, start }] of Object.entries(TROUBLES)) {
  test(`${name}: an error that says so, from us and from git alike`, async (t) => {
    const started = await start(t);
    const url = typeof started === "string" ? started : started.urlOf("a.git");
    const said = await troubleOf(t, url, { caCertificates: other.certificate });
    assert.match(said, /^remote-tls: No secure connection: /);
    assert.match(said, message);
  });
}

test("a client certificate that the server does not trust is told from one that it wants", async (t) => {
  const strange = await other.issue("stranger");
  const trust = {
    caCertificates: authority.certificate,
    clientCertificate: { certificate: strange.certificate, privateKey: strange.key },
  };
  const dir = await makeTempDir(t);
  await writeFile(join(dir, "own.pem"), server.certificate + server.key);
  await writeFile(join(dir, "ca.pem"), authority.certificate);
  const strict = await startOpensslServer(dir, [
    ...["-cert", "own.pem", "-key", "own.pem", "-CAfile", "ca.pem", "-Verify", "1", "-verify_return_error"],
  ]);
  t.after(() => strict.close());
  const said = await troubleOf(t, `https://127.0.0.1:${strict.port}/a.git`, { trust });
  assert.match(said, /^remote-tls: .*127\.0\.0\.1 refuses the client certificate: it may have expired/);
});

test("nothing is sent to a server that is not trusted", async (t) => {
  const before = peer.requests.length;
  const { url } = parseRemoteUrl(open.urlOf("a.git"));
  const remotes = makeRemotes(t);
  const remote = await remotes.open(url, { username: "me", password: "planted" }, LOCAL);
  assert.match(await failureOf(remotes.listRefs(remote, { signal: t.signal })), /^remote-tls/);
  assert.equal(peer.requests.length, before);
});
