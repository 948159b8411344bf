import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { waitFor } from "./wait-for.ts";

/** A request that came in, with all of its body. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

/** Somebody's server that takes webhooks. */
export interface HookReceiver {
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** Requests that wait for an answer at this moment, and the most that ever did. */
  readonly open: () => number;
  readonly mostOpen: () => number;
  urlOf(path: string): string;
  /** How requests are answered from now on; 200 `ok` unless told. Doing nothing is to hang. */
  answer(how: (response: ServerResponse, request: ReceivedRequest) => void): void;
  /** Waits until so many requests have come, and answers them. */
  wait(count: number): Promise<readonly ReceivedRequest[]>;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. */
export async function startHookReceiver(): Promise<HookReceiver> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let open = 0;
  let mostOpen = 0;
  let answer = (response: ServerResponse, _request: ReceivedRequest): void => {
    response.end("ok");
  };
  const server = createServer((incoming, response) => {
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    response.on("close", () => {
      open -= 1;
    });
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method = "", url: path = "", headers } = incoming;
      const body = Buffer.concat(chunks).toString("utf8");
      const received = { method, path, headers, body, at: performance.now() };
      requests.push(received);
      answer(response, received);
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    requests,
    open: () => open,
    mostOpen: () => mostOpen,
    urlOf: (path) => `http://127.0.0.1:${port}${path}`,
    answer(how) {
      answer = how;
    },
    async wait(count) {
      await waitFor(() => requests.length >= count, {
        message: () => `${requests.length} of ${count} requests came`,
      });
      return requests;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
