import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { HeliostatError } from "../domain/errors.ts";
import {
  formatListenAddress,
  LISTEN_ADDRESS_FORMS,
  type ListenAddress,
  localUrlOf,
  parseListenAddress,
} from "./listen-address.ts";
import { DEFAULT_OIDC, joinOidc, type OidcSettings } from "./oidc.ts";
import { maskProxy, type ProxySettings, parseExceptions, parseProxy, UnfitProxy } from "./proxies.ts";

/** Pino's levels, most severe first. */
export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The configuration of one process: read once at its start, never changed. */
export interface Settings {
  /** Absolute. */
  readonly dataDir: string;
  readonly httpListen: ListenAddress;
  /** Null: no Git over SSH. */
  readonly sshListen: ListenAddress | null;
  /** Scheme, host and port without a slash at the end. Null: `localUrlOf` the address that is really listened on. */
  readonly externalUrl: string | null;
  /** Addresses and ranges (`10.0.0.0/8`) of the reverse proxies in front, whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** Null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** Null: generated at the first start. */
  readonly adminPassword: string | null;
  /** Null: generated at the first start. */
  readonly adminToken: string | null;
  readonly allowLocalRemotes: boolean;
  /** Absolute. */
  readonly secretsFile: string;
  /** Null: no mail. */
  readonly smtpUrl: string | null;
  /** Absolute. Null: the certificates of the system alone are trusted. */
  readonly caFile: string | null;
  readonly proxies: ProxySettings;
  /** As many fetches and pushes of clients are served by git at the same time, and as many may wait besides. */
  readonly gitClients: number;
  readonly gitQueue: number;
  /** Null: people sign in by password only. */
  readonly oidc: OidcSettings | null;
  readonly logLevel: LogLevel;
  /** The server that the command line speaks to. Null: the one of this machine. */
  readonly serverUrl: string | null;
  /** The token of the command line. Null: it looks for root's, if the server is that of this machine. */
  readonly token: string | null;
  /** The variables that the environment gave; all others have their default. */
  readonly given: ReadonlySet<VariableName>;
}

/** Where relative paths and defaults start from. Both absolute. */
export interface Places {
  /** The checkout: the data directory stands in it unless it is set. */
  readonly checkoutDir: string;
  /** What a relative path in a variable is relative to; by default where the process was started. */
  readonly workingDir?: string;
}

/** One row of what `heliostat config` shows. */
export interface SettingRow {
  readonly name: VariableName;
  /** As a person would write it, secrets masked. */
  readonly value: string;
  readonly source: "default" | "environment";
  readonly meaning: string;
}

/** What the documentation says of a variable. Texts are Markdown. */
interface Variable {
  readonly defaultText: string;
  readonly meaning: string;
}

/** The standard variables, which other programs read too. */
type ProxyVariable = "HTTPS_PROXY" | "HTTP_PROXY" | "ALL_PROXY" | "NO_PROXY";

const MASK = "*****";
const SHORTEST_PASSWORD = 8;
const SHORTEST_TOKEN = 20;
const PREFIX = "HELIOSTAT_";

/** Most of a fetch is waiting for the client to take it, and a waiting git takes some megabytes and nothing else. */
const CLIENTS_A_CORE = 16;
const MOST_CLIENTS = 10_000;

