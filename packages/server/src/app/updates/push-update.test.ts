import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  git,
  makeCommit,
  makeCommits,
  makeTag,
  refsOf,
  setRef,
} from "../../../../../test/support/repositories.ts";
import { removeStaleFiles } from "../../git/remove-stale-files.ts";
import type { RunOutcome } from "./run.ts";
import { setStage } from "./update-run.test-support.ts";

const MAIN = "refs/heads/main";

const outcomesOf = ({ results }: RunOutcome) =>
  Object.fromEntries(results.map(({ ref, outcome }) => [ref, outcome]));

const expectWhole = (repository: string) => git(repository, ["fsck", "--connectivity-only", "--no-dangling"]);

test("deletions: by default what is merged goes, never nothing, always everything but the remote's default branch", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const [first = ""] = await makeCommits(ours, 2);
  await update();
  const alien = await makeCommit(theirs, { ref: "refs/heads/alien", parents: [first] });
  await makeTag(theirs, "v0", first);
  await setRef(theirs, "refs/heads/merged", first);
  await git(theirs, ["symbolic-ref", "refs/heads/alias", MAIN]);
  assert.deepEqual((await update({ deletions: "never" })).results, []);
  assert.deepEqual((await update({ keepDivergentRefs: true })).results, []);
  // Of the tag, an object that we do not have, nothing is known.
  assert.deepEqual(outcomesOf(await update()), { "refs/heads/merged": "deleted" });

  await git(theirs, ["symbolic-ref", "HEAD", "refs/heads/alien"]);
  const all = await update({ deletions: "always", keepDivergentRefs: true });
  assert.deepEqual(outcomesOf(all), { "refs/tags/v0": "deleted" });
  assert.deepEqual(all.notes, [
    "refs/heads/alien is gone here but kept on the remote, whose default branch it is.",
  ]);
  assert.equal(all.failure, null);
  const tip = await git(ours, ["rev-parse", MAIN]);
  assert.deepEqual(await refsOf(theirs), {
    [MAIN]: tip,
    "refs/heads/alias": tip,
    "refs/heads/alien": alien,
  });
  const again = await update({ deletions: "always", keepDivergentRefs: true });
  assert.deepEqual([again.results, again.digest], [[], all.digest]);
});

test("a branch that a crash took from us is left alone on the remote, which has the good copy", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const [first = ""] = await makeCommits(ours, 2);
  for (const ref of ["refs/heads/x", "refs/heads/gone", "refs/heads/old"]) await setRef(ours, ref, first);
  await git(ours, ["pack-refs", "--all", "--prune"]);
  const newer = await makeCommit(ours, { ref: "refs/heads/old" });
  await update();
  await setRef(ours, "refs/heads/gone", null);
  await setRef(ours, "refs/heads/x", null);
  for (const ref of ["refs/heads/x", "refs/heads/old"]) await writeFile(join(ours, ref), "");
  const notes = [
    "Neither mirrored nor deleted, because the source has lost their value: 'old', 'x'. Push them there again.",
  ];
  const expectKept = async (outcome: RunOutcome): Promise<void> => {
    assert.deepEqual([outcome.notes, outcome.failure], [notes, null]);
    const refs = await refsOf(theirs);
    assert.deepEqual([refs["refs/heads/x"], refs["refs/heads/old"]], [first, newer]);
  };
  const outcome = await update();
  assert.deepEqual(outcomesOf(outcome), { "refs/heads/gone": "deleted" });
  await expectKept(outcome);
  await expectKept(await update({ deletions: "always" }));

  // What lies in git's way is cleared off. That the branch was lost is not forgotten by that.
  await removeStaleFiles(ours, { lockMs: 0, objectsMs: Number.POSITIVE_INFINITY });
  await expectKept(await update({ deletions: "always" }));
  const again = await makeCommit(ours, { ref: "refs/heads/x", parents: [first] });
  await setRef(ours, "refs/heads/old", null);
  const mended = await update({ deletions: "always" });
  assert.deepEqual([mended.notes, mended.failure], [[], null]);
  const refs = await refsOf(theirs);
  assert.deepEqual([refs["refs/heads/x"], refs["refs/heads/old"]], [again, undefined]);
});

