import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { RefOutcome } from "@heliostat/contract";
import type { WholeMirrorUpdateAnswer } from "@heliostat/contract/api/mirrors.ts";
import { openStage } from "../support/mirror-stage.ts";
import { inOrder, readRefs, shortRef, writeRefs } from "../support/ref-notation.ts";
import { checkRepository } from "../support/repositories.ts";
import type { Chapter, Rule } from "./mirroring-rules/chapter.ts";
import { pullFormatsAndSizes, pushFormatsAndSizes } from "./mirroring-rules/formats-and-sizes.ts";
import { pullBranches } from "./mirroring-rules/pull-branches.ts";
import { pullDefaultBranch } from "./mirroring-rules/pull-default-branch.ts";
import { pullDeletions } from "./mirroring-rules/pull-deletions.ts";
import { pullFilters } from "./mirroring-rules/pull-filters.ts";
import { pullNames } from "./mirroring-rules/pull-names.ts";
import { pullTags } from "./mirroring-rules/pull-tags.ts";
import { pushBranches } from "./mirroring-rules/push-branches.ts";
import { pushDeletions } from "./mirroring-rules/push-deletions.ts";
import { pushFilters } from "./mirroring-rules/push-filters.ts";
import { pushNames } from "./mirroring-rules/push-names.ts";
import { pushRejections } from "./mirroring-rules/push-rejections.ts";
import { pushTags } from "./mirroring-rules/push-tags.ts";

/*
 * What a mirror does to each ref, by its options and by what it finds: the rules of mirroring, as tables. Each rule is
 * played with a server, a remote host and a mirror between two repositories, all of them real.
 */

const CHAPTERS = [
  pushBranches,
  pushDeletions,
  pushTags,
  pushFilters,
  pushNames,
  pushRejections,
  pushFormatsAndSizes,
  pullBranches,
  pullDefaultBranch,
  pullDeletions,
  pullTags,
  pullFilters,
  pullNames,
  pullFormatsAndSizes,
];

/** A rule waits for processes more than it computes. */
const AT_ONCE = 3;

const stage = await openStage({ after });

for (const chapter of CHAPTERS) {
  describe(chapter.title, { concurrency: AT_ONCE }, () => {
    for (const rule of chapter.rules) it(rule.it, () => check(chapter, rule));
  });
}

describe("While all this is played", () => {
  it("the server logs no error: whatever goes wrong is the mirror's, not the server's", () => {
    const errors = stage.server
      .output()
      .split("\n")
      .filter((line) => /"level":[56]0/.test(line));
    assert.deepEqual(errors, []);
  });
});

async function check({ direction }: Chapter, rule: Rule): Promise<void> {
  const isPush = direction === "push";
  const scene = { ...rule, direction };
  const mirror = await stage.play(scene, async ({ there, remoteName }) => {
    const { meanwhile } = rule;
    if (meanwhile === undefined) return;
    stage.peer.beforeNext(`/${remoteName}/info/refs?service=git-receive-pack`, () =>
      writeRefs(there, meanwhile),
    );
  });
  const update = mirror.firstUpdate;
  const [target, source] = isPush ? [mirror.there, mirror.here] : [mirror.here, mirror.there];
  const state = await mirror.state();
  const shown = JSON.stringify({ ...update, refs: undefined }, null, 2);

  assert.deepEqual(outcomesOf(update), rule.outcomes ?? {}, `what it did to each ref\n${shown}`);
  assert.equal(await readRefs(target), inOrder(rule.leaves), `what it left behind\n${shown}`);
  assert.equal(state.update_status, rule.status ?? "finished", `the status of the mirror\n${shown}`);
  assert.equal(update.status, rule.status === undefined ? "finished" : "failed");
  assert.equal(state.last_error, update.error, "the mirror shows the error of its last update");
  expectText(update.error ?? "", rule.error ?? "");
  assert.equal(update.notes.length, rule.notes?.length ?? 0, `its notes\n${shown}`);
  for (const [index, note] of (rule.notes ?? []).entries()) expectText(update.notes[index] ?? "", note);

  if (rule.upToDate) assert.deepEqual(namesWith("up-to-date", update), rule.upToDate.toSorted());
  if (rule.skipped) assert.deepEqual(namesWith("skipped", update), rule.skipped.toSorted());
  const refs = new Map(update.refs.map((ref) => [shortRef(ref.ref), ref]));
  for (const [ref, text] of Object.entries(rule.says ?? {})) expectText(refs.get(ref)?.message ?? "", text);
  for (const [ref, reason] of Object.entries(rule.reasons ?? {}))
    assert.equal(refs.get(ref)?.reason, reason, ref);
  for (const [ref, text] of Object.entries(rule.fixes ?? {})) expectText(refs.get(ref)?.fix ?? "", text);
  const sourceLine = (isPush ? rule.here : rule.there) ?? "";
  assert.equal(await readRefs(source), inOrder(sourceLine), "the source is never written to");
  await checkRepository(target);
}

function expectText(text: string, expected: string | RegExp): void {
  if (typeof expected === "string") assert.equal(text, expected);
  else assert.match(text, expected);
}

const UNCHANGED: readonly RefOutcome[] = ["up-to-date", "skipped"];

function outcomesOf(update: WholeMirrorUpdateAnswer): Record<string, string> {
  const touched = update.refs.filter(({ outcome }) => !UNCHANGED.includes(outcome));
  return Object.fromEntries(touched.map(({ ref, outcome }) => [shortRef(ref), outcome]));
}

function namesWith(outcome: RefOutcome, update: WholeMirrorUpdateAnswer): readonly string[] {
  return update.refs
    .filter((ref) => ref.outcome === outcome)
    .map(({ ref }) => shortRef(ref))
    .toSorted();
}
