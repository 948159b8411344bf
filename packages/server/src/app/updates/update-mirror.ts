import { asHeliostatError, assertNever, HeliostatError } from "../../domain/errors.ts";
import { incomingLimits } from "../../domain/incoming-limits.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { recordPull } from "../events/record-moves.ts";
import { tellHooksOfPull, tellHooksOfUpdate } from "../hooks/tell-hooks.ts";
import { requestPushMirrors } from "../mirrors/request-update.ts";
import { tellMirrorHealth } from "../notices/tell-mirror-health.ts";
import { startPipelines } from "../pipelines/start-pipelines.ts";
import type { InstanceSettings, Ports, ProgressNote, TransferOptions, UpdateLease } from "../ports.ts";
import { protectDefaultBranch } from "../protections/protect-default-branch.ts";
import {
  type EndOfRun,
  type RecordedRun,
  type RefsOfRun,
  recordFailure,
  recordOutcome,
  recordStop,
} from "./finished-update.ts";
import { hideInError } from "./hide-in-error.ts";
import { watchAnswers } from "./host-answers.ts";
import { noteError } from "./host-signs.ts";
import { keepLease, leaseEnd } from "./keep-lease.ts";
import { makeRecord, recordPlainly } from "./make-record.ts";
import { observeRun } from "./observe-run.ts";
import { openRemote } from "./open-remote.ts";
import { pullActor } from "./pull-actor.ts";
import { runPullUpdate } from "./pull-update.ts";
import { runPushUpdate } from "./push-update.ts";
import type { RunOutcome, UpdateRun } from "./run.ts";
import { limitTime } from "./time-limit.ts";
import { createUpdateLog, TRIGGER_TEXTS, type UpdateLog } from "./update-log.ts";
import { wantedRefs } from "./wanted-refs.ts";

/** The reason of a signal that ends a run because its node goes down: another one is to take it up. */
export const SHUTTING_DOWN = Symbol("shutting down");

/**
 * Runs the update that this mirror waits for, if it waits for one and nobody else is at it: at most one run per
 * mirror, by the lease in the database. Whatever happens is recorded with the mirror; nothing is thrown but a
 * failure to record it. `signal` ends the run.
 */
export async function updateMirror(ports: Ports, mirrorId: number, signal: AbortSignal): Promise<void> {
  const started = ports.clock.now();
  const lease = await ports.mirrors.startUpdate(mirrorId, started, leaseEnd(started));
  if (!lease) return;
  const note = ports.progress.begin({ mirrorId, updateId: lease.updateId });
  try {
    await runLeased(ports, lease, started, signal, note);
  } finally {
    note.end();
  }
}

