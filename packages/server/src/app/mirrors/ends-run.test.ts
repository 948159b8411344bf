import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { endsRun } from "./ends-run.ts";

const mirror: Parameters<typeof endsRun>[0] = {
  ...{ enabled: true, url: parseRemoteUrl("ssh://git@git.example.com/a.git").url },
  ...{ knownHosts: "git.example.com a b\n* c d", caCertificates: null, clientCertificate: null },
  ...{ credential: { id: 1, name: "bot" }, authMethod: "password", username: "bot", hasPassword: true },
  publicKey: null,
};

test("a run ends with whatever it must no longer speak to, trust or show", () => {
  for (const change of [
    { enabled: false },
    { url: parseRemoteUrl("ssh://git@git.example.com/b.git").url },
    { knownHosts: "git.example.com a b\n* c d\n@revoked * a b" },
    { knownHosts: "" },
    { caCertificates: "ca" },
    { clientCertificate: "mine" },
    { credential: null },
    { credential: { id: 2, name: "bot" } },
    { authMethod: "ssh_public_key" },
    { username: null },
    { hasPassword: false },
    { publicKey: "ssh-ed25519 AAAA" },
  ] as const) {
    assert.equal(endsRun(mirror, { ...mirror, ...change }), true, JSON.stringify(change));
  }
});

test("a run goes on with the same in other words", () => {
  const same = {
    knownHosts: "# sorted\n* c d\ngit.example.com a b\n",
    credential: { id: 1, name: "renamed" },
  };
  assert.equal(endsRun(mirror, { ...mirror, ...same }), false);
});
