import type { Clock } from "../app/ports.ts";

/** The updates that run on this node, so that one can be ended by its mirror, and all of them at shutdown. */
export interface RunningUpdates {
  /**
   * Runs `work` under a signal, unless `drain` was called. For a mirror that is at it already, it is run once more when
   * that has ended: what asks for it may have come too late for the run under way.
   */
  run(mirrorId: number, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Ends the mirror's run and waits for its end; returns at once when there is none. */
  cancel(mirrorId: number): Promise<void>;
  /** Starts nothing more, lets runs finish for `graceMs`, then ends the rest with `reason`; resolves when none is left. */
  drain(graceMs: number, reason: unknown): Promise<void>;
}

interface RunningUpdate {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  isAskedAgain: boolean;
}

/** The updates of this process, none as yet; `clock` times the grace of `drain`. */
export function createRunningUpdates(clock: Pick<Clock, "after">): RunningUpdates {
  const running = new Map<number, RunningUpdate>();
  let isDraining = false;

  return {
    async run(mirrorId, work) {
      const current = running.get(mirrorId);
      if (current) current.isAskedAgain = true;
      // Once it drains: what the job was about is in the database, the next start finds it there.
      for (let isWanted = !current; isWanted && !isDraining; ) {
        const stop = new AbortController();
        const ended = work(stop.signal).finally(() => running.delete(mirrorId));
        const update: RunningUpdate = { stop, ended, isAskedAgain: false };
        running.set(mirrorId, update);
        await ended;
        isWanted = update.isAskedAgain && !running.has(mirrorId);
      }
    },
    async cancel(mirrorId) {
      const update = running.get(mirrorId);
      if (!update) return;
      update.stop.abort();
      await update.ended.catch(() => undefined);
    },
    async drain(graceMs, reason) {
      isDraining = true;
      const all = () => Promise.allSettled([...running.values()].map((update) => update.ended));
      const grace = Promise.withResolvers<void>();
      const timer = clock.after(graceMs, grace.resolve);
      await Promise.race([all(), grace.promise]);
      timer.cancel();
      for (const update of running.values()) update.stop.abort(reason);
      await all();
    },
  };
}
