import type { TransferOptions } from "../app/ports.ts";

/** No more often than this is anybody told, in milliseconds. */
const EVERY_MS = 200;

/** Counts what is sent, and tells of it now and then. */
export interface ByteMeter {
  add(bytes: number): void;
  /** Tells the count now: at an end, the last word is to be the whole. */
  tell(): void;
}

/** Counts for `onProgress`, as git's phase of that name: bytes since the meter was made, and a second since last told. */
export function createByteMeter(onProgress: TransferOptions["onProgress"]): ByteMeter {
  let bytes = 0;
  let told = { bytes: 0, at: performance.now() };
  function tell(): void {
    const now = performance.now();
    if (onProgress === undefined || bytes === told.bytes) return;
    const bytesPerSecond = Math.round(((bytes - told.bytes) * 1000) / Math.max(now - told.at, 1));
    told = { bytes, at: now };
    onProgress({ phase: "Writing objects", done: 0, total: null, bytes, bytesPerSecond });
  }
  return {
    add(more) {
      bytes += more;
      if (performance.now() - told.at >= EVERY_MS) tell();
    },
    tell,
  };
}