async function runLeased(
  ports: Ports,
  lease: UpdateLease,
  started: Date,
  signal: AbortSignal,
  note: ProgressNote,
): Promise<void> {
  const { mirror, updateId, trigger } = lease;
  const mirrorId = mirror.id;
  ports.log.info({ mirrorId, updateId, direction: mirror.direction, trigger }, "update started");
  const log = createUpdateLog(ports.clock);
  log.add(`Started: ${TRIGGER_TEXTS[trigger]}`);
  const observed = observeRun(ports, { log, clock: ports.clock, report: note.report });

  const settings = await ports.settings.read();
  const recorded = { mirror, trigger, started };
  const keeper = keepLease(ports, lease, started);
  const limit = limitTime(ports.clock, settings.mirrorUpdateTimeoutSeconds);
  const endOf = (error: unknown): ErrorEnd => {
    const stop = stopOf(signal, keeper.lost);
    // What the abort brought about has many faces; its reason is what happened.
    return { stop, error: stop === null && limit.expired.aborted ? limit.expired.reason : error };
  };
  let ended: EndOfRun;
  let changedProject = false;
  try {
    const transfer = {
      signal: AbortSignal.any([signal, keeper.lost, limit.expired]),
      stallTimeoutMs: settings.mirrorStallTimeoutSeconds * 1000,
      onProgress: note.report,
    };
    const outcome = await run({ ...ports, ...observed.ports }, lease, { transfer, settings }, log);
    changedProject = outcome.changedProject;
    ended = outcome.brokenOffBy
      ? await recordEnd(ports, lease, recorded, endOf(outcome.brokenOffBy), outcome)
      : await recordOutcome(ports, recorded, outcome);
  } catch (error) {
    ended = await recordEnd(ports, lease, recorded, endOf(error), NOTHING_DONE).catch((fault: unknown) =>
      recordPlainly(ports, recorded, fault),
    );
  } finally {
    keeper.stop();
    limit.stop();
  }

  // Downstream first: should we die in between, the recovery asks. It finds nothing to change any more, so it asks
  // in any case.
  if (changedProject || (mirror.direction === "pull" && trigger === "recovery")) {
    await protectPulledBranch(ports, mirror);
    await requestPushMirrors(ports, mirror.projectId, "pull");
  }
  const finished = await makeRecord(ports, recorded, { ended, log, bytes: observed.bytes() });
  // Before the record: a run that takes this one up finds these refs as they are, and would start nothing for them.
  await startPipelines(ports, mirror, ended.results);
  const isRecorded = await ports.mirrors.finishUpdate(lease, finished);
  if (mirror.direction === "pull") ports.housekeeping.noteWrite(mirror.projectId);
  recordPull(ports, mirror, finished.results);
  tellHooksOfPull(ports, mirror, finished.results);
  if (isRecorded) tellHooksOfUpdate(ports, lease, finished, started);
  const refs = finished.results.length;
  ports.log.info({ mirrorId, updateId, status: finished.status, refs, recorded: isRecorded }, "update ended");
  if (isRecorded) await tellMirrorHealth(ports, lease, finished);
  // What was asked for meanwhile found this run in the way, and so did the mirror's new URL: it is in the database, as a
  // retry is, and the queue must hear of it. What a shutdown ended is for the node that starts next.
  if (!(finished.status === "cancelled" && finished.willRetry)) ports.queue.wakeAt(finished.now);
}

async function run(
  ports: Ports,
  lease: UpdateLease,
  { transfer, settings }: { readonly transfer: TransferOptions; readonly settings: InstanceSettings },
  log: UpdateLog,
): Promise<RunOutcome> {
  const { mirror, trigger } = lease;
  const project = await ports.projects.find(mirror.projectId);
  if (!project) throw new HeliostatError("cancelled", "The project was removed.");
  // The run before died, perhaps with its gits: what they left must not stand in the way of this one.
  if (trigger === "recovery")
    await ports.repositories.removeRemains(ports.repositories.pathOf(project.id), transfer.signal);
  const { remote, hideSecrets } = await openRemote(ports, mirror, transfer.signal);
  log.hideWith(hideSecrets);
  const wanted = await wantedRefs(ports, mirror);
  const { note, actor } = mirror.direction === "pull" ? await pullActor(ports, mirror, project) : NO_ACTOR;
  const answers = watchAnswers(ports, mirror, transfer);
  try {
    const update: UpdateRun = {
      ports: { ...ports, remotes: answers.remotes },
      mirror,
      project,
      remote,
      actor,
      wanted,
      transfer: answers.transfer,
      limits: incomingLimits(project.limits, settings),
      requireLease: () => requireLease(ports, lease),
    };
    const outcome = await runDirection(update);
    await answers.end(outcome.brokenOffBy ?? null);
    return hideIn(note === null ? outcome : { ...outcome, notes: [...outcome.notes, note] }, hideSecrets);
  } catch (error) {
    await answers.end(asHeliostatError(error));
    throw hideInError(asHeliostatError(error), hideSecrets);
  }
}

/** Not worth a failed update: the next one that changes something, or a push, sees to it. */
async function protectPulledBranch(ports: Ports, { id: mirrorId, projectId }: Mirror): Promise<void> {
  try {
    const project = await ports.projects.find(projectId);
    if (project) await protectDefaultBranch(ports, project);
  } catch (error) {
    ports.log.error({ mirrorId, projectId, err: error }, "the default branch could not be protected");
  }
}

