import assert from "node:assert/strict";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import {
  git,
  makeCommit,
  makeCommits,
  makeTag,
  refsOf,
  setRef,
} from "../../../../../test/support/repositories.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { RunOutcome } from "./run.ts";
import { setStage } from "./update-run.test-support.ts";

const MAIN = "refs/heads/main";

const outcomesOf = ({ results }: RunOutcome) =>
  Object.fromEntries(results.map(({ ref, outcome }) => [ref, outcome]));

const headOf = (repository: string) => git(repository, ["symbolic-ref", "HEAD"]);

/** Git is the judge: nothing that a ref leads to is missing. */
const expectWhole = (repository: string) => git(repository, ["fsck", "--connectivity-only", "--no-dangling"]);

test("an upstream with everything that is rare comes whole, by a clone and by a fetch", async (t) => {
  for (const overwritesDivergedBranches of [false, true]) {
    const { ours, theirs, update } = await setStage(t, "pull");
    const [first = "", second = ""] = await makeCommits(theirs, 2);
    // A repository with refs is fetched into, an empty one cloned into.
    if (overwritesDivergedBranches) await makeCommit(ours, { ref: "refs/heads/own" });
    const tag = await makeTag(theirs, "v1", first);
    const nested = await makeTag(theirs, "v1-signed-off", tag);
    const blob = await git(theirs, ["hash-object", "-w", "--stdin"], { input: "key" });
    const tree = await git(theirs, ["rev-parse", `${second}^{tree}`]);
    for (const [ref, oid] of [
      ["refs/tags/blob", blob],
      ["refs/tags/tree", tree],
      ["refs/tags/of-tree", await makeTag(theirs, "of-tree", tree)],
      ["refs/heads/Case", first],
      ["refs/heads/case", second],
      ["refs/tags/Case", second],
      ["refs/tags/CASE", first],
    ] as const) {
      await setRef(theirs, ref, oid);
    }
    await git(theirs, ["symbolic-ref", "refs/heads/alias", MAIN]);
    await git(theirs, ["update-ref", "refs/pull/1/head", first]);

    const outcome = await update({ overwritesDivergedBranches });
    assert.equal(outcome.failure, null);
    const refs = await refsOf(ours);
    const expected = await refsOf(theirs);
    for (const ref of ["refs/heads/alias", "refs/pull/1/head"]) delete expected[ref];
    delete refs["refs/heads/own"];
    assert.deepEqual(refs, expected);
    assert.equal(refs["refs/tags/v1-signed-off"], nested);
    await expectWhole(ours);
    const again = await update({ overwritesDivergedBranches });
    assert.deepEqual([again.results, again.failure, again.digest], [[], null, outcome.digest]);
  }
});

test("a tag that moves from a commit to a blob, and a nested one, follow upstream", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const [first = ""] = await makeCommits(theirs, 2);
  await setRef(theirs, "refs/tags/v1", first);
  await makeTag(theirs, "v2", first);
  await update();
  const blob = await git(theirs, ["hash-object", "-w", "--stdin"], { input: "key" });
  await setRef(theirs, "refs/tags/v1", blob);
  await makeTag(theirs, "v2", await makeTag(theirs, "inner", first));
  assert.deepEqual(outcomesOf(await update()), {
    "refs/tags/inner": "created",
    "refs/tags/v1": "forced",
    "refs/tags/v2": "forced",
  });
  assert.deepEqual(await refsOf(ours), await refsOf(theirs));
  await expectWhole(ours);
});

test("an empty upstream changes nothing, whatever the options, also where we have refs", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  await git(theirs, ["symbolic-ref", "HEAD", "refs/heads/trunk"]);
  for (const options of [{}, { deletions: "always", followDefaultBranch: true }] as const) {
    const outcome = await update(options);
    assert.deepEqual([outcome.results, outcome.failure, outcome.changedProject], [[], null, false]);
  }
  const own = await makeCommit(ours);
  const outcome = await update({ deletions: "always", followDefaultBranch: true });
  assert.deepEqual([outcome.results, outcome.failure], [[], null]);
  assert.deepEqual(outcome.notes, [
    "Upstream offers no branch that this mirror carries, so nothing is deleted here.",
  ]);
  assert.deepEqual([await refsOf(ours), await headOf(ours)], [{ [MAIN]: own }, MAIN]);
});

