import { HeliostatError } from "./errors.ts";
import { isHostName, isIpv4Address, isIpv6Address, toAsciiHost } from "./host-name.ts";

declare const brand: unique symbol;

/** A remote's URL without credentials, of an allowed scheme, fit to be handed to git. Only `parseRemoteUrl` makes one. */
export type RemoteUrl = string & { readonly [brand]: "RemoteUrl" };

/** `file` stands for an absolute path on this machine, which only the command line may name. */
export type RemoteScheme = "http" | "https" | "ssh" | "git" | "file";

export interface ParsedRemoteUrl {
  readonly url: RemoteUrl;
  /** Percent-decoded, as `password` is; null when absent or empty. */
  readonly username: string | null;
  readonly password: string | null;
  /** Whether the text named a user or a password: if so, answers show the URL with masked ones. */
  readonly hadUserinfo: boolean;
}

const DEFAULT_PORTS = { http: 80, https: 443, ssh: 22, git: 9418 } as const;
type NetworkScheme = keyof typeof DEFAULT_PORTS;

const INVALID = "URI is invalid";
const BAD_SCHEME = "Only allowed schemes are http, https, ssh, git";
const BAD_USER = "Username needs to start with an alphanumeric character";
const BAD_HOST = "Hostname or IP address invalid";
const LONG_HOST = "Host is too long (maximum is 1024 characters)";
const MAX_HOST_LENGTH = 1024;

const CONTROL = /\p{Cc}/u;
/** Parsers disagree about these: some cut white space away, some read a backslash as a slash. */
const AMBIGUOUS = /[\s\\]/;
const ENCODED_CONTROL = /%(?:[01][0-9a-f]|7f)/i;

/** Cuts a URL into scheme, userinfo (to the last `@`, as browsers do), host with port, and all the rest. */
const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#]*)(.*)$/is;
/** `user@host:path` with no slash before the colon. The user is required: `localhost:8080/x` is no such remote. */
const SCP_PARTS = /^([a-z0-9][a-z0-9._-]*)@(\[[^\]/]*\]|[^:/@[\]]+):(.+)$/is;
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:[\]]*)(?::([0-9]{1,5}))?$/;

/**
 * Takes the URL of a remote as a person writes it and takes user name and password out of it. All else stays byte
 * for byte, because clients compare what they sent with what they read. For ssh the user name stays in the URL: it
 * is part of the address. `user@host:path` becomes `ssh://user@host/path`. With `allowLocalPath`, an absolute path
 * is taken as it is.
 *
 * Refuses with `url-invalid` what is no URL and with `url-blocked` what may not be spoken to; the message is GitLab's
 * reason, to be shown behind `is blocked: `. Addresses are not looked at here: that needs the resolver.
 *
 * An international host becomes its `xn--` form: what is stored is what was checked, whatever reads it.
 *
 * Deviation from GitLab: an IPv4 address must be written as four decimal numbers, since resolvers read `0x7f.1` in
 * their own ways; white space, backslashes, queries and fragments are refused; a space in a path of the scp form, which has no encoding, is encoded.
 */
