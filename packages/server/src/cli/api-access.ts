import { readFile } from "node:fs/promises";
import { localUrlOf } from "../config/listen-address.ts";
import { readProcessSettings, type Settings } from "../config/settings.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { ApiAccess } from "./api-client.ts";
import { initialSecretsPath, readInitialToken } from "./initial-secrets.ts";
import { CHECKOUT_DIR } from "./places.ts";

export interface AccessFlags {
  readonly url?: string;
  readonly tokenFile?: string;
}

/**
 * Which server a command speaks to, and with which token: the flags, then the variables. Root's own token is used for
 * the server of this machine only: another one has no business to see it.
 */
export async function openAccess(flags: AccessFlags): Promise<ApiAccess> {
  const settings = readProcessSettings({ checkoutDir: CHECKOUT_DIR });
  const local = localUrlOf(settings.httpListen);
  const url = flags.url === undefined ? (settings.serverUrl ?? local) : parseServerUrl(flags.url);
  return { url, ...(await findToken(flags, settings, url === local || url === settings.externalUrl)) };
}

async function findToken(
  flags: AccessFlags,
  settings: Settings,
  isLocal: boolean,
): Promise<Pick<ApiAccess, "token" | "tokenSource">> {
  if (flags.tokenFile !== undefined) {
    return { token: await readTokenFile(flags.tokenFile), tokenSource: flags.tokenFile };
  }
  if (settings.token !== null) return { token: settings.token, tokenSource: "HELIOSTAT_TOKEN" };
  if (isLocal && settings.adminToken !== null) {
    return { token: settings.adminToken, tokenSource: "HELIOSTAT_ADMIN_TOKEN" };
  }
  const path = initialSecretsPath(settings.dataDir);
  const token = isLocal ? await readInitialToken(settings.dataDir) : null;
  if (token !== null) return { token, tokenSource: path };
  const looked = isLocal ? `; there is none in ${path} either` : "";
  throw new HeliostatError(
    "parameter-invalid",
    `No token. Put one in a file and name it with --token-file, or set HELIOSTAT_TOKEN${looked}.`,
  );
}

async function readTokenFile(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new HeliostatError("parameter-invalid", `--token-file ${path} cannot be read: ${String(error)}`);
  });
  const token = text.trim();
  if (!/^[!-~]+$/.test(token)) {
    throw new HeliostatError(
      "parameter-invalid",
      `--token-file ${path} does not hold one token and nothing else`,
    );
  }
  return token;
}

function parseServerUrl(text: string): string {
  const url = URL.parse(text);
  const isPlain = url !== null && url.pathname === "/" && url.search === "" && url.hash === "";
  if (!isPlain || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new HeliostatError(
      "parameter-invalid",
      "--url is not the address of a server, such as https://git.example.com",
    );
  }
  return url.origin;
}
