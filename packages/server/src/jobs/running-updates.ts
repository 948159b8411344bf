/** The updates that run on this node, so that one can be ended by its mirror, and all of them at shutdown. */
export interface RunningUpdates {
  /** Runs `work` under a signal; a mirror that is at it already is not started twice. */
  run(mirrorId: number, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Ends the mirror's run and waits for its end; returns at once when there is none. */
  cancel(mirrorId: number): Promise<void>;
  /** Lets runs finish for `graceMs`, then ends the rest with `reason`; resolves when none is left. */
  drain(graceMs: number, reason: unknown): Promise<void>;
}

export function createRunningUpdates(): RunningUpdates {
  const running = new Map<number, { readonly stop: AbortController; readonly ended: Promise<void> }>();

  return {
    async run(mirrorId, work) {
      if (running.has(mirrorId)) return;
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
