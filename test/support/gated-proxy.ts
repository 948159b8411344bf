import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface GatedProxy {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  urlOf(repository: string): string;
  /**
   * From now on every connection carries so many bytes more in this direction and is then held, without being closed.
   * Resolves when one is held for the first time.
   */
  hold(direction: "from-target" | "to-target", afterBytes: number): Promise<void>;
  /** Lets everything pass again, what is held too. */
  open(): void;
  /** Breaks what is held, with all that waits in its buffers, and lets everything else pass again. */
  cut(): void;
  close(): Promise<void>;
}

interface Lane {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: "from-target" | "to-target";
  passed: number;
  isHeld: boolean;
}

/**
 * A TCP proxy on 127.0.0.1 in front of a port, which can be stopped in the middle of a transfer at a known byte and go
 * on later: what a slow network does by chance, a test does on purpose.
 */
export async function startGatedProxy(target: { readonly port: number }): Promise<GatedProxy> {
  const lanes = new Set<Lane>();
  const sockets = new Set<Socket>();
  let gate: { direction: Lane["direction"]; afterBytes: number; held: () => void } | null = null;

  const move = (lane: Lane, chunk: Buffer): void => {
    if (gate?.direction === lane.direction && lane.passed + chunk.length > gate.afterBytes) {
      const allowed = Math.max(0, gate.afterBytes - lane.passed);
      if (allowed > 0) lane.to.write(chunk.subarray(0, allowed));
      lane.passed += allowed;
      lane.from.pause();
      lane.from.unshift(chunk.subarray(allowed));
      lane.isHeld = true;
      gate.held();
      return;
    }
    lane.passed += chunk.length;
    if (!lane.to.write(chunk)) {
      lane.from.pause();
      lane.to.once("drain", () => {
        if (!lane.isHeld) lane.from.resume();
      });
    }
  };
  const join = (from: Socket, to: Socket, direction: Lane["direction"]): void => {
    const lane: Lane = { from, to, direction, passed: 0, isHeld: false };
    lanes.add(lane);
    sockets.add(from);
    from.on("data", (chunk: Buffer) => move(lane, chunk));
    from.on("end", () => to.end());
    from.on("error", () => {});
    from.on("close", () => {
      lanes.delete(lane);
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: "127.0.0.1", port: target.port, allowHalfOpen: true });
    join(client, upstream, "to-target");
    join(upstream, client, "from-target");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    url,
    port,
    urlOf: (repository) => `${url}/${repository}`,
    hold(direction, afterBytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const lane of lanes) lane.passed = 0;
      gate = { direction, afterBytes, held: resolve };
      return promise;
    },
    open() {
      gate = null;
      for (const lane of lanes) {
        if (!lane.isHeld) continue;
        lane.isHeld = false;
        lane.from.resume();
      }
    },
    cut() {
      gate = null;
      for (const lane of lanes) {
        if (!lane.isHeld) continue;
        lane.from.destroy();
        lane.to.destroy();
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
