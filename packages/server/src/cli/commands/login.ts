import { hostname } from "node:os";
import { type AccessTokenAnswer, accessTokenSchema } from "@heliostat/contract/api/access-tokens.ts";
import { fullUserSchema } from "@heliostat/contract/api/users.ts";
import type { Command } from "commander";
import { HeliostatError } from "../../domain/errors.ts";
import {
  type CommonFlags,
  chooseServer,
  openAccess,
  parseServerUrl,
  parseToken,
} from "../connection/api-access.ts";
import { type ApiClient, createApiClient } from "../connection/api-client.ts";
import {
  readSavedLogins,
  type SavedLogin,
  savedLoginsPath,
  writeSavedLogins,
} from "../connection/saved-logins.ts";
import { makeTokenByPassword } from "../connection/sign-in.ts";
import { describeUse, examples, withServer } from "../server-command.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { facts, table } from "../terminal/table.ts";
import { ask, askHidden, readSecret } from "../terminal/terminal-input.ts";

interface LoginFlags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly tokenStdin?: boolean;
  readonly code?: string;
  readonly adminMode?: boolean;
  readonly expires?: string;
  readonly use?: boolean;
}

/** Declares `heliostat login`. */
export function declareLogin(command: Command): void {
  command
    .argument("[url]", "address of the server; the one of this machine, unless told")
    .option("--username <name>", "sign in by password, which makes an access token")
    .option("--password-stdin", "read the password from standard input; else it is asked for")
    .option("--code <code>", "of the second factor; asked for when it is needed")
    .option("--token-stdin", "take this access token instead, from standard input")
    .option("--admin-mode", "let the token act as the admin that you are")
    .option("--expires <day>", "the first day without the token; in a year, unless told, or never")
    .option("--use", "speak from now on to a server that is remembered already")
    .addHelpText(
      "after",
      describeUse(
        `Several servers are remembered; commands speak to the last one, unless --url or HELIOSTAT_URL says otherwise. The tokens are in ${savedLoginsPath()}, for nobody but you to read. The password is kept nowhere.`,
        "login https://git.example.com",
        "login https://git.example.com --token-stdin < token.txt",
        "login https://other.example.com --use",
      ),
    )
    .action(logIn);
}

/** Declares `heliostat logout`. */
export function declareLogout(command: Command): void {
  command
    .argument("[url]", "address of the server; the one that commands speak to, unless told")
    .option("--all", "all servers")
    .addHelpText(
      "after",
      describeUse(
        'A token that "heliostat login" made is revoked; one that you brought stays good.',
        "logout",
        "logout https://git.example.com",
      ),
    )
    .action(logOut);
}

/** Declares `heliostat whoami`. */
export function declareWhoami(command: Command): void {
  withServer(command)
    .option("--all", "list the servers that are remembered, and ask none of them")
    .addHelpText("after", examples("whoami", "whoami --all"))
    .action(async (flags: CommonFlags & { readonly all?: boolean }) => {
      if (flags.all) await listServers(flags);
      else await sayWho(flags);
    });
}

async function logIn(address: string | undefined, flags: LoginFlags): Promise<void> {
  const url = address === undefined ? (await chooseServer({})).url : parseServerUrl("URL", address);
  if (flags.use) {
    await use(url);
    return;
  }
  if (flags.tokenStdin && (flags.username !== undefined || flags.passwordStdin)) {
    throw new HeliostatError(
      "parameter-invalid",
      "--token-stdin takes the place of --username and --password-stdin",
    );
  }
  if (flags.passwordStdin && flags.username === undefined) {
    throw new HeliostatError("parameter-invalid", "--password-stdin needs --username");
  }
  warnOfPlainHttp(url);
  const username = flags.tokenStdin
    ? ""
    : (flags.username ?? (await ask(`User name at ${url} (empty: give a token): `)));
  const found = username === "" ? await bringToken(url, flags) : await makeToken(url, username, flags);
  const logins = await readSavedLogins();
  const before = logins.servers[url];
  await writeSavedLogins({ current: url, servers: { ...logins.servers, [url]: found.login } });
  if (before?.token_made_here) await revoke(url, before).catch(() => undefined);
  const { name, scopes, expires_at } = found.token;
  const until = expires_at === null ? "which does not expire" : `until ${expires_at}`;
  console.log(`Signed in to ${url} as ${plain(found.login.username)}. Commands speak to this server now.`);
  console.log(`Token: ${plain(name)} (${scopes.join(", ")}), ${until}.`);
  await warnOfVariables();
}

interface Found {
  readonly login: SavedLogin;
  readonly token: AccessTokenAnswer;
}

async function bringToken(url: string, flags: LoginFlags): Promise<Found> {
  const token = flags.tokenStdin
    ? parseToken(
        await readSecret("--token-stdin", "heliostat login … --token-stdin < token.txt"),
        "Standard input",
      )
    : parseToken(await askHidden("Access token: "), "What was typed");
  return await look(url, token, false);
}

async function makeToken(url: string, username: string, flags: LoginFlags): Promise<Found> {
  const password = flags.passwordStdin
    ? await readSecret("--password-stdin", "heliostat login … --password-stdin < password.txt")
    : await askHidden("Password: ");
  let given = flags.code;
  const askCode = async () => {
    const code = given ?? (await ask("Code of your second factor (or a recovery code): "));
    given = undefined;
    return code.trim();
  };
  const { token } = await makeTokenByPassword(
    { url, username, password, askCode },
    {
      name: `heliostat on ${hostname()}`,
      scopes: flags.adminMode ? ["api", "admin_mode"] : ["api"],
      expires_at: flags.expires === "never" ? null : (flags.expires ?? inAYear()),
    },
  ).catch((error: unknown) => {
    const isScope = error instanceof HeliostatError && /^scopes can only/.test(error.message);
    throw isScope && flags.adminMode
      ? new HeliostatError("model-invalid", `${plain(username)} is no admin: sign in without --admin-mode.`)
      : error;
  });
  return await look(url, token, true);
}

