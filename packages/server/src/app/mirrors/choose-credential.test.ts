import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { CredentialKind } from "@heliostat/contract";
import { makeAuthority } from "../../../../../test/support/certificates.ts";
import { makeTempDir } from "../../../../../test/support/repositories.ts";
import { makeStoredMirror } from "../../../../../test/support/stored-mirror.ts";
import type { Credential } from "../../domain/credential.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { writeStrings } from "../../domain/ssh-wire.ts";
import type { Principal, User } from "../../domain/user.ts";
import type { MirrorSettings } from "../use-cases.ts";
import type { CheckedRemote } from "./check-remote-url.ts";
import { chooseCredential, findNamedCredentials } from "./choose-credential.ts";

const DAY = new Date("2030-01-01T00:00:00Z");
const URL_BEFORE = "https://git.example.com/team/code.git";

function credential(id: number, ownerId: number, kind: CredentialKind = "password"): Credential {
  const namespace = {
    id: ownerId,
    kind: "user",
    name: "n",
    path: "n",
    fullPath: "n",
    parentId: null,
    traversalIds: [ownerId],
    visibility: null,
    description: null,
  } as const;
  return {
    ...{ id, name: `c${id}`, kind, namespace: { ...namespace, ownerId }, username: "robot", publicKey: null },
    ...{
      expiresAt: null,
      rotatedAt: DAY,
      mirrorsCount: 1,
      secretKeyIds: [],
      createdAt: DAY,
      updatedAt: DAY,
    },
  };
}

const user: User = {
  ...{ id: 7, username: "mo", name: "Mo", email: "mo@example.com", isAdmin: false, state: "active" },
  ...{ botOfProjectId: null, isTokenBot: false, hasSecondFactor: false, createdAt: DAY },
};

const principal: Principal = { kind: "user", user, memberships: [], token: null };

/** Those of the user, of somebody else, and a key of the user. */
const ALL = [credential(1, 7), credential(2, 8), credential(3, 7, "ssh_key")];

function mirrorWith(credentialId: number | null, url = URL_BEFORE): Mirror {
  return makeStoredMirror(url, {
    authMethod: credentialId === 3 ? "ssh_public_key" : "password",
    credential: credentialId === null ? null : { id: credentialId, name: "c" },
  });
}

/** What a save by the user makes of the mirror's credential. */
async function choose(stored: Mirror | null, settings: MirrorSettings, drops = false) {
  const ports = { credentials: { find: async (id: number) => ALL.find((each) => each.id === id) ?? null } };
  const named = await findNamedCredentials(ports, principal, settings, stored);
  const parsed = settings.url === undefined ? null : parseRemoteUrl(settings.url);
  const remote: CheckedRemote | null = parsed && {
    url: parsed.url,
    credential: {
      ...(parsed.username === null ? {} : { username: parsed.username }),
      ...(parsed.password === null ? {} : { password: parsed.password }),
    },
    urlHadUserinfo: parsed.hadUserinfo,
  };
  const hasOwn = Boolean(settings.username || settings.password);
  return chooseCredential(named, stored, { settings, remote, hasOwn, drops });
}

/** What the server of a mirror is known by, and another one might be. */
const hostKey = (byte: number) =>
  `ssh-ed25519 ${writeStrings("ssh-ed25519", Buffer.alloc(32, byte)).toString("base64")}`;
const KNOWN = `git.example.com ${hostKey(1)}`;
const authority = async () => (await makeAuthority(await makeTempDir({ after }))).certificate;
const [CA, OTHER_CA] = await Promise.all([authority(), authority()]);
const OTHER_HOST = "https://evil.example.net/code.git";
const OTHER_PATH = "https://git.example.com/board/salaries.git";
const DROPPED = { credentialId: null };

