import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeStoredMirror } from "../../../../../test/support/stored-mirror.ts";
import { given } from "../../domain/given.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import type { MirrorSettings } from "../use-cases.ts";
import {
  changeOfKeyPair,
  changesOf,
  newMirrorOf,
  optionsIn,
  type Saving,
  wantsUpdate,
} from "./mirror-changes.ts";

const BEFORE = "https://git.example.com/team/code.git";
const SSH_BEFORE = "ssh://git@git.example.com/team/code.git";
const PAIR = { publicKey: "ssh-ed25519 AAAA new", privateKey: "private" };

/** What a save of these settings works with, by a user who has no named credentials. */
function savingOf(stored: Mirror | null, settings: MirrorSettings): Saving {
  const parsed = settings.url === undefined ? null : parseRemoteUrl(settings.url);
  const remote = parsed && {
    url: parsed.url,
    credential: given({ username: parsed.username ?? undefined, password: parsed.password ?? undefined }),
    urlHadUserinfo: parsed.hadUserinfo,
  };
  const named = { wanted: null, ownStoredId: null };
  const change = changeOfKeyPair(stored, { settings, remote, named });
  return {
    ...{ user: { id: 7 }, project: { id: 3 }, settings, remote, options: optionsIn(settings), named },
    keyPair: { change, pair: change === "make" || change === "take" ? PAIR : null },
    certificates: {
      caCertificates: settings.caCertificates,
      clientCertificate: settings.clientCertificate === null ? null : undefined,
    },
  };
}

const change = (stored: Mirror, settings: MirrorSettings) => changesOf(stored, savingOf(stored, settings));

describe("what a save changes", () => {
  it("is nothing but what is said", () => {
    const { clearsError, ...rest } = change(makeStoredMirror(BEFORE), { enabled: false });
    assert.equal(clearsError, false);
    assert.deepEqual(rest, { enabled: false, credential: {}, resetState: false });
  });

  it("drops secrets, host keys and certificates with another server, and keeps them on the same one", () => {
    const stored = makeStoredMirror(SSH_BEFORE, {
      ...{
        authMethod: "ssh_public_key",
        publicKey: "ssh-ed25519 AAAA old",
        knownHosts: "line",
        username: "git",
      },
    });
    const same = change(stored, { url: "ssh://git@git.example.com/team/other.git" });
    assert.deepEqual(same.credential, { username: "git" });
    assert.deepEqual([same.knownHosts, same.caCertificates], [undefined, undefined]);
    assert.equal(same.resetState, true);

    const other = change(stored, { url: "ssh://git@elsewhere.example.com/team/code.git" });
    assert.deepEqual(other.credential, { username: "git", password: null, keyPair: PAIR });
    assert.deepEqual(other.knownHosts, { text: "", verifiedBy: null });
    assert.deepEqual([other.caCertificates, other.clientCertificate], [null, null]);
  });

  it("puts what stands in the URL in the place of what is stored, and what comes beside it before both", () => {
    const stored = makeStoredMirror(BEFORE);
    const inUrl = change(stored, { url: "https://token@git.example.com/team/code.git" });
    assert.deepEqual(inUrl.credential, { username: "token", password: null });
    assert.equal(inUrl.urlHadUserinfo, true);
    const beside = change(stored, { url: "https://a:b@git.example.com/team/code.git", password: "c" });
    assert.deepEqual(beside.credential, { username: "a", password: "c" });
    assert.equal(beside.urlHadUserinfo, false);
    const cleared = change(stored, { username: "", password: "" });
    assert.deepEqual(cleared.credential, { username: null, password: null });
  });

  it("leaves a password as it is when a URL of SSH names the same user", () => {
    const stored = makeStoredMirror(SSH_BEFORE, { username: "git" });
    assert.deepEqual(change(stored, { url: SSH_BEFORE }).credential, { username: "git" });
    const otherUser = change(stored, { url: "ssh://robot@git.example.com/team/code.git" });
    assert.deepEqual(otherUser.credential, { username: "robot", password: null });
  });

  it("is all that it was shown when a pull mirror is switched off, and none of what comes along", () => {
    const stored = makeStoredMirror(BEFORE, { direction: "pull", userId: 1 });
    const off = change(stored, { enabled: false, username: "a", password: "b" });
    assert.deepEqual(off.credential, { username: null, password: null, keyPair: null });
    assert.equal(off.clientCertificate, null);
    assert.deepEqual([off.enabled, off.userId, off.clearsError], [false, 7, true]);
  });
});

describe("a new mirror", () => {
  it("has what is given, and nothing for an empty field of a form", () => {
    const made = newMirrorOf("push", savingOf(null, { url: BEFORE, username: "", password: "b" }));
    assert.deepEqual(made.credential, { password: "b" });
    assert.deepEqual([made.projectId, made.enabled, made.urlHadUserinfo, made.userId], [3, false, false, 7]);
    const withKey = newMirrorOf("pull", savingOf(null, { url: SSH_BEFORE, authMethod: "ssh_public_key" }));
    assert.deepEqual(withKey.credential, { username: "git", keyPair: PAIR });
    assert.equal(withKey.urlHadUserinfo, true);
  });

  it("needs a URL", () => {
    assert.throws(() => newMirrorOf("push", savingOf(null, {})), { fields: { url: ["is missing"] } });
  });
});

describe("an update after a save", () => {
  const stored = makeStoredMirror(BEFORE);
  const wants = (after: Partial<Mirror>, settings: MirrorSettings, before: Mirror | null = stored) =>
    wantsUpdate(before, { ...stored, ...after }, settings);

  it("is for what is new to carry, or to sign in with", () => {
    assert.equal(wants({}, {}), false);
    assert.equal(wants({ options: { ...stored.options, tags: "none" } }, {}), true);
    assert.equal(wants({ knownHosts: "line" }, {}), true);
    assert.equal(wants({}, { url: BEFORE }), true);
    assert.equal(wants({}, { password: "b" }), true);
    assert.equal(wants({}, { caCertificates: null }), true);
    assert.equal(wants({}, {}, null), true);
    assert.equal(wants({}, {}, { ...stored, enabled: false }), true);
    assert.equal(wants({ direction: "pull" }, {}), true);
  });

  it("is not for a key pair that was made now, which the remote does not know yet", () => {
    assert.equal(wants({ publicKey: "ssh-ed25519 AAAA new" }, { regeneratesKeyPair: true }), false);
    assert.equal(wants({ publicKey: "ssh-ed25519 AAAA new" }, { privateKey: "private" }), true);
  });
});
