import type { Socket } from "node:net";
import type { RemoteTrust } from "../app/ports.ts";
import { createMemory } from "./memory.ts";
import { type OpenSocket, openSocket, type Route } from "./open-socket.ts";
import { secureSocket } from "./secure-socket.ts";
import type { TrustStore } from "./trust.ts";

/** A route, and what is spoken at its end. */
export interface Destination extends Route {
  readonly isSecure: boolean;
  readonly trust?: RemoteTrust | undefined;
}

export interface Connector {
  /** TCP only, for protocols that look after themselves: SSH. */
  readonly open: OpenSocket;
  /** With TLS where the destination is secure: nothing was sent, and the certificate is good. */
  connect(destination: Destination, signal?: AbortSignal): Promise<Socket>;
  /** The same for the same certificates, known by a digest of them. */
  trustIdOf(trust: RemoteTrust | undefined): string;
}

const MAX_SESSIONS = 1_000;
const SESSION_MS = 3600_000;

/** Opens all connections to remotes, each within `connectMs`, handshakes included. */
export function createConnector({ trusts, connectMs }: { trusts: TrustStore; connectMs: number }): Connector {
  const sessions = createMemory<Buffer>(SESSION_MS, MAX_SESSIONS);
  const proxyContext = () => trusts.of(undefined).context;

  return {
    open: (route, { timeoutMs, signal }) => openSocket(route, { timeoutMs, signal, proxyContext }),
    async connect(destination, signal) {
      const { host, port, isSecure } = destination;
      const startedAt = performance.now();
      const socket = await openSocket(destination, { timeoutMs: connectMs, signal, proxyContext });
      if (!isSecure) return socket;
      const trust = trusts.of(destination.trust);
      // By certificates too: a session that was begun with one must not be resumed for somebody who has another.
      const key = `${trust.id} ${host}:${port}`;
      const left = Math.max(1, connectMs - (performance.now() - startedAt));
      const secured = await secureSocket(socket, {
        host,
        ...trust,
        session: sessions.get(key),
        timeoutMs: left,
        signal,
      });
      secured.on("session", (session: Buffer) => sessions.set(key, session));
      return secured;
    },
    trustIdOf: (trust) => trusts.of(trust).id,
  };
}
