import { statSync } from "node:fs";
import { HeliostatError } from "../../domain/errors.ts";
import type { Git } from "../run-git.ts";
import { type ObjectReader, openObjectReader } from "./object-reader.ts";

/** The processes that read objects, kept for a while for who comes next. */
export interface ReaderPool {
  /** Works with a reader of the repository at `path`; null when there is no repository. */
  use<T>(path: string, work: (reader: ObjectReader) => Promise<T>): Promise<T | null>;
  /** Ends all processes, and resolves when they are gone. */
  close(): Promise<void>;
}

export interface ReaderPoolOptions {
  /** Over all repositories: each takes some megabytes and keeps its packs open. */
  readonly maxReaders?: number;
  /** A reader whom nobody asked for so long ends. */
  readonly idleMs?: number;
  /** A reader that does not answer for so long is ended. */
  readonly patienceMs?: number;
}

/** A second reader pays where the machine has a second core and many ask for the same repository. */
const PER_REPOSITORY = 2;
/** From so many unanswered questions on. */
const MANY = 40;

interface Place {
  readonly path: string;
  readonly reader: ObjectReader;
  /** The directory that the process works in: another one may come to stand at its path. */
  readonly identity: string;
  users: number;
  usedAt: number;
}

/**
 * A pool without processes as yet: each is started for who first asks. To be closed, or its timer and its readers
 * stay.
 */
export function createReaderPool(git: Git, options: ReaderPoolOptions = {}): ReaderPool {
  const { maxReaders = 32, idleMs = 60_000, patienceMs = 30_000 } = options;
  const places = new Set<Place>();
  const waiting: (() => void)[] = [];
  let isClosed = false;

  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const place of places) {
        const { waitsSince } = place.reader;
        const isStuck = waitsSince !== null && now - waitsSince > patienceMs;
        if (isStuck || (place.users === 0 && now - place.usedAt > idleMs)) retire(place);
      }
    },
    Math.min(5_000, idleMs, patienceMs),
  );
  sweep.unref();

  function retire(place: Place): void {
    if (!places.delete(place)) return;
    place.reader.stop();
    waiting.shift()?.();
  }

  /** A place that already counts its new user: until that one goes on, somebody else may look for room. */
  async function enter(path: string, identity: string): Promise<Place> {
    for (;;) {
      if (isClosed) throw new HeliostatError("cancelled", "The server is shutting down.");
      const own: Place[] = [];
      for (const place of places) {
        if (place.path !== path) continue;
        if (place.identity === identity && !place.reader.hasEnded) own.push(place);
        else retire(place);
      }
      own.sort((a, b) => a.reader.pending - b.reader.pending);
      const [best] = own;
      if (best && (best.reader.pending < MANY || own.length >= PER_REPOSITORY || !makeRoom())) {
        best.users += 1;
        return best;
      }
      if (makeRoom()) {
        const place: Place = { path, identity, reader: openObjectReader(git, path), users: 1, usedAt: 0 };
        places.add(place);
        void place.reader.ended.then(() => retire(place));
        return place;
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  /** Makes room at the cost of the one that was not used for the longest time. */
  function makeRoom(): boolean {
    if (places.size < maxReaders) return true;
    let oldest: Place | null = null;
    for (const place of places) {
      if (place.users === 0 && (oldest === null || place.usedAt < oldest.usedAt)) oldest = place;
    }
    if (oldest === null) return false;
    places.delete(oldest);
    oldest.reader.stop();
    return true;
  }

  return {
    async use(path, work) {
      const identity = identify(path);
      if (identity === null) return null;
      const place = await enter(path, identity);
      try {
        return await work(place.reader);
      } finally {
        place.users -= 1;
        place.usedAt = performance.now();
        if (place.users === 0) waiting.shift()?.();
      }
    },
    async close() {
      isClosed = true;
      clearInterval(sweep);
      const ending = [...places].map(({ reader }) => reader.ended);
      for (const place of places) retire(place);
      for (const wake of waiting.splice(0)) wake();
      await Promise.all(ending);
    },
  };
}

/** At once: of a directory that was just looked at, a thread would take ten times as long. */
function identify(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
