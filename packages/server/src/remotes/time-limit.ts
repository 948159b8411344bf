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
