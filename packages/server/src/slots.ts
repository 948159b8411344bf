/** So many pieces of work at the same time; the others wait in the order in which they came. */
export interface Slots {
  /** Resolves once there is a slot, with what gives it back. Rejects with the signal's reason if that comes first. */
  take(signal?: AbortSignal): Promise<() => void>;
  /** Whether who comes now must wait. */
  isFull(): boolean;
}

/** So many places, all free; who waits gets one in the order of coming. */
export function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];

  function giveBack(): void {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }

  return {
    isFull: () => free === 0,
    async take(signal) {
      signal?.throwIfAborted();
      if (free > 0) free -= 1;
      else await waitForTurn(waiting, signal);
      let isTaken = true;
      return () => {
        if (isTaken) giveBack();
        isTaken = false;
      };
    },
  };
}

function waitForTurn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      waiting.splice(waiting.indexOf(onTurn), 1);
      reject(signal?.reason);
    };
    const onTurn = (): void => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    };
    waiting.push(onTurn);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
