import { digestRefs } from "../../domain/digest.ts";
import type { Oid } from "../../domain/oid.ts";
import { branchRef } from "../../domain/ref-name.ts";
import { collectQuestions } from "../../domain/ref-plan/ancestry.ts";
import { requireSameFormat } from "../../domain/ref-plan/compare-refs.ts";
import { planPull } from "../../domain/ref-plan/pull-plan.ts";
import type { AdvertisedRefs, LocalRefs, RefResult } from "../../domain/refs.ts";
import { failureOf } from "./failure.ts";
import type { RunOutcome, UpdateRun } from "./run.ts";

/** Carries what upstream has into the project: list, transfer what is missing, plan, apply against the values seen. */
export async function runPullUpdate(run: UpdateRun): Promise<RunOutcome> {
  const { ports, project, mirror, wanted } = run;
  const path = ports.repositories.pathOf(project.id);
  const ours = await ports.repositories.readRefs(path);
  const { theirs, areChecked } = await transfer(run, path, ours);
  const input = {
    ours,
    theirs,
    wants: wanted.branch,
    overwriteDivergedBranches: mirror.options.overwritesDivergedBranches,
  };
  const questions = collectQuestions((ancestry) => planPull({ ...input, ancestry }));
  const ancestry = await ports.repositories.answerAncestry(path, questions);
  const plan = planPull({ ...input, ancestry });

  let applied: readonly RefResult[] = [];
  let generation = project.refsGeneration;
  if (plan.changes.length > 0) {
    await ports.projects.beginRefsWrite(project.id);
    let written: number | null = null;
    try {
      applied = await ports.repositories.applyChanges(path, plan.changes, { areChecked });
      if (ours.refs.size === 0 && theirs.head && theirs.head !== ours.head)
        await ports.repositories.setHead(path, theirs.head);
    } finally {
      written = await ports.projects.endRefsWrite(project.id);
    }
    // One step further than what we saw means that nobody but us wrote in between.
    generation = generation !== null && written === generation + 1 ? written : null;
  }
  const results = [...applied, ...plan.held];
  return {
    results,
    notes: plan.notes,
    upToDate: plan.upToDate,
    skipped: plan.skipped,
    failure: failureOf(plan, results),
    digest: digestRefs(theirs, wanted.any),
    generation,
    changedProject: applied.some((result) => result.outcome !== "rejected"),
  };
}

/** What the remote has, its objects now here. */
interface Transferred {
  readonly theirs: AdvertisedRefs;
  /** Whether git has looked at every object that a ref leads to, as it does when it clones. */
  readonly areChecked: boolean;
}

/** Brings the objects here that the plan may need, and answers what the remote has. */
async function transfer(run: UpdateRun, path: string, ours: LocalRefs): Promise<Transferred> {
  const { ports, remote, wanted } = run;
  // First, and alone: a remote that does not answer must not take a transfer's place from one that does.
  const listed = await ports.remotes.listRefs(remote, run.transfer);
  if (ours.refs.size === 0) {
    await adoptFormat(run, path, ours, listed);
    // Measured: a clone writes refs packed and checks connectivity once, which a fetch into nothing does not.
    if (wanted.everything && listed.refs.size > 0) {
      return { theirs: await ports.repositories.fetchAll(path, remote, run.transfer), areChecked: true };
    }
  }
  // The plan checks it too, but git would fail before, with words that lead astray.
  requireSameFormat(listed, ours);
  await ports.repositories.fetchObjects(path, remote, missingOids(run, ours, listed), run.transfer);
  return { theirs: listed, areChecked: false };
}

/** Nothing is in the repository yet, so it may still become what upstream is. */
async function adoptFormat(
  run: UpdateRun,
  path: string,
  ours: LocalRefs,
  listed: AdvertisedRefs,
): Promise<void> {
  if (listed.refs.size === 0 || listed.objectFormat === ours.objectFormat) return;
  const { repositories } = run.ports;
  await repositories.remove(path);
  await repositories.init(path, {
    objectFormat: listed.objectFormat,
    head: ours.head ?? listed.head ?? branchRef("main"),
  });
}

function missingOids(run: UpdateRun, ours: LocalRefs, theirs: AdvertisedRefs): Oid[] {
  const oids = new Set<Oid>();
  for (const [ref, { oid, symref }] of theirs.refs) {
    if (symref === undefined && run.wanted.any(ref) && ours.refs.get(ref) !== oid) oids.add(oid);
  }
  return [...oids];
}
