import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { access, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { createDeflate } from "node:zlib";
import { makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { commitOf, createPackFile, treeEntry } from "../../../../test/support/pack-file.ts";
import { FLUSH_PKT, pktLine } from "../../../../test/support/pkt-line.ts";
import { checkRepository, git, makeTempDir } from "../../../../test/support/repositories.ts";
import {
  inBand,
  type PeerScript,
  type ScriptedGitPeer,
  sendPack,
  startScriptedGitPeer,
} from "../../../../test/support/scripted-git-peer.ts";
import type { Admission, ReceiveOptions } from "../app/ports.ts";
import { NO_LIMITS } from "../domain/incoming-limits.ts";
import { parseOid } from "../domain/oid.ts";
import { branchRef } from "../domain/ref-name.ts";
import { measureFiles } from "./measure.ts";
import { createRepositories, type GitRepositories } from "./repositories.ts";

const MIB = 1024 * 1024;
/** What is small, so that a bomb need not be large. */
const BOUNDS = { memoryBytes: 160 * MIB };

interface Stage {
  readonly repositories: GitRepositories;
  readonly path: string;
  readonly staging: string;
  readonly peer: ScriptedGitPeer;
  readonly url: string;
}

async function setUp(t: TestContext): Promise<Stage> {
  const root = await makeTempDir(t);
  const repositories = createRepositories({ root, log: makeMemoryLog(), bounds: BOUNDS });
  const path = repositories.pathOf(1);
  await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
  const peer = await startScriptedGitPeer();
  t.after(() => peer.close());
  return { repositories, path, peer, staging: join(root, ".staging"), url: peer.urlOf("r.git") };
}

/** Both ways in: as a first pull, and as a later one. */
const WAYS = ["clone", "fetch"] as const;

async function pull(
  t: TestContext,
  { repositories, path, peer, url }: Stage,
  way: (typeof WAYS)[number],
  script: PeerScript,
  options: Partial<ReceiveOptions> = {},
): Promise<void> {
  peer.setScript("r.git", script);
  const all = { signal: t.signal, ...options };
  const oids = Object.values(script.refs).map(parseOid);
  if (way === "clone") await repositories.fetchAll(path, openRemote(url), all);
  else await repositories.fetchObjects(path, openRemote(url), oids, all);
}

/** Nothing half-applied: no object, no ref, and nothing left where things arrive. */
async function assertUntouched({ path, staging }: Stage): Promise<void> {
  assert.equal(await git(path, ["count-objects", "-v"]).then((text) => /^in-pack: 0$/m.test(text)), true);
  assert.equal(await git(path, ["for-each-ref"]), "");
  assert.deepEqual(await readdir(join(path, "objects", "pack")), []);
  assert.deepEqual(await readdir(staging).catch(() => []), []);
}

function admit(room: number | null, fsck: Admission["limits"]["fsck"] = "off"): Admission {
  return { room, limits: { ...NO_LIMITS, repositoryBytes: room, fsck } };
}

/** A commit of one file, with what else the pack is to hold. */
function packOf(fill: (add: ReturnType<typeof createPackFile>) => string): {
  pack: Buffer;
  refs: PeerScript["refs"];
} {
  const file = createPackFile();
  const blob = fill(file);
  const tree = treeEntry("100644", "file", blob);
  const commit = file.add("commit", commitOf(file.add("tree", tree)));
  return { pack: file.finish(), refs: { "refs/heads/main": commit } };
}

describe("what a hostile server sends", { concurrency: 2 }, () => {
  for (const way of WAYS) {
    test(`${way}: a delta of some bytes that makes gigabytes is refused for its memory`, async (t) => {
      const stage = await setUp(t);
      const zeros = Buffer.alloc(15 * MIB);
      const { pack, refs } = packOf((file) => {
        const blob = file.add("blob", zeros);
        file.addDelta(
          0,
          zeros.length,
          Array.from({ length: 200 }, () => ({ offset: 0, size: zeros.length })),
        );
        return blob;
      });
      assert.ok(pack.length < 64 * 1024);
      await assert.rejects(pull(t, stage, way, { refs, answer: sendPack(pack) }), {
        code: "repository-too-large",
        message: /needed more memory/,
      });
      await assertUntouched(stage);
    });

    test(`${way}: a chain of deltas, each twice as large as the one before, is refused`, async (t) => {
      const stage = await setUp(t);
      const { pack, refs } = packOf((file) => {
        const blob = file.add("blob", Buffer.alloc(1024));
        for (let i = 0; i < 40; i += 1) {
          const size = 1024 * 2 ** i;
          const half = { offset: 0, size: Math.min(size, 8 * MIB) };
          const copies = Array.from({ length: Math.min(2 * Math.ceil(size / half.size), 8192) }, () => half);
          file.addDelta(i, size, copies);
        }
        return blob;
      });
      await assert.rejects(pull(t, stage, way, { refs, answer: sendPack(pack) }), {
        code: "repository-too-large",
      });
      await assertUntouched(stage);
    });

    test(`${way}: a pack that says that it holds four billion objects is refused`, async (t) => {
      const stage = await setUp(t);
      const { refs } = packOf((file) => file.add("blob", Buffer.from("x")));
      const file = createPackFile();
      file.add("blob", Buffer.from("x"));
      const answer = sendPack(file.finish(0xffff_fff0));
      await assert.rejects(pull(t, stage, way, { refs, answer }), { code: "repository-too-large" });
      await assertUntouched(stage);
    });

    test(`${way}: a file of zeros as large as it says comes, without ever being held in memory`, async (t) => {
      const stage = await setUp(t);
      const size = 192 * MIB;
      const { pack, refs, oid } = await packOfZeros(size, size);
      assert.ok(pack.length < MIB);
      await pull(t, stage, way, { refs, answer: sendPack(pack) });
      assert.equal(await git(stage.path, ["cat-file", "-s", oid]), String(size));
      assert.ok((await measureFiles(join(stage.path, "objects"))) < 2 * MIB);
    });

    test(`${way}: a file that says to be of 5 GB and is not is refused`, async (t) => {
      const stage = await setUp(t);
      const { pack, refs } = await packOfZeros(5e9, MIB);
      await assert.rejects(pull(t, stage, way, { refs, answer: sendPack(pack) }), {
        code: "repository-corrupt",
      });
      await assertUntouched(stage);
    });

    test(`${way}: a tree with more paths than there are atoms comes as the few objects that it is`, async (t) => {
      const stage = await setUp(t);
      const file = createPackFile();
      let oid = file.add("blob", Buffer.from("boom\n"));
      let mode = "100644";
      for (let depth = 0; depth < 80; depth += 1) {
        const entries = Array.from({ length: 10 }, (_, i) => treeEntry(mode, `d${i}`, oid));
        oid = file.add("tree", Buffer.concat(entries));
        mode = "40000";
      }
      const refs = { "refs/heads/main": file.add("commit", commitOf(oid)) };
      await pull(t, stage, way, { refs, answer: sendPack(file.finish()) });
      assert.equal(await git(stage.path, ["cat-file", "-t", refs["refs/heads/main"]]), "commit");
    });

    test(`${way}: a pack that never ends is cut off at the repository's limit`, async (t) => {
      const stage = await setUp(t);
      const { refs } = packOf((file) => file.add("blob", Buffer.from("x")));
      let sent = 0;
      const answer: PeerScript["answer"] = async (write) => {
        const head = createPackFile().finish(1000).subarray(0, 12);
        for (const piece of inBand(head)) await write(piece);
        // The same file over and over: none of it can be made smaller.
        const file = createPackFile();
        file.add("blob", randomBytes(MIB));
        const object = file.finish().subarray(12, -20);
        for (;;) {
          for (const piece of inBand(object)) await write(piece);
          sent += MIB;
        }
      };
      await assert.rejects(pull(t, stage, way, { refs, answer }, { admission: admit(4 * MIB) }), {
        code: "repository-too-large",
        message: /its limit is 4\.00 MiB.*`repository_size_limit`/,
      });
      assert.ok(sent < 900 * MIB, `${sent} bytes were taken`);
      await assertUntouched(stage);
    });

    test(`${way}: a pack sent a byte at a time is given up`, async (t) => {
      const stage = await setUp(t);
      const { pack, refs } = packOf((file) => {
        // As many as git keeps as a pack.
        for (let i = 0; i < 100; i += 1) file.add("blob", Buffer.from(`${i}`));
        return file.add("blob", randomBytes(100_000));
      });
      const answer: PeerScript["answer"] = async (write) => {
        for (const piece of inBand(pack.subarray(0, 2048))) await write(piece);
        for (const piece of inBand(pack.subarray(2048), 1, 1)) {
          await write(piece);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      await assert.rejects(pull(t, stage, way, { refs, answer }, { stallTimeoutMs: 2_000 }), {
        code: "remote-timeout",
        message: /sends so slowly.*100 bytes a second/,
      });
      await assertUntouched(stage);
    });

    test(`${way}: messages without end are ended`, async (t) => {
      const stage = await setUp(t);
      const { refs } = packOf((file) => file.add("blob", Buffer.from("x")));
      const line = Buffer.from("Counting objects: 1, and more, and more, and more\r".repeat(1000));
      const answer: PeerScript["answer"] = async (write) => {
        for (;;) for (const piece of inBand(line, 2)) await write(piece);
      };
      await assert.rejects(pull(t, stage, way, { refs, answer }), {
        code: "remote-not-git",
        message: /nothing but messages/,
      });
      await assertUntouched(stage);
    });

    const garbage: readonly (readonly [
      string,
      (pack: Buffer) => NonNullable<PeerScript["answer"]>,
      RegExp,
    ])[] = [
      ["no pack at all", () => sendPack(randomBytes(4096)), /^remote-not-git$/],
      ["a pack with a byte turned over", (pack) => sendPack(turned(pack)), /^repository-corrupt$/],
      [
        "a pack that breaks off",
        (pack) => sendPack(pack.subarray(0, -30)),
        /^(repository-corrupt|remote-closed)$/,
      ],
      ["a wrong line length", () => async (write) => write("zzzz rubbish"), /^remote-(not-git|closed)$/],
      [
        "an unknown band",
        () => async (write) => write(Buffer.from("0006\x07x")),
        /^remote-(not-git|closed)$/,
      ],
      [
        "an error in the third band",
        () => async (write) => {
          for (const piece of inBand(Buffer.from("we are closed"), 3)) await write(piece);
        },
        /^remote-not-git$/,
      ],
    ];
    for (const [what, answerOf, code] of garbage) {
      test(`${way}: ${what} is refused`, async (t) => {
        const stage = await setUp(t);
        const { pack, refs } = packOf((file) => file.add("blob", randomBytes(10_000)));
        await assert.rejects(pull(t, stage, way, { refs, answer: answerOf(pack) }), (error: unknown) => {
          assert.ok(error instanceof Error && "code" in error);
          assert.match(String(error.code), code, error.message);
          return true;
        });
        await assertUntouched(stage);
      });
    }
  }

  test("what comes after the pack is refused, and does nothing: as words to git it once deleted files", async (t) => {
    const stage = await setUp(t);
    const { pack, refs } = packOf((file) => file.add("blob", Buffer.from("x")));
    const victim = join(stage.path, "config");
    for (const way of WAYS) {
      const answer = sendPack(Buffer.concat([pack, Buffer.from(`lock ${victim}\n\n`)]));
      await assert.rejects(pull(t, stage, way, { refs, answer }), { code: "remote-not-git" });
      await access(victim);
      await assertUntouched(stage);
    }
  });

  describe("what git's helper for HTTP is made to say does nothing", () => {
    for (const way of WAYS) {
      test(`${way}: behind a pack without objects, which git always unpacks`, async (t) => {
        const stage = await setUp(t);
        const victim = join(stage.path, "config");
        const answer = sendPack(
          Buffer.concat([createPackFile().finish(0), Buffer.from(`lock ${victim}\nconnectivity-ok\n\n`)]),
        );
        const refs = { "refs/heads/main": "b".repeat(40) };
        await assert.rejects(pull(t, stage, way, { refs, answer }));
        await access(victim);
        await assertUntouched(stage);
      });

      test(`${way}: behind a line break in the name of a ref`, async (t) => {
        const stage = await setUp(t);
        const victim = join(stage.path, "config");
        const { pack, refs } = packOf((file) => file.add("blob", Buffer.from("x")));
        const [oid = ""] = Object.values(refs);
        const capabilities = "side-band-64k ofs-delta allow-tip-sha1-in-want";
        const name = `refs/heads/z\n\n${`lock ${victim}\n`.repeat(20)}`;
        const script: PeerScript = {
          refs,
          answer: sendPack(pack),
          list: (write) =>
            write(
              `${pktLine(`${oid} refs/heads/main\0${capabilities}\n`)}${pktLine(`${oid} ${name}\n`)}${FLUSH_PKT}`,
            ),
        };
        await assert.rejects(pull(t, stage, way, script));
        await access(victim);
        await assertUntouched(stage);
      });
    }

    test("where the system's grep cannot write line by line", async (t) => {
      const stage = await setUp(t);
      const programs = join(stage.staging, "..", "programs");
      await mkdir(programs);
      await writeFile(join(programs, "grep"), "#!/bin/sh\nexit 2\n", { mode: 0o755 });
      const repositories = createRepositories({
        root: join(stage.staging, ".."),
        log: makeMemoryLog(),
        searchPath: `${programs}:/usr/local/bin:/usr/bin:/bin`,
      });
      const { pack, refs } = packOf((file) => file.add("blob", Buffer.from("x")));
      const victim = join(stage.path, "config");
      const answer = sendPack(Buffer.concat([createPackFile().finish(0), Buffer.from(`lock ${victim}\n\n`)]));
      const hostile = { refs: { "refs/heads/main": "b".repeat(40) }, answer };
      await assert.rejects(pull(t, { ...stage, repositories }, "fetch", hostile));
      await access(victim);
      await pull(t, { ...stage, repositories }, "fetch", { refs, answer: sendPack(pack) });
      await checkRepository(stage.path);
    });
  });

  test("more refs than may be, listed to git only: they are read no further than to the limit", async (t) => {
    const stage = await setUp(t);
    const { pack, refs } = packOf((file) => file.add("blob", Buffer.from("x")));
    const [oid = ""] = Object.values(refs);
    const script: PeerScript = {
      refs,
      answer: sendPack(pack),
      async list(write) {
        await write(pktLine(`${oid} refs/heads/main\0side-band-64k ofs-delta\n`));
        for (let at = 0; at < 60_000; at += 2_000) {
          await write(
            Array.from({ length: 2_000 }, (_, i) => pktLine(`${oid} refs/heads/n${at + i}\n`)).join(""),
          );
        }
        await write(FLUSH_PKT);
      },
    };
    const admission = { room: null, limits: { ...NO_LIMITS, refs: 50_000 } };
    await assert.rejects(pull(t, stage, "clone", script, { admission }), {
      code: "too-many-refs",
      message: /more than 50000 .*may have 50000/,
    });
    await assertUntouched(stage);
  });

  test("a small pack that would unpack into gigabytes stays the pack that it is", async (t) => {
    const stage = await setUp(t);
    const noise = randomBytes(4 * MIB);
    const { pack, refs } = packOf((file) => {
      const blob = file.add("blob", noise);
      const whole = { offset: 0, size: noise.length };
      for (let i = 0; i < 40; i += 1) file.addDelta(0, noise.length, [whole], Buffer.from([i + 1]));
      return blob;
    });
    await pull(t, stage, "fetch", { refs, answer: sendPack(pack) });
    assert.ok((await measureFiles(join(stage.path, "objects"))) < 5 * MIB);
    await checkRepository(stage.path);
  });

  test("no room at all: nothing comes, however small it is", async (t) => {
    const stage = await setUp(t);
    const { pack, refs } = packOf((file) => file.add("blob", Buffer.from("x")));
    for (const way of WAYS) {
      await assert.rejects(pull(t, stage, way, { refs, answer: sendPack(pack) }, { admission: admit(0) }), {
        code: "repository-too-large",
      });
    }
    await assertUntouched(stage);
  });
});

function turned(pack: Buffer): Buffer {
  const copy = Buffer.from(pack);
  const at = Math.floor(copy.length / 2);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

/** A blob that says to be of one size and is of another. */
async function packOfZeros(
  said: number,
  size: number,
): Promise<{ pack: Buffer; refs: PeerScript["refs"]; oid: string }> {
  const hash = createHash("sha1").update(`blob ${said}\0`);
  const deflate = createDeflate();
  const chunks: Buffer[] = [];
  deflate.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => deflate.once("end", resolve));
  const zeros = Buffer.alloc(MIB);
  for (let done = 0; done < size; done += MIB) {
    hash.update(zeros);
    await new Promise<void>((resolve) => deflate.write(zeros, () => resolve()));
  }
  deflate.end();
  await ended;
  const oid = hash.digest("hex");
  const file = createPackFile();
  file.addDeflated("blob", said, Buffer.concat(chunks));
  const tree = file.add("tree", treeEntry("100644", "zeros", oid));
  const refs = { "refs/heads/main": file.add("commit", commitOf(tree)) };
  return { pack: file.finish(), refs, oid };
}
