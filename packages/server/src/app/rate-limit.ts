import type { Clock } from "./ports.ts";

/** How often something may be done. */
export interface RateLimit {
  /** Counts one more for each of these keys, or for none, and answers false, when one of them has had enough. */
  take(...keys: readonly string[]): boolean;
}

/** Lets so many through within any stretch of `windowMs`, of each key and of all together. Counts on this node only. */
export function createRateLimit(
  clock: Pick<Clock, "now">,
  {
    perKey,
    total = Number.POSITIVE_INFINITY,
    windowMs,
  }: { readonly perKey: number; readonly total?: number; readonly windowMs: number },
): RateLimit {
  let taken: readonly { readonly keys: readonly string[]; readonly at: number }[] = [];
  return {
    take(...keys) {
      const now = clock.now().getTime();
      taken = taken.filter(({ at }) => at > now - windowMs);
      const hasHadEnough = (key: string) => taken.filter((one) => one.keys.includes(key)).length >= perKey;
      if (taken.length >= total || keys.some(hasHadEnough)) return false;
      taken = [...taken, { keys, at: now }];
      return true;
    },
  };
}