/** Every variable there is: what is read, documented and shown all comes from here. */
export const VARIABLES = {
  HELIOSTAT_DATA_DIR: {
    defaultText: "`./data` in a checkout",
    meaning: "Directory of the repositories, LFS objects, embedded database and secrets file.",
  },
  HELIOSTAT_HTTP_LISTEN: {
    defaultText: "`127.0.0.1:8080`",
    meaning:
      "Where UI, API and Git over HTTP are served: `host:port`, `[IPv6]:port`, or `:port` for all addresses.",
  },
  HELIOSTAT_SSH_LISTEN: {
    defaultText: "`127.0.0.1:2222`",
    meaning: "Where Git over SSH is served, written likewise; `off` serves none.",
  },
  HELIOSTAT_EXTERNAL_URL: {
    defaultText: "from the listen address",
    meaning: "The address by which people and clients reach this server, such as `https://git.example.com`.",
  },
  HELIOSTAT_TRUSTED_PROXIES: {
    defaultText: "unset: none",
    meaning:
      "Reverse proxies in front of this server: their addresses or ranges (`10.0.0.0/8`), commas between. What they say " +
      "in `X-Forwarded-For`, `-Proto` and `-Host` is believed, so that the audit log and the limits by address see the " +
      "client. Only those that set these headers themselves belong here.",
  },
  HELIOSTAT_DATABASE_URL: {
    defaultText: "unset: embedded PostgreSQL",
    meaning:
      "A PostgreSQL of your own: `postgres://user:password@host/database`. A pooler in front of it has to keep prepared statements.",
  },
  HELIOSTAT_ADMIN_PASSWORD: {
    defaultText: "generated at first start, shown once",
    meaning: `Password of the user \`root\`, made at the first start; ${SHORTEST_PASSWORD} characters or more.`,
  },
  HELIOSTAT_ADMIN_TOKEN: {
    defaultText: "generated at first start, shown once",
    meaning:
      "Personal access token of `root` with the scopes `api`, `write_repository` and `admin_mode`; " +
      `${SHORTEST_TOKEN} characters or more, no blanks.`,
  },
  HELIOSTAT_ALLOW_LOCAL_REMOTES: {
    defaultText: "`false`",
    meaning:
      "Whether mirrors may reach this machine and the local network: the first value of the setting " +
      "`allow_local_requests_from_web_hooks_and_services`.",
  },
  HELIOSTAT_SECRETS_FILE: {
    defaultText: "`secrets.json` in the data directory",
    meaning:
      "Keys that encrypt the stored credentials. They are never in the database: back this file up by itself.",
  },
  HELIOSTAT_SMTP_URL: {
    defaultText: "unset: no mail",
    meaning:
      "Mail server: `smtp://user:password@host:port`, or `smtps://…`; ports 587 and 465 unless told. Over `smtp://` a " +
      "password is sent to another machine only after STARTTLS. `?from=mirrors@example.com` at the end sets the " +
      "sender's address, else `heliostat@` and the host of the external URL.",
  },
  HELIOSTAT_CA_FILE: {
    defaultText: "unset: those of the system",
    meaning:
      "File of certificates (PEM) that are trusted beside the system's when mirrors speak to remotes, and to proxies " +
      "by HTTPS.",
  },
  HELIOSTAT_GIT_CLIENTS: {
    defaultText: `${CLIENTS_A_CORE} a core`,
    meaning: "As many fetches and pushes of clients are served at the same time; the others wait their turn.",
  },
  HELIOSTAT_GIT_QUEUE: {
    defaultText: "`1000`",
    meaning:
      "As many may wait, for 50 seconds at most. Who comes then is told to come again (503 with `Retry-After`).",
  },
  HELIOSTAT_OIDC_ISSUER: {
    defaultText: "unset: passwords only",
    meaning:
      "OpenID Connect provider by which people may sign in: its issuer, such as `https://gitlab.com`, exactly as the " +
      "provider writes it. [More](openid-connect.md).",
  },
  HELIOSTAT_OIDC_CLIENT_ID: {
    defaultText: "unset",
    meaning:
      "What the provider calls this server. The redirect URI to register there ends in `/users/auth/oidc/callback`.",
  },
  HELIOSTAT_OIDC_CLIENT_SECRET: {
    defaultText: "unset: a public client",
    meaning: "The secret that the provider gave for it.",
  },
  HELIOSTAT_OIDC_CLIENT_SECRET_FILE: {
    defaultText: "unset",
    meaning: "File with this secret, in place of the variable.",
  },
  HELIOSTAT_OIDC_NAME: {
    defaultText: `\`${DEFAULT_OIDC.name}\``,
    meaning: "What the sign-in page calls the provider.",
  },
  HELIOSTAT_OIDC_SCOPES: {
    defaultText: `\`${DEFAULT_OIDC.scopes}\``,
    meaning: "What the provider is asked for, blanks between; `openid` must be among them.",
  },
  HELIOSTAT_OIDC_CREATE_USERS: {
    defaultText: `\`${DEFAULT_OIDC.createsUsers}\``,
    meaning: "Whether who has no account here gets one with their first sign-in at the provider.",
  },
  HELIOSTAT_LOG_LEVEL: {
    defaultText: "`info`",
    meaning: `How much is logged: ${LOG_LEVELS.map((level) => `\`${level}\``).join(", ")}.`,
  },
  HELIOSTAT_URL: {
    defaultText: "the last login, else the server of this machine",
    meaning:
      "Command line only: the server that [commands](command-line.md) speak to, such as `https://git.example.com`.",
  },
  HELIOSTAT_TOKEN: {
    defaultText: "unset: that of the login, else of `root` on this machine",
    meaning:
      "Command line only: the token for it. Unset, that of `heliostat login`; for the server of this machine only, " +
      "`HELIOSTAT_ADMIN_TOKEN` or the file `initial-root-secrets` in the data directory.",
  },
  HTTPS_PROXY: {
    defaultText: "unset: `ALL_PROXY`",
    meaning:
      "Proxy to `https://` remotes: `http://user:password@host:port`, `https://…`, `socks5://…` or `socks5h://…`; ports " +
      "80, 443 and 1080 unless told. Like the next three also read in lower case, which wins.",
  },
  HTTP_PROXY: {
    defaultText: "unset: `ALL_PROXY`",
    meaning: "Proxy to `http://` remotes.",
  },
  ALL_PROXY: {
    defaultText: "unset: none",
    meaning: "Proxy to `ssh://` and `git://` remotes, and to those that have none by the two above.",
  },
  NO_PROXY: {
    defaultText: "unset: nothing",
    meaning:
      "What is spoken to without a proxy, commas between: hosts with their subdomains, addresses, ranges " +
      "(`10.0.0.0/8`), each with `:port` or without; `*` for everything.",
  },
} as const satisfies Record<`HELIOSTAT_${string}` | ProxyVariable, Variable>;