test("the first pull takes upstream's HEAD; later ones follow it on request, as a write to our refs", async (t) => {
  const stage = await setStage(t, "pull");
  const { ours, theirs, update } = stage;
  const first = await makeCommit(theirs, { ref: "refs/heads/trunk" });
  await git(theirs, ["symbolic-ref", "HEAD", "refs/heads/trunk"]);
  await update();
  assert.equal(await headOf(ours), "refs/heads/trunk");

  await setRef(theirs, MAIN, first);
  await update();
  await git(theirs, ["symbolic-ref", "HEAD", MAIN]);
  const left = await update();
  assert.equal(await headOf(ours), "refs/heads/trunk");
  const before = stage.generation;
  const moved = await update({ followDefaultBranch: true });
  assert.equal(await headOf(ours), MAIN);
  assert.deepEqual(
    [moved.results, moved.notes, moved.changedProject, moved.generation],
    [[], ["The default branch is now main, as upstream's is."], true, before + 1],
  );
  assert.notEqual(moved.digest, left.digest);
  const settled = await update({ followDefaultBranch: true });
  assert.deepEqual(
    [settled.notes, settled.changedProject, settled.generation, settled.digest],
    [[], false, before + 1, moved.digest],
  );

  await git(theirs, ["symbolic-ref", "HEAD", "refs/heads/unborn"]);
  await update({ followDefaultBranch: true });
  assert.equal(await headOf(ours), MAIN);
  await git(theirs, ["update-ref", "--no-deref", "HEAD", first]);
  await update({ followDefaultBranch: true });
  assert.equal(await headOf(ours), MAIN, "a detached HEAD names no branch");
});

/** Upstream renames its default branch from `main`; ours is to follow. */
async function renameMain(theirs: string, name: string): Promise<void> {
  const tip = await git(theirs, ["rev-parse", MAIN]);
  await setRef(theirs, MAIN, null);
  await setRef(theirs, name, tip);
  await git(theirs, ["symbolic-ref", "HEAD", name]);
}

const FOLLOW = { deletions: "always", followDefaultBranch: true } as const;

test("a default branch that upstream renamed is renamed here, where deletions and HEAD follow", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const tip = await makeCommit(theirs);
  await update();
  await renameMain(theirs, "refs/heads/trunk");
  // In the way of this one is the branch that HEAD points at: it comes once that is gone.
  await setRef(theirs, "refs/heads/main/x", tip);
  const outcome = await update(FOLLOW);
  assert.deepEqual(outcomesOf(outcome), {
    [MAIN]: "deleted",
    "refs/heads/main/x": "created",
    "refs/heads/trunk": "created",
  });
  assert.equal(outcome.failure, null);
  assert.deepEqual([await refsOf(ours), await headOf(ours)], [await refsOf(theirs), "refs/heads/trunk"]);
});

test("a default branch whose old name is in the way of the new one waits for a person", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const tip = await makeCommit(theirs);
  await update();
  await renameMain(theirs, "refs/heads/main/trunk");
  const outcome = await update(FOLLOW);
  assert.deepEqual(outcomesOf(outcome), { "refs/heads/main/trunk": "held" });
  assert.deepEqual([await refsOf(ours), await headOf(ours)], [{ [MAIN]: tip }, MAIN]);
});