export function parseRemoteUrl(text: string, options: { allowLocalPath?: boolean } = {}): ParsedRemoteUrl {
  if (CONTROL.test(text) || !text.isWellFormed()) throw invalid(INVALID);
  if (options.allowLocalPath === true && text.startsWith("/")) {
    return { url: text as RemoteUrl, username: null, password: null, hadUserinfo: false };
  }
  const asUrl = scpToUrl(text) ?? text;
  const [, scheme, userinfo, authority, rest] = URL_PARTS.exec(asUrl) ?? [];
  if (scheme === undefined || authority === undefined || rest === undefined || !isNetworkScheme(scheme)) {
    throw blocked(BAD_SCHEME);
  }
  if (AMBIGUOUS.test(asUrl) || rest.includes("#")) throw invalid(INVALID);
  // A query may hold a token (`?private_token=…`), which nobody would mask, and git puts its own paths behind it. In the
  // path of an SSH remote a `?` is a character like others.
  if (scheme !== "ssh" && rest.includes("?")) throw invalid(INVALID);
  if (!scheme.startsWith("http")) {
    // Git decodes ssh:// and git:// URLs as a whole before it uses them: an encoded line break would become a real one.
    if (ENCODED_CONTROL.test(text)) throw invalid(INVALID);
    // There a `?` does not end the host, as it does for all others.
    if (rest.startsWith("?")) throw invalid(INVALID);
  }
  const storedAuthority = checkAuthority(authority);

  const { username, password } = splitUserinfo(userinfo ?? "");
  // Kept in the URL, which git decodes before it looks for the host: up to the first slash, from the first `@[`.
  if (scheme === "ssh" && /[/[\]]/.test(username ?? "")) throw invalid(INVALID);
  const user = scheme === "ssh" && username !== null ? `${userinfo?.split(":")[0]}@` : "";
  return {
    url: `${scheme}://${user}${storedAuthority}${rest}` as RemoteUrl,
    username,
    password,
    hadUserinfo: username !== null || password !== null,
  };
}

/**
 * The scp form as a URL, or null when `text` has another form. Git decodes the URL, so what looks encoded is encoded. So
 * are spaces, but for those at an end: they were pasted along.
 */
function scpToUrl(text: string): string | null {
  const [, user, host, path] = SCP_PARTS.exec(text) ?? [];
  if (user === undefined || host === undefined || path === undefined) return null;
  const encoded = path
    .replaceAll("%", "%25")
    .replaceAll("?", "%3F")
    .replaceAll("#", "%23")
    .replaceAll(" ", path === path.trim() ? "%20" : " ");
  return `ssh://${user}@${host}${encoded.startsWith("/") ? "" : "/"}${encoded}`;
}

/** Only lower case: git starts `git-remote-HTTPS` for anything else. */
function isNetworkScheme(scheme: string): scheme is NetworkScheme {
  return Object.hasOwn(DEFAULT_PORTS, scheme);
}

/** Host and port as they are stored: an international name in its `xn--` form. */
function checkAuthority(authority: string): string {
  const [, host, port] = HOST_AND_PORT.exec(authority) ?? [];
  if (host === undefined || host === "" || (port !== undefined && !isPort(Number(port))))
    throw invalid(INVALID);
  if (host.length > MAX_HOST_LENGTH) throw blocked(LONG_HOST);
  const ascii = host.startsWith("[") ? host : toAsciiHost(host);
  if (ascii === null || !isHost(ascii)) throw blocked(BAD_HOST);
  if (ascii.length > MAX_HOST_LENGTH) throw blocked(LONG_HOST);
  return port === undefined ? ascii : `${ascii}:${port}`;
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}

function isHost(host: string): boolean {
  return host.startsWith("[") ? isIpv6Address(host.slice(1, -1)) : isIpv4Address(host) || isHostName(host);
}

function splitUserinfo(userinfo: string): { username: string | null; password: string | null } {
  const colon = userinfo.indexOf(":");
  const username = decode(colon === -1 ? userinfo : userinfo.slice(0, colon));
  const password = decode(colon === -1 ? "" : userinfo.slice(colon + 1));
  // These reach credential protocols made of lines.
  if (CONTROL.test(username + password)) throw invalid(INVALID);
  if (username !== "" && !/^[\p{L}\p{N}]/u.test(username)) throw blocked(BAD_USER);
  return { username: username || null, password: password || null };
}

/** Percent-decoding as git does it: a `%` that encodes nothing stands for itself. Only UTF-8 is taken. */
function decode(text: string): string {
  try {
    return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) => decodeURIComponent(encoded));
  } catch (cause) {
    throw new HeliostatError("url-invalid", INVALID, { cause });
  }
}

function invalid(reason: string): HeliostatError {
  return new HeliostatError("url-invalid", reason);
}