/** The name of a variable that Heliostat reads. */
export type VariableName = keyof typeof VARIABLES;

/** `VARIABLES`' names, in the order in which they are documented and shown. */
export const VARIABLE_NAMES = Object.keys(VARIABLES) as readonly VariableName[];

/**
 * The settings that an environment asks for. An empty variable counts as unset, as compose files write it. Throws one
 * `config-invalid` that names every wrong value and every unknown `HELIOSTAT_…` variable, and repeats no secret.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>, places: Places): Settings {
  const problems = findUnknown(env);
  const given = new Set(VARIABLE_NAMES.filter((name) => textOf(env, name) !== ""));

  /** The parsed value, or `fallback` when unset or wrong; a parser throws what the value should have been. */
  const read = <T>(name: VariableName, fallback: T, parse: (text: string) => T): T => {
    const text = textOf(env, name);
    if (text === "") return fallback;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof Unfit || error instanceof UnfitProxy)) throw error;
      problems.push(`${name} ${error.message}`);
      return fallback;
    }
  };
  const readPath = (text: string) => parsePath(text, places.workingDir ?? process.cwd());

  const allowLocalRemotes = read("HELIOSTAT_ALLOW_LOCAL_REMOTES", false, parseBoolean);
  const oidc = joinOidc(
    {
      issuer: read<string | null>("HELIOSTAT_OIDC_ISSUER", null, parseIssuer),
      clientId: read<string | null>("HELIOSTAT_OIDC_CLIENT_ID", null, parseHeaderText),
      clientSecret: read<string | null>("HELIOSTAT_OIDC_CLIENT_SECRET", null, (text) => text),
      clientSecretFile: read<string | null>("HELIOSTAT_OIDC_CLIENT_SECRET_FILE", null, readPath),
      name: read<string | null>("HELIOSTAT_OIDC_NAME", null, parseLabel),
      scopes: read<string | null>("HELIOSTAT_OIDC_SCOPES", null, parseScopes),
      createsUsers: read<boolean | null>("HELIOSTAT_OIDC_CREATE_USERS", null, parseBoolean),
    },
    { allowsHttp: allowLocalRemotes, complain: (problem) => problems.push(problem) },
  );
  const dataDir = read("HELIOSTAT_DATA_DIR", join(places.checkoutDir, "data"), readPath);
  const settings: Settings = {
    dataDir,
    httpListen: read("HELIOSTAT_HTTP_LISTEN", { host: "127.0.0.1", port: 8080 }, parseListen),
    sshListen: read("HELIOSTAT_SSH_LISTEN", { host: "127.0.0.1", port: 2222 }, parseListenOrOff),
    externalUrl: read("HELIOSTAT_EXTERNAL_URL", null, parseExternalUrl),
    trustedProxies: read<readonly string[]>("HELIOSTAT_TRUSTED_PROXIES", [], parseAddressRanges),
    databaseUrl: read("HELIOSTAT_DATABASE_URL", null, parseDatabaseUrl),
    adminPassword: read("HELIOSTAT_ADMIN_PASSWORD", null, parsePassword),
    adminToken: read("HELIOSTAT_ADMIN_TOKEN", null, parseToken),
    allowLocalRemotes,
    secretsFile: read("HELIOSTAT_SECRETS_FILE", join(dataDir, "secrets.json"), readPath),
    smtpUrl: read("HELIOSTAT_SMTP_URL", null, parseSmtpUrl),
    caFile: read<string | null>("HELIOSTAT_CA_FILE", null, readPath),
    proxies: {
      http: read<string | null>("HTTP_PROXY", null, parseProxy),
      https: read<string | null>("HTTPS_PROXY", null, parseProxy),
      all: read<string | null>("ALL_PROXY", null, parseProxy),
      exceptions: read("NO_PROXY", [], parseExceptions),
    },
    gitClients: read("HELIOSTAT_GIT_CLIENTS", CLIENTS_A_CORE * availableParallelism(), parseCount(1)),
    gitQueue: read("HELIOSTAT_GIT_QUEUE", 1000, parseCount(0)),
    oidc,
    logLevel: read("HELIOSTAT_LOG_LEVEL", "info", parseLogLevel),
    serverUrl: read("HELIOSTAT_URL", null, parseExternalUrl),
    token: read("HELIOSTAT_TOKEN", null, parseHeaderText),
    given,
  };
  if (problems.length > 0) throw new HeliostatError("config-invalid", problems.join("; "));
  return settings;
}

