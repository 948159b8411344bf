import type { FastifyReply, FastifyRequest } from "fastify";
import type { FoundSession } from "../app/sign-in/session-use-cases.ts";
import type { HttpDoor } from "./http-door.ts";
import { requireOwnPage } from "./own-page.ts";
import { giveSessionCookie, readSessionCookie } from "./session-cookie.ts";
import { whereFrom } from "./where-from.ts";

/**
 * Who the session cookie of a browser stands for; null where there is none that is good. A change must come from one of
 * our own pages (`csrf-refused`). Gives the browser its new secret when it is time for one.
 */
export async function authenticateSession(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FoundSession["principal"] | null> {
  const secret = readSessionCookie(request.headers);
  if (secret === null) return null;
  // A cookie that is no good stays: its successor may be on the way to this browser with another answer.
  const found = await door.useCases.authenticateSession(secret, whereFrom(request));
  if (found === null) return null;
  const { principal, renewed } = found;
  if (renewed !== null) {
    giveSessionCookie(door, reply, {
      secret: renewed.secret,
      expiresAt: principal.session.expiresAt,
      now: new Date(),
    });
  }
  requireOwnPage(door, request, principal.session);
  return principal;
}
