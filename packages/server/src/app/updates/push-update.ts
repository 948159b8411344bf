import { collectQuestions } from "../../domain/ref-plan/ancestry.ts";
import { preparePush } from "../../domain/ref-plan/push-plan.ts";
import type { AdvertisedRefs, RefResult } from "../../domain/refs.ts";
import { pushChanges } from "./push-changes.ts";
import { pushInOrder } from "./push-in-order.ts";
import { type Round, replanOnce } from "./replan-once.ts";
import type { RunOutcome, UpdateRun } from "./run.ts";

/** Carries what the project has to the downstream: list, plan, push each change with a lease on the value seen. */
export async function runPushUpdate(run: UpdateRun): Promise<RunOutcome> {
  return await replanOnce(run.ports, run.project, (project) => pushOnce({ ...run, project }));
}

async function pushOnce({
  ports,
  project,
  mirror,
  remote,
  wanted,
  transfer,
  requireLease,
}: UpdateRun): Promise<Round> {
  const path = ports.repositories.pathOf(project.id);
  const [ours, theirs] = await Promise.all([
    ports.repositories.readRefs(path),
    ports.remotes.listRefs(remote, transfer),
  ]);
  const { keepDivergentRefs, deletions } = mirror.options;
  const planWith = preparePush({ ours, theirs, wants: wanted, keepDivergentRefs, deletions });
  const plan = planWith(await ports.repositories.answerAncestry(path, collectQuestions(planWith)));
  if (plan.changes.length > 0) await requireLease();
  const pushed = await pushInOrder(plan, ours.head, (changes) =>
    pushChanges(ports, path, remote, changes, transfer),
  );
  return {
    results: [...pushed.results, ...plan.held],
    notes: plan.notes,
    upToDate: plan.upToDate,
    skipped: plan.skipped,
    failures: [...plan.failures, ...pushed.failures],
    digest: wanted.digest(afterPush(theirs, pushed.results)),
    generation: project.refsGeneration,
    brokenOffBy: pushed.brokenOffBy,
    changedProject: false,
  };
}

/** What the remote has now, by its own word on each ref: what the next check will find if nobody else writes. */
function afterPush(theirs: AdvertisedRefs, pushed: readonly RefResult[]): AdvertisedRefs {
  const refs = new Map(theirs.refs);
  for (const { ref, outcome, new: oid } of pushed) {
    if (outcome === "rejected" || outcome === "held") continue;
    if (oid === null) refs.delete(ref);
    else refs.set(ref, { oid });
  }
  return { ...theirs, refs };
}
