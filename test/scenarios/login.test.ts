import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { accessTokenSchema } from "@heliostat/contract/api/access-tokens.ts";
import { recoveryCodesSchema, twoFactorSecretSchema } from "@heliostat/contract/api/two-factor.ts";
import { type Api, createApi } from "../support/api.ts";
import { codeAt } from "../support/authenticator.ts";
import { openBrowserSession } from "../support/browser-session.ts";
import { makeTempDir } from "../support/repositories.ts";
import { type HeliostatRun, runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const MAIN = fileURLToPath(new URL("../../packages/server/src/cli/main.ts", import.meta.url));
const PASSWORD = "tea and engines";

let server: TestServer;
let api: Api;
let home: string;
/** The same server under another name: another one to the command line. */
let otherUrl: string;
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  home = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  server = await startServer();
  api = createApi(server);
  otherUrl = server.url.replace("127.0.0.1", "localhost");
  await api.createUser("ada", PASSWORD);
});

after(async () => {
  await server?.stop();
  for (const clean of cleanups.reverse()) await clean();
});

function run(
  args: readonly string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<HeliostatRun> {
  return runHeliostat(
    args,
    { XDG_CONFIG_HOME: home, HELIOSTAT_DATA_DIR: join(home, "none"), ...env },
    { input },
  );
}

async function ok(args: readonly string[], input = ""): Promise<string> {
  const { exitCode, stdout, stderr } = await run(args, { input });
  assert.deepEqual([exitCode, stderr], [0, ""], `${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

async function refused(code: number, args: readonly string[], input = ""): Promise<string> {
  const { exitCode, stdout, stderr } = await run(args, { input });
  assert.deepEqual([exitCode, stdout], [code, ""], `${args.join(" ")}: ${stderr}`);
  return stderr;
}

const file = () => join(home, "heliostat", "logins.json");
const saved = async () => JSON.parse(await readFile(file(), "utf8"));

test("a password makes a token, in a file for nobody else; signing out revokes it", async () => {
  const told = await ok(["login", server.url, "--username", "ada", "--password-stdin"], `${PASSWORD}\n`);
  assert.match(told, new RegExp(`^Signed in to ${server.url} as ada\\.`));
  assert.match(told, /^Token: heliostat on \S+ \(api\), until 20\d\d-\d\d-\d\d\.$/m);
  assert.equal((await stat(file())).mode & 0o777, 0o600);
  assert.equal((await stat(join(home, "heliostat"))).mode & 0o777, 0o700);
  const { token } = (await saved()).servers[server.url];
  assert.match(token, /^hlpat-/);
  assert.ok(!told.includes(token));
  assert.ok(!(await readFile(file(), "utf8")).includes(PASSWORD));
  const who = await ok(["whoami"]);
  assert.match(who, new RegExp(`^Server +${server.url}$`, "m"));
  assert.match(who, /^User +\d+: ada \(ada\)$/m);
  assert.match(who, /^From +your login$/m);
  assert.ok(!who.includes(token));
  const asJson = JSON.parse(await ok(["whoami", "--json"]));
  assert.deepEqual([asJson.server, asJson.user.username, asJson.token.scopes], [server.url, "ada", ["api"]]);
  assert.equal(accessTokenSchema.strict().parse(asJson.token).name, asJson.token.name);
  // No session is left behind.
  const browser = openBrowserSession(server.url);
  await browser.signIn("ada", PASSWORD);
  assert.equal(Object((await browser.ask("GET", "/api/v4/user/sessions")).body).length, 1);

  assert.equal(await ok(["project", "list"]), "There are no projects.\n");
  assert.equal(await ok(["logout"]), `Signed out of ${server.url}.\n`);
  assert.equal((await api.as(token).call("GET", "/user")).status, 401);
  assert.deepEqual(await saved(), { current: null, servers: {} });
  assert.match(await refused(2, ["project", "list"]), /^heliostat: No token for .*heliostat login/);
  assert.match(await refused(1, ["logout"]), /You are not signed in/);
});

test("several servers are remembered; variables and options win over them", async () => {
  const added = await ok(["login", server.url, "--token-stdin"], `${server.token}\n`);
  assert.match(added, /as root\. Commands speak to this server now\./);
  await ok(["login", otherUrl, "--username", "ada", "--password-stdin"], PASSWORD);
  assert.match(await ok(["whoami", "--all"]), new RegExp(`^${otherUrl} +ada +in use$`, "m"));
  assert.match(await ok(["whoami"]), /^User +\d+: ada /m);
  assert.match(await ok(["whoami", "--url", server.url]), /^User +\d+: root /m);
  const byUrl = await run(["whoami"], { env: { HELIOSTAT_URL: server.url } });
  assert.match(byUrl.stdout, /^User +\d+: root /m);
  const token = await api.createToken(Object(await api.get("/users?username=ada"))[0].id, ["read_api"]);
  const byToken = await run(["whoami"], { env: { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: token } });
  assert.match(byToken.stdout, /^User +\d+: ada [\s\S]*^From +HELIOSTAT_TOKEN$/m);
  // A token of the environment is for the server that the environment means, not for one of a login.
  const local = await run(["whoami"], {
    env: { HELIOSTAT_TOKEN: token, HELIOSTAT_HTTP_LISTEN: "127.0.0.1:1" },
  });
  assert.deepEqual([local.exitCode, local.stdout], [1, ""]);
  assert.match(local.stderr, /Cannot reach the server at http:\/\/127\.0\.0\.1:1 /);

  assert.match(await ok(["login", server.url, "--use"]), /as root\.$/m);
  assert.match(await ok(["whoami"]), /^User +\d+: root /m);
  const win = await run(["login", otherUrl, "--use"], { env: { HELIOSTAT_TOKEN: token } });
  assert.match(win.stderr, /HELIOSTAT_TOKEN in your environment still win/);
  assert.match(
    await refused(2, ["login", "https://git.example.com", "--use"]),
    /You are not signed in to https:\/\/git/,
  );

  await ok(["logout", "--all"]);
  // Root brought the token along: it stays good.
  assert.equal((await api.call("GET", "/user")).status, 200);
});

test("what does not let in is told, and nothing is kept of it", async () => {
  const byPassword = ["login", server.url, "--username", "ada", "--password-stdin"];
  assert.match(await refused(1, byPassword, "wrong"), /user name or password|Invalid|wrong/i);
  assert.match(
    await refused(1, ["login", server.url, "--token-stdin"], "hlpat-wrong"),
    /does not accept the token/,
  );
  assert.match(
    await refused(2, ["login", server.url, "--token-stdin"], "two words"),
    /does not hold one token/,
  );
  assert.match(
    await refused(1, ["login", "http://127.0.0.1:1", "--token-stdin"], "x"),
    /Cannot reach the server/,
  );
  assert.match(await refused(2, ["login", server.url]), /Nobody is here to ask .*--help lists them/);
  assert.match(
    await refused(2, ["login", server.url, "--password-stdin"], "x"),
    /--password-stdin needs --username/,
  );
  assert.match(
    await refused(2, ["login", "ftp://x", "--token-stdin"], "x"),
    /URL is not the address of a server/,
  );
  assert.deepEqual((await saved()).servers, {});
});

test("a token that was revoked elsewhere is told with the way back, and a file that others can read is not read", async () => {
  await ok(["login", server.url, "--username", "ada", "--password-stdin"], PASSWORD);
  const { token } = (await saved()).servers[server.url];
  assert.equal((await api.as(token).call("DELETE", "/personal_access_tokens/self")).status, 204);
  assert.match(
    await refused(1, ["project", "list"]),
    new RegExp(`does not accept the token from your login\\. Sign in again: heliostat login ${server.url}`),
  );
  await chmod(file(), 0o640);
  assert.match(
    await refused(2, ["project", "list"]),
    /can be read by others on this machine\. Run: chmod 600/,
  );
  await chmod(file(), 0o600);
  assert.equal(await ok(["logout"]), `Signed out of ${server.url}.\n`);
});

test("a second factor is asked for on a terminal, where nothing of the password is seen", async () => {
  await api.createUser("grace", PASSWORD);
  const browser = openBrowserSession(server.url);
  await browser.signIn("grace", PASSWORD);
  const begun = await browser.ask("POST", "/api/v4/user/two_factor", { current_password: PASSWORD });
  const { secret } = twoFactorSecretSchema.parse(begun.body);
  const confirmed = await browser.ask("POST", "/api/v4/user/two_factor/confirm", {
    code: codeAt(secret, Date.now()),
  });
  const [first = "", second = ""] = recoveryCodesSchema.parse(confirmed.body).recovery_codes;

  const byCode = [
    "login",
    server.url,
    "--username",
    "grace",
    "--password-stdin",
    "--code",
    first,
    "--admin-mode",
  ];
  assert.match(await refused(2, byCode, PASSWORD), /grace is no admin: sign in without --admin-mode/);
  const child = spawn(
    "script",
    ["-qefc", `'${process.execPath}' '${MAIN}' login ${server.url}`, "/dev/null"],
    {
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", XDG_CONFIG_HOME: home },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
  });
  const shows = (text: string) =>
    waitFor(() => screen.includes(text), { timeoutMs: 60_000, message: () => `${text} on: ${screen}` });
  await shows("User name at ");
  child.stdin.write("grace\r");
  await shows("Password: ");
  child.stdin.write(`${PASSWORD}\r`);
  await shows("Code of your second factor");
  child.stdin.write(`${second}\r`);
  const [code] = await once(child, "close");
  assert.equal(code, 0, screen);
  assert.match(screen, /as grace\./);
  assert.ok(!screen.includes(PASSWORD), screen);
  await ok(["logout"]);
});
