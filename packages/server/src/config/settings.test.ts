import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { HeliostatError } from "../domain/errors.ts";
import { describeSettings, readSettings, type Settings, VARIABLE_NAMES } from "./settings.ts";

const places = { checkoutDir: "/srv/heliostat", workingDir: "/home/ada" };

function read(env: Record<string, string>): Settings {
  return readSettings(env, places);
}

/** The one line that a person sees for this environment. */
function complaintOf(env: Record<string, string>): string {
  try {
    read(env);
  } catch (error) {
    assert.ok(error instanceof HeliostatError);
    assert.equal(error.code, "config-invalid");
    assert.ok(!error.message.includes("\n"), "one line");
    return error.message;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

test("an empty environment gives the documented defaults", () => {
  assert.deepEqual(read({ HOME: "/root", PATH: "/bin" }), {
    dataDir: "/srv/heliostat/data",
    httpListen: { host: "127.0.0.1", port: 8080 },
    sshListen: { host: "127.0.0.1", port: 2222 },
    externalUrl: null,
    trustedProxies: [],
    databaseUrl: null,
    adminPassword: null,
    adminToken: null,
    allowLocalRemotes: false,
    secretsFile: "/srv/heliostat/data/secrets.json",
    smtpUrl: null,
    caFile: null,
    proxies: { http: null, https: null, all: null, exceptions: [] },
    gitClients: 16 * availableParallelism(),
    gitQueue: 1000,
    oidc: null,
    logLevel: "info",
    serverUrl: null,
    token: null,
    given: new Set(),
  });
});

test("every variable is read", () => {
  const settings = read({
    HELIOSTAT_DATA_DIR: "/var/lib/heliostat",
    HELIOSTAT_HTTP_LISTEN: "[::1]:80",
    HELIOSTAT_SSH_LISTEN: "off",
    HELIOSTAT_EXTERNAL_URL: "https://git.example.com/",
    HELIOSTAT_TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,::1,fd00::/8",
    HELIOSTAT_DATABASE_URL: "postgres://ada:s3cret@db/heliostat",
    HELIOSTAT_ADMIN_PASSWORD: "correct horse",
    HELIOSTAT_ADMIN_TOKEN: "0123456789abcdefghij",
    HELIOSTAT_ALLOW_LOCAL_REMOTES: "True",
    HELIOSTAT_SECRETS_FILE: "keys.json",
    HELIOSTAT_SMTP_URL: "smtps://ada:s3cret@mail.example.com:465",
    HELIOSTAT_GIT_CLIENTS: "3",
    HELIOSTAT_GIT_QUEUE: "0",
    HELIOSTAT_LOG_LEVEL: "DEBUG",
    HELIOSTAT_URL: "https://mirrors.example.com/",
    HELIOSTAT_TOKEN: "t0ken",
    HELIOSTAT_CA_FILE: "ca.pem",
    HELIOSTAT_OIDC_ISSUER: "https://gitlab.example.com",
    HELIOSTAT_OIDC_CLIENT_ID: "heliostat",
    HELIOSTAT_OIDC_CLIENT_SECRET: "s3cret",
    HELIOSTAT_OIDC_NAME: "Our GitLab",
    HELIOSTAT_OIDC_SCOPES: "openid  email",
    HELIOSTAT_OIDC_CREATE_USERS: "no",
    HTTPS_PROXY: "proxy:3128",
    HTTP_PROXY: "http://ada:s3cret@proxy:3128",
    ALL_PROXY: "socks5h://proxy:1080",
    NO_PROXY: "example.com,10.0.0.0/8",
  });
  const { exceptions, ...proxies } = settings.proxies;
  assert.deepEqual(
    exceptions.map(({ text }) => text),
    ["example.com", "10.0.0.0/8"],
  );
  assert.deepEqual(
    { ...settings, proxies },
    {
      dataDir: "/var/lib/heliostat",
      httpListen: { host: "::1", port: 80 },
      sshListen: null,
      externalUrl: "https://git.example.com",
      trustedProxies: ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"],
      databaseUrl: "postgres://ada:s3cret@db/heliostat",
      adminPassword: "correct horse",
      adminToken: "0123456789abcdefghij",
      allowLocalRemotes: true,
      secretsFile: "/home/ada/keys.json",
      smtpUrl: "smtps://ada:s3cret@mail.example.com:465",
      caFile: "/home/ada/ca.pem",
      proxies: {
        http: "http://ada:s3cret@proxy:3128",
        https: "http://proxy:3128",
        all: "socks5h://proxy:1080",
      },
      gitClients: 3,
      gitQueue: 0,
      oidc: {
        issuer: "https://gitlab.example.com",
        clientId: "heliostat",
        clientSecret: "s3cret",
        clientSecretFile: null,
        name: "Our GitLab",
        scopes: "openid email",
        createsUsers: false,
      },
      logLevel: "debug",
      serverUrl: "https://mirrors.example.com",
      token: "t0ken",
      given: new Set(VARIABLE_NAMES.filter((name) => name !== "HELIOSTAT_OIDC_CLIENT_SECRET_FILE")),
    },
  );
});

test("the secrets file follows the data directory, and relative paths the working directory", () => {
  const settings = read({ HELIOSTAT_DATA_DIR: "state" });
  assert.equal(settings.dataDir, "/home/ada/state");
  assert.equal(settings.secretsFile, "/home/ada/state/secrets.json");
});

test("an empty variable counts as unset", () => {
  const settings = read({ HELIOSTAT_HTTP_LISTEN: "", HELIOSTAT_DATABASE_URL: "" });
  assert.equal(settings.httpListen.port, 8080);
  assert.equal(settings.databaseUrl, null);
  assert.deepEqual([...settings.given], []);
});

test("a proxy is read in lower case too, which wins, and no header of a client is one", () => {
  const both = { http_proxy: "lower", HTTP_PROXY: "upper", https_proxy: "", HTTPS_PROXY: "upper" };
  const { http, https } = read(both).proxies;
  assert.deepEqual([http, https], ["http://lower", "http://upper"]);
  assert.deepEqual([...read({ all_proxy: "lower" }).given], ["ALL_PROXY"]);
  const cgi = read({ REQUEST_METHOD: "GET", HTTP_PROXY: "http://evil", HTTPS_PROXY: "http://proxy" });
  assert.deepEqual([cgi.proxies.http, cgi.proxies.https], [null, "http://proxy"]);
});

test("an unknown variable is named with the nearest one that exists", () => {
  assert.equal(
    complaintOf({ HELIOSTAT_HTTP_LISTEM: ":80" }),
    "there is no variable HELIOSTAT_HTTP_LISTEM: did you mean HELIOSTAT_HTTP_LISTEN?",
  );
  assert.match(complaintOf({ HELIOSTAT_DB_URL: "postgres://x/y" }), /did you mean HELIOSTAT_DATABASE_URL\?$/);
  assert.match(complaintOf({ HELIOSTAT_toString: "x" }), /there is no variable HELIOSTAT_toString/);
});

test("all problems come in one line", () => {
  const complaint = complaintOf({
    HELIOSTAT_HTTP_LISTEN: "80",
    HELIOSTAT_LOG_LEVEL: "loud",
    HELIOSTAT_PORT: "80",
  });
  const problems = complaint.split("; ");
  assert.equal(problems.length, 3);
  assert.match(complaint, /HELIOSTAT_PORT/);
  assert.match(complaint, /HELIOSTAT_HTTP_LISTEN is "80", not host:port, such as/);
  assert.match(
    complaint,
    /HELIOSTAT_LOG_LEVEL is "loud", not one of silent, fatal, error, warn, info, debug, trace/,
  );
});

const refused = {
  "SSH off is off, not another word": { HELIOSTAT_SSH_LISTEN: "none" },
  "HTTP cannot be off": { HELIOSTAT_HTTP_LISTEN: "off" },
  "an external URL needs a scheme": { HELIOSTAT_EXTERNAL_URL: "git.example.com" },
  "an external URL is HTTP": { HELIOSTAT_EXTERNAL_URL: "ssh://git.example.com" },
  "a trusted proxy is an address": { HELIOSTAT_TRUSTED_PROXIES: "proxy.example.com" },
  "a trusted range is one": { HELIOSTAT_TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/33" },
  "nobody trusts everybody": { HELIOSTAT_TRUSTED_PROXIES: "0.0.0.0/0" },
  "an external URL has no path": { HELIOSTAT_EXTERNAL_URL: "https://example.com/git" },
  "an external URL has no query": { HELIOSTAT_EXTERNAL_URL: "https://example.com/?a=b" },
  "the database is PostgreSQL": { HELIOSTAT_DATABASE_URL: "mysql://db/heliostat" },
  "a boolean is one": { HELIOSTAT_ALLOW_LOCAL_REMOTES: "maybe" },
  "mail goes by SMTP": { HELIOSTAT_SMTP_URL: "https://mail.example.com" },
  "a mail server has a name": { HELIOSTAT_SMTP_URL: "smtp:///x" },
  "a mail server's password can be decoded": { HELIOSTAT_SMTP_URL: "smtp://ada:planted%zz@mail" },
  "a mail server has one parameter": { HELIOSTAT_SMTP_URL: "smtp://mail?password=planted" },
  "mail comes from an address": { HELIOSTAT_SMTP_URL: "smtp://mail?from=nobody" },
  "a tilde is not expanded here": { HELIOSTAT_DATA_DIR: "~/heliostat" },
  "SOCKS4 is refused": { ALL_PROXY: "socks4://ada:planted@proxy" },
  "a range without a proxy is one": { NO_PROXY: "10.0.0.0/64" },
  "a short token is refused": { HELIOSTAT_ADMIN_TOKEN: "short" },
  "a token fits a header": { HELIOSTAT_ADMIN_TOKEN: "0123456789 0123456789" },
} satisfies Record<string, Record<string, string>>;

for (const [name, env] of Object.entries(refused)) {
  test(name, () => {
    assert.ok(complaintOf(env).startsWith(Object.keys(env)[0] ?? "-"));
  });
}

test("no complaint repeats a secret", () => {
  const complaint = complaintOf({
    HELIOSTAT_DATABASE_URL: "mysql://ada:planted-1@db/heliostat",
    HELIOSTAT_SMTP_URL: "http://ada:planted-2@mail",
    HELIOSTAT_ADMIN_PASSWORD: "pl-3",
    HELIOSTAT_ADMIN_TOKEN: "planted 4",
    HELIOSTAT_TOKEN: "planted 7",
    HELIOSTAT_EXTERNAL_URL: "https://ada:planted-5@git.example.com",
    https_proxy: "ftp://ada:planted-9@proxy",
  });
  assert.equal(complaint.split("; ").length, 7);
  assert.doesNotMatch(complaint, /planted|pl-3/);
});

test("the description masks secrets, also inside URLs, and says where each value is from", () => {
  const rows = describeSettings(
    read({
      HELIOSTAT_DATABASE_URL:
        "postgres://ada:planted-1@db/heliostat?sslpassword=planted-6&application_name=h",
      HELIOSTAT_SMTP_URL: "smtp://ada:planted-2@mail.example.com:587",
      HELIOSTAT_ADMIN_PASSWORD: "planted-3",
      HELIOSTAT_ADMIN_TOKEN: "planted-4-0123456789",
      HELIOSTAT_TOKEN: "planted-8",
      HTTPS_PROXY: "http://planted-9:planted-10@proxy:3128",
    }),
  );
  assert.deepEqual(
    rows.map(({ name }) => name),
    VARIABLE_NAMES,
  );
  assert.doesNotMatch(JSON.stringify(rows), /planted/);
  const row = (wanted: string) => rows.find(({ name }) => name === wanted);
  assert.equal(
    row("HELIOSTAT_DATABASE_URL")?.value,
    "postgres://ada:*****@db/heliostat?sslpassword=*****&application_name=h",
  );
  assert.equal(row("HELIOSTAT_SMTP_URL")?.value, "smtp://ada:*****@mail.example.com:587");
  assert.equal(row("HTTPS_PROXY")?.value, "http://*****:*****@proxy:3128");
  assert.equal(row("NO_PROXY")?.value, "none");
  assert.equal(row("HELIOSTAT_SMTP_URL")?.source, "environment");
  assert.equal(row("HELIOSTAT_LOG_LEVEL")?.source, "default");
  assert.equal(row("HELIOSTAT_EXTERNAL_URL")?.value, "http://127.0.0.1:8080");
});

test("as many clients as can be, and no fewer than one", () => {
  for (const value of ["0", "-1", "1.5", "many", "10001"]) {
    assert.match(complaintOf({ HELIOSTAT_GIT_CLIENTS: value }), /^HELIOSTAT_GIT_CLIENTS is "/);
  }
  assert.equal(read({ HELIOSTAT_GIT_CLIENTS: "1" }).gitClients, 1);
});
