import { once } from "node:events";
import { createServer } from "node:net";

/** Listens where nobody may connect to, and counts those who do. Each is hung up on. */
export interface ConnectionTrap {
  readonly url: string;
  connectionCount(): number;
  close(): Promise<void>;
}

/** Listens, closes whatever connects, and counts it: for addresses that nothing may connect to. To be closed. */
export async function setConnectionTrap(address: string, port: number): Promise<ConnectionTrap> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on("error", () => {}).destroy();
  });
  server.listen(port, address);
  await once(server, "listening");
  return {
    url: `http://${address}:${port}`,
    connectionCount: () => count,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
