import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeGit } from "../../../../test/support/git-adapter.ts";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  setRef,
} from "../../../../test/support/repositories.ts";
import { parseOid } from "../domain/oid.ts";
import { parseRefName } from "../domain/ref-name.ts";
import { describeMoves } from "./describe-moves.ts";
import type { Git } from "./run-git.ts";

type Move = readonly [ref: string, old: string | null, next: string | null];

/** Ref → number of commits and message, of a repository whose refs stand where the moves have left them. */
async function describe(t: TestContext, path: string, moves: readonly Move[], runner: Git = makeGit()) {
  const oid = (text: string | null) => (text === null ? null : parseOid(text));
  const facts = await describeMoves(
    runner,
    path,
    moves.map(([ref, old, next]) => ({ ref: parseRefName(ref), old: oid(old), new: oid(next) })),
    t.signal,
  );
  return Object.fromEntries(
    [...facts].map(([ref, { commitCount, message }]) => [ref, [commitCount, message]]),
  );
}

async function setUp(t: TestContext) {
  const path = await makeRepository(join(await makeTempDir(t), "r.git"));
  const main = await makeCommits(path, 3);
  return { path, main, tip: main[2] ?? "", first: main[0] ?? "" };
}

test("an updated branch has the commits since its old value, and the message of its tip", async (t) => {
  const { path, first, tip } = await setUp(t);
  const next = await makeCommit(path, { message: "the newest\n\nwith a body" });
  assert.deepEqual(await describe(t, path, [["refs/heads/main", first, next]]), {
    "refs/heads/main": [3, "the newest\n\nwith a body"],
  });
  assert.deepEqual(await describe(t, path, [["refs/heads/main", tip, next]]), {
    "refs/heads/main": [1, "the newest\n\nwith a body"],
  });
});

test("a forced branch has the commits since it went apart from its old value; one put back has none", async (t) => {
  const { path, first, tip } = await setUp(t);
  const side = await makeCommit(path, { ref: "refs/heads/side", parents: [first], message: "other way" });
  assert.deepEqual(
    await describe(t, path, [
      ["refs/heads/side", tip, side],
      ["refs/heads/main", tip, first],
    ]),
    { "refs/heads/side": [1, "other way"], "refs/heads/main": [0, null] },
  );
});

test("a new branch has what the default branch lacks, the new default branch has all", async (t) => {
  const { path, first, tip } = await setUp(t);
  const side = await makeCommit(path, { ref: "refs/heads/side", parents: [first], message: "other way" });
  await setRef(path, "refs/heads/same", tip);
  const moves: Move[] = [
    ["refs/heads/side", null, side],
    ["refs/heads/same", null, tip],
    ["refs/heads/main", null, tip],
  ];
  const facts = await describe(t, path, moves);
  assert.deepEqual(facts["refs/heads/side"], [1, "other way"]);
  assert.deepEqual(facts["refs/heads/same"], [0, null]);
  assert.equal(facts["refs/heads/main"]?.[0], 3);
  // While there is no default branch, a new one is measured against nothing.
  await git(path, ["symbolic-ref", "HEAD", "refs/heads/unborn"]);
  assert.deepEqual((await describe(t, path, moves))["refs/heads/side"], [2, "other way"]);
});

test("new branches that share commits each have them all", async (t) => {
  const { path, tip } = await setUp(t);
  const shared = await makeCommit(path, { ref: "refs/heads/a", parents: [tip] });
  const left = await makeCommit(path, { ref: "refs/heads/b", parents: [shared] });
  const merge = await makeCommit(path, { ref: "refs/heads/c", parents: [shared, left, tip] });
  const facts = await describe(t, path, [
    ["refs/heads/a", null, shared],
    ["refs/heads/b", null, left],
    ["refs/heads/c", null, merge],
  ]);
  assert.deepEqual(
    Object.values(facts).map(([count]) => count),
    [1, 2, 3],
  );
});