/** `readSettings` of the environment that this process was started with. */
export function readProcessSettings(places: Places): Settings {
  return readSettings(process.env, places);
}

/** Every setting with its value as a person would write it, secrets masked, for `heliostat config`. */
export function describeSettings(settings: Settings): readonly SettingRow[] {
  const values: Record<VariableName, string> = {
    HELIOSTAT_DATA_DIR: settings.dataDir,
    HELIOSTAT_HTTP_LISTEN: formatListenAddress(settings.httpListen),
    HELIOSTAT_SSH_LISTEN: settings.sshListen === null ? "off" : formatListenAddress(settings.sshListen),
    HELIOSTAT_EXTERNAL_URL: settings.externalUrl ?? localUrlOf(settings.httpListen),
    HELIOSTAT_TRUSTED_PROXIES: settings.trustedProxies.join(",") || "none",
    HELIOSTAT_DATABASE_URL: settings.databaseUrl === null ? "embedded" : maskUrl(settings.databaseUrl),
    HELIOSTAT_ADMIN_PASSWORD: settings.adminPassword === null ? "generated" : MASK,
    HELIOSTAT_ADMIN_TOKEN: settings.adminToken === null ? "generated" : MASK,
    HELIOSTAT_ALLOW_LOCAL_REMOTES: String(settings.allowLocalRemotes),
    HELIOSTAT_SECRETS_FILE: settings.secretsFile,
    HELIOSTAT_SMTP_URL: settings.smtpUrl === null ? "none" : maskUrl(settings.smtpUrl),
    HELIOSTAT_CA_FILE: settings.caFile ?? "none",
    HELIOSTAT_GIT_CLIENTS: String(settings.gitClients),
    HELIOSTAT_GIT_QUEUE: String(settings.gitQueue),
    HELIOSTAT_OIDC_ISSUER: settings.oidc?.issuer ?? "none",
    HELIOSTAT_OIDC_CLIENT_ID: settings.oidc?.clientId ?? "none",
    HELIOSTAT_OIDC_CLIENT_SECRET: settings.oidc?.clientSecret ? MASK : "none",
    HELIOSTAT_OIDC_CLIENT_SECRET_FILE: settings.oidc?.clientSecretFile ?? "none",
    HELIOSTAT_OIDC_NAME: settings.oidc?.name ?? DEFAULT_OIDC.name,
    HELIOSTAT_OIDC_SCOPES: settings.oidc?.scopes ?? DEFAULT_OIDC.scopes,
    HELIOSTAT_OIDC_CREATE_USERS: String(settings.oidc?.createsUsers ?? DEFAULT_OIDC.createsUsers),
    HELIOSTAT_LOG_LEVEL: settings.logLevel,
    HELIOSTAT_URL: settings.serverUrl ?? localUrlOf(settings.httpListen),
    HELIOSTAT_TOKEN: settings.token === null ? "none" : MASK,
    HTTPS_PROXY: describeProxy(settings.proxies.https),
    HTTP_PROXY: describeProxy(settings.proxies.http),
    ALL_PROXY: describeProxy(settings.proxies.all),
    NO_PROXY: settings.proxies.exceptions.map(({ text }) => text).join(",") || "none",
  };
  return VARIABLE_NAMES.map((name) => ({
    name,
    value: values[name],
    source: settings.given.has(name) ? "environment" : "default",
    meaning: VARIABLES[name].meaning.replaceAll("`", ""),
  }));
}

