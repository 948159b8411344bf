import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { createApi, projectPath } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { readMemory, resetPeak } from "../support/memory.ts";
import { FLUSH_PKT, pktLine } from "../support/pkt-line.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { sendPack, startScriptedGitPeer } from "../support/scripted-git-peer.ts";
import { startServer } from "../support/server.ts";
import { refsAt, withCredentials } from "../support/working-copy.ts";

/*
 * Upstreams that send too much, or what nobody should take: the update ends with its own sentence, nothing of it is
 * kept, and what is good comes where it can be told from the bad.
 */

const MIB = 1024 * 1024;
const OID = "a".repeat(40);

const directory = await makeTempDir({ after });
const peer = await startGitHttpPeer({ root: directory });
after(() => peer.close());
const scripted = await startScriptedGitPeer();
after(() => scripted.close());
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

function cloneUrl(name: string): string {
  return withCredentials(`${server.url}/root/${name}.git`, "root", server.token);
}

/** What is left of transfers: nothing. */
async function assertNothingArriving(): Promise<void> {
  const root = join(server.repositoryOf(1), "..", "..");
  assert.deepEqual(await readdir(join(root, ".staging")).catch(() => []), []);
}

test("a list of five million refs is refused in bounded memory, and the limit is named", async () => {
  const LINES = 5_000_000;
  let sent = 0;
  scripted.setScript("huge.git", {
    refs: {},
    async list(write) {
      for (let at = 0; at < LINES; at += 1000) {
        const lines = Array.from({ length: 1000 }, (_, i) => pktLine(`${OID} refs/heads/b${at + i}`));
        await write(lines.join(""));
        sent += lines.length;
      }
      await write(FLUSH_PKT);
    },
  });
  await resetPeak(server.pid());
  const before = await readMemory(server.pid());
  await api.createProject("huge", { import_url: scripted.urlOf("huge.git"), mirror: true });
  const update = await api.waitForMirror("root/huge", "pull", "failed");
  assert.match(update.error ?? "", /more than 1000000 refs.*`max_refs`/);
  assert.ok(sent < LINES, "it was read to its end");
  const { peak } = await readMemory(server.pid());
  assert.ok(peak - before.resident < 1200 * MIB, `${Math.round((peak - before.resident) / MIB)} MiB`);
  assert.deepEqual(await refsAt(cloneUrl("huge")), {});
  await assertNothingArriving();
});

test("refs with names that nobody could have are left out, and the good ones come", async () => {
  const upstream = await makeRepository(join(directory, "names.git"));
  const oid = await makeCommit(upstream);
  const bad = [
    "refs/heads/../../x",
    "refs/heads/a..b",
    "refs/heads/x.lock",
    "refs/heads/a@{1}",
    "refs/heads//etc/passwd",
    "refs/heads/a\x07b",
    "refs/heads/a b",
    "refs/heads/.hidden",
    "refs/heads/\xff\xfe",
    `refs/heads/${"x".repeat(300)}`,
    `refs/heads/${"long/".repeat(12_000)}end`,
  ];
  const good = ["refs/heads/main", "refs/heads/-dash", "refs/heads/Case", "refs/heads/case"];
  const { pack } = await packAll(upstream);
  scripted.setScript("names.git", {
    refs: {},
    async list(write) {
      const capabilities = "side-band-64k ofs-delta symref=HEAD:refs/heads/../../../etc";
      const lines = [`${oid} HEAD\0${capabilities}`, ...[...good, ...bad].map((name) => `${oid} ${name}`)];
      for (const line of lines) await write(Buffer.from(framed(line), "latin1"));
      await write(FLUSH_PKT);
    },
    answer: pack,
  });
  await api.createProject("names");
  await api.createPullMirror("root/names", scripted.urlOf("names.git"), { mirror_branch_regex: "." });
  const update = await api.waitForMirror("root/names", "pull", "finished");
  assert.deepEqual(
    await refsAt(cloneUrl("names")),
    Object.fromEntries([...good].sort().map((name) => [name, oid])),
  );
  assert.ok(JSON.stringify(update).length < 20_000);
  await assertNothingArriving();
});

