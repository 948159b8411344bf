import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { HeliostatError } from "../domain/errors.ts";
import type { Session } from "../domain/session.ts";
import type { HttpDoor } from "./http-door.ts";

/** What our own pages send with each change, from what `GET /-/session` told them. */
const CSRF_HEADER = "x-csrf-token";

const READING: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses a change that a browser was made to ask for by another site (`csrf-refused`): it comes with the session's
 * cookie whoever made it. One of our own pages has the session's token, and the browser says that it is ours.
 */
export function requireOwnPage(
  door: Pick<HttpDoor, "externalUrl">,
  request: FastifyRequest,
  session: Pick<Session, "csrfToken">,
): void {
  if (READING.has(request.method)) return;
  if (!isSaidToBeOurs(door, request)) throw refused();
  const given = request.headers[CSRF_HEADER];
  if (typeof given !== "string" || !isSame(given, session.csrfToken)) throw refused();
}

/**
 * Refuses what a browser says comes from elsewhere. For what needs no session, such as signing in: a script that is no
 * browser says nothing of the kind, and is let through.
 */
export function refuseOtherSites(door: Pick<HttpDoor, "externalUrl">, request: FastifyRequest): void {
  const { origin } = request.headers;
  const site = request.headers["sec-fetch-site"];
  // `none`: typed by a person into the address bar.
  if (origin === undefined && (site === undefined || site === "none")) return;
  if (!isSaidToBeOurs(door, request)) throw refused();
}

/** Browsers send `Sec-Fetch-Site` over https and on this machine, and `Origin` with every change, over http too. */
function isSaidToBeOurs({ externalUrl }: Pick<HttpDoor, "externalUrl">, request: FastifyRequest): boolean {
  const { origin } = request.headers;
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  if (origin === undefined) return site !== undefined;
  // Without the scheme: a proxy in front may speak https to the browser and http to us.
  const host = URL.parse(origin)?.host;
  return host !== undefined && (host === request.host.toLowerCase() || host === new URL(externalUrl).host);
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash("sha256").update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

function refused(): HeliostatError {
  return new HeliostatError(
    "csrf-refused",
    "This change did not come from a page of this server, or the page is too old. Reload the page and try again.",
  );
}
