import type { FastifyRequest } from "fastify";
import type { Log } from "../app/ports.ts";
import { asHeliostatError } from "../domain/errors.ts";
import type { Principal } from "../domain/user.ts";

const users = new WeakMap<FastifyRequest, number>();

/** Notes who made the request, for its line in the log. */
export function rememberUser(request: FastifyRequest, principal: Principal): void {
  if (principal.kind === "user") users.set(request, principal.user.id);
}

/**
 * Writes one line when the request is over, however it ended. Never a header and never the query: tokens travel in
 * both.
 */
export function logRequest(
  log: Log,
  request: FastifyRequest,
  ended: { readonly status: number; readonly isComplete: boolean; readonly durationMs: number },
): void {
  const fields = {
    requestId: request.id,
    method: request.method,
    path: pathOf(request),
    status: ended.status,
    durationMs: Math.round(ended.durationMs * 10) / 10,
    ...(ended.isComplete ? {} : { clientGone: true }),
    ...(users.has(request) ? { userId: users.get(request) } : {}),
  };
  // Probes come every few seconds and say nothing new.
  if (fields.path.startsWith("/-/")) log.debug(fields, "request");
  else log.info(fields, "request");
}

/** Tells the operator of a fault; `bug` with everything that is known of it. */
export function reportFault(log: Log, request: FastifyRequest, error: unknown): void {
  const known = asHeliostatError(error);
  const fields = {
    requestId: request.id,
    method: request.method,
    path: pathOf(request),
    code: known.code,
    err: error,
  };
  if (known.kind === "bug" || known.kind === "corrupt") log.error(fields, "request failed");
  else log.warn(fields, "request failed");
}

function pathOf(request: FastifyRequest): string {
  return (request.originalUrl.split("?", 1)[0] ?? "").slice(0, 1024);
}
