import { requestUpdate } from "../app/mirrors/request-update.ts";
import type { Ports } from "../app/ports.ts";
import { checkMirror } from "../app/updates/check-mirror.ts";
import type { Mirror } from "../domain/mirror.ts";
import { nextCheckAfter } from "../domain/schedule.ts";

/** A check that hangs takes one of these and nothing else: the others go on. */
const CHECKS_AT_ONCE = 64;

/** A check that takes longer than this counts as failed, and the mirror may be claimed anew. */
export const CHECK_LIMIT_MS = 120_000;

/** Unchanged mirrors are written back together, and no later than this after the first of them. */
const WRITE_AFTER_MS = 50;

export interface Checker {
  /** How many more mirrors may be given to it now. */
  room(): number;
  /** Starts to check these mirrors, which are claimed until then; returns at once. */
  check(mirrors: readonly Mirror[], claimedUntil: Date): void;
  /** Gives up what is under way, writes what is known, and resolves when nothing is left. */
  stop(): Promise<void>;
}

/**
 * Checks mirrors in process, each for itself. What is unchanged is written back in one statement for many; what
 * changed, or cannot be reached, becomes an update. `onRoom` is called when it was full and is not any more.
 */
export function createChecker(ports: () => Ports, onRoom: () => void): Checker {
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  let unchanged: { readonly mirror: Mirror; readonly claimedUntil: Date }[] = [];
  let writing: Promise<void> | null = null;

  async function checkOne(mirror: Mirror, claimedUntil: Date): Promise<void> {
    const { log } = ports();
    try {
      if (await isUnchanged(ports(), mirror, stopping.signal)) {
        unchanged.push({ mirror, claimedUntil });
        writing ??= writeSoon();
        await writing;
      } else if (!stopping.signal.aborted) await requestUpdate(ports(), mirror, "schedule");
    } catch (error) {
      // The claim lapses, and the mirror is looked at again.
      if (!stopping.signal.aborted) log.warn({ mirrorId: mirror.id, err: error }, "a check was not recorded");
    }
  }

  async function writeSoon(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, WRITE_AFTER_MS));
    const checked = unchanged;
    unchanged = [];
    writing = null;
    await recordUnchanged(ports(), checked);
  }

  return {
    room: () => (stopping.signal.aborted ? 0 : CHECKS_AT_ONCE - underWay.size),
    check(mirrors, claimedUntil) {
      for (const mirror of mirrors) {
        const one = checkOne(mirror, claimedUntil).finally(() => {
          const wasFull = underWay.size >= CHECKS_AT_ONCE;
          underWay.delete(one);
          if (wasFull) onRoom();
        });
        underWay.add(one);
      }
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
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

async function recordUnchanged(
  ports: Ports,
  checked: readonly { readonly mirror: Mirror; readonly claimedUntil: Date }[],
): Promise<void> {
  const now = ports.clock.now();
  const { pullMirrorIntervalSeconds: intervalSeconds } = await ports.settings.read();
  const { random } = ports.instance;
  await ports.mirrors.recordUnchanged(
    checked.map(({ mirror, claimedUntil }) => ({
      id: mirror.id,
      claimedUntil,
      nextCheckAt: nextCheckAfter({ now, intervalSeconds, retryCount: 0, durationMs: 0, random }),
    })),
    now,
  );
}
