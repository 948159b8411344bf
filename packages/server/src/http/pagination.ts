import type { Page } from "../app/ports.ts";

/** The request's own address, as the client knows it. */
export interface RequestAddress {
  /** Scheme, host and port that the links should have: those of the request, or clients stop following. */
  readonly origin: string;
  /** Raw path and query, as requested. */
  readonly target: string;
}

/**
 * GitLab's pagination headers. The links keep the caller's own parameters, except a token: what is in an answer's
 * header may end up in a log.
 */
export function paginationHeaders(
  address: RequestAddress,
  page: Page,
  total: number,
): Record<string, string> {
  const last = Math.max(1, Math.ceil(total / page.perPage));
  const next = page.page < last ? page.page + 1 : null;
  const previous = page.page > 1 && page.page <= last ? page.page - 1 : null;
  const links: string[] = [];
  const link = (to: number, rel: string): void => {
    links.push(`<${linkTo(address, to, page.perPage)}>; rel="${rel}"`);
  };
  if (previous !== null) link(previous, "prev");
  if (next !== null) link(next, "next");
  link(1, "first");
  link(last, "last");
  return {
    link: links.join(", "),
    "x-next-page": next === null ? "" : String(next),
    "x-page": String(page.page),
    "x-per-page": String(page.perPage),
    "x-prev-page": previous === null ? "" : String(previous),
    "x-total": String(total),
    "x-total-pages": String(last),
  };
}

function linkTo(address: RequestAddress, page: number, perPage: number): string {
  const question = address.target.indexOf("?");
  const path = question === -1 ? address.target : address.target.slice(0, question);
  const parameters = new URLSearchParams(question === -1 ? "" : address.target.slice(question));
  parameters.delete("private_token");
  parameters.set("page", String(page));
  parameters.set("per_page", String(perPage));
  // One client splits the header at every comma and semicolon.
  const safePath = path.replace(/[,;<>"]/g, (char) => encodeURIComponent(char)).replace(/^\/+/, "/");
  return `${address.origin}${safePath}?${parameters}`;
}
