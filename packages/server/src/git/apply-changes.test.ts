import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { changeOf, makeGit } from "../../../../test/support/git-adapter.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../../../../test/support/repositories.ts";
import { parseOid } from "../domain/oid.ts";
import { branchRef } from "../domain/ref-name.ts";
import { applyChanges, tellWhatIs } from "./apply-changes.ts";
import { writePackedRefs } from "./write-packed-refs.ts";

async function setUp(t: Parameters<typeof makeTempDir>[0]) {
  const path = await makeRepository(join(await makeTempDir(t), "a.git"));
  const oids = await makeCommits(path, 3, "refs/heads/source");
  await setRef(path, "refs/heads/source", null);
  const [a = "", b = "", c = ""] = oids;
  return {
    path,
    a,
    b,
    c,
    apply: (...changes: ReturnType<typeof changeOf>[]) => applyChanges(makeGit(), path, changes),
  };
}

function manyCreations(oid: string, count = 150): ReturnType<typeof changeOf>[] {
  return Array.from({ length: count }, (_, i) => changeOf(`refs/heads/topic-${i}`, null, oid));
}

async function lockRef(path: string, ref: string): Promise<void> {
  const lock = join(path, `${ref}.lock`);
  await mkdir(dirname(lock), { recursive: true });
  await writeFile(lock, "");
}

test("every kind of change is applied, and answered in order", async (t) => {
  const { path, a, b, c, apply } = await setUp(t);
  await setRef(path, "refs/heads/ff", a);
  await setRef(path, "refs/heads/forced", c);
  await setRef(path, "refs/heads/gone", a);
  const results = await apply(
    changeOf("refs/heads/new", null, a),
    changeOf("refs/heads/ff", a, b, "fast-forward"),
    changeOf("refs/heads/forced", c, b, "force"),
    changeOf("refs/heads/gone", a, null),
  );
  assert.deepEqual(
    results.map((result) => [result.ref, result.outcome]),
    [
      ["refs/heads/new", "created"],
      ["refs/heads/ff", "fast-forward"],
      ["refs/heads/forced", "forced"],
      ["refs/heads/gone", "deleted"],
    ],
  );
  assert.deepEqual(await refsOf(path), { "refs/heads/ff": b, "refs/heads/forced": b, "refs/heads/new": a });
  assert.deepEqual(await apply(), []);
});

test("refs that moved meanwhile are rejected with the reason, the others are applied", async (t) => {
  const { path, a, b, c, apply } = await setUp(t);
  await setRef(path, "refs/heads/moved", b);
  await setRef(path, "refs/heads/there", a);
  const results = await apply(
    changeOf("refs/heads/moved", a, c),
    changeOf("refs/heads/fine", null, a),
    changeOf("refs/heads/there", null, c),
    changeOf("refs/heads/lost", a, c),
    changeOf("refs/heads/away", a, null),
  );
  assert.deepEqual(
    results.map((result) => result.outcome),
    ["rejected", "created", "rejected", "rejected", "rejected"],
  );
  assert.match(
    results[0]?.message ?? "",
    new RegExp(`it is at ${b.slice(0, 12)}, and was at ${a.slice(0, 12)}`),
  );
  assert.match(results[2]?.message ?? "", /was absent/);
  assert.match(results[3]?.message ?? "", /it is gone/);
  assert.deepEqual(await refsOf(path), {
    "refs/heads/fine": a,
    "refs/heads/moved": b,
    "refs/heads/there": a,
  });
});

test("one locked ref among many is named, and the others are applied", async (t) => {
  const { path, a, b, apply } = await setUp(t);
  await setRef(path, "refs/heads/first", a);
  await lockRef(path, "refs/heads/topic-77");
  const results = await apply(...manyCreations(b));
  const rejected = results.filter((result) => result.outcome !== "created");
  assert.deepEqual(
    rejected.map((result) => [result.ref, result.message]),
    [["refs/heads/topic-77", "The ref is locked by another process. The next update tries again."]],
  );
  assert.equal(Object.keys(await refsOf(path)).length, 150);
});

test("of two names that cannot stand together the first is created", async (t) => {
  const { apply, path, a } = await setUp(t);
  const results = await apply(
    changeOf("refs/heads/x", null, a),
    changeOf("refs/heads/x/y", null, a),
    changeOf("refs/heads/z", null, a),
  );
  assert.deepEqual(
    results.map((result) => result.outcome),
    ["created", "rejected", "created"],
  );
  assert.match(results[1]?.message ?? "", /name is in its way/);
  assert.deepEqual(await refsOf(path), { "refs/heads/x": a, "refs/heads/z": a });
});

