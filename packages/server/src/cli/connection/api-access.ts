import { readFile } from "node:fs/promises";
import { localUrlOf } from "../../config/listen-address.ts";
import { readProcessSettings, type Settings } from "../../config/settings.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { initialSecretsPath, readInitialToken } from "../initial-secrets.ts";
import { CHECKOUT_DIR } from "../places.ts";
import { type ApiAccess, type ApiClient, createApiClient } from "./api-client.ts";
import { readSavedLogins, type SavedLogins } from "./saved-logins.ts";
import { suggestNames } from "./suggest-names.ts";

/** What every command that speaks to a server takes. */
export interface CommonFlags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** The server that the flags, the environment or a login name. */
export async function connect(flags: CommonFlags): Promise<ApiClient> {
  return suggestNames(createApiClient(await openAccess(flags)));
}

/** Which server a command speaks to, and whether it is the one of this machine. */
export async function chooseServer(flags: Pick<CommonFlags, "url">): Promise<ChosenServer> {
  const settings = readProcessSettings({ checkoutDir: CHECKOUT_DIR });
  const logins = await readSavedLogins();
  const local = localUrlOf(settings.httpListen);
  const url =
    flags.url === undefined ? chooseUrl(settings, logins, local) : parseServerUrl("--url", flags.url);
  return { url, isLocal: url === local || url === settings.externalUrl, settings, logins };
}

export interface ChosenServer {
  readonly url: string;
  readonly isLocal: boolean;
  readonly settings: Settings;
  readonly logins: SavedLogins;
}

/** A token of the environment goes nowhere but where the environment says, or it would reach another server. */
function chooseUrl(settings: Settings, logins: SavedLogins, local: string): string {
  if (settings.serverUrl !== null) return settings.serverUrl;
  return settings.token === null ? (logins.current ?? local) : local;
}

/**
 * Which server a command speaks to, and with which token: the flags, then the variables, then what a login left. Root's
 * own token is used for the server of this machine only: another one has no business to see it.
 */
export async function openAccess(flags: CommonFlags): Promise<ApiAccess> {
  const server = await chooseServer(flags);
  return { url: server.url, ...(await findToken(flags, server)) };
}

async function findToken(
  flags: CommonFlags,
  { url, isLocal, settings, logins }: ChosenServer,
): Promise<Omit<ApiAccess, "url">> {
  const advice = "Give one of its own with --token-file or HELIOSTAT_TOKEN.";
  if (flags.tokenFile !== undefined) {
    return { token: await readTokenFile(flags.tokenFile), tokenSource: flags.tokenFile, advice };
  }
  if (settings.token !== null) return { token: settings.token, tokenSource: "HELIOSTAT_TOKEN", advice };
  if (isLocal && settings.adminToken !== null) {
    return { token: settings.adminToken, tokenSource: "HELIOSTAT_ADMIN_TOKEN", advice };
  }
  const login = logins.servers[url];
  if (login !== undefined) {
    return { token: login.token, tokenSource: "your login", advice: `Sign in again: heliostat login ${url}` };
  }
  const path = initialSecretsPath(settings.dataDir);
  const token = isLocal ? await readInitialToken(settings.dataDir) : null;
  if (token !== null) return { token, tokenSource: path, advice };
  const looked = isLocal ? `; there is none in ${path} either` : "";
  throw new HeliostatError(
    "parameter-invalid",
    `No token for ${url}. Sign in with "heliostat login ${url}", name a file with --token-file, or set HELIOSTAT_TOKEN${looked}.`,
  );
}

async function readTokenFile(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new HeliostatError("parameter-invalid", `--token-file ${path} cannot be read: ${String(error)}`);
  });
  return parseToken(text, `--token-file ${path}`);
}

/** One token and nothing else but blanks around it; `parameter-invalid` names where it is from. */
export function parseToken(text: string, from: string): string {
  const token = text.trim();
  if (!/^[!-~]+$/.test(token)) {
    throw new HeliostatError("parameter-invalid", `${from} does not hold one token and nothing else`);
  }
  return token;
}

/** Scheme, host and port; `parameter-invalid`, with `what` first, for anything else. The scheme may be left out. */
export function parseServerUrl(what: string, text: string): string {
  const url = URL.parse(withScheme(text));
  const isPlain = url !== null && url.pathname === "/" && url.search === "" && url.hash === "";
  if (!isPlain || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new HeliostatError(
      "parameter-invalid",
      `${what} is not the address of a server, such as https://git.example.com`,
    );
  }
  return url.origin;
}

function withScheme(text: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  const isHere = /^(?:localhost|127\.[\d.]+|\[::1\])(?::|$)/i.test(text);
  return `${isHere ? "http" : "https"}://${text}`;
}