function blocked(reason: string): HeliostatError {
  return new HeliostatError("url-blocked", reason);
}

/** The scheme; `file` for a local path too. */
export function schemeOf(url: RemoteUrl): RemoteScheme {
  return url.startsWith("/") ? "file" : partsOf(url).scheme;
}

/** The host in lower case, an IPv6 address without its brackets. A local path has none: asking is a `bug`. */
export function hostOf(url: RemoteUrl): string {
  return partsOf(url).host;
}

/** The port that is spoken to, whether or not the URL names it. A local path has none: asking is a `bug`. */
export function portOf(url: RemoteUrl): number {
  return partsOf(url).port;
}

/** Host and port as the limits on hosts count them: `example.com:443`. A local path has none: asking is a `bug`. */
export function hostAndPortOf(url: RemoteUrl): string {
  const { host, port } = partsOf(url);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Whether what is shown to the server of one URL may be shown to that of the other: the same scheme, host and port, or
 * the step from `http` to `https` on their own ports. The attack: another port is another server, and `http` shows a
 * password to everybody on the way. With SSH another port keeps everything, key pair, host keys and secrets: the server
 * there has to show a stored host key first.
 */
export function isSameServer(before: RemoteUrl, after: RemoteUrl): boolean {
  if (schemeOf(before) === "file" || schemeOf(after) === "file") return before === after;
  const [a, b] = [partsOf(before), partsOf(after)];
  if (a.host !== b.host) return false;
  if (a.scheme === "http" && b.scheme === "https") {
    return a.port === DEFAULT_PORTS.http && b.port === DEFAULT_PORTS.https;
  }
  return a.scheme === b.scheme && (a.port === b.port || a.scheme === "ssh");
}

/** Whether both lead to the same place: credentials, the case of the host and an omitted default port do not count. */
export function sameRemote(a: RemoteUrl, b: RemoteUrl): boolean {
  return a === b || (schemeOf(a) !== "file" && schemeOf(b) !== "file" && addressOf(a) === addressOf(b));
}

function addressOf(url: RemoteUrl): string {
  const { scheme, host, port, rest } = partsOf(url);
  return `${scheme}://[${host}]:${port}${rest}`;
}

/**
 * The URL as answers show it: with `*****` for a user name and a password if the URL was given with userinfo, else
 * with none. The user `git` stays readable: everybody has that name.
 */
export function maskUrl(
  url: RemoteUrl,
  credential: { hadUserinfo: boolean; username: string | null; hasPassword: boolean },
): string {
  if (schemeOf(url) === "file") return url;
  const { scheme, authority, rest } = partsOf(url);
  const userinfo = credential.hadUserinfo ? maskUserinfo(credential.username, credential.hasPassword) : "";
  return `${scheme}://${userinfo}${authority}${rest}`;
}

/** The part of a URL before its host, `@` included, with nothing in it that tells; empty if there is nothing to tell. */
export function maskUserinfo(username: string | null, hasPassword: boolean): string {
  const user = username === "git" ? "git" : username ? "*****" : "";
  const userinfo = user + (hasPassword ? ":*****" : "");
  return userinfo === "" ? "" : `${userinfo}@`;
}

interface UrlParts {
  readonly scheme: NetworkScheme;
  /** Host and port as written. */
  readonly authority: string;
  readonly host: string;
  readonly port: number;
  /** From the path on. */
  readonly rest: string;
}

function partsOf(url: RemoteUrl): UrlParts {
  const [, scheme = "", , authority = "", rest = ""] = URL_PARTS.exec(url) ?? [];
  const [, host = "", port] = HOST_AND_PORT.exec(authority) ?? [];
  if (!isNetworkScheme(scheme)) throw new HeliostatError("bug", "a local path has neither host nor port");
  return {
    scheme,
    authority,
    host: host.replaceAll(/^\[|\]$/g, "").toLowerCase(),
    port: port === undefined ? DEFAULT_PORTS[scheme] : Number(port),
    rest,
  };
}
