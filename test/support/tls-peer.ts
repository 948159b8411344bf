import { spawn } from "node:child_process";
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

/**
 * `openssl s_server` with these further arguments, on a free port of 127.0.0.1; its working directory is `dir`. Node's
 * own server closes the connection of a client whose certificate it does not trust, without the alert that others send.
 */
export async function startOpensslServer(
  dir: string,
  args: readonly string[],
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const child = spawn("openssl", ["s_server", "-accept", "127.0.0.1:0", "-www", ...args], {
    cwd: dir,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(child, "close");
  let said = "";
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const found = /^ACCEPT .*:(\d+)$/m.exec(said)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`openssl s_server ended: ${said}`)));
  });
  return {
    port,
    async close() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
