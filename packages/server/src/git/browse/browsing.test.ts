import assert from "node:assert/strict";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import {
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  setRef,
} from "../../../../../test/support/repositories.ts";
import { waitFor } from "../../../../../test/support/wait-for.ts";
import type { Asker, TakePlace } from "../../app/ports.ts";
import { parseOid } from "../../domain/oid.ts";
import { createBrowsing } from "./browsing.ts";

const asker: Asker = { client: "somebody", signal: new AbortController().signal };
const anyPlace: TakePlace = async () => () => {};
const dir = await makeTempDir({ after });
const browsing = createBrowsing({ log: makeMemoryLog(), takePlace: anyPlace });
after(() => browsing.close());

/** Processes that read objects of a repository whose path begins so. */
async function readersOf(path: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (text.includes(`--git-dir=${path}`) && text.includes("cat-file")) found.push(Number(pid));
  }
  return found;
}

/** A history with branches that come and go, written by a seeded chance; half of it in a commit-graph. */
async function makeTangle(name: string, objectFormat: "sha1" | "sha256"): Promise<string> {
  const path = await makeRepository(join(dir, name), { objectFormat });
  let state = 5;
  const random = (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % bound;
  };
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const part = (from: number, to: number): string => {
    let text = "";
    for (let i = from; i < to; i += 1) {
      const parents =
        i === 1
          ? []
          : [
              ...new Set([
                Math.max(1, i - 1 - random(3)),
                ...(random(4) === 0 ? [1 + random(i - 1)] : []),
                ...(random(20) === 0 ? [1 + random(i - 1), 1 + random(i - 1)] : []),
              ]),
            ];
      const [first, ...others] = parents;
      // A clock here and there was slow.
      const seconds = 1_700_000_000 + (i >> 1) - (random(15) === 0 ? 20 : 0);
      text += `commit refs/heads/b${random(6)}\nmark :${i}\ncommitter C <c@d> ${seconds} +0000\n${data(`m${i}`)}`;
      text += `${first === undefined ? "" : `from :${first}\n`}${others.map((mark) => `merge :${mark}\n`).join("")}`;
      // A merge often has a file as another parent than the first has it.
      for (let left = parents.length > 1 ? 6 : 1; left > 0; left -= 1) {
        // Now and then a directory becomes a file, and a file a directory.
        const place = random(12) === 0 ? "" : random(5) === 0 ? `/e${random(2)}/g` : `/f${random(4)}`;
        text += `M 100644 inline d${random(3)}${place}\n${data(random(3) < parents.length - 1 || random(3) === 0 ? "same" : `c${i}`)}`;
      }
    }
    return text;
  };
  const marks = join(dir, `${name}.marks`);
  const args = ["fast-import", "--quiet", "--force", `--export-marks=${marks}`];
  await git(path, args, { input: part(1, 150) });
  await git(path, ["commit-graph", "write", "--reachable", "--split", "--changed-paths"]);
  await git(path, [...args, `--import-marks=${marks}`], { input: part(150, 220) });
  await git(path, ["commit-graph", "write", "--reachable", "--split=no-merge", "--changed-paths"]);
  await git(path, [...args, `--import-marks=${marks}`], { input: part(220, 300) });
  return path;
}

const FILES = ["d0/f0", "d1/f3", "d2", "d2/f1", "d0/e1", "d0/e1/g", "d1/e0/g", "none", "d1/none/g"];

