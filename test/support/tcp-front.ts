import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpFront {
  readonly port: number;
  /** Connections so far. */
  connections(): number;
  close(): Promise<void>;
}

/**
 * Listens on a free port of 127.0.0.1 and writes `preamble` to whoever comes, before it joins them to `target`: the
 * noise that some hosts make before their protocol begins. Without a target the connection stays open and silent;
 * `ends` hangs up after the preamble instead.
 */
export async function startTcpFront(options: {
  readonly preamble: string | Buffer;
  readonly target?: { readonly port: number };
  readonly ends?: boolean;
}): Promise<TcpFront> {
  const sockets = new Set<Socket>();
  let count = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    count += 1;
    keep(client);
    client.write(options.preamble);
    if (options.ends === true) client.end();
    if (options.target === undefined) {
      client.resume();
      return;
    }
    const upstream = keep(connect({ host: "127.0.0.1", port: options.target.port }));
    client.pipe(upstream);
    upstream.pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
