import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { HeliostatError } from "../domain/errors.ts";
import { openKeyRing } from "./key-ring.ts";
import { createSealer } from "./sealer.ts";

let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "heliostat-secrets-"));
});
after(() => rm(directory, { recursive: true, force: true }));

const said: string[] = [];
const log = {
  debug() {},
  info() {},
  warn: (_fields: object, message: string) => void said.push(`warn ${message}`),
  error: (_fields: object, message: string) => void said.push(`error ${message}`),
};

function open(name: string, areSecretsLost = false) {
  return openKeyRing(join(directory, name), { log, areSecretsLost });
}

describe("the secrets file", () => {
  it("is made once, readable by its owner only, and read back the next time", async () => {
    const made = open("made/secrets.json");
    assert.equal((await stat(join(directory, "made/secrets.json"))).mode & 0o777, 0o600);
    assert.deepEqual(open("made/secrets.json").ids(), made.ids());
    assert.deepEqual(open("made/secrets.json").sealingKey(), made.sealingKey());
  });

  it("is one and the same for whoever opens it first", async () => {
    const all = Array.from({ length: 8 }, () => open("race/secrets.json"));
    assert.equal(new Set(all.map((ring) => ring.current())).size, 1);
    assert.deepEqual(await readdir(join(directory, "race")), ["secrets.json"]);
  });

  for (const [what, text] of [
    ["cut off in the middle", '{"current": "a", "keys"'],
    ["of another form", '{"current": 7}'],
    ["without its current key", '{"current":"a","keys":{}}'],
    ["with a short key", '{"current":"a","keys":{"a":"c2hvcnQ="}}'],
    ["empty", ""],
  ] as const) {
    it(`is never overwritten when it is ${what}`, async () => {
      const name = `${what.replaceAll(" ", "-")}.json`;
      await writeFile(join(directory, name), text);
      for (const areSecretsLost of [true, false]) {
        assert.throws(
          () => open(name, areSecretsLost),
          (error: unknown) => error instanceof HeliostatError && error.code === "config-invalid",
        );
      }
      assert.equal(await readFile(join(directory, name), "utf8"), text);
    });
  }

  it("that others can read is warned about", async () => {
    open("loose.json");
    await chmod(join(directory, "loose.json"), 0o644);
    said.length = 0;
    open("loose.json");
    assert.deepEqual(said, ["warn the secrets file can be read by others than its owner: chmod 600"]);
  });

  it("that is lost with secrets is not made anew before one is sealed", async () => {
    const ring = open("lost.json", true);
    assert.equal(ring.current(), null);
    assert.deepEqual(ring.ids(), []);
    await assert.rejects(stat(join(directory, "lost.json")), { code: "ENOENT" });
    const { id } = ring.sealingKey();
    assert.deepEqual(open("lost.json").ids(), [id]);
  });

  it("that is put back is read without a restart", async () => {
    const path = join(directory, "away.json");
    const { sealed, keyId } = createSealer(open("away.json")).seal("s3cret", "c");
    await rename(path, `${path}.bak`);
    const sealer = createSealer(open("away.json", true));
    assert.throws(() => sealer.open({ sealed, keyId }, "c"), /is not in the secrets file/);
    await rename(`${path}.bak`, path);
    assert.equal(sealer.open({ sealed, keyId }, "c"), "s3cret");
  });

  it("gets a new current key, which every server that has it open uses at once", async () => {
    const [one, two] = [open("rotated.json"), open("rotated.json")];
    const old = one.current();
    const id = await one.add();
    assert.notEqual(id, old);
    assert.deepEqual([one.current(), two.current(), two.sealingKey().id], [id, id, id]);
    assert.deepEqual(two.ids(), [old, id]);
    assert.equal((await stat(join(directory, "rotated.json"))).mode & 0o777, 0o600);

    await two.remove([old ?? "", id]);
    assert.deepEqual(one.ids(), [id]);
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.startsWith("rotated")),
      ["rotated.json"],
    );
  });
});