for (const format of ["sha1", "sha256"] as const) {
  test(`histories and last changes are git's own, with ${format} and a graph of a part`, async () => {
    const path = await makeTangle(`tangle-${format}`, format);
    const { refs } = await browsing.listRefs(path, "branches");
    let compared = 0;
    for (const tip of new Set(refs.values())) {
      for (const firstParent of [false, true]) {
        const query = { tips: [tip], without: [], path: "", firstParent, order: "default" } as const;
        const expected = (
          await git(path, ["rev-list", ...(firstParent ? ["--first-parent"] : []), tip])
        ).split("\n");
        const { oids, hasMore } = await browsing.listHistory(path, query, { skip: 0, count: 1_000 }, asker);
        assert.deepEqual(oids, expected);
        assert.equal(hasMore, false);
        const part = await browsing.listHistory(path, query, { skip: 3, count: 2 }, asker);
        assert.deepEqual(part.oids, expected.slice(3, 5));
        assert.equal(part.hasMore, expected.length > 5);
      }
      const merged = await browsing.findMerged(path, [...refs.values()], tip, asker);
      const listed = (await git(path, ["branch", "--merged", tip, "--format=%(objectname)"])).split("\n");
      assert.deepEqual([...merged].toSorted(), [...new Set(listed)].toSorted());
      for (const file of FILES) {
        for (const firstParent of [false, true]) {
          const query = { tips: [tip], without: [], path: file, firstParent, order: "default" } as const;
          const { oids } = await browsing.listHistory(path, query, { skip: 0, count: 1_000 }, asker);
          const options = firstParent ? ["--first-parent"] : [];
          const list = await git(path, ["rev-list", ...options, tip, "--", file]);
          assert.deepEqual(oids, list.split("\n").filter(Boolean), `${file} ${firstParent}`);
        }
        const expected = await git(path, ["rev-list", "-1", tip, "--", file]);
        if (expected === "") continue;
        assert.equal(await browsing.findLastChange(path, tip, file, asker), expected, `${tip} ${file}`);
        compared += 1;
      }
    }
    assert.ok(compared > 10);
    const tips = [...new Set(refs.values())];
    const query = { tips, without: [], path: "", firstParent: false, order: "default" } as const;
    const { oids } = await browsing.listHistory(path, query, { skip: 0, count: 1_000 }, asker);
    const all = await git(path, ["rev-list", "--all"]);
    assert.deepEqual(oids.toSorted(), all.split("\n").toSorted());
    for (const [index, commit] of all.split("\n").entries()) {
      const file = FILES[index % 7] ?? "";
      if (index % 4 > 0) continue;
      const expected = await git(path, ["rev-list", "-1", commit, "--", file]);
      if (expected === "") continue;
      assert.equal(await browsing.findLastChange(path, parseOid(commit), file, asker), expected, file);
    }
    // Whoever asks first finds nothing remembered, and a part of what others ask.
    const fresh = createBrowsing({ log: makeMemoryLog(), takePlace: anyPlace });
    try {
      for (const file of FILES) {
        const found = await Promise.all(
          [fresh, fresh, browsing].map((each) =>
            each.listHistory(path, { ...query, path: file }, { skip: 0, count: 1_000 }, asker),
          ),
        );
        const list = (await git(path, ["rev-list", ...tips, "--", file])).split("\n").filter(Boolean);
        for (const part of found) assert.deepEqual(part.oids, list, file);
      }
    } finally {
      await fresh.close();
    }
  });
}

test("what is pushed, packed or put in its place later is seen", async () => {
  const path = await makeRepository(join(dir, "changing.git"));
  assert.equal(await browsing.resolveCommit(path, "main"), null);
  const first = await makeCommit(path);
  assert.equal(await browsing.resolveCommit(path, "main"), first);
  assert.equal(await browsing.resolveCommit(path, "HEAD"), first);
  assert.equal(await browsing.resolveCommit(path, first.slice(0, 7)), first);
  assert.equal(await browsing.resolveCommit(path, first.slice(0, 6)), null);
  await git(path, ["pack-refs", "--all"]);
  await git(path, ["repack", "-adq"]);
  const second = await makeCommit(path);
  await git(path, ["repack", "-adq"]);
  assert.equal(await browsing.resolveCommit(path, "main"), second);
  assert.deepEqual([...(await browsing.listRefs(path, "branches")).refs], [["refs/heads/main", second]]);
  await setRef(path, "refs/heads/main", null);
  assert.equal(await browsing.resolveCommit(path, "main"), null);

  await rename(path, `${path}.old`);
  assert.equal(await browsing.resolveCommit(path, "HEAD"), null);
  await makeRepository(path, { objectFormat: "sha256" });
  const other = await makeCommit(path);
  assert.equal((await browsing.readCommits(path, [parseOid(other)])).size, 1);
  await rm(`${path}.old`, { recursive: true });
});

test("a reader that is killed is replaced", async () => {
  const path = await makeRepository(join(dir, "killed.git"));
  const oids = [await makeCommit(path), await makeCommit(path)].map(parseOid);
  const [first, second] = oids;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal((await browsing.readCommits(path, [first])).size, 1);
  const pids = await readersOf(path);
  assert.equal(pids.length, 1);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  assert.equal((await browsing.readCommits(path, [second])).size, 1);
});

test("idle readers end, and there are never more than allowed", async () => {
  const own = createBrowsing({
    log: makeMemoryLog(),
    takePlace: anyPlace,
    pool: { maxReaders: 2, idleMs: 50 },
  });
  const paths = await Promise.all([1, 2, 3, 4].map((index) => makeRepository(join(dir, `few-${index}.git`))));
  const oids = await Promise.all(paths.map((path) => makeCommit(path)));
  const found = await Promise.all(
    paths.map((path, index) => own.readCommits(path, [parseOid(oids[index] ?? "")])),
  );
  assert.deepEqual(
    found.map(({ size }) => size),
    [1, 1, 1, 1],
  );
  await waitFor(async () => (await readersOf(join(dir, "few-"))).length === 0, {
    message: "no reader is left",
  });
  await own.close();
});
