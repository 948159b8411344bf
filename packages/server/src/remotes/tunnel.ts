import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { RemoteAccess, Tunnel } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { hostOf, portOf } from "../domain/remote-url.ts";
import type { Connector } from "./connector.ts";
import { networkError } from "./remote-errors.ts";
import { readSocket } from "./socket-reader.ts";
import {
  BY_PASSWORD,
  CONNECT,
  IPV4,
  IPV6,
  NAME,
  NO_METHOD,
  PASSWORD_VERSION,
  SOCKS_VERSION,
} from "./socks5.ts";
import { stoppedBy } from "./stopped-by.ts";

/** How long somebody who connected may take to say the password. */
const GREETING_MS = 10_000;
/** Git has some at a time. Of more, the one that has waited longest goes: git does not keep us waiting. */
const MAX_STRANGERS = 32;

/**
 * Opens a tunnel to one remote, for one run: git speaks HTTP into it, this process goes the way to the remote, through
 * proxies and with TLS, as it does for everything else. So git needs neither their passwords nor a client's key, which
 * could not be kept off its command line or the disk, and what goes wrong is said in the same words.
 *
 * Whatever git asks for, the remote is what it gets. The attack: other users of this machine can connect to the port
 * too; they do not know the password, which is made for this run.
 */
export async function openTunnel(
  connector: Connector,
  remote: RemoteAccess,
  { isSecure, signal }: { readonly isSecure: boolean; readonly signal: AbortSignal },
): Promise<Tunnel> {
  if (signal.aborted) throw stoppedBy(signal);
  const password = randomBytes(24).toString("hex");
  const host = hostOf(remote.url);
  const { address, proxy, trust } = remote;
  const destination = { host, port: portOf(remote.url), address, proxy, trust, isSecure };
  const sockets = new Set<Socket>();
  const strangers = new Set<Socket>();
  let failure: HeliostatError | null = null;

  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    hold(client);
    serve(client).catch(() => client.destroy());
  });

  async function serve(client: Socket): Promise<void> {
    strangers.add(client);
    client.once("close", () => strangers.delete(client));
    for (const oldest of strangers) {
      if (strangers.size > MAX_STRANGERS) oldest.destroy();
      break;
    }
    const isWelcome = await greet(client, password).finally(() => strangers.delete(client));
    if (!isWelcome) {
      client.destroy();
      return;
    }
    let upstream: Socket;
    try {
      upstream = await connector.connect(destination, signal);
    } catch (error) {
      failure = error instanceof HeliostatError ? error : networkError(error, host, false);
      client.end(reply(1));
      return;
    }
    hold(upstream);
    // The server may have been closed meanwhile.
    if (client.destroyed || !server.listening) {
      upstream.destroy();
      client.destroy();
      return;
    }
    upstream.on("error", (error) => {
      failure = networkError(error, host, upstream.bytesRead > 0, trust?.clientCertificate !== undefined);
    });
    client.write(reply(0));
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  }

  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
    signal.removeEventListener("abort", close);
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening", { signal });
  } catch (error) {
    close();
    throw signal.aborted ? stoppedBy(signal) : error;
  }
  // Accepting may fail when descriptors run out: git is then refused, and says so.
  server.on("error", () => {});
  const { port } = server.address() as AddressInfo;
  return {
    proxy: `socks5h://run:${password}@127.0.0.1:${port}`,
    url: remote.url.replace(/^https:/, "http:"),
    failure: () => failure,
    close,
  };
}

/** Plays the SOCKS5 proxy until the request is read; false for everybody who does not know the password. */
async function greet(client: Socket, password: string): Promise<boolean> {
  client.setTimeout(GREETING_MS, () => client.destroy());
  const reader = readSocket(client);
  const hello = await reader.exactly(2);
  if (hello?.[0] !== SOCKS_VERSION) return false;
  const methods = await reader.exactly(hello[1] ?? 0);
  if (!methods?.includes(BY_PASSWORD)) {
    client.end(Buffer.from([SOCKS_VERSION, NO_METHOD]));
    return false;
  }
  client.write(Buffer.from([SOCKS_VERSION, BY_PASSWORD]));
  const username = (await reader.exactly(2))?.[1];
  if (username === undefined || (await reader.exactly(username)) === null) return false;
  const length = (await reader.exactly(1))?.[0];
  const given = length === undefined ? null : await reader.exactly(length);
  const isRight =
    given !== null && given.length === password.length && timingSafeEqual(given, Buffer.from(password));
  client.write(Buffer.from([PASSWORD_VERSION, isRight ? 0 : 1]));
  if (!isRight) return false;
  const head = await reader.exactly(4);
  if (head?.[1] !== CONNECT) return false;
  const size =
    head[3] === IPV4
      ? 4
      : head[3] === IPV6
        ? 16
        : head[3] === NAME
          ? ((await reader.exactly(1))?.[0] ?? 0)
          : 0;
  if ((await reader.exactly(size + 2)) === null) return false;
  reader.release();
  client.setTimeout(0);
  return true;
}

function reply(code: 0 | 1): Buffer {
  return Buffer.from([SOCKS_VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]);
}
