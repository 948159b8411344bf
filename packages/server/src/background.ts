import type { Background, Log } from "./app/ports.ts";
import { createSlots } from "./slots.ts";

/** What nobody waits for must not crowd out what somebody waits for. */
const AT_ONCE = 2;

export interface BackgroundWork extends Background {
  /** Lets what was given finish for `graceMs`, then ends it; resolves when nothing is left. */
  drain(graceMs: number): Promise<void>;
}

/** Work beside the requests, a little of it at a time. */
export function createBackground(log: Log): BackgroundWork {
  const slots = createSlots(AT_ONCE);
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  async function doIt(what: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const giveBack = await slots.take();
    try {
      await work(stopping.signal);
    } catch (error) {
      log.warn({ what, err: error }, "background work failed");
    } finally {
      giveBack();
    }
  }

  async function allDone(): Promise<void> {
    // Work may give more work.
    while (underWay.size > 0) await Promise.all(underWay);
  }

  return {
    run(what, work) {
      const one = doIt(what, work).finally(() => underWay.delete(one));
      underWay.add(one);
    },
    async drain(graceMs) {
      const late = setTimeout(() => stopping.abort(), graceMs);
      await allDone();
      clearTimeout(late);
    },
  };
}
