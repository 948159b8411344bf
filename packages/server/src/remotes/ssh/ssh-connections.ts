import { createHash } from "node:crypto";
import type { ClientChannel } from "ssh2";
import type { RemoteAccess, ScannedHostKey } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { hostKeyAlgorithmsFor, judgeHostKey } from "../../domain/known-hosts.ts";
import { hostOf, portOf } from "../../domain/remote-url.ts";
import { fingerprintSha256, type SshPublicKey } from "../../domain/ssh-public-key.ts";
import type { RemoteLimits } from "../limits.ts";
import type { OpenSocket, Route } from "../open-socket.ts";
import { stoppedBy } from "../stopped-by.ts";
import { hostKeyTypesIn } from "./algorithms.ts";
import { userOf } from "./ssh-command.ts";
import { ChannelRefused, openSshConnection, type SshConnection } from "./ssh-connection.ts";

/** A channel with a command at its other end, and the connection that carries it. */
export interface SshChannel {
  readonly channel: ClientChannel;
  readonly connection: SshConnection;
  /** To be called once, when the channel is of no more use to its owner. */
  release(): void;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** It may move a lot and take long: it gets a connection to itself where there can be one. */
  readonly isTransfer: boolean;
}

export interface SshConnections {
  /** Runs a command at the remote over a kept connection, or a new one. Throws errors of ours. */
  run(remote: RemoteAccess, command: string, options: RunOptions): Promise<SshChannel>;
  /** As `Remotes.scanHostKeys`. */
  scanHostKeys(remote: RemoteAccess, signal: AbortSignal): Promise<readonly ScannedHostKey[]>;
  close(): Promise<void>;
}

/** Longer than a minute, the shortest interval of a pull mirror. */
const KEEP_MS = 90_000;
/** A key that was revoked at the remote opens nothing any more when it is next asked for. */
const MAX_AGE_MS = 15 * 60_000;
/** What is idle costs the remote a process or two. Those that waited longest go first. */
const MAX_IDLE = 200;
/** Servers allow ten sessions over one connection unless told otherwise. */
const CHANNELS = 8;
/** For one remote user with one credential. */
const CONNECTIONS = 16;
/** Of those, so that a listing need not wait for long transfers. */
const TRANSFERS = 12;
/** Servers begin to drop strangers at random when ten are at the door. */
const HANDSHAKES_PER_HOST = 4;
/** A connection that was kept may be dead without anybody knowing: it gets less time to answer than a new one. */
const KEPT_ANSWER_MS = 5_000;
/** A server that does not confirm the end of a channel for so long is not used any more. */
const CLOSE_MS = 5_000;

