import type { FinishedUpdate, Ports } from "../ports.ts";
import { type EndOfRun, type RecordedRun, recordFailure } from "./finished-update.ts";
import { storableUpdate } from "./storable-update.ts";
import { describeEnd, type UpdateLog } from "./update-log.ts";

type RecordPorts = Pick<Ports, "clock" | "instance" | "log" | "settings">;

const NO_RECORD = "The update ended, but what came of it could not be recorded. The server's log says when.";

/**
 * The whole record of a run, with its log. Where that cannot be made by our own fault, it is that of a failure in plain
 * words: without any, the update would be taken up again, to end in the same way for ever.
 */
export async function makeRecord(
  ports: RecordPorts,
  run: RecordedRun,
  made: {
    readonly ended: EndOfRun;
    readonly log: UpdateLog;
    readonly bytes: Pick<FinishedUpdate, "bytesReceived" | "bytesSent">;
  },
): Promise<FinishedUpdate> {
  const { ended, log, bytes } = made;
  try {
    log.add(describeEnd(ended));
    return storableUpdate({ ...ended, ...bytes, log: log.lines() });
  } catch (error) {
    return { ...(await recordPlainly(ports, run, error)), ...bytes, log: [] };
  }
}

/** The record of a run whose own end could not be told. The error stays untold: it may quote what must not be seen. */
export async function recordPlainly(ports: RecordPorts, run: RecordedRun, error: unknown): Promise<EndOfRun> {
  const what = error instanceof Error ? error.name : typeof error;
  ports.log.error({ mirrorId: run.mirror.id, error: what }, "the record of an update could not be made");
  return await recordFailure(ports, run, {
    error: NO_RECORD,
    code: null,
    waitsForHost: false,
    ...{ results: [], notes: [], upToDate: [], skipped: [] },
  });
}
