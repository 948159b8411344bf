import { HeliostatError } from "../../domain/errors.ts";

/**
 * Does what several ask for at the same time once. `key` says all of what is asked. Who leaves gets `cancelled`; the
 * signal that the work is given fires when the last of those who wait for it has left.
 */
export type JoinWork = <T>(
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T>;

interface Joint {
  readonly result: Promise<unknown>;
  readonly end: AbortController;
  waiting: number;
}

/** The work of one kind: under the same key everybody waits for a value of the same type. */
export function createJointWork(): JoinWork {
  const underWay = new Map<string, Joint>();

  function forget(key: string, joint: Joint): void {
    if (underWay.get(key) === joint) underWay.delete(key);
  }

  function begin<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Joint {
    const end = new AbortController();
    const joint: Joint = { result: work(end.signal), end, waiting: 0 };
    underWay.set(key, joint);
    const onEnd = (): void => forget(key, joint);
    joint.result.then(onEnd, onEnd);
    return joint;
  }

  return async <T>(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>) => {
    if (signal.aborted) throw hasLeft();
    const joint = underWay.get(key) ?? begin(key, work);
    joint.waiting += 1;
    const left = Promise.withResolvers<never>();
    const onAbort = (): void => left.reject(hasLeft());
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return (await Promise.race([joint.result, left.promise])) as T;
    } finally {
      signal.removeEventListener("abort", onAbort);
      joint.waiting -= 1;
      if (joint.waiting === 0) {
        forget(key, joint);
        joint.end.abort();
      }
    }
  };
}

function hasLeft(): HeliostatError {
  return new HeliostatError("cancelled", "Whoever asked is no longer there.");
}