interface Kept {
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

/** All connections of one user with one credential to one server that is known by the same keys. */
interface Pool {
  readonly kept: Set<Kept>;
  opening: number;
  /** Wakes who waits for room. An error: nobody gets in. */
  waiting: Set<(error: HeliostatError | null) => void>;
}

/**
 * Keeps connections for a while after use, each with several channels: what is spoken over them costs no handshake. A
 * connection is shared by whoever has the same address, user, credential and known host keys, and by nobody else.
 */
export function createSshConnections({
  limits,
  openSocket,
}: {
  limits: RemoteLimits;
  openSocket: OpenSocket;
}): SshConnections {
  const pools = new Map<string, Pool>();
  const live = new Set<Kept>();
  const idle = new Set<Kept>();
  const doors = new Map<string, { inside: number; queue: (() => void)[] }>();
  const closing = new AbortController();

  /** Lets so many at a time shake hands with one server. */
  async function atTheDoor<T>({ address, host, port }: Route, work: () => Promise<T>): Promise<T> {
    const name = `${address ?? host} ${port}`;
    const door = doors.get(name) ?? { inside: 0, queue: [] };
    doors.set(name, door);
    if (door.inside >= HANDSHAKES_PER_HOST) await new Promise<void>((resolve) => door.queue.push(resolve));
    else door.inside += 1;
    try {
      return await work();
    } finally {
      const next = door.queue.shift();
      if (next !== undefined) next();
      else if (--door.inside === 0) doors.delete(name);
    }
  }

  function shake(
    remote: RemoteAccess,
    signal: AbortSignal,
    options: {
      hostKeyAlgorithms: readonly string[];
      judge: (key: SshPublicKey) => HeliostatError | null;
      stopsAfterKeyExchange?: boolean;
    },
  ): Promise<SshConnection> {
    const route = routeTo(remote);
    return atTheDoor(route, async () => {
      const socket = await openSocket(route, { timeoutMs: limits.connectMs, signal });
      socket.setKeepAlive(true, 15_000);
      return await openSshConnection(socket, {
        host: route.host,
        username: userOf(remote.url) ?? (remote.credential?.username || "git"),
        credential: remote.credential,
        handshakeMs: limits.handshakeMs,
        signal,
        ...options,
      });
    });
  }

  async function open(pool: Pool, key: string, remote: RemoteAccess): Promise<Kept> {
    const place = { host: hostOf(remote.url), port: portOf(remote.url) };
    const knownHosts = remote.trust?.knownHosts ?? "";
    let connection: SshConnection;
    pool.opening += 1;
    try {
      connection = await shake(remote, closing.signal, {
        hostKeyAlgorithms: hostKeyAlgorithmsFor(knownHosts, place),
        judge: (shown) => judge(knownHosts, place, shown),
      }).finally(() => {
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

  /** A connection with room, the emptiest first; opens one, or waits. The place on it is taken. */
  async function take(remote: RemoteAccess, { signal, isTransfer }: RunOptions): Promise<Place> {
    const key = keyOf(remote);
    for (;;) {
      if (signal.aborted) throw stoppedBy(signal);
      if (closing.signal.aborted) throw stoppedBy(closing.signal);
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
    async run(remote, command, options) {
      for (;;) {
        const place = await take(remote, options);
        const { kept } = place;
        const { connection } = kept;
        const isFirst = kept.isNew;
        const isQuiet = kept.channels === 1 && !isFirst;
        kept.isNew = false;
        try {
          const channel = await orStopped(
            ask(connection, command, isQuiet ? KEPT_ANSWER_MS : limits.idleMs),
            options.signal,
            (late) => late.close(),
          );
          return { channel, connection, release: freeWhenClosed(channel, place) };
        } catch (error) {
          place.free();
          if (error instanceof ChannelRefused) {
            // It has as many as it wants; there are other connections.
            if (kept.channels > 0) kept.maxChannels = kept.channels;
            else connection.close();
            if (kept.channels > 0 || !isFirst) continue;
            throw new HeliostatError(
              "remote-forbidden",
              `${hostOf(remote.url)} runs no commands for this user.`,
            );
          }
          // A connection that was closed while it was kept is no news: a new one will do.
          if (isFirst || options.signal.aborted || closing.signal.aborted) throw error;
        }
      }
    },
    async scanHostKeys(remote, signal) {
      const found = new Map<string, ScannedHostKey>();
      const scan = async (algorithms: readonly string[]): Promise<readonly string[]> => {
        const connection = await shake(remote, AbortSignal.any([signal, closing.signal]), {
          hostKeyAlgorithms: algorithms,
          stopsAfterKeyExchange: true,
          judge: (key) => {
            found.set(key.algorithm, { algorithm: key.algorithm, key: key.key });
            return null;
          },
        });
        return connection.lists?.hostKeys ?? [];
      };
      const offered = await scan([]);
      for (const type of hostKeyTypesIn(offered)) {
        const name =
          type.includes("ssh-rsa") || type.includes("rsa-sha2-512") || type.includes("rsa-sha2-256")
            ? "ssh-rsa"
            : type[0];
        if (name !== undefined && !found.has(name)) await scan(type);
      }
      return [...found.values()];
    },
    async close() {
      closing.abort(new HeliostatError("cancelled", "Stopped: the server shuts down."));
      for (const { connection } of [...live]) connection.close();
    },
  };
}

/** Room for one channel that was taken on a connection. */
interface Place {
  readonly kept: Kept;
  /** Nobody speaks there any more. */
  leave(): void;
  /** And the server counts it no more. */
  free(): void;
}

function isUsable({ connection, isRetired, openedAt, channels, maxChannels }: Kept): boolean {
  return (
    connection.failure() === null &&
    !isRetired &&
    channels < maxChannels &&
    performance.now() - openedAt < MAX_AGE_MS
  );
}

/**
 * The place is free when the server has confirmed that the channel is closed: until then it counts it, too. The answer
 * closes it from our side.
 */
function freeWhenClosed(channel: ClientChannel, { kept, leave, free }: Place): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const done = () => {
    isClosed = true;
    clearTimeout(timer);
    forget();
    free();
  };
  const forget = kept.connection.onEnd(done);
  channel.once("close", done);
  return () => {
    if (isClosed) return;
    leave();
    timer = setTimeout(() => {
      kept.isRetired = true;
      done();
    }, CLOSE_MS);
    timer.unref();
    // What still comes is read away: the end is told after it.
    channel.removeAllListeners("data");
    channel.resume();
    channel.stderr.resume();
    channel.close();
  };
}

/** A connection over which nothing comes for so long is of no use to others either, and is closed. */
async function ask(connection: SshConnection, command: string, ms: number): Promise<ClientChannel> {
  let received = connection.bytesReceived();
  const timer = setInterval(() => {
    if (connection.bytesReceived() === received) connection.close("remote-timeout");
    received = connection.bytesReceived();
  }, ms);
  try {
    return await connection.run(command);
  } finally {
    clearInterval(timer);
  }
}

/** What comes when nobody waits for it any more is given to `drop`. */
async function orStopped<T>(
  work: Promise<T>,
  signal: AbortSignal,
  drop: (late: T) => void = () => {},
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = () => {
    reject(stoppedBy(signal));
    work.then(drop, () => {});
  };
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function routeTo(remote: RemoteAccess): Route {
  return {
    host: hostOf(remote.url),
    port: portOf(remote.url),
    address: remote.address,
    proxy: remote.proxy,
  };
}

/** What a connection depends on. As a digest: secrets are not to lie about as the keys of a map. */
function keyOf(remote: RemoteAccess): string {
  const { host, port, address, proxy } = routeTo(remote);
  const { username = "", password = "", privateKey = "" } = remote.credential ?? {};
  const parts = [
    host,
    port,
    address,
    proxy,
    userOf(remote.url),
    username,
    password,
    privateKey,
    remote.trust?.knownHosts,
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64");
}

function judge(
  knownHosts: string,
  place: { readonly host: string; readonly port: number },
  shown: SshPublicKey,
): HeliostatError | null {
  const verdict = judgeHostKey(knownHosts, place, shown);
  const { host } = place;
  const key = `${shown.algorithm} ${fingerprintSha256(shown.key)}`;
  switch (verdict.kind) {
    case "match":
      return null;
    case "missing":
      return new HeliostatError(
        "host-key-missing",
        `No host key of ${host} is stored for this mirror, so nothing was sent to it. It shows ${key}: if that is the key that its operators publish, store it.`,
      );
    case "revoked":
      return new HeliostatError(
        "host-key-revoked",
        `${host} shows ${key}, a key that is marked as revoked for this mirror. Nothing was sent to it.`,
      );
    case "changed": {
      const known = verdict.expected
        .map((each) => `${each.algorithm} ${fingerprintSha256(each.key)}`)
        .join(", ");
      return new HeliostatError(
        "host-key-changed",
        `The host key of ${host} has changed. Stored for this mirror: ${known}. It now shows: ${key}. Somebody may be listening in, so nothing was sent to it; if its operators confirm the new key, store that.`,
      );
    }
    default:
      return verdict satisfies never;
  }
}
