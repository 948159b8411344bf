import { requestUpdate } from "../app/mirrors/request-update.ts";
import type { Ports } from "../app/ports.ts";
import { checkMirror } from "../app/updates/check-mirror.ts";
import type { Mirror } from "../domain/mirror.ts";
import { nextCheckAfter } from "../domain/schedule.ts";

/** However quiet it is, the database is asked this often: another node, or a killed one, may have left work. */
const SWEEP_MS = 10_000;

/** Mirrors claimed at once, and how many of them are looked at at the same time. */
const BATCH = 200;
const CHECKS_AT_ONCE = 16;

/** A check that takes longer than this counts as failed, and the mirror may be claimed anew. */
const CHECK_LIMIT_MS = 120_000;

export interface Dispatcher {
  /** Makes the next pass happen no later than `at`. */
  wakeAt(at: Date): void;
  stop(): Promise<void>;
}

/**
 * The clock of the product. It sleeps until something falls due, then makes a pass: wishes whose time has come, and
 * runs whose node died, go on the queue; mirrors due for a check are checked here, in process. What is unchanged is
 * written back in one statement; only what changed, or cannot be reached, becomes an update.
 */
export function startDispatcher(ports: () => Ports): Dispatcher {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Number.POSITIVE_INFINITY;
  let pass: Promise<void> = Promise.resolve();
  let isPassing = false;

  function wakeAt(at: Date): void {
    if (stopping.signal.aborted || at.getTime() >= wakesAt) return;
    wakesAt = at.getTime();
    // While a pass runs, its end sets the timer.
    if (!isPassing) setTimer();
  }

  function setTimer(): void {
    clearTimeout(timer);
    const delay = Math.min(Math.max(wakesAt - ports().clock.now().getTime(), 0), SWEEP_MS);
    timer = setTimeout(() => {
      pass = runPass();
    }, delay);
  }

  async function runPass(): Promise<void> {
    isPassing = true;
    wakesAt = Number.POSITIVE_INFINITY;
    const { clock, log, mirrors } = ports();
    const began = clock.now();
    let next: Date | null = null;
    try {
      await passOnce(ports(), stopping.signal);
      // What was due by then is dealt with, or must wait: for a worker, or for mirroring to be switched on again.
      // Looking for it once more would make one pass after the other; it has the sweep.
      next = await mirrors.nextDueAfter(began);
    } catch (error) {
      if (!stopping.signal.aborted)
        log.warn({ err: error }, "the dispatcher's pass failed; it is made again");
    }
    isPassing = false;
    if (stopping.signal.aborted) return;
    const sweep = clock.now().getTime() + SWEEP_MS;
    wakesAt = Math.min(wakesAt, sweep, next?.getTime() ?? sweep);
    setTimer();
  }

  return {
    wakeAt,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await pass;
    },
  };
}

async function passOnce(ports: Ports, stopping: AbortSignal): Promise<void> {
  const { mirrorAvailable, pullMirrorIntervalSeconds } = await ports.settings.read();
  if (!mirrorAvailable) return;
  for (const id of await ports.mirrors.listWaiting(ports.clock.now())) await ports.queue.send(id);

  for (;;) {
    const now = ports.clock.now();
    const claimedUntil = new Date(now.getTime() + CHECK_LIMIT_MS);
    const claimed = await ports.mirrors.claimDue(now, claimedUntil, BATCH);
    if (claimed.length === 0 || stopping.aborted) return;
    const unchanged: Mirror[] = [];
    await forEachAtOnce(claimed, CHECKS_AT_ONCE, async (mirror) => {
      if (await isUnchanged(ports, mirror, stopping)) unchanged.push(mirror);
      else if (!stopping.aborted) await requestUpdate(ports, mirror, "schedule");
    });
    const checkedAt = ports.clock.now();
    const interval = {
      now: checkedAt,
      intervalSeconds: pullMirrorIntervalSeconds,
      retryCount: 0,
      durationMs: 0,
    };
    await ports.mirrors.recordUnchanged(
      unchanged.map(({ id }) => ({
        id,
        nextCheckAt: nextCheckAfter({ ...interval, random: ports.instance.random }),
      })),
      claimedUntil,
      checkedAt,
    );
  }
}

async function isUnchanged(ports: Ports, mirror: Mirror, stopping: AbortSignal): Promise<boolean> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(CHECK_LIMIT_MS)]);
  try {
    return (await checkMirror(ports, mirror, signal)) === "unchanged";
  } catch (error) {
    // The update that follows meets the same trouble, and records it with the mirror.
    ports.log.debug({ mirrorId: mirror.id, err: error }, "check failed");
    return false;
  }
}

async function forEachAtOnce<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    for (const item of queue) await work(item);
  });
  await Promise.all(workers);
}