function describeProxy(proxy: string | null): string {
  return proxy === null ? "none" : maskProxy(proxy);
}

/**
 * Empty when unset. Of the variables that other programs read too, lower case wins, as in curl. Run as a CGI program,
 * `HTTP_PROXY` would be a header that a client chose.
 */
function textOf(env: Readonly<Record<string, string | undefined>>, name: VariableName): string {
  const text = env[name] ?? "";
  if (name.startsWith(PREFIX)) return text;
  return env[name.toLowerCase()] || (name === "HTTP_PROXY" && env["REQUEST_METHOD"] ? "" : text);
}

/** Says what a value should have been, after the variable's name. Never repeats a value that may be secret. */
class Unfit extends Error {}

function parsePath(text: string, workingDir: string): string {
  // Only a shell turns ~ into a home directory; from a service file it would become a directory of that name.
  if (text.startsWith("~")) throw new Unfit(`must not start with ~ (${quote(text)}): write the whole path`);
  return resolve(workingDir, text);
}

function parseListen(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address === null) throw new Unfit(`is ${quote(text)}, not ${LISTEN_ADDRESS_FORMS}`);
  return address;
}

function parseListenOrOff(text: string): ListenAddress | null {
  if (text.toLowerCase() === "off") return null;
  const address = parseListenAddress(text);
  if (address === null) throw new Unfit(`is ${quote(text)}, neither "off" nor ${LISTEN_ADDRESS_FORMS}`);
  return address;
}

function parseExternalUrl(text: string): string {
  const form = "an address such as https://git.example.com";
  const url = parseUrl(text, ["http:", "https:"], form);
  if (url.username !== "" || url.password !== "")
    throw new Unfit(`must not hold a user name or password: write ${form}`);
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new Unfit(
      `must have no path: Heliostat is served at the root of a host; write ${quote(url.origin)}`,
    );
  }
  return url.origin;
}

/** Each an address, or one with the length of its prefix; all of IPv4 or IPv6 (`/0`) would let everybody say who they are. */
function parseAddressRanges(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const range = part.trim();
    const [, address = "", prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
    const longest = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
    const length = prefix === undefined ? longest : Number(prefix);
    if (length > 0 && length <= longest) return range;
    throw new Unfit(`holds ${quote(range)}, not an address such as 127.0.0.1 or a range such as 10.0.0.0/8`);
  });
}

/** Kept as it is written: it must equal what stands in the provider's tokens. */
function parseIssuer(text: string): string {
  const form = "the issuer of an OpenID Connect provider, such as https://gitlab.com";
  const url = parseUrl(text, ["https:", "http:"], form);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new Unfit(`must hold neither a user name nor a query: write ${form}`);
  }
  return text;
}