test("a ref may make room for one whose name it stands in the way of", async (t) => {
  const { path, a, apply } = await setUp(t);
  for (const isPacked of [false, true]) {
    await setRef(path, "refs/heads/x", a);
    if (isPacked) await git(path, ["pack-refs", "--all"]);
    const down = await apply(changeOf("refs/heads/x/y", null, a), changeOf("refs/heads/x", a, null));
    assert.deepEqual(
      down.map((result) => result.outcome),
      ["created", "deleted"],
    );
    const up = await apply(changeOf("refs/heads/x", null, a), changeOf("refs/heads/x/y", a, null));
    assert.deepEqual(
      up.map((result) => result.outcome),
      ["created", "deleted"],
    );
    await setRef(path, "refs/heads/x", null);
  }
});

test("an object that is missing, or is no commit, makes no branch", async (t) => {
  const { path, a, apply } = await setUp(t);
  const tree = await git(path, ["rev-parse", `${a}^{tree}`]);
  const bad = [
    changeOf("refs/heads/missing", null, "deadbeef".repeat(5)),
    changeOf("refs/heads/tree", null, tree),
    changeOf("refs/tags/tree", null, tree),
  ];
  for (const good of [manyCreations(a), [changeOf("refs/heads/alone", null, a)]]) {
    const results = await apply(...bad, ...good);
    assert.deepEqual(
      results.filter((result) => result.outcome === "rejected").map((result) => [result.ref, result.message]),
      [
        ["refs/heads/missing", "Its object is missing here, or is none that a branch can point at."],
        ["refs/heads/tree", "Its object is missing here, or is none that a branch can point at."],
      ],
    );
    for (const ref of Object.keys(await refsOf(path))) await setRef(path, ref, null);
    await git(path, ["pack-refs", "--all"]);
  }
});

test("messages do not tell where the repository lies", async (t) => {
  const { path, a, apply } = await setUp(t);
  // A file where git needs a directory.
  await writeFile(join(path, "refs/heads/x"), "no ref at all\n");
  const [result] = await apply(changeOf("refs/heads/x/y", null, a));
  assert.equal(result?.outcome, "rejected");
  assert.ok(!(result?.message ?? path).includes(path), `${result?.message}`);
});

test("the first refs of a repository are packed as git packs them", async (t) => {
  const { path, a, b, apply } = await setUp(t);
  const tag = await makeTag(path, "v1", a);
  const nested = await makeTag(path, "v2", tag);
  await setRef(path, "refs/tags/v1", null);
  await setRef(path, "refs/tags/v2", null);
  const changes = [
    ...manyCreations(b),
    changeOf("refs/tags/v1", null, tag),
    { ...changeOf("refs/tags/v2", null, nested), peeled: parseOid(a) },
    changeOf("refs/tags/light", null, b),
    changeOf("refs/heads/ü", null, b),
    changeOf("refs/heads/\u{1f600}", null, b),
    changeOf("refs/heads/\uff5e", null, b),
  ];
  const results = await apply(...changes);
  assert.ok(results.every((result) => result.outcome === "created"));
  assert.equal(existsSync(join(path, "refs/heads/topic-1")), false, "no loose ref");
  const ours = await readFile(join(path, "packed-refs"), "utf8");
  // The same by git alone, from loose refs on.
  await rm(join(path, "packed-refs"));
  const input = changes.map((change) => `create ${change.ref} ${change.new}\n`).join("");
  await git(path, ["update-ref", "--stdin"], { input });
  await git(path, ["pack-refs", "--all"]);
  assert.equal(await readFile(join(path, "packed-refs"), "utf8"), ours);
  assert.equal(existsSync(join(path, "packed-refs.lock")), false);
  await checkRepository(path);
});

test("a repository that has refs already is not written over", async (t) => {
  const { path, a, b, apply } = await setUp(t);
  for (const pack of [false, true]) {
    await setRef(path, "refs/heads/topic-3", a);
    await setRef(path, "refs/heliostat/ledger/1", a);
    if (pack) await git(path, ["pack-refs", "--all"]);
    const results = await apply(...manyCreations(b));
    assert.deepEqual(
      results.filter((result) => result.outcome !== "created").map((result) => result.ref),
      ["refs/heads/topic-3"],
    );
    const refs = await refsOf(path);
    assert.equal(Object.keys(refs).length, 151);
    assert.equal(refs["refs/heads/topic-3"], a);
    for (const ref of Object.keys(refs)) if (ref.startsWith("refs/heads")) await setRef(path, ref, null);
  }
});

