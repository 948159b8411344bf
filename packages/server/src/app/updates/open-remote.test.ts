import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthMethod } from "@heliostat/contract";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { readSshPrivateKey } from "../../domain/ssh-private-key.ts";
import { keyPairs } from "../../secrets/key-pairs.ts";
import type { MirrorSecret, RemoteCredential, RemoteTrust } from "../ports.ts";
import { openRemote, openStoredRemote } from "./open-remote.ts";

const { privateKey } = await keyPairs.make("ed25519", "git@example.com");
const signal = new AbortController().signal;

/** Opens a mirror with this URL, and answers what the adapter was given. */
async function opened(text: string, authMethod: AuthMethod, secret: MirrorSecret) {
  const given: { credential: RemoteCredential | null; trust: RemoteTrust | undefined }[] = [];
  const { hideSecrets } = await openStoredRemote(
    {
      instance: { externalUrl: "https://heliostat.example.com" },
      settings: { read: async () => ({ allowLocalRequests: false }) },
      remotes: {
        async open(url, credential, { trust }) {
          given.push({ credential, trust });
          return { url, credential, address: "192.0.2.1" };
        },
      },
    },
    {
      ...{ direction: "pull", url: parseRemoteUrl(text).url, authMethod, knownHosts: "known", secret },
      ...{ caCertificates: null, clientCertificate: "certificate" },
    },
    signal,
  );
  const [one] = given;
  assert(one);
  return { ...one, hideSecrets };
}

const PASSWORD = "planted-Pa55word";
const both: MirrorSecret = { username: "bot", password: PASSWORD, privateKey };

test("a key goes to SSH only, and alone", async () => {
  const credentialOf = async (url: string, authMethod: AuthMethod, secret = both) =>
    (await opened(url, authMethod, secret)).credential;
  assert.deepEqual(await credentialOf("ssh://ada@example.com/a.git", "ssh_public_key"), {
    username: "ada",
    password: "",
    privateKey,
  });
  assert.deepEqual(await credentialOf("ssh://example.com/a.git", "password"), {
    username: "bot",
    password: PASSWORD,
  });
  for (const scheme of ["https", "http", "git"]) {
    assert.deepEqual(await credentialOf(`${scheme}://example.com/a.git`, "ssh_public_key"), {
      username: "bot",
      password: PASSWORD,
    });
  }
  assert.equal(
    (await credentialOf("ssh://example.com/a.git", "ssh_public_key", { privateKey }))?.username,
    "git",
  );
  assert.equal(await credentialOf("https://example.com/a.git", "ssh_public_key", { privateKey }), null);
  await assert.rejects(credentialOf("ssh://example.com/a.git", "ssh_public_key", { password: PASSWORD }), {
    code: "remote-credential",
  });
});

test("what is stored is hidden in any text, and the remote gets what it is known by", async () => {
  const url = "ssh://git@example.com/a.git";
  const { trust, hideSecrets } = await opened(url, "ssh_public_key", { ...both, clientKey: privateKey });
  assert.deepEqual(trust, {
    knownHosts: "known",
    clientCertificate: { certificate: "certificate", privateKey },
  });
  const lines = privateKey.split("\n").filter((line) => line.length > 20 && !line.startsWith("-"));
  assert(lines.length > 1);
  for (const secret of [PASSWORD, privateKey, lines.join(""), ...lines]) {
    const text = hideSecrets(`before ${secret} after`);
    assert.match(text, /^before \*{5}.* after$/s);
    assert(!text.includes(secret.trim()));
  }
  // The key can be read, so that what is hidden is a key indeed.
  assert.equal(readSshPrivateKey(privateKey).type, "ed25519");
});

test("the user name of SSH is no secret", async () => {
  const { hideSecrets } = await opened("ssh://git@example.com/a.git", "ssh_public_key", {
    username: "git",
    privateKey,
  });
  assert.equal(hideSecrets("git said no to git"), "git said no to git");
  const web = await opened("https://example.com/a.git", "password", { username: "glpat-1234" });
  assert.equal(web.hideSecrets("glpat-1234 is no good"), "***** is no good");
});

test("what is stored is shown to no other URL than the one it is stored with", async () => {
  const [before, now] = ["https://old.example.com/a.git", "https://new.example.com/a.git"];
  const opened: string[] = [];
  const open = (seen: string) =>
    openRemote(
      {
        instance: { externalUrl: "https://heliostat.example.com" },
        settings: { read: async () => ({ allowLocalRequests: false }) },
        mirrors: {
          readRemote: async () => ({
            ...{ direction: "pull", url: parseRemoteUrl(now).url, authMethod: "password", knownHosts: "" },
            ...{ caCertificates: null, clientCertificate: null, secret: both },
          }),
        },
        remotes: {
          async open(url, credential) {
            opened.push(url);
            return { url, credential, address: "192.0.2.1" };
          },
        },
      },
      { id: 1, url: parseRemoteUrl(seen).url },
      signal,
    );
  await assert.rejects(open(before), { code: "cancelled", message: "The mirror's URL was changed." });
  assert.deepEqual(opened, []);
  await open(now);
  assert.deepEqual(opened, [now]);
});
