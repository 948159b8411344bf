import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Client } from "pg";
import { openKeyRing } from "../../packages/server/src/secrets/key-ring.ts";
import { createSealer } from "../../packages/server/src/secrets/sealer.ts";
import { type Api, createApi, idOf, type Parameters, projectPath } from "../support/api.ts";
import { type Authority, makeAuthority } from "../support/certificates.ts";
import { crawlApi } from "../support/crawl-api.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { startHookReceiver } from "../support/hook-receiver.ts";
import { type MailServer, startMailServer } from "../support/mail-server.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startConnectProxy, type TestProxy } from "../support/proxies.ts";
import { makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import {
  type Catch,
  createSecretNet,
  type ProcessWatch,
  secretLinesOf,
  watchProcesses,
  waysToTell,
} from "../support/secret-net.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { type SshPeer, startSshPeer } from "../support/ssh-peer.ts";
import { startTlsPeer, type TlsPeer } from "../support/tls-peer.ts";
import { waitFor } from "../support/wait-for.ts";

/** Distinct in every run, with what URLs, JSON and HTML escape. */
function makeSecret(name: string): string {
  return `${name}:p@ss/${randomBytes(9).toString("hex")}%?#é"'&<\\`;
}

/** As `makeSecret`, for programs whose configuration takes plain words only. */
function makeWord(name: string): string {
  return `${name}-${randomBytes(12).toString("hex")}`;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe("secrets of every kind", () => {
  const canary = makeWord("canary");
  const http = { username: "reader", password: makeSecret("http") };
  const named = { username: "named-reader", password: makeSecret("named") };
  const ssh = { username: "bot", password: makeSecret("ssh") };
  const wrong = makeSecret("wrong");
  const smtp = { username: "mailer", password: makeSecret("smtp") };
  const wrongSmtp = makeSecret("wrong-smtp");
  const ofProxy = { username: "proxy-user", password: makeWord("proxy") };
  const root = { password: makeSecret("root"), token: makeWord("hlpat") };

  const net = createSecretNet();
  const canaryNet = createSecretNet();
  canaryNet.plant("canary", canary);
  for (const [name, { username, password }] of Object.entries({ http, named, ssh, smtp, ofProxy }))
    net.plant(`${name} password`, password, username);
  net.plant("wrong password", wrong, http.username);
  net.plant("wrong SMTP password", wrongSmtp, smtp.username);
  net.plant("password of root", root.password, "root");
  net.plant("token of root", root.token, "root");

  let dir: string;
  let database: TestDatabase;
  let server: TestServer;
  let api: Api;
  let mails: MailServer;
  let proxy: TestProxy;
  let sshPeer: SshPeer;
  let httpPeer: GitHttpPeer;
  let namedPeer: GitHttpPeer;
  let tlsPeer: TlsPeer;
  let authority: Authority;
  let watch: ProcessWatch;
  const answers: { readonly asked: string; readonly text: string }[] = [];
  const cleanups: (() => Promise<unknown>)[] = [];

  before(async () => {
    dir = await makeTempDir({ after: (clean) => cleanups.push(clean) });
    for (const name of ["git", "ca", "proxy", "tmp", "data", "keys"]) await mkdir(join(dir, name));
    const upstream = await makeRepository(join(dir, "git/up.git"));
    await makeCommit(upstream);
    await makeCommit(upstream, { ref: `refs/heads/${canary}` });
    const gits = join(dir, "git");
    mails = await startMailServer({ auth: smtp });
    cleanups.push(() => mails.close());
    proxy = await startConnectProxy({ dir: join(dir, "proxy"), auth: ofProxy });
    cleanups.push(() => proxy.close());
    sshPeer = await startSshPeer({
      root: gits,
      accounts: [{ name: "git" }, { name: ssh.username, password: ssh.password }],
    });
    cleanups.push(() => sshPeer.close());
    httpPeer = await startGitHttpPeer({ root: gits, auth: http });
    cleanups.push(() => httpPeer.close());
    namedPeer = await startGitHttpPeer({ root: gits, auth: named });
    cleanups.push(() => namedPeer.close());
    authority = await makeAuthority(join(dir, "ca"));
    const identity = await authority.issue("git", { names: "IP:127.0.0.1" });
    tlsPeer = await startTlsPeer(httpPeer, {
      cert: identity.certificate,
      key: identity.key,
      requestCert: true,
      ca: authority.certificate,
    });
    cleanups.push(() => tlsPeer.close());
    database = await createTestDatabase();
    server = await startServer({
      database,
      dataDir: join(dir, "data"),
      env: {
        HELIOSTAT_ADMIN_PASSWORD: root.password,
        HELIOSTAT_ADMIN_TOKEN: root.token,
        HELIOSTAT_LOG_LEVEL: "trace",
        HELIOSTAT_SMTP_URL: smtpUrl(smtp.password),
        HTTPS_PROXY: proxy.url,
        NO_PROXY: "",
        TMPDIR: join(dir, "tmp"),
      },
    });
    cleanups.push(() => server.stop());
    api = createApi({ url: server.url, token: root.token });
    await api.put("/application/settings", {
      pull_mirror_min_interval_seconds: 0,
      push_mirror_min_interval_seconds: 0,
    });
    const keysFile = JSON.parse(await readFile(join(server.dataDir, "secrets.json"), "utf8"));
    for (const key of Object.values(keysFile.keys)) {
      assert(typeof key === "string");
      net.plant("key of the secrets file", key);
      net.plant("bytes of the key of the secrets file", Buffer.from(key, "base64").toString("hex"));
    }
    watch = watchProcesses((commandLine) => commandLine.includes("/cli/main.ts"));
    cleanups.push(async () => watch.stop());
  });
  after(async () => {
    for (const clean of cleanups.reverse()) await clean();
    await database?.drop();
  });

  function smtpUrl(password: string): string {
    return `smtp://${smtp.username}:${encodeURIComponent(password)}@127.0.0.1:${mails.port}`;
  }

  async function ask(method: "GET" | "POST" | "PUT" | "DELETE", path: string, parameters?: Parameters) {
    const { status, headers, body } = await api.call(method, path, parameters);
    answers.push({
      asked: `${method} ${path}`,
      text: `${JSON.stringify([...headers])}\n${JSON.stringify(body)}`,
    });
    return { status, body };
  }

  async function askWell(method: "POST" | "PUT", path: string, parameters: Parameters): Promise<unknown> {
    const { status, body } = await ask(method, path, parameters);
    assert(status < 300, `${method} ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** A project with a pull mirror, by our own endpoint. */
  async function addPull(project: string, settings: Parameters): Promise<number> {
    await askWell("POST", "/projects", { name: project });
    const path = `${projectPath(`root/${project}`)}/mirrors`;
    return idOf(await askWell("POST", path, { direction: "pull", ...settings }));
  }

  async function addPush(project: string, settings: Parameters): Promise<number> {
    const path = `${projectPath(`root/${project}`)}/mirrors`;
    return idOf(await askWell("POST", path, { direction: "push", ...settings }));
  }

  /** Runs it once more; then, where told, tests the connection, which meets the same, and may be done now and then. */
  async function runAgain(
    project: string,
    id: number,
    direction: "pull" | "push",
    tests: "and-tests" | "no-test" = "no-test",
  ): Promise<string> {
    const name = `root/${project}`;
    const path = `${projectPath(name)}/mirrors/${id}`;
    const mirror = direction === "pull" ? "pull" : id;
    const before = (await api.listUpdates(name, mirror))[0]?.id ?? 0;
    await askWell("POST", `${path}/sync`, { force: true });
    const ended = await waitFor(
      async () =>
        (await api.listUpdates(name, mirror)).find((each) => each.id > before && each.finished_at !== null),
      { timeoutMs: 60_000, message: "the update is over" },
    );
    if (tests === "and-tests") await askWell("POST", `${path}/test`, {});
    return ended.status;
  }

  /** What a host says that tells all it knows, in every form; as the shell text of the SSH peer. */
  function echo(told: readonly string[], end: string): string {
    const lines = told.flatMap((secret) => waysToTell(secret, ssh.username));
    const text = [canary, ...lines, `ssh://${ssh.username}:${encodeURIComponent(told[0] ?? "")}@h/`];
    return `cat >&2 <<'END-OF-ECHO'\nERROR: ${text.join("\nfatal: ")}\nEND-OF-ECHO\n${end}\n`;
  }

  test("a password over SSH, taken, refused, and told by the host", async () => {
    const settings = {
      url: sshPeer.urlOf("up.git", ssh.username),
      auth_password: ssh.password,
      ssh_known_hosts: sshPeer.knownHosts(),
    };
    const id = await addPull("ssh-password", settings);
    await api.waitForMirror("root/ssh-password", "pull", "finished");
    await makeRepository(join(dir, "git/down.git"));
    const push = await addPush("ssh-password", {
      ...settings,
      url: sshPeer.urlOf("down.git", ssh.username),
    });
    await api.waitForMirror("root/ssh-password", push, "finished");
    // Words at the side of an answer that is good, then words in place of it.
    await sshPeer.setFault(echo([ssh.password], ""));
    assert.equal(await runAgain("ssh-password", id, "pull"), "finished");
    await sshPeer.setFault(echo([ssh.password], "exit 1"));
    assert.equal(await runAgain("ssh-password", id, "pull", "and-tests"), "failed");
    assert.equal(await runAgain("ssh-password", push, "push", "and-tests"), "failed");
    // As an error of Git's protocol.
    await sshPeer.setFault(
      `cat >'${dir}/err' <<'END'\nERR ${ssh.password} may not\nEND\nprintf '%04x' $(($(wc -c <'${dir}/err') + 4)); cat '${dir}/err'; exit 0`,
    );
    assert.equal(await runAgain("ssh-password", id, "pull"), "failed");
    await sshPeer.setFault(null);
    await askWell("PUT", `${projectPath("root/ssh-password")}/mirrors/${id}`, { auth_password: wrong });
    assert.equal(await runAgain("ssh-password", id, "pull"), "failed");
    const inUrl = sshPeer.urlOf("up.git", `${ssh.username}:${encodeURIComponent(ssh.password)}`);
    await askWell("PUT", `${projectPath("root/ssh-password")}/mirrors/${id}`, { url: inUrl });
    assert.equal(await runAgain("ssh-password", id, "pull"), "finished");
    // What failed is tried again, and must not meet a host that tells it another mirror's key: nobody could know that.
    for (const each of [id, push]) {
      await askWell("PUT", `${projectPath("root/ssh-password")}/mirrors/${each}`, { enabled: false });
    }
  });

  test("a key that was made here, and one that was given, told by the host line by line", async () => {
    const known = { ssh_known_hosts: sshPeer.knownHosts(), auth_method: "ssh_public_key" };
    const url = sshPeer.urlOf("up.git");
    const made = await addPull("made-key", { url, ...known });
    await api.waitForMirror("root/made-key", "pull", "failed");
    const { public_key } = Object(await api.get(`${projectPath("root/made-key")}/mirrors/${made}`));
    const madePem = await openPrivateKey(made);
    net.plantKey("the key that was made", madePem);

    const key = await makeKey(join(dir, "keys"), "given", "-t", "ed25519");
    const givenPem = await readFile(key.path, "utf8");
    net.plantKey("the key that was given", givenPem);
    const given = await addPull("given-key", { url, ...known, ssh_private_key: givenPem });
    await api.waitForMirror("root/given-key", "pull", "failed");
    await sshPeer.authorize("git", [String(public_key), `${key.algorithm} ${key.key}`]);
    assert.equal(await runAgain("made-key", made, "pull"), "finished");
    assert.equal(await runAgain("given-key", given, "pull"), "finished");
    for (const [project, id, pem] of [
      ["made-key", made, madePem],
      ["given-key", given, givenPem],
    ] as const) {
      const lines = pem.split("\n").filter((line) => line !== "");
      await sshPeer.setFault(`cat >&2 <<'END'\n${lines.join("\n")}\nEND\nexit 1`);
      assert.equal(await runAgain(project, id, "pull"), "failed");
      await sshPeer.setFault(`cat >&2 <<'END'\nERROR: cannot read: ${secretLinesOf(pem)[0]}\nEND\nexit 1`);
      assert.equal(await runAgain(project, id, "pull", "and-tests"), "failed");
    }
    await sshPeer.setFault(null);
    // One that cannot be read, with good lines in it.
    const broken = givenPem.replace(/^[^-]{20}/m, "*");
    await ask("PUT", `${projectPath("root/given-key")}/mirrors/${given}`, { ssh_private_key: broken });
  });

  /** As the server does it, with its secrets file. */
  async function openPrivateKey(mirrorId: number): Promise<string> {
    const client = new Client(database.connection);
    await client.connect();
    try {
      const { rows } = await client.query(
        "select private_key_sealed, private_key_key_id from credentials where mirror_id = $1",
        [mirrorId],
      );
      const ring = openKeyRing(join(server.dataDir, "secrets.json"), { log: silent, areSecretsLost: true });
      const [{ private_key_sealed: sealed, private_key_key_id: keyId }] = rows;
      return createSealer(ring).open({ sealed, keyId }, `mirror:${mirrorId}:private-key`);
    } finally {
      await client.end();
    }
  }

  test("a named credential of either kind, tested, used and rotated", async () => {
    const key = await makeKey(join(dir, "keys"), "named", "-t", "rsa", "-b", "2048");
    const pem = await readFile(key.path, "utf8");
    net.plantKey("the key of a named credential", pem);
    const credential = { name: "password", username: named.username, password: named.password };
    const id = idOf(await askWell("POST", "/credentials", credential));
    const ofKey = { name: "key", kind: "ssh_key", username: "git", private_key: pem };
    const keyId = idOf(await askWell("POST", "/credentials", ofKey));
    await sshPeer.authorize("git", [`${key.algorithm} ${key.key}`]);
    const host_keys = sshPeer.knownHosts();
    await askWell("POST", `/credentials/${id}/test`, { url: namedPeer.urlOf("up.git"), direction: "push" });
    await askWell("POST", `/credentials/${keyId}/test`, { url: sshPeer.urlOf("up.git"), host_keys });
    const mirror = await addPull("named", { url: namedPeer.urlOf("up.git"), credential_id: id });
    await api.waitForMirror("root/named", "pull", "finished");
    const ofNamedKey = await addPull("named-key", {
      url: sshPeer.urlOf("up.git"),
      credential_id: keyId,
      ssh_known_hosts: sshPeer.knownHosts(),
    });
    // Its host may have to wait, after all that it said.
    assert.equal(await runAgain("named-key", ofNamedKey, "pull"), "finished");
    await askWell("POST", `/credentials/${id}/rotate`, { password: wrong });
    assert.equal(await runAgain("named", mirror, "pull", "and-tests"), "failed");
    await askWell("POST", `/credentials/${id}/test`, { url: namedPeer.urlOf("up.git") });
    await ask("POST", `/credentials/${keyId}/rotate`, { private_key: pem.replace("A", "*") });
  });

  test("webhooks, whose receiver tells back all that it is shown", async () => {
    const shown = { token: makeSecret("hook"), signing: makeSecret("signing"), header: makeSecret("header") };
    const [part, password] = [makeWord("url-part"), makeWord("hook-password")];
    for (const [name, secret] of Object.entries({ ...shown, part, password }))
      net.plant(`${name} of a webhook`, secret, "hook-user");
    const receiver = await startHookReceiver();
    cleanups.push(() => receiver.close());
    receiver.answer((response, { path, headers }) => {
      response.statusCode = path.endsWith("bad") ? 400 : 200;
      response.setHeader("x-echo", String(headers["x-own"]));
      response.end(JSON.stringify({ path, headers }));
    });
    await addPull("hooked", { url: namedPeer.urlOf("up.git") });
    const hook = {
      ...{ token: shown.token, signing_token: shown.signing },
      custom_headers: [{ key: "X-Own", value: shown.header }],
      url_variables: [{ key: "part", value: part }],
    };
    const authority = `hook-user:${password}@127.0.0.1:${receiver.port}`;
    for (const end of ["good", "bad"]) {
      const url = `http://${authority}/{part}/${end}?key={part}`;
      const at = `/projects/root%2Fhooked/hooks`;
      const id = idOf(await askWell("POST", at, { url, ...hook }));
      await ask("POST", `${at}/${id}/test/mirror_update_events`);
      await ask("GET", `${at}/${id}/events`);
      await ask("GET", `${at}/${id}`);
      await askWell("PUT", `${at}/${id}/custom_headers/X-Own`, { value: shown.header });
      await ask("POST", at, { url: url.replace("http", "ftp"), ...hook });
    }
    const [first] = receiver.requests;
    assert.equal(first?.headers["x-gitlab-token"], shown.token);
    assert(first.path.startsWith(`/${part}/`));
  });

  test("a client certificate, through a proxy that wants a password", async () => {
    const client = await authority.issue("mirror");
    net.plantKey("the key of a client certificate", client.key);
    const good = {
      ca_certificates: authority.certificate,
      client_certificate: client.certificate,
      client_key: client.key,
    };
    const beside = { auth_user: http.username, auth_password: http.password };
    const id = await addPull("tls", { url: tlsPeer.urlOf("up.git"), ...good, ...beside });
    await api.waitForMirror("root/tls", "pull", "finished");
    await ask("PUT", `${projectPath("root/tls")}/mirrors/${id}`, {
      client_certificate: client.key,
      client_key: client.certificate,
    });
    await askWell("PUT", `${projectPath("root/tls")}/mirrors/${id}`, {
      client_certificate: null,
      client_key: null,
    });
    assert.equal(await runAgain("tls", id, "pull"), "failed");
    await proxy.close();
    assert.equal(await runAgain("tls", id, "pull"), "failed");
  });

  test("runs that are cancelled and killed, and host keys that changed", async () => {
    const id = await addPull("cut", {
      url: sshPeer.urlOf("up.git", ssh.username),
      auth_password: ssh.password,
      ssh_known_hosts: sshPeer.knownHosts(),
    });
    await api.waitForMirror("root/cut", "pull", "finished");
    const path = `${projectPath("root/cut")}/mirrors/${id}`;
    const isAsleep = async (from: number) => (await sshPeer.commands()).length > from;
    await sshPeer.setFault(echo([ssh.password], "sleep 30"));
    let from = (await sshPeer.commands()).length;
    await askWell("POST", `${path}/sync`, { force: true });
    await waitFor(() => isAsleep(from), { message: "the run hangs" });
    await ask("GET", `${path}/progress`);
    await ask("POST", `${path}/cancel`, {});
    from = (await sshPeer.commands()).length;
    await ask("POST", `${path}/sync`, { force: true });
    await waitFor(() => isAsleep(from), { message: "the run hangs" });
    await server.kill("SIGKILL");
    await sshPeer.setFault(null);
    await sshPeer.start({ hostKeys: ["ed25519"] });
    // From here on the mail server refuses us, and says why.
    await server.restart({ HELIOSTAT_SMTP_URL: smtpUrl(wrongSmtp) });
    await ask("POST", `${path}/sync`, { force: true });
    await waitFor(async () => Object(await api.get(path)).last_error?.includes("host key"), {
      timeoutMs: 90_000,
      message: "the changed host key is seen",
    });
    await ask("GET", `${path}/host_keys/review`);
    await ask(
      "GET",
      `/projects/root%2Fcut/mirrors/ssh_host_keys?ssh_url=${encodeURIComponent(
        sshPeer.urlOf("up.git", `${ssh.username}:${encodeURIComponent(ssh.password)}`),
      )}`,
    );
    await waitFor(() => /a mail could not be sent/.test(server.output()), {
      timeoutMs: 60_000,
      message: "a mail was refused",
    });
  });

  test("requests that hold secrets where none belong", async () => {
    const secret = encodeURIComponent(http.password);
    const bare = { "PRIVATE-TOKEN": "" };
    for (const path of [
      `/projects?private_token=${root.token}`,
      `/user?private_token=${secret}`,
      `/nowhere?access_token=${root.token}`,
      `/projects/1/mirrors/ssh_host_keys?ssh_url=${encodeURIComponent(`ssh://bot:${secret}@[bad/x`)}`,
    ]) {
      const { headers, body } = await api.as(null).call("GET", path, undefined, { headers: bare });
      answers.push({ asked: path.split("?")[0] ?? "", text: JSON.stringify([[...headers], body]) });
    }
    await ask("POST", "/credentials", { name: "bad", kind: "ssh_key", private_key: http.password });
    await ask("POST", "/projects/1/mirrors/test", {
      direction: "push",
      url: httpPeer.urlOf("up.git"),
      auth_user: http.username,
      auth_password: wrong,
    });
  });

  test("the command line", async () => {
    const env = {
      HELIOSTAT_URL: server.url,
      HELIOSTAT_TOKEN: root.token,
      HELIOSTAT_SMTP_URL: smtpUrl(smtp.password),
      HELIOSTAT_ADMIN_PASSWORD: root.password,
      HTTPS_PROXY: proxy.url,
      HELIOSTAT_DATA_DIR: join(dir, "tmp", "cli"),
    };
    const withUser = (url: string, password: string) =>
      url.replace("http://", `http://${http.username}:${encodeURIComponent(password)}@`);
    const target = join(dir, "tmp", "synced.git");
    for (const args of [
      ["config"],
      ["doctor"],
      ["mirror", "list", "root/ssh-password"],
      ["mirror", "test", "root/named", "pull"],
      ["credential", "list"],
      ["sync", withUser(httpPeer.urlOf("up.git"), http.password), target],
      ["sync", withUser(httpPeer.urlOf("up.git"), wrong), `${target}-2`],
      ["sync", withUser(httpPeer.urlOf("none.git"), http.password), `${target}-3`, "--json"],
    ]) {
      const { stdout, stderr } = await runHeliostat(args, env);
      answers.push({ asked: `heliostat ${args.slice(0, 2).join(" ").slice(0, 20)}`, text: stdout + stderr });
    }
  });

  test("are found nowhere, and the canary is found wherever was looked", async () => {
    answers.push(...(await crawlApi(api)));
    // A process that shows the canary, as one would show a secret.
    const shown = spawn("sh", ["-c", "sleep 1; true", canary], { env: { C: canary }, stdio: "ignore" });
    await once(shown, "close");
    watch.stop();
    const dump = await dumpDatabase(database);
    const places: [string, string | Buffer][] = [
      ["the log", server.output()],
      ["the database", dump],
      ["mails", mails.mails.map(({ raw, text, html }) => `${raw}\n${text}\n${html}`).join("\n")],
      ...answers.map(({ asked, text }): [string, string] => [`the answer to ${asked}`, text]),
    ];
    for (const [where, bytes] of watch.seen()) {
      // Whoever starts it wrote the URL there; what it starts must not.
      if (!bytes.includes("/cli/main.ts\0sync\0")) places.push([where, Buffer.from(bytes, "latin1")]);
    }
    const lookIn = async (which: typeof net): Promise<readonly Catch[]> => [
      ...places.flatMap(([where, content]) => which.search(where, content)),
      ...(await which.searchFiles(server.dataDir, [join(server.dataDir, "secrets.json")])),
      ...(await which.searchFiles(join(dir, "tmp"), [])),
    ];
    const seen = (await lookIn(canaryNet)).map(({ where }) => where);
    for (const pattern of [
      /^the log$/,
      /^the database$/,
      /^mails$/,
      /^the answer to GET .*\/updates/,
      /^the answer to POST .*\/test/,
      /^the answer to heliostat /,
      /^command line of /,
      /^environment of /,
      /\/repositories\//,
      /\/tmp\/synced\.git\//,
    ]) {
      assert(
        seen.some((where) => pattern.test(where)),
        `the canary is in ${pattern}: ${seen.join("\n")}`,
      );
    }
    assert(
      mails.logins.some((login) => login.includes(wrongSmtp)),
      "the mail server was shown it",
    );
    assert(
      [...watch.seen().values()].some((text) => text.includes("index-pack")),
      "git was seen at work",
    );
    const caught = await lookIn(net);
    const report = caught.map(({ name, where, context }) => `${where} holds the ${name}: …${context}…`);
    assert.deepEqual(report, []);
  });
});

/** Every row of every table as text; of bytes, as hexadecimal digits. */
async function dumpDatabase({ connection }: TestDatabase): Promise<string> {
  const client = new Client(connection);
  await client.connect();
  try {
    const { rows: tables } = await client.query(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    );
    assert(tables.length > 10);
    const parts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query(
        `select row_to_json(t)::text as row, t::text as plain from ${name} t`,
      );
      parts.push(`${name}\n`, ...rows.map(({ row, plain }) => `${row}\n${plain}\n`));
    }
    return parts.join("");
  } finally {
    await client.end();
  }
}
