import type { Clock, InstanceSettings, MirrorStore } from "../ports.ts";

/** Rows a statement: it is over in a moment, and what runs besides does not wait for it. */
const BATCH = 1000;

const DAY_MS = 24 * 3600_000;

/** What removing old updates needs of the world. */
export interface RetentionPorts {
  readonly clock: Clock;
  readonly mirrors: Pick<MirrorStore, "removeOldUpdates">;
  readonly settings: { read(): Promise<Pick<InstanceSettings, "mirrorUpdateRetentionDays">> };
}

/**
 * Removes the updates that began longer ago than the admin wants them kept; the newest of each mirror always stays.
 * Answers how many it were.
 */
export async function removeOldUpdates(ports: RetentionPorts, signal: AbortSignal): Promise<number> {
  const { mirrorUpdateRetentionDays } = await ports.settings.read();
  const before = new Date(ports.clock.now().getTime() - mirrorUpdateRetentionDays * DAY_MS);
  let total = 0;
  while (!signal.aborted) {
    const removed = await ports.mirrors.removeOldUpdates(before, BATCH);
    total += removed;
    if (removed < BATCH) break;
  }
  return total;
}