test("a tag has the one commit that it leads to, and none when it leads to a blob or a tree", async (t) => {
  const { path, tip } = await setUp(t);
  const annotated = await makeTag(path, "v1", tip);
  const nested = await makeTag(path, "v1-again", annotated);
  const blob = await git(path, ["hash-object", "-w", "--stdin"], { input: "blob" });
  const tree = await git(path, ["rev-parse", `${tip}^{tree}`]);
  const message = await git(path, ["log", "-1", "--format=%B", tip]);
  const facts = await describe(t, path, [
    ["refs/tags/v1", null, annotated],
    ["refs/tags/v1-again", null, nested],
    ["refs/tags/blob", null, blob],
    ["refs/tags/of-blob", null, await makeTag(path, "of-blob", blob)],
    ["refs/tags/tree", tip, tree],
    ["refs/tags/light", null, tip],
    ["refs/tags/gone", tip, null],
  ]);
  const tagged = [1, message.trim()];
  assert.deepEqual(facts, {
    "refs/tags/v1": tagged,
    "refs/tags/v1-again": tagged,
    "refs/tags/light": tagged,
    "refs/tags/blob": [0, null],
    "refs/tags/of-blob": [0, null],
    "refs/tags/tree": [0, null],
  });
});

test("messages in another encoding are read in it, and bytes that are no text become a mark", async (t) => {
  const { path, tip } = await setUp(t);
  const tree = await git(path, ["rev-parse", `${tip}^{tree}`]);
  const commit = (encoding: string, message: Buffer) =>
    git(path, ["hash-object", "-t", "commit", "-w", "--stdin"], {
      input: Buffer.concat([
        Buffer.from(
          `tree ${tree}\nparent ${tip}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n${encoding}\n`,
        ),
        message,
      ]),
    });
  const latin = await commit("encoding ISO-8859-1\n", Buffer.from("Gr\xfc\xdfe", "latin1"));
  const broken = await commit("", Buffer.from("bro\xffken", "latin1"));
  const odd = await commit("encoding no-such-thing\n", Buffer.from("plain"));
  for (const [name, oid] of Object.entries({ latin, broken, odd }))
    await setRef(path, `refs/heads/${name}`, oid);
  assert.deepEqual(
    await describe(t, path, [
      ["refs/heads/latin", tip, latin],
      ["refs/heads/broken", tip, broken],
      ["refs/heads/odd", tip, odd],
    ]),
    {
      "refs/heads/latin": [1, "Grüße"],
      "refs/heads/broken": [1, "bro\ufffdken"],
      "refs/heads/odd": [1, "plain"],
    },
  );
});

test("a move whose objects are gone is left out, the others are not", async (t) => {
  const { path, first, tip } = await setUp(t);
  const missing = "1".repeat(40);
  assert.deepEqual(
    Object.keys(
      await describe(t, path, [
        ["refs/heads/lost", first, missing],
        ["refs/heads/other", missing, tip],
        ["refs/heads/main", first, tip],
      ]),
    ),
    ["refs/heads/main"],
  );
});

test("one process reads all commits, one counts all new branches, and updated ones cost one each", async (t) => {
  const { path, first, tip } = await setUp(t);
  const tags = await Promise.all(
    Array.from({ length: 20 }, (_, index) => makeTag(path, `v${index}`, index % 2 === 0 ? tip : first)),
  );
  const runner = makeGit();
  let processes = 0;
  const counting: Git = {
    ...runner,
    run: (call) => {
      processes += 1;
      return runner.run(call);
    },
  };
  await describe(
    t,
    path,
    tags.map((oid, index): Move => [`refs/tags/v${index}`, null, oid]),
    counting,
  );
  assert.equal(processes, 1);
  await describe(t, path, [["refs/heads/main", first, tip]], counting);
  assert.equal(processes, 3);
  await describe(t, path, [["refs/heads/main", first, null]], counting);
  assert.equal(processes, 3, "what was removed costs nothing");
  const topics: string[] = [];
  for (let index = 0; index < 10; index += 1) {
    topics.push(await makeCommit(path, { ref: `refs/heads/t${index}`, parents: [first] }));
  }
  const facts = await describe(
    t,
    path,
    topics.map((oid, index): Move => [`refs/heads/t${index}`, null, oid]),
    counting,
  );
  assert.equal(processes, 5, "new branches are counted together");
  assert.deepEqual(
    Object.values(facts).map(([count]) => count),
    topics.map(() => 1),
  );
});