function parseLabel(text: string): string {
  const label = text.trim();
  if (label === "" || label.length > 60 || /\p{Cc}/u.test(label))
    throw new Unfit("is not a name of 1 to 60 characters");
  return label;
}

function parseScopes(text: string): string {
  const scopes = text.trim().split(/\s+/);
  if (!scopes.includes("openid")) throw new Unfit("lacks openid: write such as `openid profile email`");
  return scopes.join(" ");
}

function parseDatabaseUrl(text: string): string {
  parseUrl(text, ["postgres:", "postgresql:"], "an address such as postgres://user:password@host/database");
  return text;
}

function parseSmtpUrl(text: string): string {
  const form = "an address such as smtp://user:password@host:port";
  const url = parseUrl(text, ["smtp:", "smtps:"], form);
  if (url.hostname === "") throw new Unfit(`is not ${form}`);
  if (![url.username, url.password].every(isDecodable)) {
    throw new Unfit(
      "holds a % in its user name or password that is not followed by two digits: write it as %25",
    );
  }
  for (const [name, value] of url.searchParams) {
    if (name !== "from") throw new Unfit("has a parameter other than ?from=");
    if (!/^[^\s@,;:<>()[\]\\"]+@[^\s@,;:<>()[\]\\"]+$/.test(value))
      throw new Unfit(`has no mail address in ?from=: ${quote(value)}`);
  }
  return text;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Scheme names end with a colon, as `URL` has them. The text is not repeated: it may hold a password. */
function parseUrl(text: string, schemes: readonly string[], form: string): URL {
  const url = URL.parse(text);
  if (url === null || !schemes.includes(url.protocol)) throw new Unfit(`is not ${form}`);
  return url;
}

function parsePassword(text: string): string {
  if (text.length < SHORTEST_PASSWORD) throw new Unfit(`is shorter than ${SHORTEST_PASSWORD} characters`);
  return text;
}

/** A token travels in HTTP headers: printable ASCII only. */
function parseHeaderText(text: string): string {
  if (!/^[!-~]+$/.test(text)) throw new Unfit("must be printable ASCII characters without blanks");
  return text;
}

function parseToken(text: string): string {
  parseHeaderText(text);
  if (text.length < SHORTEST_TOKEN) throw new Unfit(`is shorter than ${SHORTEST_TOKEN} characters`);
  return text;
}

function parseBoolean(text: string): boolean {
  const word = text.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  if (["false", "0", "no", "off"].includes(word)) return false;
  throw new Unfit(`is ${quote(text)}, neither true nor false`);
}

function parseCount(least: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (count >= least && count <= MOST_CLIENTS) return count;
    throw new Unfit(`is ${quote(text)}, not a whole number from ${least} to ${MOST_CLIENTS}`);
  };
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text.toLowerCase());
  if (level === undefined) throw new Unfit(`is ${quote(text)}, not one of ${LOG_LEVELS.join(", ")}`);
  return level;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** The password becomes a mask, and so does a value in the query that may be one (`?password=` works for PostgreSQL). */
function maskUrl(text: string): string {
  const url = new URL(text);
  if (url.password !== "") url.password = MASK;
  for (const name of [...url.searchParams.keys()]) {
    if (/password|secret|token/i.test(name)) url.searchParams.set(name, MASK);
  }
  return url.href;
}

function findUnknown(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !Object.hasOwn(VARIABLES, name))
    .sort()
    .map((name) => {
      const nearest = VARIABLE_NAMES.map((known) => ({ known, distance: distanceOf(name, known) })).sort(
        (a, b) => a.distance - b.distance,
      )[0];
      return `there is no variable ${name}: did you mean ${nearest?.known}?`;
    });
}

/** A character of the given name that the known one lacks. Names are more often cut short (DB for DATABASE). */
const DELETION = 3;

/**
 * How far a name is from a known one: characters to insert, to replace, which counts double, or to delete, which
 * counts more still.
 */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, left] of [...a].entries()) {
    const next = [(i + 1) * DELETION];
    for (const [j, right] of [...b].entries()) {
      const replace = (row[j] ?? 0) + (left === right ? 0 : 2);
      next.push(Math.min(replace, (row[j + 1] ?? 0) + DELETION, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
