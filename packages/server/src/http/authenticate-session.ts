import type { FastifyReply, FastifyRequest } from "fastify";
import type { FoundSession } from "../app/sign-in/session-use-cases.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { HttpDoor } from "./http-door.ts";
import { requireOwnPage } from "./own-page.ts";
import { giveSessionCookie, readSessionCookie } from "./session-cookie.ts";
import { whereFrom } from "./where-from.ts";

/** Whom a session may be that has to set up a second factor before anything else. */
interface Whom {
  readonly unfinished?: boolean;
}

/**
 * Who the session cookie of a browser stands for; null where there is none that is good. A change must come from one of
 * our own pages (`csrf-refused`). Gives the browser its new secret when it is time for one. `forbidden` for somebody who
 * must set up a second factor first, unless they are welcome too (`unfinished`).
 */
export async function authenticateSession(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  whom: Whom = {},
): Promise<FoundSession["principal"] | null> {
  const found = await findSession(door, request, reply);
  if (found === null) return null;
  if (found.mustSetUpSecondFactor && whom.unfinished !== true) {
    throw new HeliostatError(
      "forbidden",
      `This server asks for a second factor. Set one up at ${door.externalUrl}/-/account, then go on.`,
    );
  }
  return found.principal;
}

/** The same with all that is known of the session, also of one that has to set up a second factor. */
export async function findSession(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FoundSession | null> {
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
  return found;
}
