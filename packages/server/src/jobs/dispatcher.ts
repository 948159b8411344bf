import type { Ports, Timer } from "../app/ports.ts";
import { CHECK_LIMIT_MS, type Checker, createChecker } from "./checker.ts";

/** However quiet it is, the database is asked this often: another node, or a killed one, may have left work. */
const SWEEP_MS = 10_000;

/**
 * From the beginning of a pass to that of the next, at least. Each update that ends wakes a pass; measured, one costs
 * 20 ms of the database when ten thousand mirrors wait. A wake after a while of quiet acts at once.
 */
const PASS_EVERY_MS = 150;

export interface Dispatcher {
  /** Makes the next pass happen no later than `at`. */
  wakeAt(at: Date): void;
  stop(): Promise<void>;
}

/**
 * The clock of the product. It sleeps until something falls due, then makes a pass: runs whose node died are ended, to
 * be taken up again; wishes whose time has come, and that have a place, go on the queue; mirrors due for a check go to
 * the checker. A pass waits for neither, so that a remote that hangs holds up nothing but its own mirror.
 */
export function startDispatcher(ports: () => Ports, { sweepMs = SWEEP_MS } = {}): Dispatcher {
  const stopping = new AbortController();
  const checker = createChecker(ports, () => wakeAt(ports().clock.now()));
  let timer: Timer | undefined;
  let wakesAt = Number.POSITIVE_INFINITY;
  let mayPassAt = Number.NEGATIVE_INFINITY;
  let pass: Promise<void> = Promise.resolve();
  let isPassing = false;

  function wakeAt(at: Date): void {
    if (stopping.signal.aborted || at.getTime() >= wakesAt) return;
    wakesAt = at.getTime();
    // While a pass runs, its end sets the timer.
    if (!isPassing) setTimer();
  }

  function setTimer(): void {
    timer?.cancel();
    const { clock } = ports();
    const delay = Math.min(Math.max(wakesAt, mayPassAt) - clock.now().getTime(), sweepMs);
    timer = clock.after(Math.max(delay, 0), () => {
      pass = runPass();
    });
  }

  async function runPass(): Promise<void> {
    isPassing = true;
    wakesAt = Number.POSITIVE_INFINITY;
    const { clock, log, mirrors } = ports();
    const began = clock.now();
    mayPassAt = began.getTime() + PASS_EVERY_MS;
    let next: Date | null = null;
    try {
      await passOnce(ports(), checker);
      // What was due by then is dealt with, or must wait: for a worker, or for mirroring to be switched on again.
      // Looking for it once more would make one pass after the other; it has the sweep.
      next = await mirrors.nextDueAfter(began);
    } catch (error) {
      if (!stopping.signal.aborted)
        log.warn({ err: error }, "the dispatcher's pass failed; it is made again");
    }
    isPassing = false;
    if (stopping.signal.aborted) return;
    const sweep = clock.now().getTime() + sweepMs;
    wakesAt = Math.min(wakesAt, sweep, next?.getTime() ?? sweep);
    setTimer();
  }

  return {
    wakeAt,
    async stop() {
      stopping.abort();
      timer?.cancel();
      await pass;
      await checker.stop();
    },
  };
}

async function passOnce(ports: Ports, checker: Checker): Promise<void> {
  await ports.mirrors.endLapsedRuns(ports.clock.now());
  if ((await ports.settings.read()).silentModeEnabled) return;
  for (const id of await ports.mirrors.listWaiting(ports.clock.now())) await ports.queue.send(id);

  const room = checker.room();
  if (room === null) return;
  const now = ports.clock.now();
  const claimedUntil = new Date(now.getTime() + CHECK_LIMIT_MS);
  checker.check(await ports.mirrors.claimDue(now, claimedUntil, room), claimedUntil);
}
