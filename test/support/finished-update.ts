import type { FinishedUpdate } from "../../packages/server/src/app/ports.ts";

/** How an update ends that went well and carried nothing, at this moment, but for what is to be otherwise. */
export function finishedUpdate(now: Date, changes: Partial<FinishedUpdate> = {}): FinishedUpdate {
  return {
    status: "finished",
    error: null,
    errorCode: null,
    results: [],
    upToDate: [],
    skipped: [],
    notes: [],
    bytesReceived: 0,
    bytesSent: 0,
    log: [],
    now,
    appliedDigest: "d",
    appliedGeneration: 1,
    retryCount: 0,
    nextCheckAt: null,
    willRetry: false,
    ...changes,
  };
}
