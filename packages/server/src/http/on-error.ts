import type { ErrorKind } from "@heliostat/contract";
import { asHeliostatError, assertNever, type HeliostatError, type ReachedLimit } from "../domain/errors.ts";
import { isRequestError } from "./request-error.ts";

/** An error as an answer of the API: clients look for `message` or `error` in a JSON object, and for nothing else. */
export interface ApiErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** An error as an answer to git or a browser: text, which git shows to its user. */
export interface TextErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Where one endpoint's errors differ from the rest. */
export interface ErrorForm {
  /** GitLab answers 401, not 403, to members who may not mirror (remote mirrors only). */
  readonly forbiddenStatus?: 401 | 403;
  /** 412 where all that can be in conflict is the time in `If-Unmodified-Since`. */
  readonly conflictStatus?: 409 | 412;
  /** The field under which a refused URL is reported; `url` when left out. */
  readonly urlField?: string;
}

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  denied: 403,
  "not-found": 404,
  conflict: 409,
  throttled: 429,
  credential: 422,
  remote: 422,
  corrupt: 500,
  bug: 500,
  transient: 503,
  cancelled: 503,
  full: 507,
};

/** Clients repeat at once when they are not told to wait. */
const RETRY_AFTER_SECONDS = 5;

/** Too much for this client is 429; too much for the server, whoever asks, is 503. */
function statusOf({ code, kind }: HeliostatError): number {
  return code === "server-busy" ? 503 : STATUS_OF_KIND[kind];
}

/** Whole seconds: one widespread client reads nothing else. */
function retryAfter({ retryAfterSeconds }: HeliostatError): Record<string, string> {
  return { "retry-after": String(Math.max(1, Math.ceil(retryAfterSeconds ?? RETRY_AFTER_SECONDS))) };
}

/**
 * GitLab's headers. They stand on a refusal only: of `RateLimit-Limit`, a number a minute, on any other answer the Go
 * clients make a limit of their own and crawl.
 */
function rateLimitHeaders(limit: ReachedLimit): Record<string, string> {
  const { name, requests, periodSeconds, observed, resetsAt } = limit;
  return {
    "ratelimit-name": name,
    "ratelimit-limit": String(Math.ceil((requests * 60) / periodSeconds)),
    "ratelimit-observed": String(observed),
    "ratelimit-remaining": String(Math.max(0, requests - observed)),
    "ratelimit-reset": String(Math.ceil(resetsAt.getTime() / 1000)),
  };
}

/** Any thrown value as the API's answer to it. Nothing of a bug or a broken repository is shown to the client. */
export function apiAnswerTo(error: unknown, form: ErrorForm = {}): ApiErrorAnswer {
  if (isRequestError(error)) {
    return { status: error.statusCode, headers: closing(error.statusCode), body: { error: error.message } };
  }
  const known = asHeliostatError(error);
  const status = statusOf(known);
  switch (known.kind) {
    case "invalid":
      // GitLab's form, for these alone.
      if (known.code === "protection-invalid") {
        return { status: 422, headers: {}, body: { message: known.fields?.["base"] ?? [known.message] } };
      }
      return { status, headers: {}, body: invalidBody(known, form) };
    case "unauthenticated":
      if (known.code === "sign-in-refused") return plain(status, known.message);
      if (known.code === "hook-refused") return plain(status, `401 Unauthorized - ${known.message}`);
      // Pages ask for the code then; the words are for people.
      if (known.code === "second-factor-needed") {
        return { status, headers: {}, body: { message: known.message, error_code: known.code } };
      }
      if (known.code === "token-invalid") return invalidToken(status);
      if (known.code === "account-blocked") return plain(status, `401 Unauthorized - ${known.message}`);
      return plain(status, "401 Unauthorized");
    case "denied":
      if (known.code === "insufficient-scope") return insufficientScope(status, known);
      if (known.code === "mirror-on-pause" || known.code === "csrf-refused")
        return plain(status, known.message);
      if (form.forbiddenStatus === 401) return plain(401, "401 Unauthorized");
      return plain(status, withReason("403 Forbidden", known.message, "Forbidden"));
    case "not-found":
      return plain(status, `404 ${known.message}`);
    case "conflict":
      if (form.conflictStatus === 412) return plain(412, "412 Precondition Failed");
      return plain(status, known.message);
    case "credential":
    case "remote":
    case "full":
      return plain(status, known.message);
    case "throttled":
    case "transient":
    case "cancelled": {
      const headers = retryAfter(known);
      // GitLab's form of its limiter.
      if (known.code === "too-many-sign-ins")
        return { status, headers, body: { message: { error: known.message } } };
      if (known.rateLimit !== undefined) {
        return {
          ...plain(status, known.message),
          headers: { ...headers, ...rateLimitHeaders(known.rateLimit) },
        };
      }
      return { ...plain(status, known.message), headers };
    }
    case "corrupt":
    case "bug":
      return plain(status, "500 Internal Server Error");
    default:
      return assertNever(known.kind);
  }
}

