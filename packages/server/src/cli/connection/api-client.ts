import { errorText } from "@heliostat/contract/api/error-text.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { readEvents, type StreamEvent } from "./read-events.ts";

export type ApiMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A server's API, spoken to with one token. */
export interface ApiClient {
  readonly url: string;
  /** The body of the answer; null when there is none. Everything but success is a `HeliostatError` in plain words. */
  call(method: ApiMethod, path: string, parameters?: object): Promise<unknown>;
  /** All pages of a list, or as many as have `limit` entries. */
  list(path: string, limit?: number): Promise<readonly unknown[]>;
  /** The bytes of a file as they come; `remote-closed` when the connection is lost before its end. */
  download(path: string): AsyncGenerator<Uint8Array, void, void>;
  /** The events of a stream until it ends; `remote-closed` when the connection is lost. */
  stream(
    path: string,
    lastEventId: string | null,
    signal?: AbortSignal,
  ): AsyncGenerator<StreamEvent, void, void>;
}

/** Where a client speaks to, and as whom. */
export interface ApiAccess {
  readonly url: string;
  readonly token: string;
  /** Where the token is from, for the message when it is not accepted. */
  readonly tokenSource: string;
  /** A sentence: what to do then. */
  readonly advice: string;
}

/**
 * A client of the server at `url`, by this token. Calls throw `remote-unreachable` when nobody answers, and what the
 * server refuses with words that say what to do.
 */
export function createApiClient({ url, token, tokenSource, advice }: ApiAccess): ApiClient {
  async function request(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("PRIVATE-TOKEN", token);
    let response: Response;
    try {
      response = await fetch(`${url}/api/v4${path}`, { ...init, headers, redirect: "error" });
    } catch (error) {
      throw unreachable(url, error);
    }
    if (response.ok) return response;
    const said = errorText(await readJson(response).catch(() => null));
    if (response.status === 401) {
      throw new HeliostatError(
        "unauthenticated",
        `The server does not accept the token from ${tokenSource}. ${advice}`,
      );
    }
    throw refusal(response.status, said);
  }

  async function readJson(response: Response): Promise<unknown> {
    const text = await response.text();
    if (text === "") return null;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new HeliostatError("remote-not-found", `What answers at ${url} is no Heliostat server.`, {
        cause: error,
      });
    }
  }

  return {
    url,
    async call(method, path, parameters) {
      const body =
        parameters === undefined
          ? {}
          : { headers: { "content-type": "application/json" }, body: JSON.stringify(parameters) };
      return await readJson(await request(path, { method, ...body }));
    },
    async list(path, limit = Number.POSITIVE_INFINITY) {
      const items: unknown[] = [];
      const perPage = Math.min(limit, PAGE);
      for (let page = "1"; page !== "" && items.length < limit; ) {
        const separator = path.includes("?") ? "&" : "?";
        const response = await request(`${path}${separator}per_page=${perPage}&page=${page}`, {
          method: "GET",
        });
        const answered = await readJson(response);
        if (!Array.isArray(answered)) {
          throw new HeliostatError("remote-not-found", `What answers at ${url} is no Heliostat server.`);
        }
        items.push(...answered);
        page = response.headers.get("x-next-page") ?? "";
      }
      return items.slice(0, limit);
    },
    async *download(path) {
      const { body } = await request(path, { method: "GET" });
      if (!body) return;
      try {
        yield* body;
      } catch (error) {
        throw lost(error);
      }
    },
    async *stream(path, lastEventId, signal) {
      const headers = {
        accept: "text/event-stream",
        ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
      };
      const response = await request(path, { method: "GET", headers, ...(signal ? { signal } : {}) });
      if (!response.body) return;
      try {
        yield* readEvents(response.body);
      } catch (error) {
        throw lost(error);
      }
    },
  };

  function lost(error: unknown): HeliostatError {
    return new HeliostatError("remote-closed", `The connection to ${url} was lost (${reasonOf(error)}).`, {
      cause: error,
    });
  }
}

/** The longest page that the API gives. */
const PAGE = 100;

/** What the server refused, and what to do about it. `said`: the text of its answer. */
export function refusal(status: number, said: string): HeliostatError {
  switch (status) {
    case 400:
      return new HeliostatError("model-invalid", said || "The server did not take it.");
    case 401:
      return new HeliostatError("unauthenticated", said || "The server did not let you in.");
    case 403:
      return forbidden(said);
    case 404:
      return new HeliostatError("not-found", `${said.replace(/^404 /, "") || "Not found"}.`);
    case 429:
      return new HeliostatError("remote-busy", said || "That was too often: wait a little.");
    case 409:
    case 422:
      return new HeliostatError("conflict", said || "It is in conflict with what is there.");
    default:
      return new HeliostatError("remote-unreachable", `The server answered ${status}: ${said || "nothing"}`);
  }
}

function forbidden(said: string): HeliostatError {
  if (/insufficient_scope/.test(said)) {
    return new HeliostatError("insufficient-scope", "The token may only read. Use one with the scope `api`.");
  }
  if (/on pause/.test(said)) {
    return new HeliostatError(
      "mirror-on-pause",
      "The mirror is on pause after too many failures. Mend what its last error names, then add --force.",
    );
  }
  return new HeliostatError(
    "forbidden",
    `You are not allowed to do this (${said || "403 Forbidden"}). Your role may be too low (heliostat whoami says who ` +
      "you are), or you are an admin and the token lacks the scope admin_mode (heliostat login --admin-mode).",
  );
}

/** Nothing answers at this address. */
export function unreachable(url: string, error: unknown): HeliostatError {
  const isHere = /^(?:127\..*|localhost|\[::1\])$/.test(new URL(url).hostname);
  const advice = isHere
    ? 'Start it with "npm start"'
    : "Look whether the address is right and the server runs";
  return new HeliostatError(
    "remote-unreachable",
    `Cannot reach the server at ${url} (${reasonOf(error)}). ${advice}, or name another one with --url.`,
    { cause: error },
  );
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
