import assert from "node:assert/strict";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
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

  it("that is lost while it is open is written again before anything is sealed", async () => {
    const path = join(directory, "gone.json");
    const ring = open("gone.json");
    await ring.add();
    const old = await readFile(path, "utf8");
    const before = createSealer(ring).seal("old s3cret", "c");
    await rm(path);
    said.length = 0;
    // Reading does without.
    assert.equal(createSealer(ring).open(before, "c"), "old s3cret");
    await assert.rejects(stat(path), { code: "ENOENT" });

    const after = createSealer(ring).seal("new s3cret", "c");
    assert.equal(await readFile(path, "utf8"), old);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(said, [
      "warn the secrets file was gone: it was written again, with the keys that were still known",
    ]);
    const restarted = createSealer(open("gone.json"));
    assert.deepEqual(
      [before, after].map((secret) => restarted.open(secret, "c")),
      ["old s3cret", "new s3cret"],
    );

    await rm(path);
    const id = await ring.add();
    assert.deepEqual(open("gone.json").ids(), [...Object.keys(JSON.parse(old).keys), id]);
  });

  it("that somebody put there meanwhile is not written over", async () => {
    const ring = open("other.json");
    await rm(join(directory, "other.json"));
    const other = open("other.json").current();
    assert.equal(ring.sealingKey().id, other);
    assert.deepEqual(open("other.json").ids(), [other]);
  });

  it("that is lost with secrets gets no new key, and is not made for one", async () => {
    const ring = open("lost-for-good.json", true);
    await assert.rejects(
      ring.add(),
      (error: unknown) =>
        error instanceof HeliostatError &&
        error.code === "conflict" &&
        /Put the file back/.test(error.message),
    );
    await ring.remove(["a"]);
    await assert.rejects(stat(join(directory, "lost-for-good.json")), { code: "ENOENT" });
  });

  it("behind a symbolic link is written where it is", async () => {
    const [link, target] = [join(directory, "link.json"), join(directory, "mounted/secrets.json")];
    await mkdir(join(directory, "mounted"));
    await symlink("mounted/secrets.json", link);
    const ring = open("link.json");
    assert.deepEqual(open("mounted/secrets.json").ids(), ring.ids());
    const old = ring.current() ?? "";
    const id = await ring.add();
    await ring.remove([old]);
    assert.deepEqual(Object.keys(JSON.parse(await readFile(target, "utf8")).keys), [id]);
    await rm(target);
    ring.sealingKey();
    assert.deepEqual(open("mounted/secrets.json").ids(), [id]);
    assert.equal(await readlink(link), "mounted/secrets.json");
    assert.deepEqual(await readdir(join(directory, "mounted")), ["secrets.json"]);
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
