import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { makeGit } from "../../../../test/support/git-adapter.ts";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
} from "../../../../test/support/repositories.ts";
import { parseOid } from "../domain/oid.ts";
import type { AncestryQuestion } from "../domain/ref-plan/ancestry.ts";
import { answerAncestry } from "./answer-ancestry.ts";
import type { Git } from "./run-git.ts";

function question(ancestor: string, descendant: string): AncestryQuestion {
  return { ancestor: parseOid(ancestor), descendant: parseOid(descendant) };
}

/** The verdict of git itself, one process a question. */
async function askGit(path: string, { ancestor, descendant }: AncestryQuestion): Promise<string> {
  return git(path, ["merge-base", "--is-ancestor", ancestor, descendant]).then(
    () => "yes",
    () => "no",
  );
}

/** A history of branches and merges, some of it unrelated, with dates that do not grow: oids, oldest first. */
async function makeTangle(path: string, count: number, seed: number): Promise<string[]> {
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const parts: string[] = [];
  for (let i = 1; i <= count; i += 1) {
    const date = 1_600_000_000 + random(1_000_000);
    parts.push(
      `commit refs/heads/c${i}\nmark :${i}\ncommitter C <c@example.com> ${date} +0000\ndata ${String(i).length}\n${i}\n`,
    );
    const parents = new Set<number>();
    const wanted = i < 4 ? 0 : random(12) === 0 ? 0 : 1 + random(3);
    for (let k = 0; k < wanted; k += 1) parents.add(Math.max(1, i - 1 - random(12)));
    [...parents].forEach((parent, index) => {
      parts.push(`${index === 0 ? "from" : "merge"} :${parent}\n`);
    });
    parts.push("\n");
  }
  await git(path, ["fast-import", "--quiet", "--export-marks=marks"], { input: parts.join("") });
  const out = await git(path, ["for-each-ref", "--format=%(objectname) %(refname:lstrip=2)"]);
  const oids: string[] = [];
  for (const line of out.split("\n")) {
    const [oid = "", name = ""] = line.split(" ");
    oids[Number(name.slice(1)) - 1] = oid;
  }
  return oids;
}

test("few and many questions have the answers of git, in a tangle with skewed dates", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const oids = await makeTangle(path, 60, 7);
  const all = oids.flatMap((a) => oids.map((d) => question(a, d)));
  const some = all.filter((_, index) => index % 29 === 0);
  const verdicts = new Map<AncestryQuestion, string>();
  for (const one of some) verdicts.set(one, await askGit(path, one));
  assert.deepEqual(new Set(verdicts.values()), new Set(["yes", "no"]), "the tangle has both");

  const many = await answerAncestry(makeGit(), path, all);
  for (const [one, verdict] of verdicts)
    assert.equal(many(one), verdict, `all at once: ${JSON.stringify(one)}`);
  for (const graph of ["without a commit-graph", "with one"]) {
    if (graph === "with one") await git(path, ["commit-graph", "write", "--reachable"]);
    for (let i = 0; i < some.length; i += 10) {
      const group = some.slice(i, i + 10);
      const few = await answerAncestry(makeGit(), path, group);
      for (const one of group)
        assert.equal(few(one), verdicts.get(one), `a few, ${graph}: ${JSON.stringify(one)}`);
    }
  }
  const scattered = await answerAncestry(makeGit(), path, some);
  for (const [one, verdict] of verdicts)
    assert.equal(scattered(one), verdict, `scattered: ${JSON.stringify(one)}`);
});

test("an oid is its own ancestor, tags count as their commits, and what is no commit here is unknown", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const [first = "", second = ""] = await makeCommits(path, 2);
  const tag = await makeTag(path, "v1", first);
  const nested = await makeTag(path, "v2", "refs/tags/v1");
  const tree = await git(path, ["rev-parse", `${first}^{tree}`]);
  const missing = "deadbeef".repeat(5);
  const cases = [
    [first, first, "yes"],
    [first, second, "yes"],
    [second, first, "no"],
    [tag, second, "yes"],
    [nested, second, "yes"],
    [second, nested, "no"],
    [tag, first, "yes"],
    [first, nested, "yes"],
    [tree, second, "unknown"],
    [first, tree, "unknown"],
    [missing, second, "unknown"],
    [second, missing, "unknown"],
  ] as const;
  const answers = await answerAncestry(
    makeGit(),
    path,
    cases.map(([a, d]) => question(a, d)),
  );
  for (const [ancestor, descendant, answer] of cases) {
    assert.equal(answers(question(ancestor, descendant)), answer, `${ancestor} ${descendant}`);
  }
  const none = await answerAncestry(makeGit(), path, []);
  assert.equal(none(question(first, second)), "unknown", "it was not asked");
  assert.equal(none(question(first, first)), "yes");
});

test("SHA-256 repositories are answered too, few and many", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"), { objectFormat: "sha256" });
  const oids = await makeTangle(path, 24, 3);
  const all = oids.flatMap((a) => oids.map((d) => question(a, d)));
  const many = await answerAncestry(makeGit(), path, all);
  const few = all.slice(100, 112);
  const answers = await answerAncestry(makeGit(), path, few);
  for (const one of few) {
    assert.equal(answers(one), await askGit(path, one));
    assert.equal(many(one), answers(one));
  }
});

test("branches that only moved forward are answered without listing the history", async (t) => {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const base = await makeCommits(path, 2);
  const questions: AncestryQuestion[] = [];
  for (let i = 0; i < 20; i += 1) {
    const old = await makeCommit(path, { ref: `refs/heads/b${i}`, parents: base.slice(-1) });
    questions.push(question(old, await makeCommit(path, { ref: `refs/heads/b${i}` })));
  }
  const real = makeGit();
  const commands: string[] = [];
  const watched: Git = {
    ...real,
    run: (call) => {
      commands.push(call.args[0] ?? "");
      return real.run(call);
    },
    start: (call) => {
      commands.push(call.args[0] ?? "");
      return real.start(call);
    },
  };
  for (const asked of [questions, questions.slice(0, 3)]) {
    commands.length = 0;
    const answers = await answerAncestry(watched, path, asked);
    assert.ok(asked.every((one) => answers(one) === "yes"));
    assert.deepEqual(commands, ["cat-file", "rev-list"]);
  }
});