test("an empty project wipes no downstream, and one without its default branch neither", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const theirTip = await makeCommit(theirs);
  const note = "Our default branch does not exist, so nothing is deleted on the remote.";
  const empty = await update({ deletions: "always" });
  assert.deepEqual([empty.results, empty.notes, empty.failure], [[], [note], null]);
  const own = await makeCommit(ours, { ref: "refs/heads/other" });
  const other = await update({ deletions: "always" });
  assert.deepEqual([outcomesOf(other), other.notes], [{ "refs/heads/other": "created" }, [note]]);
  assert.deepEqual(await refsOf(theirs), { [MAIN]: theirTip, "refs/heads/other": own });
});

test("what stands in a new ref's way is deleted first, also where all must go", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const tip = await makeCommit(ours);
  await update();
  for (const ref of ["refs/heads/x", "refs/heads/y/z"]) {
    await makeCommit(theirs, { ref, parents: [tip] });
  }
  for (const ref of ["refs/heads/x/y", "refs/heads/y", "refs/heads/free"]) await setRef(ours, ref, tip);
  const held = await update();
  assert.deepEqual(outcomesOf(held), {
    "refs/heads/free": "created",
    "refs/heads/x/y": "held",
    "refs/heads/y": "held",
  });
  const outcome = await update({ deletions: "always" });
  assert.equal(outcome.failure, null);
  assert.deepEqual(await refsOf(theirs), await refsOf(ours));
});

test("what the default branch contains goes only once the remote has taken that branch", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const [first = "", second = ""] = await makeCommits(ours, 2);
  await setRef(ours, MAIN, first);
  await update();
  await setRef(ours, MAIN, second);
  await git(ours, ["push", "-q", theirs, `${second}:refs/heads/merged`, `${second}:refs/heads/x`]);
  await setRef(ours, "refs/heads/x/y", first);
  await setRef(ours, "refs/heads/free", first);
  const hook = join(theirs, "hooks", "update");
  await mkdir(join(theirs, "hooks"), { recursive: true });
  await writeFile(hook, `#!/bin/sh\n[ "$1" != ${MAIN} ]\n`, { mode: 0o755 });
  const held = await update();
  assert.deepEqual(outcomesOf(held), {
    [MAIN]: "rejected",
    "refs/heads/free": "created",
    "refs/heads/merged": "held",
    "refs/heads/x": "held",
    "refs/heads/x/y": "held",
  });
  assert.match(held.failure ?? "", /default branch did not arrive:\n\nrefs\/heads\/merged\n/);
  assert.equal((await refsOf(theirs))["refs/heads/merged"], second);
  const again = await update();
  assert.equal(again.digest, held.digest, "what was held is known to be there");

  await rm(hook);
  const outcome = await update();
  assert.equal(outcome.failure, null);
  assert.deepEqual(outcomesOf(outcome), {
    [MAIN]: "fast-forward",
    "refs/heads/merged": "deleted",
    "refs/heads/x": "deleted",
    "refs/heads/x/y": "created",
  });
  assert.deepEqual(await refsOf(theirs), await refsOf(ours));
});

test("tags of every kind arrive, but for those that the filter leaves out", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const [first = ""] = await makeCommits(ours, 2);
  await makeTag(ours, "v2", await makeTag(ours, "v1", first));
  await setRef(ours, "refs/tags/vblob", await git(ours, ["hash-object", "-w", "--stdin"], { input: "key" }));
  await setRef(ours, "refs/tags/vtree", await git(ours, ["rev-parse", `${first}^{tree}`]));
  await setRef(ours, "refs/tags/V1", first);
  await setRef(ours, "refs/tags/nightly", first);
  const outcome = await update({ tags: "(?i)^v" });
  assert.deepEqual([outcome.failure, outcome.skipped], [null, ["refs/tags/nightly"]]);
  const expected = await refsOf(ours);
  delete expected["refs/tags/nightly"];
  assert.deepEqual(await refsOf(theirs), expected);
  await expectWhole(theirs);
  assert.deepEqual((await update({ tags: "none" })).results, []);
});

test("a symbolic ref of ours is no ref of theirs: what has its name there is left alone", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const [first = ""] = await makeCommits(ours, 2);
  await update();
  await git(ours, ["symbolic-ref", "refs/heads/alias", MAIN]);
  await setRef(theirs, "refs/heads/alias", first);
  const outcome = await update({ deletions: "always" });
  assert.deepEqual([outcome.results, outcome.failure], [[], null]);
  assert.equal((await refsOf(theirs))["refs/heads/alias"], first);
});

