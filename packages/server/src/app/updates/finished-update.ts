import type { Mirror } from "../../domain/mirror.ts";
import { HARD_FAILURE_AFTER, nextCheckAfter, retryDelay } from "../../domain/schedule.ts";
import type { FinishedUpdate, Ports } from "../ports.ts";
import type { RunOutcome } from "./run.ts";

type RecordPorts = Pick<Ports, "clock" | "instance" | "settings">;

/** Which run this is about: its mirror as it stood at the start. */
interface Run {
  readonly mirror: Mirror;
  readonly started: Date;
}

const NOTHING_SAID = { bytesReceived: 0, bytesSent: 0, log: [] } as const;

/** The record of a run that came to its end: it may still count as failed. */
export async function recordOutcome(
  ports: RecordPorts,
  run: Run,
  outcome: RunOutcome,
): Promise<FinishedUpdate> {
  const { results, notes, upToDate, skipped } = outcome;
  if (outcome.failure !== null) {
    // What diverged stays so until somebody acts; what was refused may be let in the next time.
    const mayRetry = results.some((result) => result.outcome === "rejected");
    return await recordFailure(ports, run, outcome.failure, { results, notes, upToDate, skipped, mayRetry });
  }
  return {
    status: "finished",
    error: null,
    results,
    notes,
    upToDate,
    skipped,
    ...NOTHING_SAID,
    now: ports.clock.now(),
    appliedDigest: outcome.digest,
    appliedGeneration: outcome.generation,
    retryCount: 0,
    nextCheckAt: await nextCheck(ports, run, 0),
    willRetry: false,
  };
}

/** The record of a run that failed, as a whole or in some refs. */
export async function recordFailure(
  ports: RecordPorts,
  run: Run,
  error: string,
  rest: Pick<FinishedUpdate, "results" | "notes" | "upToDate" | "skipped"> & { mayRetry: boolean },
): Promise<FinishedUpdate> {
  const retryCount = run.mirror.retryCount + 1;
  const isPaused = run.mirror.direction === "pull" && retryCount > HARD_FAILURE_AFTER;
  return {
    status: "failed",
    error,
    results: rest.results,
    notes: rest.notes,
    upToDate: rest.upToDate,
    skipped: rest.skipped,
    ...NOTHING_SAID,
    now: ports.clock.now(),
    appliedDigest: null,
    appliedGeneration: null,
    retryCount,
    nextCheckAt: isPaused ? null : await nextCheck(ports, run, retryCount),
    willRetry: rest.mayRetry && run.mirror.direction === "push" && retryDelay(retryCount) !== null,
  };
}

/** The record of a run that we ended ourselves. One that a shutdown ended is to be taken up by the next node. */
export async function recordStop(
  ports: RecordPorts,
  run: Run,
  stop: "cancelled" | "shutting-down",
): Promise<FinishedUpdate> {
  return {
    status: "cancelled",
    error: stop === "shutting-down" ? null : "The update was cancelled.",
    results: [],
    notes: [],
    upToDate: [],
    skipped: [],
    ...NOTHING_SAID,
    now: ports.clock.now(),
    appliedDigest: null,
    appliedGeneration: null,
    retryCount: run.mirror.retryCount,
    nextCheckAt: await nextCheck(ports, run, run.mirror.retryCount),
    willRetry: stop === "shutting-down",
  };
}

async function nextCheck(ports: RecordPorts, run: Run, retryCount: number): Promise<Date> {
  const now = ports.clock.now();
  const { pullMirrorIntervalSeconds } = await ports.settings.read();
  return nextCheckAfter({
    now,
    intervalSeconds: pullMirrorIntervalSeconds,
    retryCount,
    durationMs: now.getTime() - run.started.getTime(),
    random: ports.instance.random,
  });
}