function inAYear(): string {
  const day = new Date();
  day.setFullYear(day.getFullYear() + 1);
  return day.toISOString().slice(0, 10);
}

/** Whose token it is; `unauthenticated` when it is none. */
async function look(url: string, token: string, isMadeHere: boolean): Promise<Found> {
  const api = createApiClient({
    url,
    token,
    tokenSource: "standard input",
    advice: "Look whether it is whole and of this server.",
  });
  const facts = accessTokenSchema.parse(await api.call("GET", "/personal_access_tokens/self"));
  const username = (await readUser(api))?.username ?? `user ${facts.user_id}`;
  return { login: { username, token, token_made_here: isMadeHere }, token: facts };
}

/** Null where the token may not look at its own user. */
async function readUser(api: ApiClient) {
  const answer = await api.call("GET", "/user").catch((error: unknown) => {
    if (error instanceof HeliostatError && error.kind === "denied") return null;
    throw error;
  });
  return answer === null ? null : fullUserSchema.parse(answer);
}

async function use(url: string): Promise<void> {
  const logins = await readSavedLogins();
  const login = logins.servers[url];
  if (login === undefined) {
    const known = Object.keys(logins.servers).join(", ") || "none";
    throw new HeliostatError(
      "parameter-invalid",
      `You are not signed in to ${url}. Remembered: ${known}. Sign in without --use.`,
    );
  }
  await writeSavedLogins({ ...logins, current: url });
  console.log(`Commands speak to ${url} now, as ${plain(login.username)}.`);
  await warnOfVariables();
}

function warnOfPlainHttp(url: string): void {
  const { protocol, hostname: host } = new URL(url);
  if (protocol === "https:" || /^(?:127\..*|localhost|\[::1\])$/.test(host)) return;
  console.error(`Take care: ${url} is not encrypted. Others on the way can read your password and token.`);
}

/** They win over what was just said. */
async function warnOfVariables(): Promise<void> {
  const { settings } = await chooseServer({});
  const set = [
    ...(settings.serverUrl === null ? [] : ["HELIOSTAT_URL"]),
    ...(settings.token === null ? [] : ["HELIOSTAT_TOKEN"]),
  ];
  if (set.length > 0) console.error(`${set.join(" and ")} in your environment still win over this login.`);
}

async function logOut(address: string | undefined, flags: { readonly all?: boolean }): Promise<void> {
  const logins = await readSavedLogins();
  const url = address === undefined ? logins.current : parseServerUrl("URL", address);
  const gone = flags.all ? Object.keys(logins.servers) : url === null ? [] : [url];
  if (!flags.all && (url === null || logins.servers[url] === undefined)) {
    const known = Object.keys(logins.servers).join(", ") || "no server";
    throw new HeliostatError(
      "not-found",
      `You are not signed in${url === null ? "" : ` to ${url}`}. Remembered: ${known}.`,
    );
  }
  const servers = Object.fromEntries(Object.entries(logins.servers).filter(([each]) => !gone.includes(each)));
  const current = logins.current !== null && !gone.includes(logins.current) ? logins.current : null;
  await writeSavedLogins({ current, servers });
  for (const each of gone) {
    const login = logins.servers[each];
    console.log(`Signed out of ${each}.`);
    if (!login?.token_made_here) continue;
    await revoke(each, login).catch((error: unknown) => {
      const why = error instanceof HeliostatError ? plain(error.message) : String(error);
      console.error(`Its token is forgotten here, but could not be revoked: ${why} Revoke it at the server.`);
      process.exitCode = 1;
    });
  }
}

async function revoke(url: string, { token }: SavedLogin): Promise<void> {
  const api = createApiClient({ url, token, tokenSource: "your login", advice: "" });
  await api.call("DELETE", "/personal_access_tokens/self").catch((error: unknown) => {
    // It is dead already.
    if (!(error instanceof HeliostatError && error.code === "unauthenticated")) throw error;
  });
}

async function sayWho(flags: CommonFlags): Promise<void> {
  const access = await openAccess(flags);
  const api = createApiClient(access);
  const token = accessTokenSchema.parse(await api.call("GET", "/personal_access_tokens/self"));
  const user = await readUser(api);
  const answer = { server: access.url, token_source: access.tokenSource, user, token };
  printAnswer(flags, answer, () =>
    facts([
      ["Server", access.url],
      ["User", user === null ? String(token.user_id) : `${user.id}: ${user.username} (${user.name})`],
      ...(user?.is_admin ? [["Admin", describeAdmin(token)] as const] : []),
      ["Token", `${token.id}: ${token.name}`],
      ["From", access.tokenSource],
      ["Scopes", token.scopes.join(", ")],
      ["Expires", token.expires_at ?? "never"],
    ]),
  );
}

function describeAdmin({ scopes }: AccessTokenAnswer): string {
  return scopes.includes("admin_mode")
    ? "yes"
    : "yes, but not with this token: it lacks admin_mode (heliostat login --admin-mode)";
}

async function listServers(flags: CommonFlags): Promise<void> {
  const { current, servers } = await readSavedLogins();
  const rows = Object.entries(servers).map(([url, { username }]) => ({
    url,
    username,
    current: url === current,
  }));
  printAnswer(flags, rows, () =>
    rows.length === 0
      ? `No server is remembered in ${savedLoginsPath()}. Sign in with "heliostat login".`
      : table([
          ["SERVER", "USER", ""],
          ...rows.map((each) => [each.url, each.username, each.current ? "in use" : ""]),
        ]),
  );
}
