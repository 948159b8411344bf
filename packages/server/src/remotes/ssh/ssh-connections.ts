import type { ClientChannel } from "ssh2";
import type { RemoteAccess, ScannedHostKey } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { hostKeyAlgorithmsFor } from "../../domain/known-hosts.ts";
import { hostOf, portOf } from "../../domain/remote-url.ts";
import { DEFAULT_SSH_USER, sshUserOf } from "../../domain/ssh-remote.ts";
import type { RemoteLimits } from "../limits.ts";
import type { OpenSocket, Route } from "../open-socket.ts";
import { orStopped } from "../or-stopped.ts";
import { createHandshakeDoor } from "./handshake-door.ts";
import { judgeShownKey } from "./judge-shown-key.ts";
import { scanHostKeys } from "./scan-host-keys.ts";
import { ChannelRefused, type Handshake, openSshConnection, type SshConnection } from "./ssh-connection.ts";
import { createSshPools, type Place, type RunOptions } from "./ssh-pools.ts";

/** A channel with a command at its other end, and the connection that carries it. */
export interface SshChannel {
  readonly channel: ClientChannel;
  readonly connection: SshConnection;
  /** To be called once, when the channel is of no more use to its owner. */
  release(): void;
}

export interface SshConnections {
  /** Runs a command at the remote over a kept connection, or a new one. Throws errors of ours. */
  run(remote: RemoteAccess, command: string, options: RunOptions): Promise<SshChannel>;
  /** As `Remotes.scanHostKeys`. */
  scanHostKeys(remote: RemoteAccess, signal: AbortSignal): Promise<readonly ScannedHostKey[]>;
  close(): Promise<void>;
}

/** Servers begin to drop strangers at random when ten are at the door. */
const HANDSHAKES_PER_HOST = 4;
/** A connection that was kept may be dead without anybody knowing: it gets less time to answer than a new one. */
const KEPT_ANSWER_MS = 5_000;
/** A server that does not confirm the end of a channel for so long is not used any more. */
const CLOSE_MS = 5_000;

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
  const closing = new AbortController();
  const door = createHandshakeDoor(HANDSHAKES_PER_HOST);
  const pools = createSshPools({ connect, partsOf, closing: closing.signal });

  function shake(remote: RemoteAccess, signal: AbortSignal, handshake: Handshake): Promise<SshConnection> {
    const route = routeTo(remote);
    return door.through(`${route.address ?? route.host} ${route.port}`, signal, async () => {
      const socket = await openSocket(route, { timeoutMs: limits.connectMs, signal });
      socket.setKeepAlive(true, 15_000);
      return await openSshConnection(socket, {
        host: route.host,
        username: userOf(remote),
        credential: remote.credential,
        handshakeMs: limits.handshakeMs,
        signal,
        ...handshake,
      });
    });
  }

  function connect(remote: RemoteAccess): Promise<SshConnection> {
    const place = { host: hostOf(remote.url), port: portOf(remote.url) };
    const knownHosts = remote.trust?.knownHosts ?? "";
    return shake(remote, closing.signal, {
      hostKeyAlgorithms: hostKeyAlgorithmsFor(knownHosts, place),
      judge: (shown) => judgeShownKey(knownHosts, place, shown),
    });
  }

  return {
    async run(remote, command, options) {
      for (;;) {
        const place = await pools.take(remote, options);
        const { kept } = place;
        const { connection } = kept;
        const isFirst = kept.isNew;
        const isQuiet = kept.channels === 1 && !isFirst;
        kept.isNew = false;
        const asked = ask(connection, command, isQuiet ? KEPT_ANSWER_MS : limits.idleMs);
        try {
          const channel = await orStopped(asked, options.signal);
          return { channel, connection, release: freeWhenClosed(channel, place) };
        } catch (error) {
          if (options.signal.aborted) {
            // The channel may come yet, and the server counts it until it is closed.
            asked.then((late) => freeWhenClosed(late, place)(), place.free);
            throw error;
          }
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
          if (isFirst || closing.signal.aborted) throw error;
        }
      }
    },
    async scanHostKeys(remote, signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      return await scanHostKeys((handshake) => shake(remote, either, handshake));
    },
    async close() {
      closing.abort(new HeliostatError("cancelled", "Stopped: the server shuts down."));
      pools.close();
    },
  };
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

/** A server that is asked for its host keys may be one that no mirror signs in to yet. */
function userOf({ url, credential }: RemoteAccess): string {
  return sshUserOf(url) ?? (credential?.username || DEFAULT_SSH_USER);
}

function routeTo(remote: RemoteAccess): Route {
  return {
    host: hostOf(remote.url),
    port: portOf(remote.url),
    address: remote.address,
    proxy: remote.proxy,
  };
}

/** What a connection depends on. */
function partsOf(remote: RemoteAccess): readonly unknown[] {
  const { host, port, address, proxy } = routeTo(remote);
  const { password = "", privateKey = "" } = remote.credential ?? {};
  return [host, port, address, proxy, userOf(remote), password, privateKey, remote.trust?.knownHosts];
}
