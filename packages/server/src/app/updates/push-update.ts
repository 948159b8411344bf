import { digestRefs } from "../../domain/digest.ts";
import { collectQuestions } from "../../domain/ref-plan/ancestry.ts";
import { planPush } from "../../domain/ref-plan/push-plan.ts";
import type { AdvertisedRefs, RefResult } from "../../domain/refs.ts";
import { failureOf } from "./failure.ts";
import { pushChanges } from "./push-changes.ts";
import type { RunOutcome, UpdateRun } from "./run.ts";

/** Carries what the project has to the downstream: list, plan, push each change with a lease on the value seen. */
export async function runPushUpdate(run: UpdateRun): Promise<RunOutcome> {
  const { ports, project, mirror, remote, wanted } = run;
  const path = ports.repositories.pathOf(project.id);
  const [ours, theirs] = await Promise.all([
    ports.repositories.readRefs(path),
    ports.remotes.listRefs(remote, run.transfer),
  ]);
  const input = {
    ours,
    theirs,
    wants: wanted.branch,
    keepDivergentRefs: mirror.options.keepDivergentRefs,
  };
  const questions = collectQuestions((ancestry) => planPush({ ...input, ancestry }));
  const ancestry = await ports.repositories.answerAncestry(path, questions);
  const plan = planPush({ ...input, ancestry });
  const pushed =
    plan.changes.length > 0 ? await pushChanges(ports, path, remote, plan.changes, run.transfer) : [];
  const results = [...pushed, ...plan.held];
  return {
    results,
    notes: plan.notes,
    upToDate: plan.upToDate,
    skipped: plan.skipped,
    failure: failureOf(plan, results),
    digest: digestRefs(afterPush(theirs, pushed), wanted.any),
    generation: project.refsGeneration,
    changedProject: false,
  };
}

/** What the remote has now, by its own word on each ref: what the next check will find if nobody else writes. */
function afterPush(theirs: AdvertisedRefs, pushed: readonly RefResult[]): AdvertisedRefs {
  const refs = new Map(theirs.refs);
  for (const { ref, outcome, new: oid } of pushed) {
    if (outcome === "rejected") continue;
    if (oid === null) refs.delete(ref);
    else refs.set(ref, { oid });
  }
  return { ...theirs, refs };
}
