import type { Log } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";

/** What errors of the library and of providers carry, as far as it is looked at. */
interface Carried {
  readonly name: string;
  readonly code: string | null;
  /** The provider's own word, such as `access_denied`. */
  readonly word: string | null;
  readonly status: number | null;
}

/** The answer belongs to no question that this browser has asked. */
const NOT_ASKED = /^(?:OAUTH_INVALID_RESPONSE)$/;

/** Words of providers that say: our registration there is wrong, not the person. */
const OF_OPERATOR = new Set([
  "invalid_client",
  "invalid_scope",
  "unauthorized_client",
  "unsupported_response_type",
]);

/** Words of a provider that has trouble of its own. */
const TROUBLE = new Set(["server_error", "temporarily_unavailable"]);

/** Codes of a token whose content does not hold: signature, issuer, audience, nonce, times. */
const UNTRUSTED = /^OAUTH_(?:JWT|JSON|INVALID|KEY|JWE|MISSING|UNSUPPORTED)/;

/**
 * Makes of whatever the library throws an error with what to do. Nothing that the provider sent is shown but a word of its
 * own in letters; the rest is for the log.
 */
export function createClassifier({
  name,
  issuer,
  log,
}: {
  readonly name: string;
  readonly issuer: string;
  readonly log: Log;
}): (error: unknown) => HeliostatError {
  const check = "An admin of this server should look at HELIOSTAT_OIDC_ISSUER, and at the log.";
  return (error) => {
    if (error instanceof HeliostatError) return error;
    const { name: kind, code, word, status } = read(error);
    const reasons = reasonsOf(error);
    log.warn({ issuer, kind, code, word, status, reasons }, "signing in by OpenID Connect failed");
    const made = (errorCode: ConstructorParameters<typeof HeliostatError>[0], message: string) =>
      new HeliostatError(errorCode, message, { cause: error });

    if (kind === "AuthorizationResponseError" || kind === "ResponseBodyError") {
      if (word !== null && OF_OPERATOR.has(word)) {
        return made(
          "provider-misconfigured",
          `${name} does not know this server: ${word}. An admin should look at HELIOSTAT_OIDC_CLIENT_ID, ` +
            "HELIOSTAT_OIDC_CLIENT_SECRET and HELIOSTAT_OIDC_SCOPES.",
        );
      }
      if (word !== null && TROUBLE.has(word)) {
        return made("provider-unreachable", `${name} has trouble of its own: ${word}. Try again later.`);
      }
      if (word === "invalid_grant") {
        return made("sign-in-expired", "This sign-in was used before, or took too long. Begin again.");
      }
      return made("provider-refused", `${name} did not let you in${word === null ? "" : `: ${word}`}.`);
    }
    if (code === "OAUTH_TIMEOUT" || kind === "TimeoutError" || reasons.some(isOfNetwork)) {
      return made(
        "provider-unreachable",
        `${name} does not answer. Try again in a moment, or sign in with your password.`,
      );
    }
    if (code === "OAUTH_RESPONSE_IS_NOT_CONFORM" || code === "OAUTH_RESPONSE_IS_NOT_JSON") {
      if (status !== null && status >= 500) {
        return made("provider-unreachable", `${name} has trouble of its own. Try again later.`);
      }
      return made(
        "provider-misconfigured",
        `${name} does not answer as an OpenID Connect provider. ${check}`,
      );
    }
    if (code === "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" || code === "OAUTH_HTTP_REQUEST_FORBIDDEN") {
      return made(
        "provider-misconfigured",
        `${name} calls itself by another address than the one that it is known by here. ${check}`,
      );
    }
    if (code === "OAUTH_JWT_TIMESTAMP_CHECK_FAILED") {
      return made(
        "sign-in-untrusted",
        `The time in the answer of ${name} is wrong. An admin should compare the clocks of both servers.`,
      );
    }
    if (code !== null && NOT_ASKED.test(code)) {
      return made(
        "sign-in-untrusted",
        `The answer of ${name} does not fit to what was asked. Begin again; if it stays so, tell an admin of this server.`,
      );
    }
    if (code !== null && UNTRUSTED.test(code)) {
      return made(
        "sign-in-untrusted",
        `The answer of ${name} cannot be trusted. Begin again; if it stays so, tell an admin of this server.`,
      );
    }
    return made("bug", "signing in by OpenID Connect failed");
  };
}

function read(error: unknown): Carried {
  if (!(error instanceof Error)) return { name: "", code: null, word: null, status: null };
  const fields: Readonly<Record<string, unknown>> = { ...error };
  const word = fields["error"];
  const cause = error.cause instanceof Response || isLikeResponse(error.cause) ? error.cause : null;
  return {
    name: error.name,
    code: typeof fields["code"] === "string" ? fields["code"] : null,
    word: typeof word === "string" && /^[a-z_]{1,64}$/.test(word) ? word : null,
    status: typeof fields["status"] === "number" ? fields["status"] : (cause?.status ?? null),
  };
}

function isLikeResponse(value: unknown): value is { readonly status: number } {
  return typeof value === "object" && value !== null && "status" in value && typeof value.status === "number";
}

/** The messages and codes of the error and of its causes, for the log: of our libraries, not of the provider. */
function reasonsOf(error: unknown): readonly string[] {
  const reasons: string[] = [];
  for (let next: unknown = error; next instanceof Error && reasons.length < 5; next = next.cause) {
    const code = "code" in next && typeof next.code === "string" ? next.code : next.name;
    reasons.push(`${code}: ${next.message.slice(0, 200)}`);
  }
  return reasons;
}

function isOfNetwork(reason: string): boolean {
  return /^(?:E[A-Z]{3,}|UND_ERR_\w+|CERT_\w+|UNABLE_TO_\w+|SELF_SIGNED\w*|DEPTH_ZERO\w*|ERR_TLS\w*|ERR_SSL\w*)\b|fetch failed/.test(
    reason,
  );
}
