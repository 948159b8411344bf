import { HeliostatError } from "../domain/errors.ts";

interface TimeLimit {
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
  /** What takes the time, for the message: "listing the refs". */
  readonly what: string;
}

/**
 * Runs `work` until it ends, `ms` have passed (`remote-timeout`) or the signal fires (`cancelled`; work is not begun
 * when it has fired already). The result does not wait for work that ignores its signal, whose reason is always the
 * error that was thrown.
 */
export async function withTimeLimit<T>(
  limit: TimeLimit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const cancelled = () =>
    new HeliostatError("cancelled", `Stopped while ${limit.what}.`, { cause: limit.signal?.reason });
  if (limit.signal?.aborted === true) throw cancelled();
  const own = new AbortController();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (error: HeliostatError) => {
    own.abort(error);
    reject(error);
  };
  const cancel = () => stop(cancelled());
  const timer = setTimeout(() => {
    stop(
      new HeliostatError(
        "remote-timeout",
        `The remote took too long: ${limit.what} is limited to ${limit.ms} ms.`,
      ),
    );
  }, limit.ms);
  limit.signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.race([stopped, work(own.signal)]);
  } finally {
    clearTimeout(timer);
    limit.signal?.removeEventListener("abort", cancel);
  }
}

/** Tells a limit on silence that something moved, or that it is not the remote that is waited for. */
export interface ProgressWatch {
  moved(): void;
  /** Waits for `own` work, which has limits of its own. */
  exempt<T>(own: Promise<T>): Promise<T>;
}

/**
 * Runs `work`, which must heed its signal: that fires when nothing has moved for `ms` (`remote-timeout`), with the
 * caller's (`cancelled`), and when `work` has ended. Unlike `withTimeLimit` it waits for `work` in any case, so that
 * what `work` started is over, too.
 */
export async function withProgressLimit<T>(
  limit: TimeLimit,
  work: (signal: AbortSignal, watch: ProgressWatch) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const cancel = () =>
    own.abort(
      new HeliostatError("cancelled", `Stopped while ${limit.what}.`, { cause: limit.signal?.reason }),
    );
  if (limit.signal?.aborted === true) cancel();
  limit.signal?.addEventListener("abort", cancel, { once: true });
  let movedAt = performance.now();
  let exemptions = 0;
  const moved = () => {
    movedAt = performance.now();
  };
  const timer = setInterval(
    () => {
      if (exemptions > 0 || performance.now() - movedAt < limit.ms) return;
      own.abort(
        new HeliostatError(
          "remote-timeout",
          `The remote made no progress for ${limit.ms} ms while ${limit.what}.`,
        ),
      );
    },
    Math.min(1_000, limit.ms / 4),
  );
  try {
    own.signal.throwIfAborted();
    return await work(own.signal, {
      moved,
      async exempt(other) {
        exemptions += 1;
        try {
          return await other;
        } finally {
          exemptions -= 1;
          moved();
        }
      },
    });
  } catch (error) {
    // What the abort brought about has many faces; its reason is what happened.
    throw own.signal.aborted ? own.signal.reason : error;
  } finally {
    clearInterval(timer);
    limit.signal?.removeEventListener("abort", cancel);
    own.abort(new HeliostatError("cancelled", `Finished ${limit.what}.`));
  }
}