test("symbolic refs that lead in a circle are refused before git follows them", async () => {
  for (const [name, symref] of [
    ["loop", "symref=refs/heads/main:refs/heads/main"],
    ["circle", "symref=refs/heads/main:refs/heads/two symref=refs/heads/two:refs/heads/main"],
    ["head", "symref=HEAD:HEAD"],
  ] as const) {
    scripted.setScript(`${name}.git`, {
      refs: {},
      async list(write) {
        await write(framed(`${OID} HEAD\0side-band-64k ofs-delta ${symref}`));
        await write(framed(`${OID} refs/heads/main`) + FLUSH_PKT);
      },
    });
    await api.createProject(name, { import_url: scripted.urlOf(`${name}.git`), mirror: true });
    const update = await api.waitForMirror(`root/${name}`, "pull", "failed");
    assert.match(update.error ?? "", /symbolic ref that leads in a circle/);
  }
});

test("a repository's size limit holds for pulls and pushes, with overrides, and is mended by raising it", async () => {
  const upstream = await makeRepository(join(directory, "large.git"));
  await makeCommit(upstream);
  await api.createProject("large", { import_url: peer.urlOf("large.git"), mirror: true });
  await api.waitForMirror("root/large", "pull", "finished");
  const before = await refsOf(upstream);
  await api.put("/application/settings", { repository_size_limit: 2 * MIB });
  await makeNoise(upstream, 6 * MIB);

  const failed = await api.update("root/large", "pull");
  assert.match(failed.error ?? "", /its limit is 2\.00 MiB.*`repository_size_limit`/);
  assert.deepEqual(await refsAt(cloneUrl("large")), before);
  await assertNothingArriving();

  await api.createProject("pushed");
  await assert.rejects(
    git(upstream, ["push", "-q", cloneUrl("pushed"), "refs/heads/main"]),
    (error: Error) => {
      assert.match(error.message, /remote: repository-too-large: .*\n.*limit is 2\.00 MiB/);
      return true;
    },
  );
  assert.deepEqual(await refsAt(cloneUrl("pushed")), {});
  for (const name of ["large", "pushed"]) {
    const project = await api.put(projectPath(`root/${name}`), { repository_size_limit: 0 });
    assert.equal(Object(project).repository_size_limit, 0);
  }
  await git(upstream, ["push", "-q", cloneUrl("pushed"), "refs/heads/main"]);
  await api.put("/application/settings", { repository_size_limit: 0 });
  assert.equal((await api.update("root/large", "pull")).error, null);
  assert.deepEqual(await refsAt(cloneUrl("large")), await refsOf(upstream));
});

test("the limit of refs holds for pulls and pushes; what deletes or moves refs goes on", async () => {
  const upstream = await makeRepository(join(directory, "many.git"));
  const oid = await makeCommit(upstream);
  await git(upstream, ["update-ref", "refs/heads/two", oid]);
  await api.createProject("many", { max_refs: 3 });
  await api.createPullMirror("root/many", peer.urlOf("many.git"));
  await api.waitForMirror("root/many", "pull", "finished");
  const before = await refsOf(upstream);
  for (const name of ["three", "four"]) await git(upstream, ["update-ref", `refs/heads/${name}`, oid]);
  const failed = await api.update("root/many", "pull");
  assert.match(failed.error ?? "", /would have 4 branches and tags, and may have 3.*`max_refs`/);
  assert.deepEqual(await refsAt(cloneUrl("many")), before);

  await git(upstream, ["push", "-q", cloneUrl("many"), "refs/heads/three"]);
  await assert.rejects(
    git(upstream, ["push", "-q", cloneUrl("many"), "refs/heads/four"]),
    /remote: too-many-refs: the project would have 4 refs and may have 3/,
  );
  await git(upstream, ["push", "-q", cloneUrl("many"), "refs/heads/four", ":refs/heads/three"]);
});

test("limits are for admins to set, and numbers that are none are refused", async () => {
  const user = await api.createUser("limited", "a long enough password");
  const theirs = api.as(await api.createToken(user, ["api"]));
  await theirs.createProject("own");
  const path = projectPath("limited/own");
  assert.equal((await theirs.call("PUT", path, { repository_size_limit: 0 })).status, 403);
  assert.equal((await theirs.call("PUT", path, { fsck_severity: "off" })).status, 403);
  const answer = await api.call("PUT", path, { repository_size_limit: -1, max_refs: 0 });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.body, {
    message: {
      repository_size_limit: ["must be greater than or equal to 0"],
      max_refs: ["must be greater than 0"],
    },
  });
});

