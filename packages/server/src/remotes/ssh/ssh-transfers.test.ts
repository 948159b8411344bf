import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startGatedProxy } from "../../../../../test/support/gated-proxy.ts";
import { changeOf } from "../../../../../test/support/git-adapter.ts";
import { makeNoise } from "../../../../../test/support/incompressible.ts";
import {
  git,
  makeCommit,
  makeRepository,
  makeTag,
  refsOf,
  setRef,
} from "../../../../../test/support/repositories.ts";
import { waitFor } from "../../../../../test/support/wait-for.ts";
import type { RefChange } from "../../domain/refs.ts";
import { atPort, setUpSsh } from "./ssh-stage.test-support.ts";

const MiB = 1024 * 1024;

for (const version of [2, 0] as const) {
  test(`refs are listed, objects fetched and refs pushed in protocol v${version}, over one connection`, async (t) => {
    const stage = await setUpSsh(t, { peer: { acceptsGitProtocol: version === 2 } });
    const { peer, theirs, ours, a, b, list, open, repositories, root } = stage;
    const tag = await makeTag(theirs, "v1", a);
    const url = peer.urlOf("theirs.git");
    assert.deepEqual(await list(url), { "refs/heads/main": b, "refs/tags/v1": tag });

    const remote = await open(url);
    const all = await repositories.fetchAll(ours, remote, { signal: t.signal });
    assert.deepEqual([...all.refs.keys()], ["refs/heads/main", "refs/tags/v1"]);
    assert.equal(all.refs.get(changeOf("refs/tags/v1", null, tag).ref)?.peeled, a);
    const c = await makeCommit(theirs);
    const { refs } = await stage.remotes.listRefs(remote, { signal: t.signal });
    const wants = [...refs.values()].map(({ oid }) => oid);
    await repositories.fetchObjects(ours, remote, wants, { signal: t.signal });
    await git(ours, ["cat-file", "-e", c]);

    const target = await makeRepository(join(root, "target.git"));
    const push = async (changes: readonly RefChange[]) => {
      const to = await open(peer.urlOf("target.git"));
      const verdicts = await repositories.push(ours, to, changes, { signal: t.signal });
      return verdicts.map(({ result }) => `${result.ref} ${result.outcome}`);
    };
    assert.deepEqual(
      await push([changeOf("refs/heads/main", null, b), changeOf("refs/tags/v1", null, tag)]),
      ["refs/heads/main created", "refs/tags/v1 created"],
    );
    // A stale lease and a refusal of the host are of one ref each.
    await git(target, ["config", "receive.denyDeletes", "true"]);
    await setRef(target, "refs/heads/other", a);
    await setRef(target, "refs/heads/kept", a);
    assert.deepEqual(
      await push([
        changeOf("refs/heads/main", b, c, "fast-forward"),
        changeOf("refs/heads/other", b, c),
        changeOf("refs/heads/kept", a, null),
      ]),
      ["refs/heads/main fast-forward", "refs/heads/other rejected", "refs/heads/kept rejected"],
    );
    assert.deepEqual(await refsOf(target), {
      "refs/heads/kept": a,
      "refs/heads/main": c,
      "refs/heads/other": a,
      "refs/tags/v1": tag,
    });
    assert.equal(peer.connections(), 1);
    const commands = await peer.commands();
    const asked = version === 2 ? "version=2" : "-";
    assert.ok(commands.length >= 6 && commands.every((line) => line.startsWith(`${asked} git-`)));
  });
}

test("many listings at a time share few connections, and a server that allows few channels gets more of them", async (t) => {
  const { peer, list, b } = await setUpSsh(t);
  const listAll = async () => {
    const lists = await Promise.all(Array.from({ length: 20 }, () => list()));
    for (const refs of lists) assert.deepEqual(refs, { "refs/heads/main": b });
  };
  await list();
  await listAll();
  await listAll();
  assert.ok(peer.connections() <= 5, String(peer.connections()));
  await peer.start({ config: ["MaxSessions 1"] });
  await listAll();
  await peer.start({ config: ["MaxSessions 0"] });
  await assert.rejects(list(), { code: "remote-forbidden" });
});

