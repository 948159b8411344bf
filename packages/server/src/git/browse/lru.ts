/** A memory of what is dear to find out: it holds so many bytes and forgets first what was asked for longest ago. */
export interface Lru<V> {
  get(key: string): V | undefined;
  /** `bytes`: about what key and value take. What is larger than a part of the whole is not kept. */
  set(key: string, value: V, bytes: number): void;
}

/** No single value may push out all others. */
const LARGEST_PART = 4;
/** Of a key, an entry of the map and an object: measured, and rather too much. */
const OVERHEAD = 200;

/**
 * An empty memory of at most so many bytes, by what `set` is told of each value. It throws nothing: what does not fit
 * is not kept.
 */
export function createLru<V>(maxBytes: number): Lru<V> {
  const entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  let total = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    total -= entry.bytes;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      // A map remembers in which order its keys came: the oldest is the first.
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      const taken = bytes + OVERHEAD;
      if (taken > maxBytes / LARGEST_PART) return;
      entries.set(key, { value, bytes: taken });
      total += taken;
      for (const oldest of entries.keys()) {
        if (total <= maxBytes) break;
        remove(oldest);
      }
    },
  };
}
