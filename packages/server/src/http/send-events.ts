import { once } from "node:events";
import type { FastifyReply, FastifyRequest } from "fastify";
import { apiAnswerTo, isFault } from "./on-error.ts";

/** One event of a stream, as browsers' `EventSource` reads them. */
export interface ServerSentEvent {
  readonly event: string;
  /** What a client that lost the connection sends as `Last-Event-ID`; null: none. */
  readonly id: number | null;
  readonly data: object;
}

/** Proxies and load balancers drop a connection on which nothing is said for long. */
const HEARTBEAT_MS = 15_000;

/**
 * Sends the events as they come, and ends when they do or the client goes away. An error on the way is the last
 * event: the status is sent by then. `onFault` hears of those that are ours.
 */
export async function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  events: AsyncIterable<ServerSentEvent>,
  onFault: (error: unknown) => void,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // nginx would hold the events back until a buffer is full.
    "x-accel-buffering": "no",
  });
  if (request.method === "HEAD") {
    raw.end();
    return;
  }
  // A client that waits for the first event must see that it is connected.
  raw.flushHeaders();
  const heartbeat = setInterval(() => raw.write(":\n\n"), HEARTBEAT_MS);
  const gone = new AbortController();
  raw.once("close", () => gone.abort());
  try {
    for await (const event of events) {
      const isTaken = raw.write(encode(event));
      // Who reads slowly gets fewer events, and no heap of them is kept for them.
      if (!isTaken && !gone.signal.aborted) await once(raw, "drain", { signal: gone.signal });
    }
  } catch (error) {
    if (!gone.signal.aborted) {
      raw.write(encode({ event: "error", id: null, data: apiAnswerTo(error).body }));
      if (isFault(error)) onFault(error);
    }
  } finally {
    clearInterval(heartbeat);
    raw.end();
  }
}

/** JSON has no line breaks of its own, so one `data:` line holds it. */
function encode({ event, id, data }: ServerSentEvent): string {
  return `event: ${event}\n${id === null ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
