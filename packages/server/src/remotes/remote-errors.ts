import type { RemoteAccess, RemoteCredential } from "../app/ports.ts";
import { credentialSecrets } from "../domain/credential-secrets.ts";
import { asHeliostatError, HeliostatError } from "../domain/errors.ts";
import { redact } from "../domain/redact.ts";
import { schemeOf } from "../domain/remote-url.ts";
import { type TlsTrouble, tlsError } from "../domain/tls-trouble.ts";

/** The head of an HTTP answer, as far as errors need it. */
export interface AnswerHead {
  readonly status: number;
  /** One value of a header, lower-case name. */
  header(name: string): string | undefined;
}

const UNREACHABLE = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "EACCES",
  "EPERM",
]);
const TIMED_OUT = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);
const CLOSED = new Set(["UND_ERR_SOCKET", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "EPIPE"]);
/** What Node calls a broken TLS handshake or an untrusted certificate. */
const TLS = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH$|INVALID_CA$)|SELF_SIGNED/;
const STOPPED = new Set(["UND_ERR_DESTROYED", "UND_ERR_CLOSED"]);
/** The parser's errors have many codes or none, and quote what the remote sent. */
const NOT_HTTP = "HTTPParserError";
const HEAD_TOO_LONG = "UND_ERR_HEADERS_OVERFLOW";

/** Codes of a connection that ended while the remote was expected to answer. */
export function isDropped(error: unknown): boolean {
  const code = codeOf(error);
  return CLOSED.has(code) || code === "ECONNRESET";
}

/**
 * What went wrong below Git, in words. `answered`: whether the remote had begun to answer. Errors of ours pass; the
 * original is kept as cause only where it holds nothing that the remote sent.
 */
export function networkError(
  error: unknown,
  host: string,
  answered: boolean,
  hasClientCertificate = false,
): HeliostatError {
  if (error instanceof HeliostatError) return error;
  const code = codeOf(error);
  if (TIMED_OUT.has(code)) {
    const what =
      code.startsWith("UND_ERR_") && code !== "UND_ERR_CONNECT_TIMEOUT"
        ? "did not answer"
        : "cannot be reached";
    return new HeliostatError("remote-timeout", `${host} ${what} in time.`, { cause: error });
  }
  if (CLOSED.has(code) || (code === "ECONNRESET" && answered)) return closedError(host, error);
  if (UNREACHABLE.has(code)) {
    return new HeliostatError("remote-unreachable", `${host} cannot be reached (${code}).`, { cause: error });
  }
  if (TLS.test(code)) return tlsError(tlsTroubleOf(error, code, hasClientCertificate), host, error);
  if (code === HEAD_TOO_LONG || (error instanceof Error && error.name === NOT_HTTP)) {
    return new HeliostatError("remote-not-git", `${host} does not speak HTTP.`);
  }
  if (STOPPED.has(code)) return new HeliostatError("cancelled", "Stopped: the server shuts down.");
  return asHeliostatError(error);
}

/** `remote-closed`, for an answer that broke off. `host`: as the person knows it, without what is secret. */
export function closedError(host: string, cause?: unknown): HeliostatError {
  return new HeliostatError(
    "remote-closed",
    `${host} closed the connection before its answer was complete.`,
    {
      cause,
    },
  );
}

/** Whether the host is to be left alone for a while. Some throttle with 403, and then say for how long. */
export function isBusy(head: AnswerHead): boolean {
  const { status } = head;
  return status === 429 || status >= 500 || (status === 403 && retryAfterOf(head) !== null);
}

const MAX_RETRY_AFTER_SECONDS = 86_400;
const HTTP_DATE = /^[A-Z][a-z]+, ?[\w :-]+ GMT$/;

/**
 * `Retry-After` as seconds from now: a number or a date, by the host's own clock where it tells it. At most a day; null
 * when there is none, when it is over, and for anything else.
 */
function retryAfterOf(head: AnswerHead): number | null {
  const text = head.header("retry-after")?.trim() ?? "";
  const seconds = /^\d{1,15}$/.test(text)
    ? Number(text)
    : Math.ceil((dateOf(text) - (dateOf(head.header("date")) || Date.now())) / 1000);
  return seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) : null;
}

/** NaN when it is no HTTP date: what else `Date.parse` takes for one would surprise. */
function dateOf(text = ""): number {
  return HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
}

/** The error for an answer whose status is not 200. Redirects are not followed: the new host was never checked. */
export function statusError(head: AnswerHead, remote: RemoteAccess, host: string): HeliostatError {
  const { status } = head;
  if (status >= 300 && status < 400 && status !== 304) return redirectError(head, remote, host);
  if (status === 401) {
    return new HeliostatError(
      "remote-credential",
      remote.credential === null
        ? `${host} asks for a user name and a password or token, and this mirror has none.`
        : `${host} refused the user name, password or token.`,
    );
  }
  if (isBusy(head)) {
    const seconds = retryAfterOf(head);
    return new HeliostatError(
      "remote-busy",
      `${host} cannot answer now (HTTP ${status}${seconds === null ? "" : `; asks for ${seconds} s`}).`,
      seconds === null ? {} : { retryAfterSeconds: seconds },
    );
  }
  if (status === 403) {
    return new HeliostatError("remote-forbidden", `${host} forbids access to this repository (HTTP 403).`);
  }
  if (status === 404 || status === 410) {
    return new HeliostatError(
      "remote-not-found",
      `${host} has no repository at this URL, or does not show it to this user (HTTP ${status}).`,
    );
  }
  if (status === 413) {
    return new HeliostatError(
      "remote-too-large",
      `${host} takes no request of this size (HTTP 413). Raise its limit, or push the repository once by another way.`,
    );
  }
  return new HeliostatError("remote-not-git", `${host} answered HTTP ${status}: this is no Git repository.`);
}

