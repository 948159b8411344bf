import assert from "node:assert/strict";
import { currentSessionSchema } from "@heliostat/contract/api/sessions.ts";

/** What a request of a page says besides: a value `null` takes a header away. */
export type PageHeaders = Readonly<Record<string, string | null>>;

export interface PageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed; null when it is none. */
  readonly body: unknown;
}

/** What a browser would send from a page of the server, cookie and all, and with a hand on every header. */
export interface BrowserSession {
  readonly cookie: () => string | null;
  /** Puts another secret in the place of the one that it has. */
  setCookie(secret: string | null): void;
  readonly csrfToken: () => string | null;
  /** Answers whatever comes; a new secret is kept. */
  ask(method: string, path: string, parameters?: unknown, headers?: PageHeaders): Promise<PageAnswer>;
  /** `code`: of the second factor. */
  signIn(username: string, password: string, headers?: PageHeaders, code?: string): Promise<PageAnswer>;
  signOut(): Promise<PageAnswer>;
}

/** A browser that has not been at this server yet. */
export function openBrowserSession(url: string): BrowserSession {
  let secret: string | null = null;
  let csrfToken: string | null = null;

  async function ask(
    method: string,
    path: string,
    parameters?: unknown,
    changes: PageHeaders = {},
  ): Promise<PageAnswer> {
    const all: PageHeaders = {
      ...(method === "GET" ? {} : { origin: url }),
      "sec-fetch-site": "same-origin",
      ...(secret === null ? {} : { cookie: `other=1; _heliostat_session=${secret}` }),
      ...(csrfToken === null || method === "GET" ? {} : { "x-csrf-token": csrfToken }),
      ...(parameters === undefined ? {} : { "content-type": "application/json" }),
      ...changes,
    };
    const headers = Object.fromEntries(
      Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    );
    const response = await fetch(url + path, {
      method,
      headers,
      redirect: "manual",
      ...(parameters === undefined ? {} : { body: JSON.stringify(parameters) }),
    });
    const [given] = response.headers.getSetCookie();
    if (given !== undefined) secret = /^_heliostat_session=([^;]*)/.exec(given)?.[1] || null;
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  }

  return {
    ask,
    cookie: () => secret,
    setCookie: (other) => {
      secret = other;
    },
    csrfToken: () => csrfToken,
    async signIn(username, password, headers = {}, code) {
      const answer = await ask("POST", "/users/sign_in", { username, password, code }, headers);
      if (answer.status === 200) csrfToken = currentSessionSchema.parse(answer.body).csrf_token;
      return answer;
    },
    async signOut() {
      const answer = await ask("POST", "/users/sign_out");
      assert.equal(answer.status, 204);
      csrfToken = null;
      return answer;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
