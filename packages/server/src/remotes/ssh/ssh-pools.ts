import { createHash } from "node:crypto";
import type { RemoteAccess } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { orStopped } from "../or-stopped.ts";
import { stoppedBy } from "../stopped-by.ts";
import type { SshConnection } from "./ssh-connection.ts";

/** A connection that is kept for whoever comes next. */
export interface Kept {
  readonly connection: SshConnection;
  readonly openedAt: number;
  channels: number;
  /** Of those: given back, and not yet confirmed to be closed. */
  closing: number;
  transfers: number;
  /** As far as the server has let us find out. */
  maxChannels: number;
  /** Not for anybody new. */
  isRetired: boolean;
  isNew: boolean;
  idleTimer: NodeJS.Timeout | undefined;
}

/** Room for one channel that was taken on a connection. */
export interface Place {
  readonly kept: Kept;
  /** Nobody speaks there any more. */
  leave(): void;
  /** And the server counts it no more. */
  free(): void;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** It may move a lot and take long: it gets a connection to itself where there can be one. */
  readonly isTransfer: boolean;
}

/** Connections that are kept for a while after use, each with several channels. */
export interface SshPools {
  /** A connection with room, the emptiest first; opens one, or waits. The place on it is taken. */
  take(remote: RemoteAccess, options: RunOptions): Promise<Place>;
  /** Closes all; to be called when `closing` was aborted, so that none is opened any more. */
  close(): void;
}

/** Longer than a minute, the shortest interval of a pull mirror. */
const KEEP_MS = 90_000;
/** A key that the remote revoked, and a host key that it replaced, count at the next handshake: 100 ms, now and then. */
const MAX_AGE_MS = 5 * 60_000;
/** What is idle costs the remote a process or two. Those that waited longest go first. */
const MAX_IDLE = 200;
/** Servers allow ten sessions over one connection unless told otherwise. */
const CHANNELS = 8;
/** For one remote user with one credential. */
const CONNECTIONS = 16;
/** Of those, so that a listing need not wait for long transfers. */
const TRANSFERS = 12;

/** All connections of one user with one credential to one server that is known by the same keys. */
interface Pool {
  readonly kept: Set<Kept>;
  opening: number;
  /** Wakes who waits for room. An error: nobody gets in. */
  waiting: Set<(error: HeliostatError | null) => void>;
}

/**
 * A connection is shared by whoever has the same `partsOf`, and by nobody else. `connect` makes one, and stops when
 * `closing` does.
 */
export function createSshPools({
  connect,
  partsOf,
  closing,
}: {
  connect: (remote: RemoteAccess) => Promise<SshConnection>;
  partsOf: (remote: RemoteAccess) => readonly unknown[];
  closing: AbortSignal;
}): SshPools {
  const pools = new Map<string, Pool>();
  const live = new Set<Kept>();
  const idle = new Set<Kept>();

  async function open(pool: Pool, key: string, remote: RemoteAccess): Promise<Kept> {
    let connection: SshConnection;
    pool.opening += 1;
    try {
      connection = await connect(remote).finally(() => {
        pool.opening -= 1;
      });
    } catch (error) {
      // Who waits for the same is told the same: to try again for each would be one failed sign-in after the other.
      wake(pool, key, error instanceof HeliostatError ? error : null);
      throw error;
    }
    const kept: Kept = {
      connection,
      openedAt: performance.now(),
      channels: 0,
      closing: 0,
      transfers: 0,
      maxChannels: CHANNELS,
      isRetired: false,
      isNew: true,
      idleTimer: undefined,
    };
    live.add(kept);
    pool.kept.add(kept);
    connection.onEnd(() => {
      live.delete(kept);
      pool.kept.delete(kept);
      rest(kept, false);
      wake(pool, key, null);
    });
    return kept;
  }

  function wake(pool: Pool, key: string, error: HeliostatError | null): void {
    const waiting = pool.waiting;
    pool.waiting = new Set();
    for (const each of waiting) each(error);
    const isEmpty = pool.kept.size === 0 && pool.opening === 0 && pool.waiting.size === 0;
    // Another may have taken its place since: what was woken above comes back to that one.
    if (isEmpty && pools.get(key) === pool) pools.delete(key);
  }

  /** Begins or ends the time of a connection that nobody uses. */
  function rest(kept: Kept, isResting: boolean): void {
    clearTimeout(kept.idleTimer);
    idle.delete(kept);
    if (!isResting) return;
    idle.add(kept);
    kept.idleTimer = setTimeout(() => kept.connection.close(), KEEP_MS);
    kept.idleTimer.unref();
    if (idle.size <= MAX_IDLE) return;
    for (const oldest of idle) {
      oldest.connection.close();
      break;
    }
  }

  async function take(remote: RemoteAccess, { signal, isTransfer }: RunOptions): Promise<Place> {
    const key = digestOf(partsOf(remote));
    for (;;) {
      if (signal.aborted) throw stoppedBy(signal);
      if (closing.aborted) throw stoppedBy(closing);
      const pool = pools.get(key) ?? { kept: new Set<Kept>(), opening: 0, waiting: new Set() };
      pools.set(key, pool);
      const usable = [...pool.kept].filter((kept) => isUsable(kept)).sort((a, b) => a.channels - b.channels);
      const isFull = pool.kept.size + pool.opening >= CONNECTIONS;
      const transfers = [...pool.kept].reduce((sum, kept) => sum + kept.transfers, 0);
      let found: Kept | undefined;
      if (!isTransfer)
        found = usable.find((kept) => kept.transfers === 0) ?? (isFull ? usable[0] : undefined);
      else if (transfers < TRANSFERS) found = usable.find((kept) => kept.channels === kept.closing);
      const mayOpen = !isFull && (isTransfer ? transfers + pool.opening < TRANSFERS : pool.opening === 0);
      if (found === undefined && mayOpen) {
        // Whoever asks may go while the connection is made; it is then there for the next.
        const opening = open(pool, key, remote);
        opening.then(
          (kept) => {
            if (kept.channels === 0 && isUsable(kept)) rest(kept, true);
            wake(pool, key, null);
          },
          () => {},
        );
        found = await orStopped(opening, signal);
        if (!isUsable(found) || found.channels > 0) continue;
      }
      if (found === undefined) {
        await orStopped(
          new Promise<void>((resolve, reject) => {
            pool.waiting.add((error) => (error === null ? resolve() : reject(error)));
          }),
          signal,
        );
        continue;
      }
      const kept = found;
      rest(kept, false);
      kept.channels += 1;
      if (isTransfer) kept.transfers += 1;
      let state: "taken" | "left" | "free" = "taken";
      const leave = () => {
        if (state !== "taken") return;
        state = "left";
        kept.closing += 1;
        if (isTransfer) kept.transfers -= 1;
        wake(pool, key, null);
      };
      return {
        kept,
        leave,
        free() {
          leave();
          if (state === "free") return;
          state = "free";
          kept.closing -= 1;
          kept.channels -= 1;
          if (kept.channels === 0 && kept.connection.failure() === null) {
            if (isUsable(kept)) rest(kept, true);
            else kept.connection.close();
          }
          wake(pool, key, null);
        },
      };
    }
  }

  return {
    take,
    close() {
      for (const { connection } of [...live]) connection.close();
    },
  };
}

function isUsable({ connection, isRetired, openedAt, channels, maxChannels }: Kept): boolean {
  return (
    connection.failure() === null &&
    !isRetired &&
    channels < maxChannels &&
    performance.now() - openedAt < MAX_AGE_MS
  );
}

/** As a digest: secrets are not to lie about as the keys of a map. */
function digestOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64");
}
