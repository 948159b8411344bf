import type { ErrorCode, UpdateTrigger } from "@heliostat/contract";
import { checkInterval } from "../../domain/check-interval.ts";
import { countFailure, needsPerson } from "../../domain/failure-count.ts";
import { changesRef, type Mirror } from "../../domain/mirror.ts";
import { STOPPED_BY } from "../../domain/mirroring-switches.ts";
import type { RefResult } from "../../domain/refs.ts";
import { HARD_FAILURE_AFTER, nextCheckAfter, retryDelay } from "../../domain/schedule.ts";
import type { FinishedUpdate, LeaseState, Ports } from "../ports.ts";
import type { RunOutcome } from "./run.ts";

type RecordPorts = Pick<Ports, "clock" | "instance" | "settings">;

/** Which run this is about: its mirror as it stood at the start. */
export interface RecordedRun {
  readonly mirror: Mirror;
  readonly trigger: UpdateTrigger;
  readonly started: Date;
}

/** What a run did and saw until it ended. */
export type RefsOfRun = Pick<FinishedUpdate, "results" | "notes" | "upToDate" | "skipped">;

/** What a failed run has to say, besides that it failed. */
interface Failure extends RefsOfRun {
  readonly error: string;
  /** Null where the run came to its end, but not with every ref. */
  readonly code: ErrorCode | null;
  /** Its host is paused: the mirror waits for the host, and the failure is not its own. */
  readonly waitsForHost: boolean;
}

/** What is recorded of a run but for what was observed on the way. */
export type EndOfRun = Omit<FinishedUpdate, "bytesReceived" | "bytesSent" | "log">;

/** The record of a run that came to its end: it may still count as failed. */
export async function recordOutcome(
  ports: RecordPorts,
  run: RecordedRun,
  outcome: RunOutcome,
): Promise<EndOfRun> {
  const { failure: error, results, notes, upToDate, skipped } = outcome;
  // What was refused may be let in the next time. What diverged stays so until somebody acts: there is nothing to try
  // again, and nothing to pause for, since all other refs go on.
  if (error !== null && results.some(({ outcome: what }) => what === "rejected")) {
    const refs = { results, notes, upToDate, skipped };
    return await recordFailure(ports, run, { error, code: null, waitsForHost: false, ...refs });
  }
  return {
    status: error === null ? "finished" : "failed",
    error,
    errorCode: null,
    results,
    notes,
    upToDate,
    skipped,
    now: ports.clock.now(),
    appliedDigest: outcome.digest,
    appliedGeneration: outcome.generation,
    retryCount: 0,
    nextCheckAt: await nextCheck(ports, run, 0, results),
    willRetry: false,
  };
}

/** The record of a run that failed: by an error, or by what a remote refused. */
export async function recordFailure(
  ports: RecordPorts,
  run: RecordedRun,
  failure: Failure,
): Promise<EndOfRun> {
  const { mirror, trigger } = run;
  const { error, code, waitsForHost, results, notes, upToDate, skipped } = failure;
  const now = ports.clock.now();
  const retryCount = waitsForHost ? mirror.retryCount : countFailure(mirror, { code, trigger });
  const isPush = mirror.direction === "push";
  const isPaused = !isPush && retryCount > HARD_FAILURE_AFTER;
  const mayRetry = !waitsForHost && (code === null || !needsPerson(code));
  // Due at once, and held back with all others of its host until that answers.
  const next = waitsForHost ? now : await nextCheck(ports, run, retryCount, results);
  return {
    status: "failed",
    error,
    errorCode: code,
    results,
    notes,
    upToDate,
    skipped,
    now,
    appliedDigest: null,
    appliedGeneration: null,
    retryCount,
    nextCheckAt: isPaused ? null : next,
    willRetry: mayRetry && isPush && retryDelay(retryCount) !== null,
  };
}

/** The record of a run that we ended ourselves. One that a shutdown ended is to be taken up by the next node. */
export async function recordStop(
  ports: RecordPorts,
  run: RecordedRun,
  stop: "cancelled" | "shutting-down",
  lease: LeaseState,
  { results, notes, upToDate, skipped }: RefsOfRun,
): Promise<EndOfRun> {
  const isTakenUp = stop === "shutting-down" && lease.kind !== "cancelled";
  return {
    status: "cancelled",
    error: isTakenUp ? null : reasonOf(lease),
    errorCode: null,
    results,
    notes,
    upToDate,
    skipped,
    now: ports.clock.now(),
    appliedDigest: null,
    appliedGeneration: null,
    retryCount: run.mirror.retryCount,
    nextCheckAt: await nextCheck(ports, run, run.mirror.retryCount, results),
    willRetry: isTakenUp,
  };
}

function reasonOf(lease: LeaseState): string {
  if (lease.kind === "hindered") return STOPPED_BY[lease.by];
  const by = lease.kind === "cancelled" && lease.by !== null ? ` by ${lease.by}` : "";
  return `The update was cancelled${by}.`;
}

async function nextCheck(
  ports: RecordPorts,
  { mirror, started }: RecordedRun,
  retryCount: number,
  results: readonly RefResult[],
): Promise<Date> {
  const now = ports.clock.now();
  const settings = await ports.settings.read();
  const hasChanged = results.some(({ outcome }) => changesRef(outcome));
  const lastChangedAt = hasChanged ? now : mirror.lastChangedAt;
  return nextCheckAfter({
    now,
    intervalSeconds: checkInterval({ ...mirror, lastChangedAt }, settings, now),
    maxDelaySeconds: settings.mirrorMaxDelay * 60,
    retryCount,
    durationMs: now.getTime() - started.getTime(),
    random: ports.instance.random,
  });
}