function redirectError(head: AnswerHead, remote: RemoteAccess, host: string): HeliostatError {
  const target = redirectTarget(head.header("location"), remote);
  return new HeliostatError(
    "remote-redirects",
    target === null
      ? `${host} redirects (HTTP ${head.status}) without saying where.`
      : `${host} redirects to ${quoteRemote(target, remote)}. Redirects are not followed: if that is the repository, use its URL for this mirror.`,
  );
}

/** The repository's new URL where the redirect keeps the request's form, otherwise (a sign-in page) only its host. */
function redirectTarget(location: string | undefined, { url }: RemoteAccess): string | null {
  if (location === undefined || !URL.canParse(location, url)) return null;
  const { protocol, host, pathname } = new URL(location, url);
  const repository = pathname.match(/^(.+?)\/+(?:info\/refs|git-(?:upload|receive)-pack)$/)?.[1] ?? "";
  return `${protocol}//${host}${repository}`;
}

/** What an `ERR` line means. There are no codes, so this reads the usual words of git, its hosts and their proxies. */
export function refusalError(text: string, remote: RemoteAccess, host: string): HeliostatError {
  const message = `${host} refuses: ${quoteRemote(text, remote)}`;
  if (/not found|not exported|no such|does not exist|could not find|not appear to be/i.test(text)) {
    return new HeliostatError("remote-not-found", message);
  }
  if (/denied|not allowed|forbidden|unauthori[sz]ed|authenticat/i.test(text)) {
    return new HeliostatError("remote-forbidden", message);
  }
  if (
    /try again|too many|rate limit|limit exceeded|overload|unavailable|time[d ]?-?out|internal/i.test(text)
  ) {
    return new HeliostatError("remote-busy", message);
  }
  return new HeliostatError("remote-not-git", message);
}

/** Text from outside, fit for a message: short, one line, and without what a hostile remote may echo back. */
export function quoteRemote(text: string, remote: RemoteAccess): string {
  return quoteText(text, secretsOf(remote));
}

/** The same where no remote is at hand, only what must not appear. */
export function quoteText(text: string, secrets: readonly string[]): string {
  return redact(oneLine(text), secrets).slice(0, 300);
}

/** The same for lines, which are not cut: they are redacted in one go, since each go costs. */
export function quoteLines(lines: readonly string[], remote: RemoteAccess): readonly string[] {
  return lines.length === 0 ? [] : redactEcho(lines.map(oneLine).join("\n"), remote).split("\n");
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}

function redactEcho(text: string, remote: RemoteAccess): string {
  return redact(text, secretsOf(remote));
}

/** Over SSH the user name is public, and a part of the words that are looked for. */
function secretsOf({ credential, url, trust }: RemoteAccess): readonly string[] {
  const clientKey = trust?.clientCertificate?.privateKey ?? "";
  if (credential === null) return [clientKey];
  if (schemeOf(url) === "ssh") return sshSecretsOf(credential);
  return [...credentialSecrets(credential.username, credential.password), clientKey];
}

/** What of a credential an SSH server must not have quoted. */
export function sshSecretsOf(credential: RemoteCredential | null): readonly string[] {
  return [credential?.password ?? "", credential?.privateKey ?? ""];
}

/** What Basic authentication encodes. */
export function userinfoOf({ username, password }: RemoteCredential): string {
  return `${username}:${password}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** What the end of a handshake means, by OpenSSL's code for it. What certificates are about is seen elsewhere. */
function tlsTroubleOf(error: unknown, code: string, hasClientCertificate: boolean): TlsTrouble {
  if (/CERTIFICATE_REQUIRED/.test(code)) return { kind: "wants-client-certificate" };
  if (CLIENT_REFUSED.test(code)) return { kind: "client-certificate-refused" };
  if (/HANDSHAKE_FAILURE/.test(code)) return { kind: "handshake-refused", hasClientCertificate };
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|INSUFFICIENT_SECURITY/.test(code))
    return { kind: "no-common-version" };
  if (/KEY_TOO_SMALL|MD_TOO_WEAK/.test(code)) return { kind: "weak" };
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_TOO_SMALL|BAD_RECORD_TYPE/.test(code))
    return { kind: "no-tls" };
  return { kind: "other", reason: tlsReason(error, code) };
}

/** Alerts that a server answers a client's certificate with. */
const CLIENT_REFUSED =
  /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)/;

/** OpenSSL's own sentence where there is one: its message is full of numbers and source files. */
function tlsReason(error: unknown, code: string): string {
  if (error instanceof Error && "reason" in error && typeof error.reason === "string") return error.reason;
  return error instanceof Error && !error.message.includes("\n") && !error.message.includes("OpenSSL")
    ? error.message
    : code;
}
