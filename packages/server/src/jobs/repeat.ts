import type { Clock } from "../app/ports.ts";

/**
 * Does the work at once, and again `everyMs` after each time that it ended, in the background. `work` answers for its
 * own errors. Answers how to stop: the signal fires, and what is under way is waited for.
 */
export function repeat(
  clock: Pick<Clock, "after">,
  everyMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): () => Promise<void> {
  const stopping = new AbortController();
  let timer: { cancel(): void } | null = null;
  let working = Promise.resolve();
  const run = (): void => {
    working = work(stopping.signal).finally(() => {
      if (!stopping.signal.aborted) timer = clock.after(everyMs, run);
    });
  };
  run();
  return async () => {
    stopping.abort();
    timer?.cancel();
    await working;
  };
}
