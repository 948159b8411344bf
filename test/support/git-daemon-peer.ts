import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { endGroup, GIT_ENV } from "./repositories.ts";

export interface GitDaemonPeer {
  /** `git://<address>:<port>`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  urlOf(repository: string): string;
  close(): Promise<void>;
}

/**
 * Serves the bare repositories below `root` over `git://`, on a free port of 127.0.0.1 unless told, for fetch and
 * push. Each connection gets a `git daemon --inetd` of its own: the listening daemon cannot take port 0 and tell which it got.
 */
export async function startGitDaemonPeer(options: {
  readonly root: string;
  readonly address?: string;
  readonly port?: number;
}): Promise<GitDaemonPeer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    const child = spawn(
      "git",
      [
        "-c",
        "safe.directory=*",
        "daemon",
        "--inetd",
        "--export-all",
        "--enable=receive-pack",
        `--base-path=${options.root}`,
      ],
      { env: GIT_ENV, stdio: ["pipe", "pipe", "ignore"], detached: true },
    );
    child.stdin.on("error", () => {});
    socket.on("error", () => {});
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      endGroup(child);
    });
  });
  const { address = "127.0.0.1" } = options;
  server.listen(options.port ?? 0, address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `git://${address}:${port}`;
  return {
    url,
    port,
    urlOf: (repository) => `${url}/${repository}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