test("git's own lock on the packed refs is respected", async (t) => {
  const { path, a } = await setUp(t);
  await writeFile(join(path, "packed-refs.lock"), "");
  const [change] = manyCreations(a, 1);
  assert.ok(change?.new);
  assert.equal(await writePackedRefs(path, [{ ref: change.ref, oid: change.new, peeled: null }]), false);
  assert.equal(existsSync(join(path, "packed-refs")), false);
  assert.equal(existsSync(join(path, "packed-refs.lock")), true, "not ours to remove");
});

test("a lock that was cleared away as a dead one's, and is another git's by now, is left alone", async (t) => {
  const { path, a } = await setUp(t);
  const lock = join(path, "packed-refs.lock");
  const packed = {
    ref: branchRef("topic"),
    peeled: null,
    // Read when our lock is there and nothing is written yet.
    get oid() {
      rmSync(lock);
      writeFileSync(lock, "another's");
      return parseOid(a);
    },
  };
  assert.equal(await writePackedRefs(path, [packed]), false);
  assert.equal(await readFile(lock, "utf8"), "another's");
  assert.equal(existsSync(join(path, "packed-refs")), false);
});

test("a push that comes between the look and the write keeps its ref", async (t) => {
  const { path, a, b } = await setUp(t);
  const changes = manyCreations(b);
  const packed = changes.map(({ ref }) => ({ ref, oid: parseOid(b), peeled: null }));
  assert.ok(await writePackedRefs(path, packed));
  // The rival's git looked before the refs were packed, and writes after.
  await writeFile(join(path, "refs/heads/topic-5"), `${a}\n`);
  await mkdir(join(path, "refs/heads/topic-6"));
  await writeFile(join(path, "refs/heads/topic-6/below"), `${a}\n`);
  const told = await tellWhatIs(makeGit(), path, changes, new Set(changes.map(({ ref }) => ref)));
  const results = [...told.values()];
  assert.deepEqual(
    results.filter((result) => result.outcome !== "created").map((result) => [result.ref, result.message]),
    [
      ["refs/heads/topic-5", "It was created meanwhile."],
      ["refs/heads/topic-6", "Another ref's name is in its way."],
    ],
  );
  const refs = await refsOf(path);
  assert.equal(refs["refs/heads/topic-5"], a);
  assert.equal(refs["refs/heads/topic-6/below"], a);
  assert.equal(refs["refs/heads/topic-6"], undefined);
  await git(path, ["pack-refs", "--all"]);
});

test("pushes that come while the first refs are written lose nothing and are told apart", async (t) => {
  const { path, a, b, apply } = await setUp(t);
  const changes = manyCreations(b, 400);
  // Each creates a ref in its own process, all the while.
  const rivals = Array.from({ length: 12 }, async (_, i) => {
    const ref = i % 2 === 0 ? `refs/heads/topic-${i * 30}` : `refs/heads/topic-${i * 30}/below`;
    return git(path, ["update-ref", ref, a, "0".repeat(40)]).then(
      () => ref,
      () => null,
    );
  });
  const [results, ...made] = await Promise.all([apply(...changes), ...rivals]);
  const refs = await refsOf(path);
  for (const ref of made) if (ref !== null) assert.equal(refs[ref], a, `${ref} was pushed and must stay`);
  for (const result of results) {
    const now = refs[result.ref];
    if (result.outcome === "created") assert.equal(now, b, `${result.ref} was said to be created`);
    else assert.notEqual(now, b, `${result.ref} was said to be rejected: ${result.message}`);
  }
  // Git itself must still be able to work with all of it.
  await git(path, ["pack-refs", "--all"]);
  await makeCommit(path);
});

test("thousands of locked refs are given up in bounded time", async (t) => {
  const { path, a, apply } = await setUp(t);
  await setRef(path, "refs/heads/first", a);
  await writeFile(join(path, "refs/tags.lock"), "");
  await git(path, ["pack-refs", "--all"]);
  // No ref can be made below a file.
  await git(path, ["config", "core.filesRefLockTimeout", "0"]);
  const changes = manyCreations(a, 1000);
  for (const change of changes) await lockRef(path, change.ref);
  const startedAt = performance.now();
  const results = await apply(...changes);
  assert.ok(results.every((result) => result.outcome === "rejected"));
  assert.ok(performance.now() - startedAt < 30_000);
});
