import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";

/** TLS in front of a peer that speaks without. */
export interface TlsPeer {
  readonly port: number;
  /** `https://HOST:PORT/REPOSITORY`; 127.0.0.1 unless told. */
  urlOf(repository: string, host?: string): string;
  /** From where connections came, whether or not TLS came about. */
  readonly sources: readonly string[];
  /** The server's name that each client asked for; empty: none. */
  readonly servernames: readonly string[];
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and hands everything on to `target`, decrypted. */
export async function startTlsPeer(target: { readonly port: number }, options: TlsOptions): Promise<TlsPeer> {
  const sockets = new Set<Socket>();
  const sources: string[] = [];
  const servernames: string[] = [];
  const server = createServer(options, (client) => {
    servernames.push(String(client.servername || ""));
    const upstream = connect({ host: "127.0.0.1", port: target.port });
    sockets.add(upstream);
    client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.on("connection", (socket: Socket) => {
    sources.push(socket.remoteAddress ?? "");
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sources,
    servernames,
    urlOf: (repository, host = "127.0.0.1") => `https://${host}:${port}/${repository}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
