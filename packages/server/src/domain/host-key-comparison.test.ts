import assert from "node:assert/strict";
import { test } from "node:test";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { makeKey } from "../../../../test/support/ssh-keygen.ts";
import { compareHostKeys } from "./host-key-comparison.ts";
import { formatKnownHost, type HostKeyFingerprint } from "./known-hosts.ts";
import { fingerprintSha256 } from "./ssh-public-key.ts";

const place = { host: "git.example.com", port: 2222 };
const elsewhere = { host: "git.example.com", port: 22 };

const prints = (keys: readonly HostKeyFingerprint[]) => keys.map((key) => key.fingerprint_sha256);

test("stored host keys are compared with those that the server shows", async (t) => {
  const dir = await makeTempDir(t);
  const [old, next, rsa] = await Promise.all([
    makeKey(dir, "old", "-t", "ed25519"),
    makeKey(dir, "next", "-t", "ed25519"),
    makeKey(dir, "rsa", "-t", "rsa", "-b", "2048"),
  ]);
  const line = (key: typeof old, at = place) => formatKnownHost(at, key);
  const print = (key: typeof old) => fingerprintSha256(key.key);
  const shown = [line(next), line(rsa)].sort().join("\n");

  const replaced = compareHostKeys(`# a comment\n${line(old)}\n${line(rsa)}`, shown, place);
  assert.deepEqual(prints(replaced.added), [print(next)]);
  assert.deepEqual(prints(replaced.kept), [print(rsa)]);
  assert.deepEqual(prints(replaced.removed), [print(old)]);
  assert.deepEqual(replaced.revoked, []);
  assert.equal(replaced.accepted, shown);

  const nothing = compareHostKeys("", shown, place);
  assert.deepEqual(new Set(prints(nothing.added)), new Set([print(next), print(rsa)]));
  assert.deepEqual([nothing.kept, nothing.removed], [[], []]);

  // What is stored for another port of the host is not stored for this one.
  const ofOther = compareHostKeys(`${line(next, elsewhere)}\n${line(rsa)}`, shown, place);
  assert.deepEqual(prints(ofOther.added), [print(next)]);
  assert.deepEqual(ofOther.removed, []);

  const mark = `@revoked * ${next.algorithm} ${next.key}`;
  const revoked = compareHostKeys(`${line(rsa)}\n${mark}`, shown, place);
  assert.deepEqual(prints(revoked.revoked), [print(next)]);
  assert.deepEqual(revoked.added, []);
  assert.deepEqual(prints(revoked.kept), [print(rsa)]);
  assert.equal(revoked.accepted, `${line(rsa)}\n${mark}`);
});
