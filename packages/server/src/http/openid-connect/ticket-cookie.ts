import type { IncomingHttpHeaders } from "node:http";

const NAME = "heliostat_oidc";
/** The two addresses of the door to the provider, and nothing else, see it. */
const PATH = "/users/auth/oidc";
/** As long as the ticket itself is good. */
const MAX_AGE_SECONDS = 600;

/**
 * The cookie that a browser keeps while it is at the provider; null takes it away. It comes back from another site, by a
 * link: `SameSite=Lax`.
 */
export function ticketCookie(ticket: string | null, isSecure: boolean): string {
  const age = ticket === null ? 0 : MAX_AGE_SECONDS;
  const parts = [`${NAME}=${ticket ?? ""}`, `Path=${PATH}`, `Max-Age=${age}`, "HttpOnly", "SameSite=Lax"];
  return [...parts, ...(isSecure ? ["Secure"] : [])].join("; ");
}

/** The ticket that a browser has brought; null: none. */
export function readTicket(headers: IncomingHttpHeaders): string | null {
  const found = (headers.cookie ?? "").split(";").find((pair) => pair.trim().startsWith(`${NAME}=`));
  const value = found?.trim().slice(NAME.length + 1) ?? "";
  return /^[A-Za-z0-9_-]{1,4096}$/.test(value) ? value : null;
}
