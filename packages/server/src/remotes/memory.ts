/** A map of bounded size and age: what is too old is absent, what was written longest ago makes room first. */
interface Memory<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** `maxAgeMs` 0 remembers nothing. Age is measured on the monotonic clock, so a clock change ages nothing. */
export function createMemory<T>(maxAgeMs: number, maxEntries: number): Memory<T> {
  const entries = new Map<string, { readonly value: T; readonly expiresAt: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      return entry !== undefined && performance.now() < entry.expiresAt ? entry.value : undefined;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, { value, expiresAt: performance.now() + maxAgeMs });
      if (entries.size > maxEntries) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
      }
    },
    delete(key) {
      entries.delete(key);
    },
  };
}
