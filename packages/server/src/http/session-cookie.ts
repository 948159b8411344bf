import type { IncomingHttpHeaders } from "node:http";
import type { FastifyReply } from "fastify";
import type { HttpDoor } from "./http-door.ts";

/** The one cookie of ours: the secret of the session, which no script can read. */
export const SESSION_COOKIE = "_heliostat_session";

/** The secret in the session cookie; null where there is none. */
export function readSessionCookie({ cookie = "" }: IncomingHttpHeaders): string | null {
  for (const pair of cookie.split(";")) {
    const [name, value] = pair.split("=", 2);
    if (name?.trim() === SESSION_COOKIE && value !== undefined && value !== "") return value.trim();
  }
  return null;
}

/**
 * Gives the browser this secret until the session's end at the latest; the server ends one that is not used before.
 * On the raw answer, so that a stream has it too.
 */
export function giveSessionCookie(
  door: Pick<HttpDoor, "externalUrl">,
  reply: FastifyReply,
  { secret, expiresAt, now }: { readonly secret: string; readonly expiresAt: Date; readonly now: Date },
): void {
  const seconds = Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / 1000));
  setCookie(door, reply, secret, seconds);
}

/** Has the browser forget its session; on the raw answer too. */
export function takeSessionCookie(door: Pick<HttpDoor, "externalUrl">, reply: FastifyReply): void {
  setCookie(door, reply, "", 0);
}

function setCookie(
  { externalUrl }: Pick<HttpDoor, "externalUrl">,
  reply: FastifyReply,
  value: string,
  maxAge: number,
): void {
  const attributes = [
    `${SESSION_COOKIE}=${value}`,
    "Path=/",
    `Max-Age=${maxAge}`,
    "HttpOnly",
    "SameSite=Lax",
    // People may come by plain HTTP too where that is how the instance is reached.
    ...(externalUrl.startsWith("https:") ? ["Secure"] : []),
  ];
  reply.raw.setHeader("set-cookie", attributes.join("; "));
}
