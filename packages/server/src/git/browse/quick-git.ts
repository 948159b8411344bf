import { createSlots } from "../../slots.ts";

/** A bound on the short-lived gits that readers start: more of them at a time than there are cores help nobody. */
export interface Quick {
  /** Waits for a place; the work is given the time that it may take. */
  within<T>(work: (timeoutMs: number) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Paths are names of files, whatever characters are in them. */
export const LITERAL_PATHS: Readonly<Record<string, string>> = { GIT_LITERAL_PATHSPECS: "1" };

const AT_ONCE = 6;
const TIMEOUT_MS = 30_000;

export function createQuick(): Quick {
  const slots = createSlots(AT_ONCE);
  return {
    async within(work, signal) {
      const giveBack = await slots.take(signal);
      try {
        return await work(TIMEOUT_MS);
      } finally {
        giveBack();
      }
    },
  };
}
