import type { Endpoints } from "./endpoints.ts";

type Name = keyof Endpoints;
type ListName = { [N in Name]: Endpoints[N] extends { readonly item: unknown } ? N : never }[Name];
/** Nothing to give where nothing is needed. */
type Given<N extends Name> = object extends Endpoints[N]["params"]
  ? [params?: Endpoints[N]["params"]]
  : [params: Endpoints[N]["params"]];

/** One request, below `/api/v4`. */
export interface ApiRequest {
  readonly method: string;
  /** With its query: `/projects/7/mirrors?page=2`. */
  readonly path: string;
  /** To be sent as JSON; undefined: no body. */
  readonly body: object | undefined;
}

/** Sends a request and answers what comes, if it is good. Whatever is refused, it throws, in the words of its place. */
export type SendRequest = (request: ApiRequest) => Promise<Response>;

/** The API by the names of its endpoints: `call("GET /projects/:id", { id: "tools/compiler" })`. */
export interface ApiCalls {
  call<N extends Name>(name: N, ...given: Given<N>): Promise<Endpoints[N]["answer"]>;
  /** All pages of a list. */
  list<N extends ListName>(name: N, ...given: Given<N>): Promise<readonly Endpoints[N]["item"][]>;
}

const PER_PAGE = 100;

/**
 * A typed client of the API. How requests travel, with which token, and what becomes of a refusal is for `send`. Answers
 * are not checked again: the server's own tests hold them to their schemas.
 */
export function createApiCalls(send: SendRequest): ApiCalls {
  return {
    async call<N extends Name>(name: N, ...[params]: Given<N>) {
      const response = await send(requestOf(name, params ?? {}));
      const body: unknown = response.status === 204 ? null : await response.json();
      return body as Endpoints[N]["answer"];
    },
    async list<N extends ListName>(name: N, ...[params]: Given<N>) {
      const items: Endpoints[N]["item"][] = [];
      for (let page = "1"; page !== ""; ) {
        const response = await send(requestOf(name, { ...params, page, per_page: PER_PAGE }));
        items.push(...((await response.json()) as readonly Endpoints[N]["item"][]));
        page = response.headers.get("x-next-page") ?? "";
      }
      return items;
    },
  };
}

/** The request that an endpoint's name and parameters make: those in its path there, the others in the query or body. */
export function requestOf(name: Name, params: object): ApiRequest {
  const [method = "", pattern = ""] = name.split(" ");
  const rest = new Map<string, unknown>(Object.entries(params).filter(([, value]) => value !== undefined));
  const path = pattern.replaceAll(/:(\w+)/g, (slot, key: string) => {
    const value = rest.get(key);
    if (value === undefined) throw new TypeError(`${name} needs ${slot.slice(1)}.`);
    rest.delete(key);
    return encodeURIComponent(String(value));
  });
  if (method !== "GET") {
    return { method, path, body: rest.size === 0 ? undefined : Object.fromEntries(rest) };
  }
  const query = new URLSearchParams();
  for (const [key, value] of rest) {
    if (Array.isArray(value)) for (const each of value) query.append(`${key}[]`, textOf(each));
    else query.append(key, textOf(value));
  }
  return { method, path: rest.size === 0 ? path : `${path}?${query}`, body: undefined };
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return value === null ? "" : String(value);
}
