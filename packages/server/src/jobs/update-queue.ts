import { type ConstructorOptions, PgBoss } from "pg-boss";
import type { Log, UpdateQueue } from "../app/ports.ts";
import { createSlots } from "../slots.ts";
import type { RunningUpdates } from "./running-updates.ts";

const QUEUE = "update-mirror";

/**
 * Updates at the same time on one node. Most of an update is waiting for a remote, which costs nothing, and a remote
 * that hangs must not hold up others; what costs is the transfer, and that has bounds of its own (`limitTransfers`).
 */
const UPDATES_AT_ONCE = 128;

/** A job is only a wake-up; what it is about is in the database, so a lost or repeated one does no harm. */
interface UpdateJob {
  readonly mirrorId: number;
}

export interface UpdateQueueAdapter extends UpdateQueue {
  /** Opens the queue; `work` is called for each job, several at the same time. */
  start(work: (mirrorId: number, signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Takes no new jobs and leaves those that wait to others. */
  stop(): Promise<void>;
  /** Rejects when the queue does not answer. */
  probe(): Promise<void>;
}

/**
 * The queue of updates on pg-boss: `send` reaches a worker through NOTIFY within milliseconds. Policy `short` keeps
 * at most one waiting job a mirror; that at most one *runs* is the lease's business (`MirrorStore.startUpdate`), so
 * nothing hangs on the queue noticing that a node died.
 */
export function createUpdateQueue(options: {
  connection: Pick<ConstructorOptions, "connectionString" | "host" | "user" | "database">;
  log: Log;
  running: RunningUpdates;
  wakeAt: (at: Date) => void;
}): UpdateQueueAdapter {
  const { log, running } = options;
  const boss = new PgBoss({
    ...options.connection,
    max: 3,
    application_name: "heliostat-queue",
    useListenNotify: true,
    // Cron is not used: schedules are rows of ours.
    schedule: false,
  });
  boss.on("error", (error) => log.warn({ err: error }, "queue trouble"));

  return {
    async start(work) {
      await boss.start();
      await boss.createQueue(QUEUE, {
        policy: "short",
        notify: true,
        // Retries are decided by what failed, not by the queue.
        retryLimit: 0,
        expireInSeconds: 23 * 3600,
        deleteAfterSeconds: 600,
      });
      const slots = createSlots(UPDATES_AT_ONCE);
      const runOne = async (mirrorId: number): Promise<void> => {
        const giveBack = await slots.take();
        // Not waited for: the job has done its part, and the next one is to be looked at.
        void running
          .run(mirrorId, (signal) => work(mirrorId, signal))
          .catch((error: unknown) => log.error({ mirrorId, err: error }, "an update could not be recorded"))
          .finally(giveBack);
      };
      await boss.work<UpdateJob>(
        QUEUE,
        { batchSize: 16, burstWhenBatchFull: true, notifyPollingIntervalSeconds: 10 },
        async (jobs) => {
          for (const { data } of jobs) await runOne(data.mirrorId);
        },
      );
    },
    async stop() {
      await boss.stop({ graceful: false, close: true });
    },
    async probe() {
      await boss.getQueue(QUEUE);
    },
    async send(mirrorId) {
      const job: UpdateJob = { mirrorId };
      await boss.send(QUEUE, job, { singletonKey: String(mirrorId) });
    },
    wakeAt: options.wakeAt,
    cancel: (mirrorId) => running.cancel(mirrorId),
  };
}
