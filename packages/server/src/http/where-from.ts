import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import type { Origin } from "../domain/user.ts";

/** Where a request comes from, for the audit log and for limits by address. */
export function whereFrom(request: FastifyRequest): Origin {
  // A trusted proxy may still hand on words that are no address: then it is the address that we know.
  const address = isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? "") : request.ip;
  return { door: "http", address: address.replace(/^::ffff:(?=[\d.]+$)/, "") };
}
