import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { HttpLimits } from "./http-door.ts";

/**
 * Ends connections whose request was answered before its body had come in whole. The client may go on sending for
 * `unreadBodyMs`, so that it comes to read the answer (git pushes into a 401 like this), but of what it sends only
 * `unreadBodyBytes` are taken in, and dropped. Without this a client could keep a connection for as long as it drips.
 */
export function endUnreadBodies(
  server: FastifyInstance,
  limits: Pick<HttpLimits, "unreadBodyBytes" | "unreadBodyMs">,
): void {
  server.addHook("onRequest", async (request, reply) => {
    reply.raw.once("finish", () => {
      if (!request.raw.complete) linger(request.raw, limits);
    });
  });
  server.addHook("onSend", async (request, reply) => {
    const { raw } = request;
    if (raw.complete) return;
    // A short one has come with its header, as a rule, and is only not parsed yet.
    await setImmediate();
    if (raw.complete) return;
    reply.header("connection", "close");
    // Node would destroy the connection with the last byte of the answer: what still comes in would be met with a reset,
    // and a reset takes the answer away from a client that has not read it yet.
    raw.socket.destroySoon = () => linger(raw, limits);
  });
}

const lingering = new WeakSet<Socket>();

function linger(
  request: IncomingMessage,
  { unreadBodyBytes, unreadBodyMs }: Pick<HttpLimits, "unreadBodyBytes" | "unreadBodyMs">,
): void {
  const { socket } = request;
  if (socket.destroyed || lingering.has(socket)) return;
  lingering.add(socket);
  const timer = setTimeout(() => socket.destroy(), unreadBodyMs);
  socket.once("close", () => clearTimeout(timer));
  let taken = 0;
  socket.on("data", (chunk: Buffer) => {
    taken += chunk.length;
    if (request.complete) socket.destroy();
    else if (taken > unreadBodyBytes) socket.pause();
  });
  request.resume();
  // The answer is out once this is: the client sees its end, and that nothing more will come.
  socket.end();
}
