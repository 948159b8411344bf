import { MAX_COUNTED } from "@heliostat/contract/api/parameters.ts";
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
 * header may end up in a log. Lists of more than `MAX_COUNTED` have no totals and no last page, as in GitLab.
 */
export function paginationHeaders(
  address: RequestAddress,
  page: Page,
  total: number,
): Record<string, string> {
  if (total > MAX_COUNTED) {
    return uncountedHeaders(address, { kind: "page", page, hasMore: page.page * page.perPage < total });
  }
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

/** What follows a page of a list that nobody has counted: a page by its number, or what comes behind a token. */
export type NextPart =
  | { readonly kind: "page"; readonly page: Page; readonly hasMore: boolean }
  | {
      readonly kind: "token";
      /** The parameter in which it travels: one that callers do not pass themselves. */
      readonly parameter: "cursor" | "page_token";
      readonly perPage: number;
      readonly token: string | null;
    };

/** The same without a total, and with a link to the next page only where there is more. */
export function uncountedHeaders(address: RequestAddress, next: NextPart): Record<string, string> {
  if (next.kind === "token") {
    const { token, perPage, parameter } = next;
    return token === null ? {} : { link: `<${linkTo(address, { parameter, token }, perPage)}>; rel="next"` };
  }
  const { page, perPage } = next.page;
  const links = [
    ...(page > 1 ? [`<${linkTo(address, page - 1, perPage)}>; rel="prev"`] : []),
    ...(next.hasMore ? [`<${linkTo(address, page + 1, perPage)}>; rel="next"`] : []),
    `<${linkTo(address, 1, perPage)}>; rel="first"`,
  ];
  return {
    link: links.join(", "),
    "x-next-page": next.hasMore ? String(page + 1) : "",
    "x-page": String(page),
    "x-per-page": String(perPage),
    "x-prev-page": page > 1 ? String(page - 1) : "",
  };
}

/** `to`: a page, or the token of what comes before the next one. */
function linkTo(
  address: RequestAddress,
  to: number | { readonly parameter: string; readonly token: string },
  perPage: number,
): string {
  // As proxies ask: with scheme and host in front.
  const target = address.target.replace(/^[a-z]+:\/\/[^/?]*/i, "");
  const question = target.indexOf("?");
  const path = question === -1 ? target : target.slice(0, question);
  const parameters = new URLSearchParams(question === -1 ? "" : target.slice(question));
  parameters.delete("private_token");
  if (typeof to === "number") {
    parameters.set("page", String(to));
  } else {
    parameters.delete("page");
    parameters.set(to.parameter, to.token);
  }
  parameters.set("per_page", String(perPage));
  // One client splits the header at every comma and semicolon.
  const safePath = path.replace(/[,;<>"]/g, (char) => encodeURIComponent(char)).replace(/^\/+/, "/");
  return `${address.origin}${safePath}?${parameters}`;
}