test("a remote that moves meanwhile is planned anew in the same update, once", async (t) => {
  const stage = await setStage(t, "push");
  const { ours, theirs, update } = stage;
  const [first = ""] = await makeCommits(ours, 1);
  for (const ref of ["refs/heads/a", "refs/heads/b"]) await setRef(ours, ref, first);
  await update();
  const tip = await makeCommit(ours);
  for (const ref of ["refs/heads/a", "refs/heads/b"]) await setRef(ours, ref, tip);
  stage.listings = 0;
  stage.beforeWrite = async () => {
    stage.beforeWrite = async () => {};
    await makeCommit(theirs, { ref: "refs/heads/a" });
    // Somebody else brings what we would have brought.
    await git(ours, ["push", "-q", theirs, `${tip}:refs/heads/b`]);
  };
  const kept = await update({ keepDivergentRefs: true });
  assert.equal(stage.listings, 2);
  // What is where it was to go counts as done, whoever brought it there.
  assert.deepEqual(outcomesOf(kept), {
    [MAIN]: "fast-forward",
    "refs/heads/a": "diverged",
    "refs/heads/b": "fast-forward",
  });
  assert.match(kept.failure ?? "", /^Some refs have diverged.*\n\nrefs\/heads\/a$/);

  stage.listings = 0;
  stage.beforeWrite = async () => {
    await makeCommit(theirs, { ref: "refs/heads/a" });
  };
  const outcome = await update();
  assert.equal(stage.listings, 2);
  assert.deepEqual(
    outcome.results.map(({ ref, outcome: word, reason }) => [ref, word, reason]),
    [["refs/heads/a", "rejected", "stale-lease"]],
  );
  stage.beforeWrite = async () => {};
  assert.deepEqual(outcomesOf(await update()), { "refs/heads/a": "forced" });
  assert.deepEqual(await refsOf(theirs), await refsOf(ours));
});

test("SHA-256 goes to SHA-256, and is a clear error to a remote with SHA-1 refs", async (t) => {
  const same = await setStage(t, "push", { ours: "sha256", theirs: "sha256" });
  await makeCommits(same.ours, 2);
  assert.equal((await same.update()).failure, null);
  assert.deepEqual(await refsOf(same.theirs), await refsOf(same.ours));

  const other = await setStage(t, "push", { ours: "sha256" });
  await makeCommit(other.ours);
  await makeCommit(other.theirs);
  await assert.rejects(other.update(), {
    code: "object-format-mismatch",
    message:
      "The source is a SHA-256 repository and the target a SHA-1 one: Git cannot mirror between the two.",
  });
});

test("of 120 changed branches one has lost a file here, another's is corrupt: 118 arrive, the two are named", async (t) => {
  const { ours, theirs, update } = await setStage(t, "push");
  const first = await makeCommit(ours);
  await update();
  const fileOf = async (ref: string, file: string, content: string): Promise<string> => {
    const commit = await makeCommit(ours, { ref, parents: [first], files: { [file]: content } });
    const blob = await git(ours, ["rev-parse", `${commit}:${file}`]);
    return join(ours, "objects", blob.slice(0, 2), blob.slice(2));
  };
  for (let index = 0; index < 118; index += 1) await setRef(ours, `refs/heads/b${index}`, first);
  await rm(await fileOf("refs/heads/b30x", "lost", "lost"));
  // Large, so that the pack is on its way before git stumbles.
  const corrupt = await fileOf("refs/heads/b90x", "corrupt", randomBytes(3_000_000).toString("base64"));
  const bytes = await readFile(corrupt);
  bytes.fill(0, 1_500_000, 1_500_100);
  await rm(corrupt);
  await writeFile(corrupt, bytes);
  const outcome = await update();
  const { "refs/heads/b30x": _lost, "refs/heads/b90x": _corrupt, ...good } = await refsOf(ours);
  assert.deepEqual(await refsOf(theirs), good);
  const rejected = outcome.results.filter((result) => result.outcome === "rejected");
  assert.deepEqual(
    rejected.map(({ ref, reason }) => [ref, reason]),
    [
      ["refs/heads/b30x", "corrupt-object"],
      ["refs/heads/b90x", "corrupt-object"],
    ],
  );
  for (const { message, fix } of rejected) {
    assert.match(message ?? "", /cannot be read here: The repository on this server is damaged/);
    assert.match(fix ?? "", /git fsck.* on this server/);
  }
  await expectWhole(theirs);
});
