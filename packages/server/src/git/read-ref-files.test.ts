import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  setRef,
} from "../../../../test/support/repositories.ts";
import { readRefFiles } from "./read-ref-files.ts";

/** What git itself lists, symbolic refs marked. */
async function askGit(path: string): Promise<Record<string, string>> {
  const format = "%(refname) %(if)%(symref)%(then)symbolic%(else)%(objectname)%(end)";
  const out = await git(path, ["for-each-ref", `--format=${format}`, "refs/heads", "refs/tags"]);
  return Object.fromEntries(out.split("\n").map((line) => line.split(" ")));
}

async function readHere(path: string): Promise<Record<string, string> | null> {
  const read = await readRefFiles(path);
  if (read === null) return null;
  return Object.fromEntries([...read.refs, ...[...read.symrefs].map((ref) => [ref, "symbolic"] as const)]);
}

for (const objectFormat of ["sha1", "sha256"] as const) {
  test(`the refs are those that git lists, loose, packed or both (${objectFormat})`, async (t) => {
    const path = await makeRepository(join(await makeTempDir(t), "a.git"), { objectFormat });
    assert.deepEqual(await readHere(path), {});
    const [first = "", second = "", third = ""] = await makeCommits(path, 3);
    await setRef(path, "refs/heads/a/b/c", first);
    await setRef(path, "refs/heads/ü", first);
    await setRef(path, "refs/heads/gone", first);
    await makeTag(path, "v1", first);
    await setRef(path, "refs/notes/commits", first);
    assert.deepEqual(await readHere(path), await askGit(path), "all loose");
    await git(path, ["pack-refs", "--all"]);
    assert.deepEqual(await readHere(path), await askGit(path), "all packed");

    await setRef(path, "refs/heads/a/b/c", second);
    await setRef(path, "refs/tags/v2", third);
    await git(path, ["update-ref", "-d", "refs/heads/gone"]);
    await git(path, ["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    await writeFile(join(path, "refs/heads/main.lock"), "");
    const expected = await askGit(path);
    assert.equal(expected["refs/heads/a/b/c"], second);
    assert.equal(expected["refs/heads/alias"], "symbolic");
    assert.deepEqual(await readHere(path), expected, "some above the packed ones");
  });
}

test("what is not as git writes it is left to git", async (t) => {
  const dir = await makeTempDir(t);
  const cases: Record<string, string> = {
    "refs/heads/empty": "",
    "refs/heads/half": "0123456789abcdef",
    "refs/heads/null": `${"0".repeat(40)}\n`,
    "refs/heads/bad..name": "x",
    "packed-refs": "# pack-refs with: sorted\nnonsense refs/heads/x\n",
    commondir: "../b.git\n",
    "reftable/tables.list": "",
  };
  for (const [file, text] of Object.entries(cases)) {
    const path = await makeRepository(join(dir, `${Object.keys(cases).indexOf(file)}.git`));
    await makeCommit(path);
    assert.notEqual(await readHere(path), null, file);
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text);
    assert.equal(await readHere(path), null, file);
  }
  const strange = await makeRepository(join(dir, "strange.git"));
  const commit = await makeCommit(strange);
  await writeFile(
    Buffer.concat([Buffer.from(`${strange}/refs/heads/caf`), Buffer.from([0xe9])]),
    `${commit}\n`,
  );
  assert.equal(await readHere(strange), null, "a name that is not UTF-8");
  const path = await makeRepository(join(dir, "no-heads.git"));
  await rm(join(path, "refs/heads"), { recursive: true });
  assert.equal(await readHere(path), null);
});

test("a ref that is packed while the files are read is not missed, nor is any other", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const commit = await makeCommit(path);
  const names = Array.from({ length: 40 }, (_, index) => `refs/heads/b${index}`);
  for (const name of names) await setRef(path, name, commit);
  const unpack = async (): Promise<void> => {
    for (const name of names) await writeFile(join(path, name), `${commit}\n`);
  };
  for (let round = 0; round < 10; round += 1) {
    const packing = git(path, ["pack-refs", "--all", "--prune"]);
    const reads = await Promise.all(Array.from({ length: 8 }, () => readRefFiles(path)));
    await packing;
    for (const read of reads) assert.equal(read?.refs.size, names.length + 1);
    assert.match(await readFile(join(path, "packed-refs"), "utf8"), /b39/);
    await unpack();
  }
});
