/** The updates that run on this node, so that one can be ended by its mirror, and all of them at shutdown. */
export interface RunningUpdates {
  /** Runs `work` under a signal. Does nothing for a mirror that is at it already, and once `drain` was called. */
  run(mirrorId: number, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Ends the mirror's run and waits for its end; returns at once when there is none. */
  cancel(mirrorId: number): Promise<void>;
  /** Starts nothing more, lets runs finish for `graceMs`, then ends the rest with `reason`; resolves when none is left. */
  drain(graceMs: number, reason: unknown): Promise<void>;
}

export function createRunningUpdates(): RunningUpdates {
  const running = new Map<number, { readonly stop: AbortController; readonly ended: Promise<void> }>();
  let isDraining = false;

  return {
    async run(mirrorId, work) {
      // What the job was about is in the database: the next start finds it there.
      if (isDraining || running.has(mirrorId)) return;
      const stop = new AbortController();
      const ended = work(stop.signal).finally(() => running.delete(mirrorId));
      running.set(mirrorId, { stop, ended });
      await ended;
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
      const timer = setTimeout(grace.resolve, graceMs);
      await Promise.race([all(), grace.promise]);
      clearTimeout(timer);
      for (const update of running.values()) update.stop.abort(reason);
      await all();
    },
  };
}