test("the old default branch is not deleted while HEAD cannot leave it, whatever the cause", async (t) => {
  const stage = await setStage(t, "pull");
  const { ours, theirs, update } = stage;
  const tip = await makeCommit(theirs);
  await setRef(theirs, "refs/heads/gone", tip);
  await update();
  await renameMain(theirs, "refs/heads/trunk");
  await setRef(theirs, "refs/heads/gone", null);
  await setRef(theirs, "refs/heads/main/x", tip);
  const message =
    "The source no longer has it, but it is kept here: the default branch could not become trunk.";

  const lock = join(ours, "refs/heads/trunk.lock");
  await writeFile(lock, "");
  const locked = await update(FOLLOW);
  assert.deepEqual(outcomesOf(locked), {
    "refs/heads/gone": "deleted",
    [MAIN]: "held",
    "refs/heads/main/x": "held",
    "refs/heads/trunk": "rejected",
  });
  assert.equal(locked.results.find(({ ref }) => ref === MAIN)?.message, message);
  assert.match(locked.failure ?? "", /could not become trunk, which it is upstream: that branch could not/);
  assert.deepEqual([await refsOf(ours), await headOf(ours)], [{ [MAIN]: tip }, MAIN]);
  await rm(lock);

  const headLock = join(ours, "HEAD.lock");
  await writeFile(headLock, "");
  const stuck = await update(FOLLOW);
  assert.deepEqual(outcomesOf(stuck), {
    [MAIN]: "held",
    "refs/heads/main/x": "held",
    "refs/heads/trunk": "created",
  });
  assert.match(stuck.failure ?? "", /could not become trunk, which it is upstream: /);
  assert.equal(stuck.changedProject, true);
  assert.equal(await headOf(ours), MAIN);
  await rm(headLock);

  stage.beforeWrite = async () => {
    stage.beforeWrite = async () => {};
    await setRef(ours, "refs/heads/trunk", null);
  };
  const vanished = await update(FOLLOW);
  assert.match(vanished.failure ?? "", /that branch is not here any more/);
  assert.deepEqual([await refsOf(ours), await headOf(ours)], [{ [MAIN]: tip }, MAIN]);

  assert.equal((await update(FOLLOW)).failure, null);
  assert.deepEqual([await refsOf(ours), await headOf(ours)], [await refsOf(theirs), "refs/heads/trunk"]);
});

test("a branch that broke upstream, or leads nowhere there, is not deleted here", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const tip = await makeCommit(theirs);
  for (const name of ["null", "gone"]) await setRef(theirs, `refs/heads/${name}`, tip);
  await update();
  await setRef(theirs, "refs/heads/gone", null);
  await writeFile(join(theirs, "refs/heads/null"), `${"0".repeat(40)}\n`);
  const outcome = await update({ deletions: "always" });
  assert.deepEqual(outcomesOf(outcome), { "refs/heads/gone": "deleted" });
  assert.deepEqual(outcome.notes, [
    "Neither mirrored nor deleted, because the source has lost their value: 'null'. Push them there again.",
  ]);
  assert.deepEqual(await refsOf(ours), { [MAIN]: tip, "refs/heads/null": tip });
});

test("names that exclude each other: deleted obstacles make room, others hold one ref alone", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const tip = await makeCommit(theirs);
  for (const ref of ["refs/heads/x", "refs/heads/y/z", "refs/heads/w"]) await setRef(theirs, ref, tip);
  await update();
  for (const ref of ["refs/heads/x", "refs/heads/y/z"]) await setRef(theirs, ref, null);
  for (const ref of ["refs/heads/x/y", "refs/heads/y", "refs/heads/new"]) await setRef(theirs, ref, tip);
  const held = await update();
  assert.deepEqual(outcomesOf(held), {
    "refs/heads/new": "created",
    "refs/heads/x/y": "held",
    "refs/heads/y": "held",
  });
  assert.match(held.failure ?? "", /conflict with names here.*\n\nrefs\/heads\/x\/y\nrefs\/heads\/y$/);
  const outcome = await update({ deletions: "always" });
  assert.equal(outcome.failure, null);
  assert.deepEqual(await refsOf(ours), await refsOf(theirs));
});

test("protected tags are held, also against the first pull, and all the rest goes on", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const [first = "", second = ""] = await makeCommits(theirs, 2);
  await setRef(theirs, "refs/tags/v1", first);
  await setRef(theirs, "refs/tags/w1", first);
  const protectedTags = [["v*", 0]] as const;
  const held = await update({}, { protectedTags });
  assert.deepEqual(outcomesOf(held), {
    [MAIN]: "created",
    "refs/tags/v1": "held",
    "refs/tags/w1": "created",
  });
  assert.equal(held.failure, "You are not allowed to create tags: 'v1' as they are protected.");

  await update({}, { protectedTags: [["v*", 40]] });
  await setRef(theirs, "refs/tags/v1", second);
  const moved = await update({}, { protectedTags });
  assert.deepEqual(outcomesOf(moved), { "refs/tags/v1": "held" });
  assert.equal((await refsOf(ours))["refs/tags/v1"], first);
});

