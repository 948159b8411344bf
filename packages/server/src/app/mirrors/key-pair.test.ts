import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthMethod } from "@heliostat/contract";
import { keyPairs } from "../../secrets/key-pairs.ts";
import { authMethodAfter, type KeyPairChange, keyPairChange, prepareKeyPair } from "./key-pair.ts";

type Stored = Parameters<typeof keyPairChange>[0];
type Settings = Parameters<typeof keyPairChange>[1];
type Fate = Parameters<typeof keyPairChange>[2];

const stored = (authMethod: AuthMethod, publicKey: string | null, isNamed = false): Stored => ({
  authMethod,
  publicKey,
  credential: isNamed ? { id: 1, name: "shared" } : null,
});
const KEYED = stored("ssh_public_key", "ssh-ed25519 AAAA");
const STAYS: Fate = { dropsKey: false, isOff: false, usesNamed: false };
const OTHER_HOST: Fate = { dropsKey: true, isOff: false, usesNamed: false };
const OFF: Fate = { dropsKey: true, isOff: true, usesNamed: false };
const NAMED: Fate = { dropsKey: false, isOff: false, usesNamed: true };

test("a key pair is made where one is wanted and none is there, and survives the rest", () => {
  const rules: readonly [Stored, Settings, Fate, KeyPairChange][] = [
    [null, {}, STAYS, "keep"],
    [null, { authMethod: "ssh_public_key" }, STAYS, "make"],
    [stored("password", null), { authMethod: "ssh_public_key" }, STAYS, "make"],
    // From before there were key pairs.
    [stored("ssh_public_key", null), {}, STAYS, "make"],
    [KEYED, {}, STAYS, "keep"],
    [KEYED, { authMethod: "password" }, STAYS, "keep"],
    [KEYED, { sshKeyType: "rsa" }, STAYS, "keep"],
    [KEYED, { regeneratesKeyPair: true }, STAYS, "make"],
    [KEYED, { privateKey: "text" }, STAYS, "take"],
    [KEYED, {}, OTHER_HOST, "make"],
    [KEYED, { authMethod: "password" }, OTHER_HOST, "drop"],
    [stored("password", "ssh-rsa AAAA"), {}, OTHER_HOST, "drop"],
    [KEYED, {}, OFF, "drop"],
    [stored("ssh_public_key", "ssh-rsa AAAA", true), {}, NAMED, "keep"],
    [KEYED, {}, NAMED, "keep"],
    // It has lost the named one, whose key it showed: without one of its own it could not sign in any more.
    [stored("ssh_public_key", "ssh-rsa AAAA", true), {}, STAYS, "make"],
    [stored("ssh_public_key", "ssh-rsa AAAA", true), { authMethod: "password" }, STAYS, "keep"],
  ];
  for (const [before, settings, fate, change] of rules) {
    assert.equal(keyPairChange(before, settings, fate), change, JSON.stringify([before, settings, fate]));
  }
  for (const settings of [{ privateKey: "text" }, { regeneratesKeyPair: true }]) {
    assert.throws(() => keyPairChange(KEYED, settings, NAMED), { code: "model-invalid" });
  }
  assert.equal(authMethodAfter(null, { privateKey: "text" }), "ssh_public_key");
  assert.equal(authMethodAfter(KEYED, { authMethod: "password", privateKey: "text" }), "password");
});

test("another key pair is of the type of the one before, and a bad key is refused without a word of it", async () => {
  const made: string[] = [];
  const ports = {
    instance: { externalUrl: "https://git.example.com:8443" },
    keyPairs: {
      make: async (type: "ed25519" | "rsa", comment: string) => {
        made.push(`${type} ${comment}`);
        return await keyPairs.make("ed25519", comment);
      },
    },
  };
  await prepareKeyPair(ports, "make", { publicKey: "ssh-rsa AAAA" }, {});
  await prepareKeyPair(ports, "make", { publicKey: "ssh-rsa AAAA" }, { sshKeyType: "ed25519" });
  await prepareKeyPair(ports, "make", null, {});
  assert.equal(await prepareKeyPair(ports, "keep", null, {}), null);
  assert.deepEqual(made, [
    "rsa git@git.example.com",
    "ed25519 git@git.example.com",
    "ed25519 git@git.example.com",
  ]);
  await assert.rejects(
    prepareKeyPair(ports, "take", null, { privateKey: "planted-Pa55word" }),
    (error: Error) => {
      assert.ok("fields" in error && JSON.stringify(error.fields).includes("ssh_private_key"));
      assert.ok(!`${error.message} ${JSON.stringify(error.fields)}`.includes("planted"));
      return true;
    },
  );
});
