import type { SignInOptionsAnswer } from "@heliostat/contract/api/identities.ts";
import type { CurrentSessionAnswer } from "@heliostat/contract/api/sessions.ts";

/** Who uses this page, and what the page must send with every change. */
export interface Session {
  readonly username: string;
  readonly csrfToken: string;
}

/** Where people sign in. */
export const SIGN_IN_PATH = "/users/sign_in";

const SILENT = "The server does not answer. Is it still running?";

/** The session of this browser; null when nobody is signed in. Rejects with a sentence when the server does not answer. */
export async function readSession(): Promise<Session | null> {
  const response = await ask("/-/session", { method: "GET" });
  if (!response.ok)
    throw new Error(`The server answered ${response.status}, and says no more. Its log does.`);
  return sessionOf((await response.json()) as CurrentSessionAnswer);
}

/** The password was right, and a code is wanted beside it: the message says which. */
export class CodeNeeded extends Error {}

/**
 * Signs in; `code` is that of the second factor, empty when none was asked for. Rejects with a sentence for the person,
 * with a `CodeNeeded` while the code is missing or wrong.
 */
export async function signIn(
  username: string,
  password: string,
  code: string,
): Promise<{ readonly mustSetUpTwoFactor: boolean }> {
  const response = await ask(SIGN_IN_PATH, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username, password, code }),
  });
  if (response.ok) {
    const { must_set_up_two_factor } = (await response.json()) as CurrentSessionAnswer;
    return { mustSetUpTwoFactor: must_set_up_two_factor };
  }
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  if (isCodeWanted(body)) throw new CodeNeeded(body.message);
  throw new Error(await refusalOf(response));
}

/** What the provider is called at which people may sign in too; null: there is none. */
export async function readProvider(): Promise<string | null> {
  const response = await ask("/api/v4/sign_in_options", { method: "GET" });
  return response.ok ? ((await response.json()) as SignInOptionsAnswer).provider : null;
}

/** Signs out; resolves too when the session was over already. */
export async function signOut({ csrfToken }: Session): Promise<void> {
  const response = await ask("/users/sign_out", { method: "POST", headers: { "x-csrf-token": csrfToken } });
  if (!response.ok) throw new Error(await refusalOf(response));
}

/**
 * Where to go after signing in: the path that the page was asked to come back to, if it is one of this server's, else
 * the start page. Whatever could lead elsewhere is not followed.
 */
export function returnPath(search: string, origin: string): string {
  const wanted = new URLSearchParams(search).get("return_to") ?? "";
  if (!/^\/(?![/\\])/.test(wanted)) return "/";
  const url = URL.parse(wanted, origin);
  if (url === null || url.origin !== origin || url.pathname === SIGN_IN_PATH) return "/";
  // A second look at what the browser would make of it: dots may have left two slashes at the beginning.
  const path = url.pathname + url.search + url.hash;
  return /^\/(?![/\\])/.test(path) ? path : "/";
}

/** The address of the sign-in page that comes back to this path. */
export function signInAddress(path: string): string {
  return `${SIGN_IN_PATH}?${new URLSearchParams({ return_to: path })}`;
}

/** What a person is told of a sign-in that was refused. */
export function describeRefusal(status: number, message: string, retryAfter: string | null): string {
  switch (status) {
    case 400:
      return "Enter your user name and your password.";
    case 401:
      return "The user name or the password is wrong.";
    case 403:
      return /blocked/.test(message)
        ? "Your account has been blocked. An administrator can unblock it."
        : "The server refused this page. Reload it and try again.";
    case 429:
      return `Too many failed attempts. Try again in ${describeWait(Number(retryAfter))}.`;
    default:
      return message || `The server answered ${status}, and says no more. Its log does.`;
  }
}

function describeWait(seconds: number): string {
  if (!(seconds > 0)) return "a moment";
  if (seconds < 90) return seconds === 1 ? "a second" : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

function sessionOf({ user, csrf_token }: CurrentSessionAnswer): Session | null {
  return user === null || csrf_token === null ? null : { username: user.username, csrfToken: csrf_token };
}

function isCodeWanted(body: unknown): body is { readonly message: string } {
  if (typeof body !== "object" || body === null || !("error_code" in body) || !("message" in body))
    return false;
  return body.error_code === "second-factor-needed" && typeof body.message === "string";
}

async function refusalOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const message = typeof body === "object" && body !== null && "message" in body ? body.message : "";
  const text = typeof message === "string" ? message : "";
  return describeRefusal(response.status, text, response.headers.get("retry-after"));
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { cache: "no-store", credentials: "same-origin", ...init });
  } catch {
    throw new Error(SILENT);
  }
}
