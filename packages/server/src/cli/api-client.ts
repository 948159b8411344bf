import { errorText } from "@heliostat/contract/api/error-text.ts";
import { HeliostatError } from "../domain/errors.ts";
import { readEvents, type StreamEvent } from "./read-events.ts";

/** A server's API, spoken to with one token. */
export interface ApiClient {
  readonly url: string;
  /** The body of the answer; null when there is none. Everything but success is a `HeliostatError` in plain words. */
  call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, parameters?: object): Promise<unknown>;
  /** All pages of a list. */
  list(path: string): Promise<readonly unknown[]>;
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
}

/**
 * A client of the server at `url`, by this token. Calls throw `remote-unreachable` when nobody answers, and what the
 * server refuses with words that say what to do.
 */
export function createApiClient({ url, token, tokenSource }: ApiAccess): ApiClient {
  async function request(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("PRIVATE-TOKEN", token);
    let response: Response;
    try {
      response = await fetch(`${url}/api/v4${path}`, { ...init, headers, redirect: "error" });
    } catch (error) {
      throw new HeliostatError(
        "remote-unreachable",
        `Cannot reach the server at ${url} (${reasonOf(error)}). Start it with "npm start", or name another one with --url.`,
        { cause: error },
      );
    }
    if (response.ok) return response;
    throw refusal(response.status, await readJson(response).catch(() => null), tokenSource);
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
    async list(path) {
      const items: unknown[] = [];
      for (let page = "1"; page !== ""; ) {
        const separator = path.includes("?") ? "&" : "?";
        const response = await request(`${path}${separator}per_page=100&page=${page}`, { method: "GET" });
        const answered = await readJson(response);
        if (!Array.isArray(answered)) {
          throw new HeliostatError("remote-not-found", `What answers at ${url} is no Heliostat server.`);
        }
        items.push(...answered);
        page = response.headers.get("x-next-page") ?? "";
      }
      return items;
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

/** What the server refused, and what to do about it. */
function refusal(status: number, body: unknown, tokenSource: string): HeliostatError {
  const said = errorText(body);
  switch (status) {
    case 400:
      return new HeliostatError("model-invalid", said || "The server did not take it.");
    case 401:
      return new HeliostatError(
        "unauthenticated",
        `The server does not accept the token from ${tokenSource}. Give one of its own with --token-file or HELIOSTAT_TOKEN.`,
      );
    case 403:
      if (/insufficient_scope/.test(said)) {
        return new HeliostatError(
          "insufficient-scope",
          "The token may only read. Use one with the scope `api`.",
        );
      }
      if (/on pause/.test(said)) {
        return new HeliostatError(
          "mirror-on-pause",
          "The mirror is on pause after too many failures. Mend what its last error names, then add --force.",
        );
      }
      return new HeliostatError("forbidden", `You are not allowed to do this (${said || "403 Forbidden"}).`);
    case 404:
      return new HeliostatError("not-found", `${said.replace(/^404 /, "") || "Not found"}.`);
    case 429:
      return new HeliostatError("remote-busy", said || "That was too often: wait a little.");
    case 409:
      return new HeliostatError("conflict", said || "It is in conflict with what is there.");
    default:
      return new HeliostatError("remote-unreachable", `The server answered ${status}: ${said || "nothing"}`);
  }
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
