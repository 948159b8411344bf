import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { waitFor } from "./wait-for.ts";

/** Connections to a peer that come from here came through a proxy. */
export const PROXY_SOURCE = "127.0.0.2";

/** A real proxy on a port of 127.0.0.1, in a process of its own. */
export interface TestProxy {
  readonly port: number;
  /** With the user name and password that it wants. */
  readonly url: string;
  /** Without. */
  readonly bareUrl: string;
  /** What it has written down so far. */
  log(): Promise<string>;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** An empty directory of its own. */
  readonly dir: string;
  readonly auth?: { readonly username: string; readonly password: string };
}

/** tinyproxy, for `CONNECT`. `connectPorts`: it refuses all others with 403. */
export async function startConnectProxy(
  options: ProxyOptions & { readonly connectPorts?: readonly number[] },
): Promise<TestProxy> {
  const { dir, auth } = options;
  const log = join(dir, "tinyproxy.log");
  return await startProxy("http", auth, log, async (port) => {
    const config = join(dir, "tinyproxy.conf");
    await writeFile(
      config,
      [
        `Port ${port}`,
        "Listen 127.0.0.1",
        `Bind ${PROXY_SOURCE}`,
        "Timeout 600",
        "MaxClients 100",
        "LogLevel Connect",
        `LogFile "${log}"`,
        "Allow 127.0.0.1",
        ...(auth ? [`BasicAuth ${auth.username} ${auth.password}`] : []),
        ...(options.connectPorts ?? []).map((allowed) => `ConnectPort ${allowed}`),
        "",
      ].join("\n"),
    );
    return spawn("tinyproxy", ["-d", "-c", config], { stdio: "ignore" });
  });
}

/** microsocks, for SOCKS5. Its log names where it was asked to connect to. */
export async function startSocksProxy({ dir, auth }: ProxyOptions): Promise<TestProxy> {
  const log = join(dir, "microsocks.log");
  return await startProxy("socks5", auth, log, async (port) => {
    const file = await open(log, "w");
    const credential = auth ? ["-u", auth.username, "-P", auth.password] : [];
    const child = spawn(
      "microsocks",
      ["-i", "127.0.0.1", "-p", String(port), "-b", PROXY_SOURCE, ...credential],
      { stdio: ["ignore", file.fd, file.fd] },
    );
    child.once("close", () => void file.close());
    return child;
  });
}

/** Neither program takes port 0, so the port is chosen here; should somebody else have taken it, another one is. */
async function startProxy(
  scheme: "http" | "socks5",
  auth: ProxyOptions["auth"],
  log: string,
  start: (port: number) => Promise<ChildProcess>,
): Promise<TestProxy> {
  for (let tries = 0; ; tries += 1) {
    const port = await findFreePort();
    const child = await start(port);
    const ended = once(child, "close");
    await waitFor(async () => child.exitCode !== null || (await accepts(port)), {
      message: `the ${scheme} proxy does not start`,
    });
    const isUp = child.exitCode === null;
    if (!isUp && tries < 5) continue;
    if (!isUp) throw new Error(`the ${scheme} proxy does not start`);
    const userinfo = auth ? `${encodeURIComponent(auth.username)}:${encodeURIComponent(auth.password)}@` : "";
    return {
      port,
      url: `${scheme}://${userinfo}127.0.0.1:${port}`,
      bareUrl: `${scheme}://127.0.0.1:${port}`,
      log: () => readFile(log, "utf8").catch(() => ""),
      async close() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  return once(socket, "connect").then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}
