import { asHeliostatError, HeliostatError } from "../../domain/errors.ts";
import { incomingLimits, refuseTooManyRefs } from "../../domain/incoming-limits.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import { collectQuestions } from "../../domain/ref-plan/ancestry.ts";
import { requireSameFormat } from "../../domain/ref-plan/compare-refs.ts";
import { preparePush } from "../../domain/ref-plan/push-plan.ts";
import type { RefPlan } from "../../domain/ref-plan/ref-plan.ts";
import type { UpdatePreview } from "../../domain/update-preview.ts";
import type { Ports, RemoteAccess, TransferOptions } from "../ports.ts";
import { draftPull, fetchForPlan, pullRules } from "./draft-pull.ts";
import type { Lacks } from "./fetch-what-comes.ts";
import { hideInError } from "./hide-in-error.ts";
import { openRemote } from "./open-remote.ts";
import { pullActor } from "./pull-actor.ts";
import { wantedRefs } from "./wanted-refs.ts";

/** Longer than any person waits. */
const TIMEOUT_MS = 120_000;
const STALL_TIMEOUT_MS = 30_000;

/**
 * Plans an update of the mirror and makes none of it: both sides are listed, and of a pull the objects are fetched that
 * decide whether a branch has diverged; no ref leads to them. Throws what the update would end with before it begins.
 */
export async function previewUpdate(
  ports: Ports,
  project: Project,
  mirror: Mirror,
  signal: AbortSignal,
): Promise<UpdatePreview> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const { remote, hideSecrets } = await openRemote(ports, mirror, within).catch((error: unknown) => {
    throw tellRemote(asHeliostatError(error));
  });
  const transfer = { signal: within, stallTimeoutMs: STALL_TIMEOUT_MS, onProgress: () => undefined };
  try {
    const plan =
      mirror.direction === "pull"
        ? await planPull(ports, { project, mirror, remote, transfer })
        : await planPush(ports, { project, mirror, remote, transfer });
    return {
      changes: plan.changes,
      held: plan.held,
      upToDate: plan.upToDate.length,
      skipped: plan.skipped.length,
      notes: plan.notes.map(hideSecrets),
      failures: plan.failures.map(hideSecrets),
    };
  } catch (error) {
    throw tellRemote(hideInError(asHeliostatError(error), hideSecrets));
  }
}

/** That the remote does not answer is what the caller asked to know, and no fault here that a repetition would mend. */
function tellRemote(error: HeliostatError): HeliostatError {
  if (error.kind !== "transient") return error;
  return new HeliostatError("preview-failed", error.message, { cause: error });
}

interface Sides {
  readonly project: Project;
  readonly mirror: Mirror;
  readonly remote: RemoteAccess;
  readonly transfer: TransferOptions;
}

async function planPull(ports: Ports, { project, mirror, remote, transfer }: Sides): Promise<RefPlan> {
  const limits = incomingLimits(project.limits, await ports.settings.read());
  const path = ports.repositories.pathOf(project.id);
  const { actor } = await pullActor(ports, mirror, project);
  const [rules, wants, ours, theirs] = await Promise.all([
    pullRules({ ports, project, actor }),
    wantedRefs(ports, mirror),
    ports.repositories.readRefs(path),
    ports.remotes.listRefs(remote, { ...transfer, maxRefs: limits.refs }),
  ]);
  if (ours.refs.size > 0) requireSameFormat(theirs, ours);
  const draft = draftPull({ ours, theirs, wants, mirror, rules });
  refuseTooManyRefs(limits, draft.counts);
  let lacks: Lacks = new Map();
  if (draft.questions.length > 0) {
    const asked = new Set(draft.questions.map(({ descendant }) => descendant));
    const needed = draft.needed.filter((oid) => asked.has(oid));
    lacks = await fetchForPlan({ ports, remote, limits, transfer }, path, { ...draft, needed }, null);
  }
  const plan = draft.planWith(await ports.repositories.answerAncestry(path, draft.questions));
  const broken = [...lacks.values()].map(({ error }) => error.message);
  return { ...plan, failures: [...plan.failures, ...new Set(broken)] };
}

async function planPush(ports: Ports, { project, mirror, remote, transfer }: Sides): Promise<RefPlan> {
  const path = ports.repositories.pathOf(project.id);
  const [wants, ours, theirs] = await Promise.all([
    wantedRefs(ports, mirror),
    ports.repositories.readRefs(path),
    ports.remotes.listRefs(remote, transfer),
  ]);
  const { keepDivergentRefs, deletions } = mirror.options;
  const planWith = preparePush({ ours, theirs, wants, keepDivergentRefs, deletions });
  return planWith(await ports.repositories.answerAncestry(path, collectQuestions(planWith)));
}