const NO_ACTOR = {
  note: null,
  actor: { level: 0, isAdmin: false, userId: null, groupIds: [], deployKeyId: null },
} as const;

/** Between two renewals a run does not know whether it is still the one: another node may have given it another URL. */
async function requireLease(ports: Ports, lease: UpdateLease): Promise<void> {
  const { kind } = await ports.mirrors.readLease(lease);
  if (kind !== "held")
    throw new HeliostatError("cancelled", "The update was stopped before it changed a ref.");
}

/** The adapters redact what they quote; this is the second fence, at the one place that all texts of a run pass. */
function hideIn(outcome: RunOutcome, hideSecrets: (text: string) => string): RunOutcome {
  return {
    ...outcome,
    results: outcome.results.map((result) => ({
      ...result,
      ...(result.message === undefined ? {} : { message: hideSecrets(result.message) }),
      ...(result.fix === undefined ? {} : { fix: hideSecrets(result.fix) }),
    })),
    notes: outcome.notes.map(hideSecrets),
    failure: outcome.failure === null ? null : hideSecrets(outcome.failure),
    brokenOffBy: outcome.brokenOffBy ? hideInError(outcome.brokenOffBy, hideSecrets) : null,
  };
}

function runDirection(run: UpdateRun): Promise<RunOutcome> {
  switch (run.mirror.direction) {
    case "pull":
      return runPullUpdate(run);
    case "push":
      return runPushUpdate(run);
    default:
      return assertNever(run.mirror.direction);
  }
}

type Stop = "cancelled" | "shutting-down" | null;

/** What ended a run early; `stop`: it was our own wish, whatever the error says. */
interface ErrorEnd {
  readonly error: unknown;
  readonly stop: Stop;
}

const NOTHING_DONE = { results: [], notes: [], upToDate: [], skipped: [], failure: null } as const;

function stopOf(signal: AbortSignal, leaseLost: AbortSignal): Stop {
  if (signal.aborted) return signal.reason === SHUTTING_DOWN ? "shutting-down" : "cancelled";
  return leaseLost.aborted ? "cancelled" : null;
}

async function recordEnd(
  ports: Ports,
  lease: UpdateLease,
  run: RecordedRun,
  { error, stop }: ErrorEnd,
  done: RefsOfRun & Pick<RunOutcome, "failure">,
): Promise<EndOfRun> {
  const failure = asHeliostatError(error);
  const { code, kind } = failure;
  const message = textOf(failure, run.mirror);
  if (stop !== null || kind === "cancelled") {
    return await recordStop(ports, run, stop ?? "cancelled", await ports.mirrors.readLease(lease), done);
  }
  const mirrorId = run.mirror.id;
  if (kind === "bug") ports.log.error({ mirrorId, err: error }, "update failed by our own fault");
  else ports.log.warn({ mirrorId, code, reason: message }, "update failed");
  const { waitsForHost } = await noteError(ports, run.mirror, failure);
  // The refs of a push that broke off say it each.
  const text = done.failure?.includes(message)
    ? done.failure
    : [done.failure ?? [], message].flat().join("\n\n");
  return await recordFailure(ports, run, { ...done, error: text, code, waitsForHost });
}

/** As GitLab puts it, a URL that was fine when it was saved and is refused now; and what to do about host keys. */
function textOf({ code, message }: HeliostatError, mirror: Mirror): string {
  if (code === "host-key-missing" || code === "host-key-changed") {
    const { id, projectId } = mirror;
    return (
      `${message} To compare the stored host keys with those that it shows now, and to accept them: ` +
      `"heliostat mirror host-keys accept ${projectId} ${id}", ` +
      `or GET /projects/${projectId}/mirrors/${id}/host_keys/review.`
    );
  }
  if (code !== "url-blocked" && code !== "url-invalid") return message;
  const what = mirror.direction === "pull" ? "import" : "remote mirror";
  return `The ${what} URL is invalid: ${message}`;
}
