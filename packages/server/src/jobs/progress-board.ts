import type { Clock, Log, MirrorStore, ProgressBoard, Timer } from "../app/ports.ts";
import type { UpdateProgress } from "../domain/mirror.ts";

/** How often a run is noted in the database. One that is over sooner costs no statement. */
const RECORD_EVERY_MS = 1000;

/** The board of this node. What stands on it goes to the database at most once a second for each run. */
export function createProgressBoard(ports: {
  readonly clock: Clock;
  readonly log: Log;
  readonly mirrors: Pick<MirrorStore, "recordProgress">;
}): ProgressBoard {
  const latest = new Map<number, UpdateProgress>();
  const watchers = new Map<number, Set<() => void>>();

  function tell(mirrorId: number): void {
    for (const onNews of watchers.get(mirrorId) ?? []) onNews();
  }

  function record(updateId: number): void {
    const progress = latest.get(updateId);
    if (!progress) return;
    ports.mirrors.recordProgress(updateId, progress).catch((error: unknown) => {
      ports.log.debug({ updateId, err: error }, "progress not recorded");
    });
  }

  return {
    begin({ mirrorId, updateId }) {
      let timer: Timer | null = null;
      tell(mirrorId);
      return {
        report(progress) {
          latest.set(updateId, progress);
          tell(mirrorId);
          timer ??= ports.clock.after(RECORD_EVERY_MS, () => {
            timer = null;
            record(updateId);
          });
        },
        end() {
          timer?.cancel();
          latest.delete(updateId);
          tell(mirrorId);
        },
      };
    },
    read: (updateId) => latest.get(updateId) ?? null,
    watch(mirrorId, onNews) {
      const ofMirror = watchers.get(mirrorId) ?? new Set();
      watchers.set(mirrorId, ofMirror.add(onNews));
      return () => {
        ofMirror.delete(onNews);
        if (ofMirror.size === 0 && watchers.get(mirrorId) === ofMirror) watchers.delete(mirrorId);
      };
    },
  };
}
