import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";

export interface RawAnswer {
  readonly status: number;
  /** Without what differs from answer to answer: date, request id and the state of the connection. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless the headers say something else. */
  readonly body?: string;
}

const NEVER_THE_SAME = ["date", "x-request-id", "connection", "keep-alive"];

/**
 * Asks a server with the path byte for byte, where `fetch` would tidy it up, and answers whatever comes. Connections are
 * kept for the next request until `close`.
 */
export function createRawClient(serverUrl: string): {
  ask(method: string, path: string, request?: RawRequest): Promise<RawAnswer>;
  close(): void;
} {
  const { hostname, port } = new URL(serverUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return {
    async ask(method, path, { headers = {}, body } = {}) {
      const request = httpRequest({
        ...{ agent, host: hostname, port, method, path },
        headers: {
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }),
          ...headers,
        },
      });
      request.end(body);
      const [response] = await once(request, "response");
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const kept = Object.entries(response.headers).filter(([name]) => !NEVER_THE_SAME.includes(name));
      return {
        status: response.statusCode,
        headers: Object.fromEntries(kept),
        text: Buffer.concat(chunks).toString("utf8"),
      };
    },
    close: () => agent.destroy(),
  };
}