test("objects that git's fsck refuses are named, and the refs without them come", async () => {
  const upstream = await makeRepository(join(directory, "fsck.git"));
  await makeCommit(upstream);
  const blob = await git(upstream, ["rev-parse", "main^{tree}"]).then((tree) =>
    git(upstream, ["ls-tree", "--object-only", tree]),
  );
  const bad = await makeBadRefs(upstream, blob.split("\n")[0] ?? "");
  await api.put("/application/settings", { fsck_severity: "error" });
  await api.createProject("fsck", { import_url: peer.urlOf("fsck.git"), mirror: true });
  const update = await api.waitForMirror("root/fsck", "pull", "failed");
  const here = await refsAt(cloneUrl("fsck"));
  assert.deepEqual(Object.keys(here).sort(), [
    "refs/heads/dotgit",
    "refs/heads/main",
    "refs/heads/nul",
    "refs/heads/zeropad",
  ]);
  for (const [ref, id] of Object.entries(bad)) {
    const result = update.refs.find((one) => one.ref === ref);
    if (id === null) assert.equal(result?.outcome, "created", ref);
    else {
      assert.equal(result?.outcome, "rejected", ref);
      assert.match(result?.message ?? "", new RegExp(`[0-9a-f]{40} \\(${id}: `), ref);
      assert.match(result?.fix ?? "", /fsck_severity/);
    }
  }

  await api.createProject("fsck-push", { fsck_severity: "warn" });
  const push = (ref: string) => git(upstream, ["push", "-q", cloneUrl("fsck-push"), ref]);
  await assert.rejects(push("refs/heads/zeropad"), /zeroPaddedFilemode/);
  await assert.rejects(push("refs/heads/nospace"), /missingSpaceBeforeEmail/);
  await push("refs/heads/main");
  await api.put(projectPath("root/fsck-push"), { fsck_severity: "off" });
  await push("refs/heads/zeropad");
  await api.put("/application/settings", { fsck_severity: "off" });
});

/** Branches with one thing wrong each; the message id that refuses it with severity `error`, null: a warning only. */
async function makeBadRefs(upstream: string, blob: string): Promise<Record<string, string | null>> {
  const write = (type: string, input: Buffer | string) =>
    git(upstream, ["hash-object", "-w", "-t", type, "--literally", "--stdin"], { input });
  const entry = (mode: string, name: string, oid = blob) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, "hex")]);
  const who = "A U <a@example.com> 1 +0000";
  const commit = (tree: string, author = who, tail = "") =>
    write("commit", `tree ${tree}\nauthor ${author}\ncommitter ${who}\n\nmessage${tail}\n`);
  const good = await write("tree", entry("100644", "a"));
  const modules = await write("blob", '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n');
  const made: Record<string, readonly [Promise<string>, string | null]> = {
    "refs/heads/zeropad": [write("tree", entry("0100644", "a")).then((tree) => commit(tree)), null],
    "refs/heads/dotgit": [write("tree", entry("100644", ".git")).then((tree) => commit(tree)), null],
    "refs/heads/nul": [commit(good, who, "\0x"), null],
    "refs/heads/nospace": [commit(good, "A U<a@example.com> 1 +0000"), "missingSpaceBeforeEmail"],
    "refs/heads/twice": [
      write("tree", Buffer.concat([entry("100644", "a"), entry("100644", "a")])).then((tree) => commit(tree)),
      "duplicateEntries",
    ],
    "refs/heads/modules": [
      write("tree", entry("100644", ".gitmodules", modules)).then((tree) => commit(tree)),
      "gitmodulesUrl",
    ],
  };
  const ids: Record<string, string | null> = {};
  for (const [ref, [oid, id]] of Object.entries(made)) {
    await git(upstream, ["update-ref", ref, await oid]);
    ids[ref] = id;
  }
  return ids;
}

/** A pkt-line of text that stands for bytes. */
function framed(text: string): string {
  return (text.length + 4).toString(16).padStart(4, "0") + text;
}

/** All objects of a repository, as a server sends them. */
async function packAll(repository: string) {
  await git(repository, ["repack", "-adq"]);
  const packs = join(repository, "objects", "pack");
  const name = (await readdir(packs)).find((file) => file.endsWith(".pack")) ?? "";
  return { pack: sendPack(await readFile(join(packs, name))) };
}
