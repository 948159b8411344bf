/** Where a key stands in the period that is running. */
export interface RequestCount {
  /** Requests in it, this one among them. */
  readonly observed: number;
  readonly resetsAt: Date;
}

/** Requests by key in periods of a fixed length. */
export interface RequestCounts {
  /** Counts one more for this key. Periods begin at whole multiples of their length, for all keys at once. */
  add(key: string, now: Date, periodSeconds: number): RequestCount;
}

/**
 * Counts in memory, in the same time however many requests came. Of more than `mostKeys` in one period those that came
 * first are forgotten: whoever has so many addresses is stopped by none of them, and must not fill the memory.
 */
export function createRequestCounts(mostKeys: number): RequestCounts {
  let endsAt = 0;
  let lengthMs = 0;
  const counts = new Map<string, number>();
  return {
    add(key, now, periodSeconds) {
      const periodMs = periodSeconds * 1000;
      const time = now.getTime();
      // Also for a clock that was set back, and for a period that became another one.
      if (time >= endsAt || time < endsAt - lengthMs || lengthMs !== periodMs) {
        lengthMs = periodMs;
        endsAt = (Math.floor(time / periodMs) + 1) * periodMs;
        counts.clear();
      }
      const observed = (counts.get(key) ?? 0) + 1;
      if (observed === 1 && counts.size >= mostKeys) {
        for (const oldest of counts.keys()) {
          counts.delete(oldest);
          break;
        }
      }
      counts.set(key, observed);
      return { observed, resetsAt: new Date(endsAt) };
    },
  };
}
