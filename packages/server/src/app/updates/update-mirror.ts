import { asHeliostatError, assertNever, HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { HARD_FAILURE_AFTER, nextCheckAfter, PUSH_RETRIES, retryDelay } from "../../domain/schedule.ts";
import { requestPushMirrors, requestUpdate } from "../mirrors/request-update.ts";
import type { FinishedUpdate, Ports, TransferProgress, UpdateLease } from "../ports.ts";
import { openRemote } from "./open-remote.ts";
import { runPullUpdate } from "./pull-update.ts";
import { runPushUpdate } from "./push-update.ts";
import type { RunOutcome } from "./run.ts";
import { wantedRefs } from "./wanted-refs.ts";

/** The reason of a signal that ends a run because its node goes down: another one is to take it up. */
export const SHUTTING_DOWN = Symbol("shutting down");

/** A run whose node dies is taken over when this is over; a live one renews it three times as often. */
const LEASE_MS = 30_000;

export interface UpdateObserver {
  readonly onProgress?: (mirrorId: number, progress: TransferProgress) => void;
}

/**
 * Runs the update that this mirror waits for, if it waits for one and nobody else is at it: at most one run per
 * mirror, by the lease in the database. Whatever happens is recorded with the mirror; nothing is thrown but a
 * failure to record it. `signal` ends the run.
 */
export async function updateMirror(
  ports: Ports,
  mirrorId: number,
  signal: AbortSignal,
  observer: UpdateObserver = {},
): Promise<void> {
  if (!(await ports.settings.read()).mirrorAvailable) return;
  const started = ports.clock.now();
  const lease = await ports.mirrors.startUpdate(mirrorId, started, leaseEnd(started));
  if (!lease) return;
  const log = { mirrorId, updateId: lease.updateId, direction: lease.mirror.direction };
  ports.log.info({ ...log, trigger: lease.trigger }, "update started");

  const keeper = keepLease(ports, lease);
  let finished: FinishedUpdate;
  let changedProject = false;
  try {
    const outcome = await run(ports, lease.mirror, AbortSignal.any([signal, keeper.lost]), observer);
    changedProject = outcome.changedProject;
    finished = await judge(ports, lease.mirror, started, outcome);
  } catch (error) {
    finished = await recordFailure(ports, lease.mirror, started, error, stopOf(signal, keeper.lost));
  } finally {
    keeper.stop();
  }

  // Downstream first: should we die in between, the update is run again and asks again.
  if (changedProject) await requestPushMirrors(ports, lease.mirror.projectId, "pull");
  const recorded = await ports.mirrors.finishUpdate(lease, finished);
  ports.log.info(
    { ...log, status: finished.status, refs: finished.results.length, recorded },
    "update ended",
  );
  if (recorded) await askAgain(ports, lease.mirror, finished);
}

type Stop = "cancelled" | "shutting-down" | null;

function stopOf(signal: AbortSignal, leaseLost: AbortSignal): Stop {
  if (signal.aborted) return signal.reason === SHUTTING_DOWN ? "shutting-down" : "cancelled";
  return leaseLost.aborted ? "cancelled" : null;
}

async function run(
  ports: Ports,
  mirror: Mirror,
  signal: AbortSignal,
  observer: UpdateObserver,
): Promise<RunOutcome> {
  const project = await ports.projects.find(mirror.projectId);
  if (!project) throw new HeliostatError("cancelled", "The project was removed.");
  if (project.archived && mirror.direction === "pull") {
    throw new HeliostatError(
      "forbidden",
      "The project is archived and read-only. Unarchive it to resume mirroring.",
    );
  }
  const { remote, hideSecrets } = await openRemote(ports, mirror, signal);
  const wanted = await wantedRefs(ports, mirror);
  const onProgress = (progress: TransferProgress) => observer.onProgress?.(mirror.id, progress);
  const context = { ports, mirror, project, remote, wanted, transfer: { signal, onProgress } };
  try {
    const outcome = await runDirection(context);
    return { ...outcome, failure: outcome.failure === null ? null : hideSecrets(outcome.failure) };
  } catch (error) {
    // The adapters redact what they quote; this is the second fence, at the one place all texts pass.
    const failure = asHeliostatError(error);
    throw new HeliostatError(failure.code, hideSecrets(failure.message), { cause: error });
  }
}

function runDirection(context: Parameters<typeof runPullUpdate>[0]): Promise<RunOutcome> {
  switch (context.mirror.direction) {
    case "pull":
      return runPullUpdate(context);
    case "push":
      return runPushUpdate(context);
    default:
      return assertNever(context.mirror.direction);
  }
}

/** The record of a run that came to its end. */
async function judge(
  ports: Ports,
  mirror: Mirror,
  started: Date,
  outcome: RunOutcome,
): Promise<FinishedUpdate> {
  const now = ports.clock.now();
  const results = outcome.results;
  if (outcome.failure === null) {
    return {
      status: "finished",
      error: null,
      results,
      now,
      appliedDigest: outcome.digest,
      appliedGeneration: outcome.generation,
      retryCount: 0,
      nextCheckAt: await nextCheck(ports, started, 0),
      willRetry: false,
    };
  }
  const rejected = results.some((result) => result.outcome === "rejected");
  return await failed(ports, mirror, started, outcome.failure, results, rejected);
}

async function recordFailure(
  ports: Ports,
  mirror: Mirror,
  started: Date,
  error: unknown,
  stop: Stop,
): Promise<FinishedUpdate> {
  const failure = asHeliostatError(error);
  if (stop !== null || failure.kind === "cancelled") {
    return {
      status: "cancelled",
      error: stop === "shutting-down" ? null : "The update was cancelled.",
      results: [],
      now: ports.clock.now(),
      appliedDigest: null,
      appliedGeneration: null,
      retryCount: mirror.retryCount,
      nextCheckAt: await nextCheck(ports, started, mirror.retryCount),
      willRetry: stop === "shutting-down",
    };
  }
  if (failure.kind === "bug")
    ports.log.error({ mirrorId: mirror.id, err: error }, "update failed by our own fault");
  else ports.log.warn({ mirrorId: mirror.id, code: failure.code, reason: failure.message }, "update failed");
  return await failed(ports, mirror, started, failure.message, [], true);
}

async function failed(
  ports: Ports,
  mirror: Mirror,
  started: Date,
  error: string,
  results: RunOutcome["results"],
  mayRetry: boolean,
): Promise<FinishedUpdate> {
  const retryCount = mirror.retryCount + 1;
  const isPaused = mirror.direction === "pull" && retryCount > HARD_FAILURE_AFTER;
  return {
    status: "failed",
    error,
    results,
    now: ports.clock.now(),
    appliedDigest: null,
    appliedGeneration: null,
    retryCount,
    nextCheckAt: isPaused ? null : await nextCheck(ports, started, retryCount),
    willRetry: mayRetry && mirror.direction === "push" && retryCount <= PUSH_RETRIES,
  };
}

async function nextCheck(ports: Ports, started: Date, retryCount: number): Promise<Date> {
  const now = ports.clock.now();
  const { pullMirrorIntervalSeconds } = await ports.settings.read();
  return nextCheckAfter({
    now,
    intervalSeconds: pullMirrorIntervalSeconds,
    retryCount,
    durationMs: now.getTime() - started.getTime(),
    random: ports.instance.random(),
  });
}

/** Puts the mirror back on the queue when something was asked for meanwhile, or when it is to be tried again. */
async function askAgain(ports: Ports, mirror: Mirror, finished: FinishedUpdate): Promise<void> {
  if (finished.status === "cancelled") {
    // Into the database only: the node that starts next finds it there.
    if (finished.willRetry) await ports.mirrors.requestUpdate(mirror.id, "recovery", finished.now);
  } else if (finished.willRetry) {
    const notBefore = new Date(finished.now.getTime() + retryDelay(finished.retryCount));
    await requestUpdate(ports, mirror, "retry", notBefore);
  } else {
    // A wish that came during the run found it in the way: it is in the database, and the queue must hear of it.
    ports.queue.wakeAt(finished.now);
  }
}

/** Renews the lease while the run is under way; `lost` fires when it is no longer ours. */
function keepLease(ports: Ports, lease: UpdateLease): { lost: AbortSignal; stop: () => void } {
  const lost = new AbortController();
  const timer = setInterval(() => {
    ports.mirrors.renewLease(lease, leaseEnd(ports.clock.now())).then(
      (isOurs) => {
        if (!isOurs) lost.abort();
      },
      // The database may be away for a moment; should it stay away, the lease lapses and its taker decides.
      (error: unknown) => ports.log.warn({ mirrorId: lease.mirror.id, err: error }, "lease not renewed"),
    );
  }, LEASE_MS / 3);
  return { lost: lost.signal, stop: () => clearInterval(timer) };
}

function leaseEnd(now: Date): Date {
  return new Date(now.getTime() + LEASE_MS);
}
