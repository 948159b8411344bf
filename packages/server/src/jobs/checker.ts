import { requestUpdate } from "../app/mirrors/request-update.ts";
import type { CheckRoom, Ports } from "../app/ports.ts";
import { checkMirror, type Found } from "../app/updates/check-mirror.ts";
import { noteAnswers, noteError } from "../app/updates/host-signs.ts";
import { checkInterval } from "../domain/check-interval.ts";
import { asHeliostatError } from "../domain/errors.ts";
import type { Mirror } from "../domain/mirror.ts";
import { hostAndPortOf } from "../domain/remote-url.ts";
import { nextCheckAfter } from "../domain/schedule.ts";
import { createSlots, type Slots } from "../slots.ts";

/** A check that hangs takes one of these and nothing else: the others go on. */
const CHECKS_AT_ONCE = 256;

/** Of one host, so that a slow one leaves room for others: so many are given to us, and so many really ask it. */
const GIVEN_PER_HOST = 64;
const ASKING_PER_HOST = 8;

/** A check that takes longer than this counts as failed, and the mirror may be claimed anew. */
export const CHECK_LIMIT_MS = 120_000;

/** Unchanged mirrors are written back together, and no later than this after the first of them. */
const WRITE_AFTER_MS = 50;

export interface Checker {
  /** How many more mirrors may be given to it now; null: none. */
  room(): CheckRoom | null;
  /** Starts to check these mirrors, which are claimed until then; returns at once. */
  check(mirrors: readonly Mirror[], claimedUntil: Date): void;
  /** Gives up what is under way, writes what is known, and resolves when nothing is left. */
  stop(): Promise<void>;
}

interface HostChecks {
  readonly slots: Slots;
  count: number;
  /** When one of them found the host paused: the others that were given before need not find out too. */
  pausedAt: Date | null;
}

/**
 * Checks mirrors in process, each for itself. What is unchanged is written back in one statement for many; what
 * changed, or cannot be reached, becomes an update. `onRoom` is called when it was full and is not any more.
 */
export function createChecker(ports: () => Ports, onRoom: () => void): Checker {
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  const hosts = new Map<string, HostChecks>();
  let unchanged: { readonly mirror: Mirror; readonly claimedUntil: Date }[] = [];
  let writing: Promise<void> | null = null;

  async function checkOne(mirror: Mirror, claimedUntil: Date, host: HostChecks): Promise<void> {
    const { clock, log, mirrors, mirrorHooks } = ports();
    const claimedAt = clock.now();
    const postpone = () => mirrors.postponeCheck({ id: mirror.id, claimedUntil }, clock.now());
    try {
      const giveBack = await host.slots.take(stopping.signal);
      let found: Found | "paused";
      try {
        if (host.pausedAt !== null && claimedAt <= host.pausedAt) return await postpone();
        found = await look(mirror, host);
      } finally {
        giveBack();
      }
      if (found === "unchanged") {
        unchanged.push({ mirror, claimedUntil });
        writing ??= writeSoon();
        await writing;
      } else if (stopping.signal.aborted) return;
      else if (found === "paused") await postpone();
      else {
        const now = clock.now();
        await requestUpdate(ports(), mirror, "schedule");
        if (found === "moved") await mirrorHooks.noteFound(mirror.id, now, mirror.lastUpdateAt);
      }
    } catch (error) {
      // The claim lapses, and the mirror is looked at again.
      if (!stopping.signal.aborted) log.warn({ mirrorId: mirror.id, err: error }, "a check was not recorded");
    }
  }

  async function look(mirror: Mirror, host: HostChecks): Promise<Found | "paused"> {
    const { clock, log } = ports();
    const limit = new AbortController();
    const timer = clock.after(CHECK_LIMIT_MS, () => limit.abort());
    try {
      return await checkMirror(ports(), mirror, AbortSignal.any([stopping.signal, limit.signal]));
    } catch (error) {
      log.debug({ mirrorId: mirror.id, err: error }, "check failed");
      if (!stopping.signal.aborted) {
        const { hostIsPaused, waitsForHost } = await noteError(ports(), mirror, asHeliostatError(error));
        if (hostIsPaused) host.pausedAt = clock.now();
        if (waitsForHost) return "paused";
      }
      // The update that follows meets the same trouble, and records it with the mirror.
      return "unknown";
    } finally {
      timer.cancel();
    }
  }

  async function writeSoon(): Promise<void> {
    await pause(ports(), WRITE_AFTER_MS, stopping.signal);
    const checked = unchanged;
    unchanged = [];
    writing = null;
    await recordUnchanged(ports(), checked);
  }

  function beginAt(mirror: Mirror): HostChecks {
    const name = hostAndPortOf(mirror.url);
    const host = hosts.get(name) ?? { slots: createSlots(ASKING_PER_HOST), count: 0, pausedAt: null };
    hosts.set(name, host);
    host.count += 1;
    return host;
  }

  function endAt(mirror: Mirror, host: HostChecks): boolean {
    const wasFull = underWay.size >= CHECKS_AT_ONCE || host.count >= GIVEN_PER_HOST;
    host.count -= 1;
    if (host.count === 0) hosts.delete(hostAndPortOf(mirror.url));
    return wasFull;
  }

  return {
    room() {
      const total = stopping.signal.aborted ? 0 : CHECKS_AT_ONCE - underWay.size;
      if (total <= 0) return null;
      const busy = new Map([...hosts].map(([name, { count }]) => [name, count]));
      return { total, perHost: GIVEN_PER_HOST, busy };
    },
    check(mirrors, claimedUntil) {
      for (const mirror of mirrors) {
        const host = beginAt(mirror);
        const one = checkOne(mirror, claimedUntil, host).finally(() => {
          const wasFull = endAt(mirror, host);
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

/** Until then, or until the signal comes. */
async function pause({ clock }: Pick<Ports, "clock">, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await promise;
  signal.removeEventListener("abort", onAbort);
  timer.cancel();
}

async function recordUnchanged(
  ports: Ports,
  checked: readonly { readonly mirror: Mirror; readonly claimedUntil: Date }[],
): Promise<void> {
  const now = ports.clock.now();
  const settings = await ports.settings.read();
  const { random } = ports.instance;
  await ports.mirrors.recordUnchanged(
    checked.map(({ mirror, claimedUntil }) => ({
      id: mirror.id,
      claimedUntil,
      nextCheckAt: nextCheckAfter({
        now,
        intervalSeconds: checkInterval(mirror, settings, now),
        maxDelaySeconds: settings.mirrorMaxDelay * 60,
        retryCount: 0,
        durationMs: 0,
        random,
      }),
    })),
    now,
  );
  await noteAnswers(
    ports,
    checked.map(({ mirror }) => mirror),
  );
}