test("a connection that was closed while it was kept is replaced without a word", async (t) => {
  const { peer, list, b } = await setUpSsh(t);
  await list();
  await peer.start();
  assert.deepEqual(await list(), { "refs/heads/main": b });
  assert.equal(peer.connections(), 2);
});

test("a connection is not shared with who shows or knows something else", async (t) => {
  const { peer, list } = await setUpSsh(t);
  await list();
  const url = peer.urlOf("theirs.git");
  await assert.rejects(list(url, { credential: { password: "x" } }), { code: "remote-credential" });
  await assert.rejects(list(url, { knownHosts: "" }), { code: "host-key-missing" });
  await assert.rejects(list(peer.urlOf("theirs.git", "someone")), { code: "ssh-key-refused" });
});

test("new keys in the middle of a transfer do not disturb it, either way", async (t) => {
  const { peer, theirs, ours, open, repositories, root } = await setUpSsh(t, {
    peer: { config: ["RekeyLimit 1M"] },
  });
  const tip = await makeNoise(theirs, 8 * MiB);
  await repositories.fetchAll(ours, await open(peer.urlOf("theirs.git")), { signal: t.signal });
  await makeRepository(join(root, "target.git"));
  const to = await open(peer.urlOf("target.git"));
  const [verdict] = await repositories.push(ours, to, [changeOf("refs/heads/main", null, tip)], {
    signal: t.signal,
  });
  assert.equal(verdict?.result.outcome, "created");
  await git(join(root, "target.git"), ["fsck", "--connectivity-only"]);
});

test("a host that goes, stalls or is left in the middle ends the transfer, and nothing stays behind", async (t) => {
  const { peer, theirs, ours, b, dir, open, repositories } = await setUpSsh(t);
  const tip = await makeNoise(theirs, 8 * MiB);
  const gate = await startGatedProxy(peer);
  t.after(() => gate.close());
  const knownHosts = peer.knownHosts(gate.port);
  const remote = await open(atPort(peer, gate.port), { knownHosts });
  const wants = [changeOf("refs/heads/main", b, tip).new].filter((oid) => oid !== null);
  /** Comes back when the transfer is held in the middle. */
  const begin = async (options: { signal?: AbortSignal; stallTimeoutMs?: number } = {}) => {
    const held = gate.hold("from-target", 2 * MiB);
    const transfer = repositories.fetchObjects(ours, remote, wants, { signal: t.signal, ...options });
    const outcome = transfer.then(
      () => "arrived",
      (error: { code?: string }) => error.code ?? String(error),
    );
    await Promise.race([held, outcome.then((early) => assert.fail(`not held: ${early}`))]);
    return { outcome };
  };

  const cancelled = new AbortController();
  const left = await begin({ signal: cancelled.signal });
  assert.ok((await runningGits(dir)) > 0);
  cancelled.abort();
  gate.open();
  assert.equal(await left.outcome, "cancelled");
  await waitFor(async () => (await runningGits(dir)) === 0, { message: "the remote's git goes on" });

  const stalled = await begin({ stallTimeoutMs: 500 });
  assert.equal(await stalled.outcome, "remote-timeout");
  gate.open();

  const broken = await begin();
  await peer.stop();
  gate.cut();
  assert.equal(await broken.outcome, "remote-closed");
  const packs = await readdir(join(ours, "objects", "pack"));
  assert.deepEqual(packs, []);

  await peer.start();
  gate.open();
  await repositories.fetchObjects(ours, remote, wants, { signal: t.signal });
  await git(ours, ["cat-file", "-e", tip]);
});

/** How many gits serve a repository below this directory. */
async function runningGits(dir: string): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes("upload-pack") && line.includes(dir)).length;
}
