import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { sshKeygen } from "../../../../test/support/ssh-keygen.ts";
import { readSshPrivateKey } from "../domain/ssh-private-key.ts";
import { keyPairs } from "./key-pairs.ts";

const COMMENT = "heliostat@git.example.com";

for (const [type, bits] of [
  ["ed25519", 256],
  ["rsa", 4096],
] as const) {
  it(`makes ${type} of ${bits} bits, which OpenSSH reads, while others go on`, async (t) => {
    const dir = await makeTempDir(t);
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 1);
    const pair = await keyPairs.make(type, COMMENT).finally(() => clearInterval(turning));
    assert.deepEqual([pair.type, pair.bits], [type, bits]);
    // Made at once, the primes of RSA let nobody in for seconds.
    if (type === "rsa") assert.ok(turns > 10, `${turns} turns`);
    const path = join(dir, "key");
    await writeFile(path, pair.privateKey, { mode: 0o600 });
    assert.equal((await sshKeygen("-y", "-f", path)).trimEnd(), pair.publicKey);
    assert.ok(pair.publicKey.endsWith(` ${COMMENT}`));
    assert.deepEqual(readSshPrivateKey(pair.privateKey, COMMENT), pair);
    assert.notEqual((await keyPairs.make("ed25519", COMMENT)).publicKey, pair.publicKey);
  });
}