describe("a mirror with somebody else's credential", () => {
  const theirs = mirrorWith(2);
  const losing: [what: string, settings: MirrorSettings][] = [
    ["another host", { url: OTHER_HOST }],
    ["another port of the host", { url: "https://git.example.com:8443/team/code.git" }],
    ["no TLS", { url: "http://git.example.com/team/code.git" }],
    ["another repository of the host", { url: OTHER_PATH }],
    ["another host, with the credential named as it was", { url: OTHER_HOST, credentialId: 2 }],
    ["a password of its own", { password: "p" }],
    ["no credential", { credentialId: null }],
    ["an authority for the server", { caCertificates: CA }],
    ["host keys of the server", { knownHosts: KNOWN }],
    ["a bare host key, with the credential named as it was", { hostKeys: [hostKey(2)], credentialId: 2 }],
  ];
  for (const [what, settings] of losing) {
    it(`loses it with ${what}`, async () => assert.deepEqual(await choose(theirs, settings), DROPPED));
  }

  const keeping: [what: string, settings: MirrorSettings][] = [
    ["other options", { keepDivergentRefs: true }],
    ["the same URL", { url: URL_BEFORE }],
    ["the same URL and credential", { url: URL_BEFORE, credentialId: 2 }],
    ["empty fields of a form", { username: "", password: "" }],
  ];
  for (const [what, settings] of keeping) {
    it(`keeps it with ${what}`, async () => assert.deepEqual(await choose(theirs, settings), {}));
  }

  const trusting = { ...mirrorWith(2), knownHosts: KNOWN, caCertificates: CA };
  const others: [what: string, settings: MirrorSettings][] = [
    ["another host key", { knownHosts: `git.example.com ${hostKey(2)}` }],
    ["one host key more", { knownHosts: `${KNOWN}\n* ${hostKey(2)}` }],
    ["no host keys", { knownHosts: "" }],
    ["no list of host keys", { hostKeys: [] }],
    ["another authority", { caCertificates: OTHER_CA }],
    ["one authority more", { caCertificates: CA + OTHER_CA }],
    ["no authority", { caCertificates: "" }],
  ];
  for (const [what, settings] of others) {
    it(`loses it with ${what}`, async () => assert.deepEqual(await choose(trusting, settings), DROPPED));
  }

  it("keeps it with the host keys and authorities that it has", async () => {
    const same = { knownHosts: `# looked at\n${KNOWN}\n`, caCertificates: `${CA}\n` };
    assert.deepEqual(await choose(trusting, same), {});
    assert.deepEqual(await choose(trusting, { hostKeys: [hostKey(1)] }), {});
    assert.deepEqual(await choose(theirs, { knownHosts: "", hostKeys: [], caCertificates: "" }), {});
  });

  it("may get one of the user's in its place", async () => {
    const choice = { credentialId: 1, authMethod: "password" };
    assert.deepEqual(await choose(theirs, { url: OTHER_HOST, credentialId: 1 }), choice);
  });
});

describe("a credential of the user", () => {
  it("goes along to another host and path", async () => {
    assert.deepEqual(await choose(mirrorWith(1), { url: OTHER_HOST }), {});
    assert.deepEqual(await choose(mirrorWith(1), { url: OTHER_PATH }), {});
  });

  it("stays when its user says by what the server is known", async () => {
    assert.deepEqual(await choose(mirrorWith(1), { knownHosts: KNOWN, caCertificates: CA }), {});
  });

  it("is given to a new mirror, with what it says of how to sign in", async () => {
    const byPassword = { credentialId: 1, authMethod: "password" };
    assert.deepEqual(await choose(null, { url: URL_BEFORE, credentialId: 1 }), byPassword);
    const byKey = { credentialId: 3, authMethod: "ssh_public_key" };
    const url = "ssh://git@git.example.com/code.git";
    assert.deepEqual(await choose(null, { url, credentialId: 3 }), byKey);
  });

  it("goes when the mirror is switched off, or signs in another way", async () => {
    assert.deepEqual(await choose(mirrorWith(1), { enabled: false }, true), DROPPED);
    assert.deepEqual(await choose(mirrorWith(1), { authMethod: "ssh_public_key" }), DROPPED);
    const ofKey = mirrorWith(3, "ssh://git.example.com/code.git");
    assert.deepEqual(await choose(ofKey, { url: URL_BEFORE }), DROPPED);
  });

  const misfits: [settings: MirrorSettings, message: string][] = [
    [{ credentialId: 2 }, "credential_id does not exist"],
    [{ credentialId: 99 }, "credential_id does not exist"],
    [{ credentialId: 1, password: "p" }, "credential_id and a user name or password exclude each other"],
    [
      { credentialId: 1, url: "https://a:b@git.example.com/c.git" },
      "credential_id and a user name or password exclude each other",
    ],
    [{ credentialId: 3 }, "credential_id is an SSH key pair: it needs a URL that begins with ssh://"],
    [{ credentialId: 1, authMethod: "ssh_public_key" }, "auth_method is password with this credential"],
    [
      { credentialId: 1, url: "https://other@git.example.com/c.git" },
      "credential_id has another user name than the URL: leave it out there",
    ],
  ];
  for (const [settings, message] of misfits) {
    it(`is refused: ${JSON.stringify(settings)}`, async () => {
      await assert.rejects(choose(mirrorWith(null), settings), { code: "model-invalid", message });
    });
  }
});
