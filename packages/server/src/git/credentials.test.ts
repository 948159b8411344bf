import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { startGitHttpPeer } from "../../../../test/support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../../../../test/support/repositories.ts";
import { branchRef } from "../domain/ref-name.ts";
import { makeCredentialHelper } from "./credentials.ts";
import { createRepositories } from "./repositories.ts";

const SECRET = "planted-Secret 'with\" odd\\characters$(x) ü";
const credential = { username: "mirror user", password: SECRET };
const signal = new AbortController().signal;

async function setUp(t: Parameters<typeof makeTempDir>[0]) {
  const dir = await makeTempDir(t);
  const upstream = await makeRepository(join(dir, "upstream.git"));
  await makeCommit(upstream);
  const peer = await startGitHttpPeer({ root: dir, auth: credential });
  t.after(() => peer.close());
  const log = makeMemoryLog();
  const repositories = createRepositories({ root: join(dir, "data"), log });
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  return { dir, upstream, peer, repositories, path, log };
}

/** Where in the process table the text stands, in any argument or environment of any process but this one. */
async function findInProcesses(text: string): Promise<string[]> {
  const places: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    for (const file of ["cmdline", "environ"]) {
      const content = await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
      if (content.includes(text)) places.push(`${pid}/${file}`);
    }
  }
  return places;
}

async function findInFiles(dir: string, text: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const places: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(text)) places.push(path);
  }
  return places;
}

test("a credential opens a remote, however odd its characters are", async (t) => {
  const { peer, repositories, path, upstream } = await setUp(t);
  const remote = openRemote(peer.urlOf("upstream.git"), { credential });
  const { refs } = await repositories.fetchAll(path, remote, { signal });
  const main = refs.get(branchRef("main"));
  assert.ok(main);
  assert.equal((await refsOf(upstream))["refs/heads/main"], main.oid);
});

test("a wrong password, or none, fails at once and without a prompt", async (t) => {
  const { peer, repositories, path } = await setUp(t);
  const url = peer.urlOf("upstream.git");
  const startedAt = performance.now();
  for (const remote of [
    openRemote(url, { credential: { ...credential, password: "wrong-one" } }),
    openRemote(url),
  ]) {
    await assert.rejects(repositories.fetchAll(path, remote, { signal }), (error: Error) => {
      assert.equal("code" in error && error.code, "remote-credential");
      assert.doesNotMatch(error.message, /wrong-one/);
      return true;
    });
  }
  assert.ok(performance.now() - startedAt < 5_000);
});

test("a line break in a credential is refused: it would be a line of the protocol", () => {
  for (const text of ["a\nhost=evil", "a\rb", "a\0b"]) {
    assert.throws(() => makeCredentialHelper({ username: "me", password: text }), {
      code: "remote-credential",
    });
    assert.throws(() => makeCredentialHelper({ username: text, password: "x" }), {
      code: "remote-credential",
    });
  }
});

test("the secret is in no argument, environment, file, log or message", async (t) => {
  const { dir, peer, repositories, path, log } = await setUp(t);
  const remote = openRemote(peer.urlOf("upstream.git"), { credential });
  const encoded = Buffer.from(`${credential.username}:${SECRET}`).toString("base64");
  // Held up after it has signed in: the transport, the shell and whatever else is there can be looked at.
  peer.setFault("hang-body");
  const stop = new AbortController();
  const running = repositories.fetchAll(path, remote, { signal: stop.signal });
  const ended = assert.rejects(running, { code: "cancelled" });
  const seen = new Set<string>();
  for (let i = 0; i < 20; i += 1) {
    for (const place of await findInProcesses("planted-Secret")) seen.add(place);
    for (const place of await findInProcesses(encoded)) seen.add(place);
    await sleep(10);
  }
  assert.ok(
    peer.requests.some((request) => request.headers.authorization?.endsWith(encoded)),
    "signed in",
  );
  assert.ok((await findInProcesses("git-remote-http")).length > 0, "the transport runs while we look");
  stop.abort();
  await ended;
  peer.setFault(null);
  await repositories.fetchAll(path, remote, { signal });
  assert.deepEqual([...seen], []);
  assert.deepEqual(await findInFiles(dir, "planted-Secret"), []);
  assert.deepEqual(await findInFiles(dir, encoded), []);
  assert.doesNotMatch(log.lines.join("\n"), /planted-Secret/);
});
