import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror, UpdateState } from "../../domain/mirror.ts";
import type { Ports } from "../ports.ts";
import type { MirrorProgress, ProgressEvent } from "../use-cases.ts";

type FollowPorts = Pick<Ports, "clock" | "mirrors" | "progress">;

/** A person sees no more than this, and a browser draws no more. */
const PAUSE_MS = 200;

/** How soon what runs on another node is seen; what runs on this one is told at once. */
const LOOK_AGAIN_MS = 1000;

/** How long one who was blocked, or whose token was revoked, may still look on. */
const ASK_AGAIN_MS = 30_000;

/** How far the mirror's update is; `update` is null while none runs. */
export async function readProgress(ports: FollowPorts, mirror: Mirror): Promise<MirrorProgress> {
  const newest = await ports.mirrors.findNewestUpdate(mirror.id);
  return { mirror, update: newest?.status === "started" ? asKnownHere(ports, newest) : null };
}

/**
 * Follows one update to its end: the first with an id above `after`; without it the one that runs, or else the next
 * one. Yields how far it is whenever that changes, at most five times a second, and its end, and is over. A run whose
 * node died is followed on by the one that takes it up. Ends without a word when the signal fires; `not-found` when the
 * mirror is removed; with the error of `requireAccess`, which is asked twice a minute: who follows may have lost the
 * right to.
 */
export async function* followUpdates(
  ports: FollowPorts,
  mirrorId: number,
  after: number | null,
  signal: AbortSignal,
  requireAccess: () => Promise<void>,
): AsyncGenerator<ProgressEvent, void, void> {
  let last = after ?? (await lastBeforeNow(ports, mirrorId));
  let told = "";
  let askedAt = ports.clock.now().getTime();
  let news = Promise.withResolvers<void>();
  const unwatch = ports.progress.watch(mirrorId, () => news.resolve());
  try {
    while (!signal.aborted) {
      // Before the look: what happens from now on is news.
      news = Promise.withResolvers();
      if (ports.clock.now().getTime() - askedAt >= ASK_AGAIN_MS) {
        await requireAccess();
        askedAt = ports.clock.now().getTime();
      }
      const update = await ports.mirrors.findUpdateAfter(mirrorId, last);
      const mirror = await ports.mirrors.find(mirrorId);
      if (!mirror) throw new HeliostatError("not-found", "Not found");
      if (update && update.status !== "started") {
        if (!update.isTakenUp || !mirror.enabled) {
          yield { kind: "end", update };
          return;
        }
        last = update.id;
        continue;
      }
      const progress = { mirror, update: update && asKnownHere(ports, update) };
      const text = JSON.stringify([mirror.updateStatus, progress.update]);
      if (text !== told) {
        told = text;
        yield { kind: "progress", progress };
      }
      await wait(ports, PAUSE_MS, signal);
      await wait(ports, LOOK_AGAIN_MS - PAUSE_MS, signal, news.promise);
    }
  } finally {
    unwatch();
  }
}

async function lastBeforeNow(ports: FollowPorts, mirrorId: number): Promise<number> {
  const newest = await ports.mirrors.findNewestUpdate(mirrorId);
  if (!newest) return 0;
  return newest.status === "started" ? newest.id - 1 : newest.id;
}

/** What the database has may be a second old. */
function asKnownHere(ports: FollowPorts, update: UpdateState): UpdateState {
  return { ...update, progress: ports.progress.read(update.id) ?? update.progress };
}

/** Until the time is over, the signal fires or there is news. */
function wait(
  { clock }: Pick<Ports, "clock">,
  ms: number,
  signal: AbortSignal,
  news?: Promise<void>,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, end);
    function end(): void {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    void news?.then(end);
  });
}