/**
 * Any thrown value as text. The request's id stands in the text of a fault of ours, because it is all that a user of
 * git gets to see.
 */
export function textAnswerTo(error: unknown, requestId: string): TextErrorAnswer {
  const type = { "content-type": "text/plain; charset=utf-8" };
  if (isRequestError(error)) {
    return {
      status: error.statusCode,
      headers: { ...type, ...closing(error.statusCode) },
      text: `${error.message}\n`,
    };
  }
  const known = asHeliostatError(error);
  const status = statusOf(known);
  switch (known.kind) {
    case "unauthenticated":
      return {
        status,
        // git asks for a user name and a password only after this very challenge.
        headers: { ...type, "www-authenticate": 'Basic realm="Heliostat", charset="UTF-8"' },
        text:
          known.code === "password-not-enough"
            ? `${known.message}\n`
            : known.code === "account-blocked"
              ? `Access denied. ${known.message}\n`
              : "Access denied. Sign in with your user name and a password, or with an access token as password.\n",
      };
    case "not-found":
      return { status, headers: type, text: `${known.message}\n` };
    case "denied":
      return { status, headers: type, text: `${withReason("Access denied", known.message, "Forbidden")}\n` };
    case "corrupt":
    case "bug":
      return {
        status,
        headers: type,
        text: `Internal error. The log has more under request ${requestId}.\n`,
      };
    case "throttled":
    case "transient":
    case "cancelled":
      return { status, headers: { ...type, ...retryAfter(known) }, text: `${known.message}\n` };
    default:
      return { status, headers: type, text: `${known.message}\n` };
  }
}

/** Whether an operator must hear of it: what is the client's own doing, or its going away, is no error of ours. */
export function isFault(error: unknown): boolean {
  if (isRequestError(error)) return false;
  const { kind } = asHeliostatError(error);
  return kind !== "cancelled" && STATUS_OF_KIND[kind] >= 500;
}

function invalidBody(error: HeliostatError, form: ErrorForm): object {
  if (error.code === "parameter-invalid") return { error: error.message };
  if (error.fields !== undefined) return { message: error.fields };
  if (error.code === "url-blocked" || error.code === "url-invalid") {
    const prefix = "is blocked: ";
    const reason = error.message.startsWith(prefix) ? error.message : prefix + error.message;
    return { message: { [form.urlField ?? "url"]: [reason] } };
  }
  return { message: error.message };
}

/** The rest of a body that is too long or too slow is not waited for. */
function closing(status: number): Record<string, string> {
  return status === 413 || status === 408 ? { connection: "close" } : {};
}

function plain(status: number, message: string): ApiErrorAnswer {
  return { status, headers: {}, body: { message } };
}

function withReason(start: string, reason: string, none: string): string {
  return reason === "" || reason === none ? start : `${start} - ${reason}`;
}

function invalidToken(status: number): ApiErrorAnswer {
  const description = "Token is unknown, expired or revoked.";
  return {
    status,
    headers: {
      "www-authenticate": `Bearer realm="Heliostat", error="invalid_token", error_description="${description}"`,
    },
    body: { error: "invalid_token", error_description: description },
  };
}

/** `fields.scope` of the error names the scopes of which one is needed. */
function insufficientScope(status: number, error: HeliostatError): ApiErrorAnswer {
  return {
    status,
    headers: {},
    body: {
      error: "insufficient_scope",
      error_description: "The request requires higher privileges than provided by the access token.",
      scope: (error.fields?.["scope"] ?? ["api"]).join(" "),
    },
  };
}
