import type { FastifyRequest } from "fastify";
import type { Origin } from "../domain/user.ts";

/** Where a request comes from, for the audit log and for limits by address. */
export function whereFrom(request: FastifyRequest): Origin {
  return { door: "http", address: request.ip };
}