test("protected branches are held that the mirror user may not push to, and come when they may", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const tip = await makeCommit(theirs);
  await setRef(theirs, "refs/heads/rel", tip);
  const held = await update({}, { protectedBranches: ["rel"], branchLevel: 0 });
  assert.deepEqual(outcomesOf(held), { [MAIN]: "created", "refs/heads/rel": "held" });
  assert.match(held.failure ?? "", /^The mirror user is not allowed to push to protected branches: 'rel'/);
  const came = await update({}, { protectedBranches: ["rel"] });
  assert.deepEqual(outcomesOf(came), { "refs/heads/rel": "created" });
  assert.equal((await refsOf(ours))["refs/heads/rel"], tip);
});

test("filters of branches and tags decide what is fetched at all", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const tip = await makeCommit(theirs);
  const other = await makeCommit(theirs, { ref: "refs/heads/other", parents: [] });
  await setRef(theirs, "refs/tags/v1", tip);
  await setRef(theirs, "refs/tags/nightly", other);
  const outcome = await update({ branchRegex: "^main$", tags: "^v[0-9]" });
  assert.deepEqual(await refsOf(ours), { [MAIN]: tip, "refs/tags/v1": tip });
  assert.deepEqual(outcome.skipped, ["refs/heads/other", "refs/tags/nightly"]);
  await assert.rejects(git(ours, ["cat-file", "-e", other]), "no object came that nobody asked for");
});

test("a symbolic ref of ours is neither updated nor deleted, nor what it points at", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull");
  const [first = "", second = ""] = await makeCommits(theirs, 2);
  await update();
  await git(ours, ["symbolic-ref", "refs/heads/alias", MAIN]);
  await git(ours, ["symbolic-ref", "refs/heads/local", MAIN]);
  await setRef(theirs, "refs/heads/alias", first);
  const outcome = await update({ overwritesDivergedBranches: true, deletions: "always" });
  assert.deepEqual([outcome.results, outcome.failure], [[], null]);
  assert.equal(await git(ours, ["symbolic-ref", "refs/heads/alias"]), MAIN);
  assert.equal((await refsOf(ours))[MAIN], second);
});

test("a ref of ours that moves meanwhile is planned anew in the same update", async (t) => {
  const stage = await setStage(t, "pull");
  const { ours, theirs, update } = stage;
  const [first = ""] = await makeCommits(theirs, 1);
  await setRef(theirs, "refs/heads/a", first);
  await update();
  const tip = await makeCommit(theirs);
  await setRef(theirs, "refs/heads/a", tip);
  const own = await makeCommit(ours, { ref: "refs/heads/mine", parents: [first] });
  stage.listings = 0;
  stage.beforeWrite = async () => {
    stage.beforeWrite = async () => {};
    // A client pushes: upstream's value is no fast-forward any more.
    await setRef(ours, "refs/heads/a", own);
    stage.generation += 1;
  };
  const outcome = await update();
  assert.deepEqual(outcomesOf(outcome), { [MAIN]: "fast-forward", "refs/heads/a": "diverged" });
  assert.equal(stage.listings, 2);
  assert.equal(outcome.changedProject, true);
  assert.deepEqual(outcome.upToDate, []);
  assert.deepEqual((await refsOf(ours))["refs/heads/a"], own);
  assert.equal(outcome.generation, stage.generation, "the second look saw all that was written");
});

test("only once: what moves again is rejected; and what has come right by itself is not mentioned", async (t) => {
  const stage = await setStage(t, "pull");
  const { ours, theirs, update } = stage;
  const [first = "", second = ""] = await makeCommits(theirs, 2);
  await setRef(theirs, "refs/heads/a", first);
  await update();
  const tip = await makeCommit(theirs);
  await setRef(theirs, "refs/heads/a", tip);
  stage.listings = 0;
  let writes = 0;
  stage.beforeWrite = async () => {
    writes += 1;
    await git(ours, ["fetch", "-q", theirs, tip]);
    await setRef(ours, MAIN, writes === 1 ? first : second);
    await setRef(ours, "refs/heads/a", tip);
  };
  const outcome = await update();
  assert.equal(stage.listings, 2);
  assert.deepEqual(outcomesOf(outcome), { [MAIN]: "rejected" });
  assert.deepEqual(outcome.upToDate, ["refs/heads/a"]);
  assert.match(outcome.failure ?? "", /^Some refs were not updated:\n\nrefs\/heads\/main: The ref changed/);
});

