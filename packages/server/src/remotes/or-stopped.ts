import { stoppedBy } from "./stopped-by.ts";

/** The answer of the work, or the reason of the signal when that comes first; the work itself goes on. */
export async function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  // Whoever stopped waiting hears of no failure.
  work.catch(() => {});
  const cancel = () => reject(stoppedBy(signal));
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
