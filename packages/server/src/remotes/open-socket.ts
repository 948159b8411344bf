import { connect, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { HeliostatError } from "../domain/errors.ts";
import { askConnect } from "./http-connect.ts";
import { networkError } from "./remote-errors.ts";
import { secureSocket } from "./secure-socket.ts";
import { askSocks5, type ProxyRefusal } from "./socks5.ts";
import { stoppedBy } from "./stopped-by.ts";

/** Where a connection is to lead, and through what. */
export interface Route {
  /** The remote's host, for messages, and for a proxy that looks it up. */
  readonly host: string;
  readonly port: number;
  /** The checked address. Null: the proxy looks the host up. */
  readonly address: string | null;
  /** As `RemoteAccess.proxy`. */
  readonly proxy?: string | undefined;
}

export interface OpenSocketOptions {
  /** For all of it: the way to the proxy, and the proxy's way to the remote. */
  readonly timeoutMs: number;
  /** Its reason is thrown when it is a HeliostatError. */
  readonly signal?: AbortSignal | undefined;
  /** By what a proxy that is spoken to over TLS is known. */
  readonly proxyContext: () => SecureContext;
}

/** Opens connections for protocols that look after themselves. */
export type OpenSocket = (
  route: Route,
  options: Pick<OpenSocketOptions, "timeoutMs" | "signal">,
) => Promise<Socket>;

const KEEP_ALIVE_AFTER_MS = 60_000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "socks5:": 1080,
  "socks5h:": 1080,
};

/**
 * A connection to the remote, itself or through its proxy, over which nothing was sent to it yet; the caller's to close
 * and to listen to. Everything that leaves this server for a remote begins here, so that nothing goes round the proxy.
 * Throws errors of ours: those of the proxy (`remote-proxy`) name it without its credentials.
 */
export async function openSocket(route: Route, options: OpenSocketOptions): Promise<Socket> {
  const { signal, timeoutMs } = options;
  if (signal?.aborted) throw stoppedBy(signal);
  const sockets: Socket[] = [];
  const { promise: ended, reject } = Promise.withResolvers<never>();
  // Until the proxy has said something, it is the proxy that is slow; not the remote, which may be well.
  let slow: "proxy" | "answer of the proxy" | "remote" = route.proxy === undefined ? "remote" : "proxy";
  const timer = setTimeout(() => reject(tooSlow(route, slow)), timeoutMs);
  const cancel = () => reject(signal && stoppedBy(signal));
  signal?.addEventListener("abort", cancel, { once: true });
  const open = async (): Promise<Socket> => {
    const { proxy } = route;
    if (proxy === undefined) {
      if (route.address === null)
        throw new HeliostatError("bug", "neither an address nor a proxy to look it up");
      return await reach(route.address, route.port, sockets).catch((error: unknown) => {
        throw networkError(error, route.host, false);
      });
    }
    const toProxy = await openToProxy(new URL(proxy), sockets, options.proxyContext);
    slow = "answer of the proxy";
    await askProxy(toProxy, new URL(proxy), route, () => {
      slow = "remote";
    });
    return toProxy;
  };
  try {
    const socket = await Promise.race([ended, open()]);
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    return socket;
  } catch (error) {
    for (const socket of sockets) socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

/** `sockets` holds it from the first moment, so that it can be destroyed before it is connected. */
function reach(host: string, port: number, sockets: Socket[]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    sockets.push(socket);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      // Until its next owner listens.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

async function openToProxy(proxy: URL, sockets: Socket[], context: () => SecureContext): Promise<Socket> {
  const host = proxy.hostname.replaceAll(/^\[|\]$/g, "");
  const port = Number(proxy.port) || (DEFAULT_PORTS[proxy.protocol] ?? 0);
  try {
    const socket = await reach(host, port, sockets);
    if (proxy.protocol !== "https:") return socket;
    const secured = await secureSocket(socket, { host, context: context(), hasClientCertificate: false });
    sockets.push(secured);
    return secured;
  } catch (error) {
    const words = error instanceof HeliostatError ? `cannot be used. ${error.message}` : unreached(error);
    throw proxyError(proxy, words, error);
  }
}

function unreached(error: unknown): string {
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
  return `cannot be reached${code}.`;
}

/** `onTaken`: the proxy is there, and on its way to the remote. */
async function askProxy(
  socket: Socket,
  proxy: URL,
  { host, address, port }: Route,
  onTaken: () => void,
): Promise<void> {
  const credential =
    proxy.username === "" && proxy.password === ""
      ? null
      : { username: decodeURIComponent(proxy.username), password: decodeURIComponent(proxy.password) };
  const ask = proxy.protocol.startsWith("socks") ? askSocks5 : askConnect;
  let refusal: ProxyRefusal | null;
  try {
    refusal = await ask(socket, { host: address ?? host, port }, credential, onTaken);
  } catch (error) {
    throw proxyError(proxy, "closed the connection.", error);
  }
  if (refusal === null) return;
  const what = refusal.kind === "credential" ? "" : ` Asked for: ${address ?? host}, port ${port}.`;
  throw proxyError(proxy, `${refusal.words}.${what}`);
}

function proxyError(proxy: URL, words: string, cause?: unknown): HeliostatError {
  return new HeliostatError(
    "remote-proxy",
    `The proxy ${nameOf(proxy)} ${words}`,
    cause === undefined ? {} : { cause },
  );
}

/** Without what may be secret. */
function nameOf({ protocol, host }: URL): string {
  return `${protocol}//${host}`;
}

function tooSlow(
  { host, address, port, proxy }: Route,
  slow: "proxy" | "answer of the proxy" | "remote",
): HeliostatError {
  if (proxy === undefined || slow === "remote")
    return new HeliostatError("remote-timeout", `${host} cannot be reached in time.`);
  const words =
    slow === "proxy"
      ? "cannot be reached in time."
      : `did not answer in time. Asked for: ${address ?? host}, port ${port}.`;
  return proxyError(new URL(proxy), words);
}