test("what the first look brought is told even when the second one fails", async (t) => {
  const stage = await setStage(t, "pull");
  const { ours, theirs, update } = stage;
  const [first = ""] = await makeCommits(theirs, 1);
  await setRef(theirs, "refs/heads/a", first);
  await update();
  const tip = await makeCommit(theirs);
  await setRef(theirs, "refs/heads/a", tip);
  const own = await makeCommit(ours, { ref: "refs/heads/mine" });
  stage.beforeWrite = async () => {
    await setRef(ours, "refs/heads/a", own);
    // Upstream is gone when it is listed again.
    await rename(theirs, `${theirs}.away`);
  };
  const outcome = await update();
  assert.deepEqual(outcomesOf(outcome), { [MAIN]: "fast-forward", "refs/heads/a": "rejected" });
  assert.equal(outcome.changedProject, true);
  assert.equal(outcome.brokenOffBy?.code, "remote-not-found");
  assert.match(outcome.failure ?? "", /refs\/heads\/a: The ref changed/);
});

test("a push into the empty project, while SHA-256 is to come to it, is neither lost nor overtaken", async (t) => {
  for (const moment of ["pushed", "under way"] as const) {
    const stage = await setStage(t, "pull", { theirs: "sha256" });
    const { ours, theirs, update } = stage;
    await makeCommit(theirs);
    let tip = "";
    stage.beforeWrite = async () => {
      // Between the look at our refs and the change: git has taken the push, or is about to.
      if (moment === "pushed") tip = await makeCommit(ours);
      stage.generation += 1;
    };
    await assert.rejects(update(), {
      code: "object-format-mismatch",
      message: /while it is empty and nobody/,
    });
    if (moment === "under way") tip = await makeCommit(ours);
    assert.deepEqual(await refsOf(ours), { [MAIN]: tip });
    await expectWhole(ours);
    assert.deepEqual(await readdir(dirname(ours)), ["1.git"]);
  }
});

test("a project that holds refs which no mirror carries keeps its repository", async (t) => {
  const { ours, theirs, update } = await setStage(t, "pull", { theirs: "sha256" });
  await makeCommit(theirs);
  const note = await makeCommit(ours, { ref: "refs/notes/commits" });
  await assert.rejects(update(), { code: "object-format-mismatch" });
  assert.deepEqual(await refsOf(ours), { "refs/notes/commits": note });
});

test("a run that died while SHA-256 came to an empty project leaves it a repository", async (t) => {
  const { ours, theirs, update, repositories } = await setStage(t, "pull", { theirs: "sha256" });
  await makeCommit(theirs);
  await rename(ours, `${ours}.replaced`);
  await repositories.removeRemains(ours, t.signal);
  assert.equal((await update()).failure, null);
  assert.deepEqual(await refsOf(ours), await refsOf(theirs));
});

test("a disk that is full in the middle of the refs: what may have changed is told to the push mirrors", async (t) => {
  const stage = await setStage(t, "pull");
  const { ours, theirs, update, repositories } = stage;
  const tip = await makeCommit(theirs);
  await update();
  await setRef(theirs, "refs/heads/a", tip);
  const { applyChanges } = repositories;
  t.mock.method(repositories, "applyChanges", async (...given: Parameters<typeof applyChanges>) => {
    await applyChanges(...given);
    throw new HeliostatError("disk-full", "There is no space left.");
  });
  const outcome = await update();
  assert.equal((await refsOf(ours))["refs/heads/a"], tip);
  assert.deepEqual([outcome.brokenOffBy?.code, outcome.changedProject], ["disk-full", true]);
});

test("SHA-256 comes to an empty project whatever its format, and is a clear error to one with SHA-1 refs", async (t) => {
  const fresh = await setStage(t, "pull", { theirs: "sha256" });
  await makeCommit(fresh.theirs);
  assert.equal((await fresh.update()).failure, null);
  assert.deepEqual(await refsOf(fresh.ours), await refsOf(fresh.theirs));
  await makeCommit(fresh.theirs);
  assert.deepEqual(outcomesOf(await fresh.update()), { [MAIN]: "fast-forward" });
  await expectWhole(fresh.ours);

  const filled = await setStage(t, "pull", { theirs: "sha256" });
  await makeCommit(filled.theirs);
  await makeCommit(filled.ours);
  await assert.rejects(filled.update(), {
    code: "object-format-mismatch",
    message:
      "The source is a SHA-256 repository and the target a SHA-1 one: Git cannot mirror between the two.",
  });
});
