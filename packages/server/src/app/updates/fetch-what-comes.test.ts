import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { git, makeCommit, makeCommits, refsOf, setRef } from "../../../../../test/support/repositories.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";
import { fetchWhatComes } from "./fetch-what-comes.ts";
import type { RunOutcome } from "./run.ts";
import { setStage } from "./update-run.test-support.ts";

const MAIN = "refs/heads/main";
const NOT_THERE = "1".repeat(40);

const outcomesOf = ({ results }: RunOutcome) =>
  Object.fromEntries(results.map(({ ref, outcome }) => [ref, outcome]));

const expectWhole = (repository: string) => git(repository, ["fsck", "--connectivity-only", "--no-dangling"]);

/** A ref that leads to a commit whose one file is lost. */
async function makePoisoned(repository: string, ref: string, parents: readonly string[] = []) {
  const commit = await makeCommit(repository, { ref, parents, files: { poison: ref } });
  const blob = await git(repository, ["rev-parse", `${commit}:poison`]);
  await rm(join(repository, "objects", blob.slice(0, 2), blob.slice(2)));
  return commit;
}

async function makeBranches(repository: string, count: number): Promise<void> {
  const commits = Array.from({ length: count }, (_, index) =>
    [
      `commit refs/heads/b${String(index).padStart(4, "0")}`,
      `committer C <c@example.com> ${1_700_000_000 + index} +0000`,
      `data 1\n${index % 10}`,
      `from ${MAIN}^0\n\n`,
    ].join("\n"),
  );
  await git(repository, ["fast-import", "--quiet"], { input: commits.join("") });
}

test("of 200 new branches one leads to a lost file: 199 come, and the one is named with what to do", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const old = await makeCommit(theirs);
  await update();
  await makeCommit(theirs);
  await makeBranches(theirs, 199);
  const bad = await makePoisoned(theirs, "refs/heads/b0100x", [old]);
  const outcome = await update();
  const { "refs/heads/b0100x": left, ...good } = await refsOf(theirs);
  assert.equal(left, bad);
  assert.deepEqual(await refsOf(ours), good);
  const [rejected, ...others] = outcome.results.filter((result) => result.outcome === "rejected");
  assert.deepEqual([rejected?.ref, rejected?.reason, others], ["refs/heads/b0100x", "corrupt-object", []]);
  assert.match(rejected?.message ?? "", /remote's repository is damaged.*The remote says: .*corruption/);
  assert.match(rejected?.fix ?? "", /git fsck.* upstream .*push this ref/);
  assert.match(outcome.failure ?? "", /^Some refs were not updated:\n\nrefs\/heads\/b0100x: /);
  await expectWhole(ours);

  await setRef(theirs, "refs/heads/b0100x", old);
  assert.deepEqual(outcomesOf(await update()), { "refs/heads/b0100x": "created" });
});

test("a first pull brings what is good: one ref is torn, one leads nowhere, one to a lost file", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const [first = "", second = ""] = await makeCommits(theirs, 2);
  await setRef(theirs, "refs/heads/old", first);
  await makePoisoned(theirs, "refs/heads/poisoned");
  await writeFile(join(theirs, "refs/heads/torn"), "");
  await writeFile(join(theirs, "refs/heads/nowhere"), `${NOT_THERE}\n`);
  const outcome = await update();
  assert.deepEqual(await refsOf(ours), { [MAIN]: second, "refs/heads/old": first });
  const { "refs/heads/torn": torn = "rejected", ...outcomes } = outcomesOf(outcome);
  assert.equal(torn, "rejected");
  assert.deepEqual(outcomes, {
    [MAIN]: "created",
    "refs/heads/nowhere": "rejected",
    "refs/heads/old": "created",
    "refs/heads/poisoned": "rejected",
  });
  assert.match(outcome.failure ?? "", new RegExp(`nowhere: .* The object: ${NOT_THERE}\\.`));
  await expectWhole(ours);
});

test("a branch that upstream has damaged is rejected and stays here, even where it is the default one", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const old = await makeCommit(theirs);
  await update();
  await makePoisoned(theirs, MAIN, [old]);
  const good = await makeCommit(theirs, { ref: "refs/heads/good", parents: [old] });
  for (const overwritesDivergedBranches of [false, true]) {
    const outcome = await update({ overwritesDivergedBranches, deletions: "always" });
    assert.equal(outcomesOf(outcome)[MAIN], "rejected");
    assert.doesNotMatch(outcome.failure ?? "", /diverged/);
    assert.deepEqual(await refsOf(ours), { [MAIN]: old, "refs/heads/good": good });
  }
});

test("a torn ref of ours holds up no other, and the remote is not blamed for it", async (t) => {
  for (const content of ["", "junk\n", `${NOT_THERE}\n`]) {
    const { ours, theirs, update } = await setStage(t, "pull");
    await makeCommit(theirs);
    await update();
    await mkdir(join(ours, "refs/heads"), { recursive: true });
    await writeFile(join(ours, "refs/heads/torn"), content);
    const next = await makeCommit(theirs);
    const fresh = await makeCommit(theirs, { ref: "refs/heads/fresh", parents: [] });
    const outcome = await update();
    assert.equal(outcome.failure, null, content);
    assert.deepEqual(outcomesOf(outcome), { [MAIN]: "fast-forward", "refs/heads/fresh": "created" });
    assert.deepEqual(await git(ours, ["rev-parse", MAIN, "refs/heads/fresh"]), `${next}\n${fresh}`);
  }
});

test("the search ends: with few fetches where all is well or one is bad, and in bounds where everything is", async () => {
  const oids = Array.from({ length: 1_000 }, (_, index) => parseOid(String(index + 1).padStart(40, "0")));
  async function search(isBad: (oid: Oid) => boolean, words = (_: readonly Oid[]) => "It is broken.") {
    let fetches = 0;
    const lacks = await fetchWhatComes(oids, async (some) => {
      fetches += 1;
      const bad = some.filter(isBad);
      if (bad.length > 0) throw new HeliostatError("repository-corrupt", words(bad));
    });
    return { fetches, lacks };
  }
  const fine = await search(() => false);
  assert.deepEqual([fine.fetches, fine.lacks.size], [1, 0]);

  for (const bad of [oids[0], oids[499], oids[999]]) {
    const one = await search((oid) => oid === bad);
    assert.deepEqual([...one.lacks.keys()], [bad]);
    assert.ok(one.fetches <= 21, `${one.fetches}`);
  }
  const scattered = new Set([0, 1, 333, 600, 998].map((index) => oids[index]));
  const five = await search((oid) => scattered.has(oid));
  assert.deepEqual(new Set(five.lacks.keys()), scattered);

  const named = await search(
    (oid) => scattered.has(oid),
    ([first]) => `not our ref ${first}`,
  );
  assert.deepEqual([new Set(named.lacks.keys()), named.fetches], [scattered, 6]);

  const all = await search(() => true);
  assert.equal(all.lacks.size, 1_000);
  assert.ok(all.fetches <= 45, `${all.fetches}`);
  assert.ok([...all.lacks.values()].some(({ isCertain }) => !isCertain));

  const network = new HeliostatError("remote-closed", "Gone.");
  await assert.rejects(
    fetchWhatComes(oids, () => Promise.reject(network)),
    network,
  );
});
