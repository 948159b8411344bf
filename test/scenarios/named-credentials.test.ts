import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { promisify } from "node:util";
import { connectionReportSchema } from "@heliostat/contract/api/connection-tests.ts";
import { credentialSchema, credentialUseSchema } from "@heliostat/contract/api/credentials.ts";
import { hostKeyReviewSchema } from "@heliostat/contract/api/host-keys.ts";
import { mirrorSchema, mirrorUpdateSchema } from "@heliostat/contract/api/mirrors.ts";
import { createApi, idOf, type Parameters, projectPath } from "../support/api.ts";
import { startGitDaemonPeer } from "../support/git-daemon-peer.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { startMailServer } from "../support/mail-server.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer } from "../support/server.ts";
import { startSshPeer } from "../support/ssh-peer.ts";
import { waitFor } from "../support/wait-for.ts";

/* A credential is one thing: used by many mirrors, rotated once for all, and read by nobody. */

const OLD = { username: "robot", password: "old-p1anted-s3cret" };
const NEW = { username: "robot", password: "new-p1anted-s3cret" };

const directory = await makeTempDir({ after });
await mkdir(join(directory, "one"));
await mkdir(join(directory, "two"));
const mailServer = await startMailServer();
after(() => mailServer.close());
const server = await startServer({
  env: { HELIOSTAT_SMTP_URL: `smtp://127.0.0.1:${mailServer.port}?from=mirrors@example.com` },
});
after(() => server.stop());
const root = createApi(server);
await root.put("/application/settings", {
  pull_mirror_min_interval_seconds: 0,
  push_mirror_min_interval_seconds: 0,
});
const adaId = await root.createUser("ada", "correct horse battery");
const ada = root.as(await root.createToken(adaId, ["api"]));
const bob = root.as(await root.createToken(await root.createUser("bob", "correct horse battery"), ["api"]));

/** Hosts that change their password at some moment; each what it asked for from then on. */
const auth = { ...OLD };
const peers: readonly GitHttpPeer[] = await Promise.all(
  ["one", "two"].map((name) => startGitHttpPeer({ root: join(directory, name), auth })),
);
after(() => Promise.all(peers.map((peer) => peer.close())));
const [one, two] = peers;
assert(one && two);

async function upstream(host: "one" | "two", name: string): Promise<string> {
  const path = await makeRepository(join(directory, host, `${name}.git`));
  await makeCommit(path);
  return path;
}

async function makeCredential(parameters: Parameters, api = ada) {
  return credentialSchema.parse(await api.post("/credentials", parameters));
}

async function readMirror(project: string, id: number) {
  return mirrorSchema.parse(await root.get(`${projectPath(project)}/mirrors/${id}`));
}

const usersOf = (peer: GitHttpPeer, path: string) =>
  peer.requests
    .filter(({ url }) => url.startsWith(`/${path}`))
    .map(({ headers }) =>
      Buffer.from((headers.authorization ?? "").replace("Basic ", ""), "base64").toString(),
    );

test("one credential, three mirrors at two hosts, rotated once: all three go on with the new secret", async () => {
  const bot = await makeCredential({ name: "bot", ...OLD });
  assert.deepEqual([bot.kind, bot.namespace.full_path, bot.username], ["password", "ada", "robot"]);
  const places = [
    ["one", one, "a"],
    ["one", one, "b"],
    ["two", two, "c"],
  ] as const;
  const made: { project: string; id: number }[] = [];
  for (const [host, peer, name] of places) {
    await upstream(host, name);
    await ada.createProject(name);
    const parameters = { direction: "pull", url: peer.urlOf(`${name}.git`), credential_id: bot.id };
    const answer = mirrorSchema.parse(await ada.post(`${projectPath(`ada/${name}`)}/mirrors`, parameters));
    assert.deepEqual(
      [answer.credential, answer.auth_method, answer.credential_expires_soon],
      [{ id: bot.id, name: "bot" }, "password", false],
    );
    assert.equal((await ada.waitForMirror(`ada/${name}`, "pull", "finished")).status, "finished");
    made.push({ project: `ada/${name}`, id: answer.id });
  }

  const uses = credentialUseSchema.array().parse(await ada.get(`/credentials/${bot.id}/mirrors`));
  assert.deepEqual(
    uses.map((use) => [use.mirror_id, use.project_path, use.direction, use.url]),
    made.map(({ project, id }, at) => [
      id,
      project,
      "pull",
      places[at]?.[1].urlOf(`${project.slice(4)}.git`),
    ]),
  );
  const refused = await ada.call("DELETE", `/credentials/${bot.id}`);
  assert.equal(refused.status, 409);
  assert.match(JSON.stringify(refused.body), /^\{"message":"3 mirrors use this credential/);

  // The hosts change the password: the mirrors fail, and pause at the second time.
  Object.assign(auth, NEW);
  for (const { project } of made) {
    assert.equal((await ada.update(project, "pull")).status, "failed");
    assert.equal((await ada.update(project, "pull")).status, "failed");
  }
  assert.deepEqual(
    await Promise.all(made.map(async ({ project, id }) => (await readMirror(project, id)).paused)),
    [true, true, true],
  );

  const rotated = credentialSchema.parse(
    await ada.post(`/credentials/${bot.id}/rotate`, { password: NEW.password }),
  );
  assert(rotated.rotated_at > bot.rotated_at);
  assert.equal(rotated.mirrors_count, 3);
  for (const { project, id } of made) {
    await ada.waitForMirror(project, "pull", "finished");
    const { paused, last_error } = await readMirror(project, id);
    assert.deepEqual([paused, last_error], [false, null]);
  }
  const answers = JSON.stringify([
    await ada.get("/credentials"),
    await ada.get(`/credentials/${bot.id}/mirrors`),
    await Promise.all(made.map(({ project }) => ada.get(`${projectPath(project)}/mirrors`))),
  ]);
  for (const { password } of [OLD, NEW]) {
    assert(
      !answers.includes(password) && !server.output().includes(password),
      "no secret is shown or logged",
    );
  }

  for (const { project, id } of made) await ada.delete(`${projectPath(project)}/mirrors/${id}`);
  assert.equal((await ada.call("DELETE", `/credentials/${bot.id}`)).status, 204);
  assert.equal((await ada.call("GET", `/credentials/${bot.id}`)).status, 404);
});

test("somebody else's credential is nobody's business", async () => {
  const { id } = await makeCredential({ name: "mine", ...NEW });
  await bob.createProject("own");
  for (const [method, path, parameters] of [
    ["GET", `/credentials/${id}`, undefined],
    ["GET", `/credentials/${id}/mirrors`, undefined],
    ["PUT", `/credentials/${id}`, { name: "x" }],
    ["DELETE", `/credentials/${id}`, undefined],
    ["POST", `/credentials/${id}/rotate`, { password: "x" }],
    ["POST", `/credentials/${id}/test`, { url: one.urlOf("a.git") }],
  ] as const) {
    assert.equal((await bob.call(method, path, parameters)).status, 404, `${method} ${path}`);
  }
  assert.deepEqual(await bob.get("/credentials"), []);
  const given = { url: one.urlOf("a.git"), credential_id: id, direction: "push" };
  const asForNone = { ...given, credential_id: 999_999 };
  for (const path of ["mirrors", "mirrors/test", "remote_mirrors"]) {
    const answer = await bob.call("POST", `${projectPath("bob/own")}/${path}`, given);
    assert.deepEqual(
      [answer.status, answer.body],
      [400, { message: { credential_id: ["does not exist"] } }],
      path,
    );
    const none = await bob.call("POST", `${projectPath("bob/own")}/${path}`, asForNone);
    assert.deepEqual(none.body, answer.body);
  }
  assert.equal((await root.call("GET", `/credentials/${id}`)).status, 200);
});

test("who may change a mirror but not use its credential cannot have it shown to a server of theirs", async () => {
  // The admin lets a mirror of ada's project use a credential of the group, which she cannot read.
  const group = idOf(await root.post("/groups", { name: "ops", path: "ops" }));
  const { id } = await makeCredential({ name: "deploy", namespace_id: group, ...NEW }, root);
  assert.equal((await ada.call("GET", `/credentials/${id}`)).status, 404);
  await upstream("one", "shared");
  await upstream("one", "salaries");
  await ada.createProject("shared");
  const list = `${projectPath("ada/shared")}/mirrors`;
  const lend = { direction: "pull", url: one.urlOf("shared.git"), credential_id: id };
  const mirror = mirrorSchema.parse(await root.post(list, lend));
  await ada.waitForMirror("ada/shared", "pull", "finished");

  // Other settings are hers to change, and the whole form with them.
  const whole = { url: lend.url, credential_id: id, mirror_tags: "none" };
  const kept = mirrorSchema.parse(await ada.put(`${list}/${mirror.id}`, whole));
  assert.deepEqual(kept.credential, { id, name: "deploy" });

  // A host of hers, which writes down what it is shown.
  await mkdir(join(directory, "evil"));
  const evil = await startGitHttpPeer({ root: join(directory, "evil") });
  after(() => evil.close());
  for (const [peer, name, extra] of [
    [evil, "trap.git", {}],
    [evil, "trap-2.git", { credential_id: id }],
    [one, "salaries.git", {}],
  ] as const) {
    await root.put(`${list}/${mirror.id}`, lend);
    await ada.waitForMirror("ada/shared", "pull", "finished");
    const change = { url: peer.urlOf(name), ...extra };
    const after = mirrorSchema.parse(await ada.put(`${list}/${mirror.id}`, change));
    assert.equal(after.credential, null, name);
    await ada.waitForMirror("ada/shared", "pull", "failed");
    const shown = usersOf(peer, name);
    assert(shown.length > 0 && shown.every((text) => text === ""), `nothing was shown for ${name}`);
  }
  // GitLab's endpoint for the same mirror is no way around it.
  await root.put(`${list}/${mirror.id}`, lend);
  await ada.waitForMirror("ada/shared", "pull", "finished");
  await ada.put(`${projectPath("ada/shared")}/mirror/pull`, { url: evil.urlOf("trap-3.git") });
  await ada.waitForMirror("ada/shared", "pull", "failed");
  assert(usersOf(evil, "trap-3.git").every((text) => text === ""));
  // Whoever may use it takes it along.
  const moved = { url: one.urlOf("salaries.git"), credential_id: id, overwrites_diverged_branches: true };
  await root.put(`${list}/${mirror.id}`, moved);
  await ada.waitForMirror("ada/shared", "pull", "finished");
});

test("who may not use a mirror's credential cannot have it shown to a server that only they vouch for", async () => {
  const { id } = await makeCredential({ name: "by-ssh", ...NEW }, root);
  await upstream("one", "vouched");
  const ssh = await startSshPeer({
    ...{ root: join(directory, "one"), accounts: [{ name: "robot", password: NEW.password }] },
    hostKeys: ["ed25519"],
  });
  after(() => ssh.close());
  await ada.createProject("vouched");
  const list = `${projectPath("ada/vouched")}/mirrors`;
  const remote = { direction: "pull", url: ssh.urlOf("vouched.git", "robot") };
  const lend = { ...remote, credential_id: id, ssh_known_hosts: ssh.knownHosts() };
  const mirror = mirrorSchema.parse(await root.post(list, lend));
  await ada.waitForMirror("ada/vouched", "pull", "finished");

  // Another server at the same address. She sees its keys, and the credential stays where it is.
  await ssh.start({ hostKeys: ["ed25519"] });
  assert.equal((await ada.update("ada/vouched", "pull")).status, "failed");
  const signIns = ssh.accepted().length;
  const one = `${list}/${mirror.id}`;
  const { fingerprints } = hostKeyReviewSchema.parse(await ada.get(`${one}/host_keys/review`));
  const refused = await ada.call("POST", `${one}/host_keys/accept`, { fingerprints });
  assert.equal(refused.status, 403);
  assert.match(JSON.stringify(refused.body), /uses the credential by-ssh\. Only who may use it may say/);
  assert.deepEqual((await readMirror("ada/vouched", mirror.id)).credential, { id, name: "by-ssh" });

  // What she puts there herself is tried without it.
  const put = mirrorSchema.parse(await ada.put(one, { ssh_known_hosts: ssh.knownHosts() }));
  assert.equal(put.credential, null);
  await ada.waitForMirror("ada/vouched", "pull", "failed");
  assert.equal(ssh.accepted().length, signIns);

  // The admin looks at the keys, and lends it again.
  await root.put(one, { credential_id: id });
  await ada.waitForMirror("ada/vouched", "pull", "finished");
  await ssh.start({ hostKeys: ["ed25519"] });
  assert.equal((await ada.update("ada/vouched", "pull")).status, "failed");
  const seen = hostKeyReviewSchema.parse(await root.get(`${one}/host_keys/review`));
  await root.post(`${one}/host_keys/accept`, { fingerprints: seen.fingerprints });
  await ada.waitForMirror("ada/vouched", "pull", "finished");
});

test("an inline password takes the place of a named credential, and the other way round", async () => {
  const { id } = await makeCredential({ name: "swap", ...NEW });
  await makeRepository(join(directory, "two", "swap.git"));
  await ada.createProject("swap");
  const list = `${projectPath("ada/swap")}/mirrors`;
  const remote = { direction: "push", url: two.urlOf("swap.git") };
  const inline = mirrorSchema.parse(await ada.post(list, { ...remote, auth_user: "x", auth_password: "y" }));
  const named = mirrorSchema.parse(await ada.put(`${list}/${inline.id}`, { credential_id: id }));
  assert.equal(named.credential?.id, id);
  const both = { credential_id: id, auth_password: "z" };
  assert.equal((await ada.call("PUT", `${list}/${inline.id}`, both)).status, 400);
  const again = mirrorSchema.parse(
    await ada.put(`${list}/${inline.id}`, { auth_user: "x", auth_password: "y" }),
  );
  assert.equal(again.credential, null);
  assert.equal(credentialSchema.parse(await ada.get(`/credentials/${id}`)).mirrors_count, 0);
});

async function tryOut(path: string, parameters: Parameters, api = ada) {
  return connectionReportSchema.parse(await api.post(path, parameters));
}

test("a test says what can be done at a remote, and changes nothing there", async () => {
  const path = await upstream("one", "tried");
  await writeFile(join(path, "hooks/update"), "#!/bin/sh\nexit 1\n");
  await chmod(join(path, "hooks/update"), 0o755);
  const before = await refsOf(path);
  const { id } = await makeCredential({ name: "tried", ...NEW });
  const url = one.urlOf("tried.git");
  const good = await tryOut(`/credentials/${id}/test`, { url, direction: "push" });
  assert.deepEqual(
    [good.reachable, good.can_list, good.can_push, good.refs_count, good.code],
    [true, true, true, Object.keys(before).length, null],
  );
  assert.deepEqual([good.default_branch, good.object_format], ["main", "sha1"]);
  const forPull = await tryOut(`/credentials/${id}/test`, { url });
  assert.deepEqual([forPull.can_list, forPull.can_push], [true, null]);
  assert.deepEqual(await refsOf(path), before);

  await root.createProject("trying");
  const at = `${projectPath("root/trying")}/mirrors/test`;
  const wrong = { direction: "push", url, auth_user: "robot", auth_password: "wr0ng-p1anted" };
  const refused = await tryOut(at, wrong, root);
  assert.deepEqual(
    [refused.reachable, refused.can_list, refused.can_push, refused.code],
    [true, false, false, "remote-credential"],
  );
  assert.match(refused.fix ?? "", /Check user name and password or token/);
  assert(!JSON.stringify(refused).includes("wr0ng"));

  const daemon = await startGitDaemonPeer({ root: join(directory, "one") });
  after(() => daemon.close());
  const overGit = await tryOut(at, { direction: "push", url: daemon.urlOf("tried.git") }, root);
  assert.deepEqual([overGit.can_list, overGit.can_push, overGit.code], [true, true, null]);
  assert.deepEqual(await refsOf(path), before);
  const none = await tryOut(at, { direction: "push", url: daemon.urlOf("none.git") }, root);
  assert.equal(none.can_push, false);
  assert.equal(none.can_list, false);

  const list = `${projectPath("root/trying")}/mirrors`;
  const inline = { auth_user: NEW.username, auth_password: NEW.password };
  const stored = idOf(await root.post(list, { direction: "push", url, enabled: false, ...inline }));
  assert.equal((await tryOut(`${list}/${stored}/test`, {}, root)).can_push, true);
});

test("a test that hangs ends, and one of a forbidden destination does not say why", async () => {
  await ada.createProject("limits");
  const at = `${projectPath("ada/limits")}/mirrors/test`;
  one.setFault("hang", "hanging.git");
  const hanging = await tryOut(at, { direction: "pull", url: one.urlOf("hanging.git") });
  assert.deepEqual(
    [hanging.reachable, hanging.code, hanging.message],
    [false, "remote-timeout", "The remote did not answer within 15 s."],
  );
  await root.put("/application/settings", { allow_local_requests_from_web_hooks_and_services: false });
  const refusals = [];
  for (const url of [one.urlOf("a.git"), "http://no-such-host.invalid/a.git"]) {
    const { duration_ms: _, ...rest } = await tryOut(at, { direction: "pull", url });
    refusals.push(rest);
  }
  await root.put("/application/settings", { allow_local_requests_from_web_hooks_and_services: true });
  assert.equal(refusals[0]?.code, "url-blocked");
  assert.deepEqual(refusals[0], refusals[1]);

  // Ten a minute: it is no port scanner.
  await bob.createProject("scan");
  const scan = `${projectPath("bob/scan")}/mirrors/test`;
  const ask = () => bob.call("POST", scan, { direction: "pull", url: two.urlOf("c.git") });
  const statuses = [];
  for (let count = 0; count < 11; count += 1) statuses.push((await ask()).status);
  assert.deepEqual(statuses, [...Array(10).fill(200), 429]);
});

test("the expiry of a credential is told by mail and counted", async () => {
  const soon = new Date(Date.now() + 3 * 24 * 3600_000);
  const { id, expires_soon } = await makeCredential({
    ...{ name: "short-lived", password: "p", expires_at: soon.toISOString() },
  });
  assert.equal(expires_soon, true);
  await server.restart();
  const mail = await waitFor(
    () => mailServer.mails.find(({ subject }) => subject.startsWith("short-lived | ")),
    {
      message: "the mail about the expiry",
    },
  );
  assert.deepEqual(
    [mail.subject, mail.to],
    ["short-lived | Credential expires within a week", ["ada@example.com"]],
  );
  assert.match(await (await fetch(`${server.url}/-/metrics`)).text(), /^heliostat_credentials_expiring 1$/m);
  const changed = credentialSchema.parse(await ada.put(`/credentials/${id}`, { expires_at: "2020-02-29" }));
  assert.deepEqual(
    [changed.expires_at, changed.expired, changed.expires_soon],
    ["2020-02-29T00:00:00.000Z", true, false],
  );
  for (const wrong of ["2021-02-29", "soon", "2030-01-01T00:00"]) {
    assert.equal((await ada.call("PUT", `/credentials/${id}`, { expires_at: wrong })).status, 400, wrong);
  }
});

test("a key pair is made here or given, and only its public half is ever shown", async () => {
  const made = await makeCredential({ name: "pair", kind: "ssh_key", username: "git" });
  assert.match(made.public_key ?? "", /^ssh-ed25519 AAAA\S+ heliostat-pair$/);
  assert.match(made.fingerprint ?? "", /^SHA256:[A-Za-z0-9+/]{43}$/);
  const rotated = credentialSchema.parse(await ada.post(`/credentials/${made.id}/rotate`));
  assert.notEqual(rotated.public_key, made.public_key);
  const wrong = { name: "wrong", kind: "ssh_key", private_key: "-----BEGIN NOTHING-----" };
  const refused = await ada.call("POST", "/credentials", wrong);
  assert.match(
    JSON.stringify([refused.status, refused.body]),
    /^\[400,\{"message":"This is no private key\./,
  );
  await ada.createProject("keys");
  const overHttp = { direction: "push", url: one.urlOf("a.git"), credential_id: made.id };
  const misfit = await ada.call("POST", `${projectPath("ada/keys")}/mirrors`, overHttp);
  assert.match(JSON.stringify(misfit.body), /is an SSH key pair/);
});

test("the key pair of a credential signs in by SSH, once the host is known", async () => {
  const path = await upstream("one", "by-ssh");
  const before = await refsOf(path);
  const deploy = await makeCredential({ name: "by-ssh", kind: "ssh_key" });
  const ssh = await startSshPeer({
    root: join(directory, "one"),
    accounts: [{ name: "git", authorizedKeys: [deploy.public_key ?? ""] }],
  });
  after(() => ssh.close());
  const url = ssh.urlOf("by-ssh.git");
  const unknown = await tryOut(`/credentials/${deploy.id}/test`, { url, direction: "push" }, root);
  assert.deepEqual([unknown.can_list, unknown.can_push, unknown.code], [false, false, "host-key-missing"]);
  const shown = unknown.host_keys.map((key) => key.fingerprint_sha256).sort();
  assert.deepEqual(
    shown,
    ssh
      .hostKeys()
      .map((key) => key.fingerprint)
      .sort(),
  );
  const known = { url, direction: "push", host_keys: ssh.knownHosts() };
  const good = await tryOut(`/credentials/${deploy.id}/test`, known, root);
  assert.deepEqual([good.can_list, good.can_push, good.code], [true, true, null]);
  assert.deepEqual(await refsOf(path), before);
  const other = await makeCredential({ name: "not-there", kind: "ssh_key" });
  const refused = await tryOut(`/credentials/${other.id}/test`, known, root);
  assert.deepEqual([refused.can_list, refused.code], [false, "ssh-key-refused"]);
});

test("a key pair that no host knows yet starts no update, and one that they know does", async () => {
  const path = await upstream("one", "new-pair");
  const made = await makeCredential({ name: "new-pair", kind: "ssh_key" }, root);
  const ssh = await startSshPeer({
    root: join(directory, "one"),
    accounts: [{ name: "git", authorizedKeys: [made.public_key ?? ""] }],
  });
  after(() => ssh.close());
  await root.createProject("new-pair");
  const mirrors = `${projectPath("root/new-pair")}/mirrors`;
  const remote = { url: ssh.urlOf("new-pair.git"), ssh_known_hosts: ssh.knownHosts() };
  const { id } = mirrorSchema.parse(
    await root.post(mirrors, { direction: "pull", enabled: true, credential_id: made.id, ...remote }),
  );
  const statusesOnce = async (count: number) => {
    let statuses: readonly unknown[] = [];
    await waitFor(
      async () => {
        const updates = mirrorUpdateSchema.array().parse(await root.get(`${mirrors}/${id}/updates`));
        statuses = updates.map(({ status }) => status);
        return statuses.length >= count && !statuses.includes("started");
      },
      { message: `${count} updates` },
    );
    return statuses;
  };
  assert.deepEqual(await statusesOnce(1), ["finished"]);
  const rotate = ["credential", "rotate", "new-pair"];
  const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token };
  const rotated = await runHeliostat(rotate, env);
  assert.match(rotated.stdout, /^Updates fail until it is known: add the public key/m);

  await makeCommit(path);
  const own = join(directory, "own");
  await promisify(execFile)("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", own]);
  await ssh.authorize("git", [await readFile(`${own}.pub`, "utf8")]);
  const given = await runHeliostat([...rotate, "--key-file", own], env);
  assert.match(given.stdout, /go(?:es)? on with the new secret\.\nPublic key/);
  assert.deepEqual(await statusesOnce(2), ["finished", "finished"]);
});

test("the command line keeps credentials, and takes a secret from standard input or a file only", async () => {
  const heliostat = (args: readonly string[], input = "") =>
    runHeliostat(args, { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token }, { input });
  const expectExit = async (code: number, args: readonly string[], input = "") => {
    const { exitCode, stdout, stderr } = await heliostat(args, input);
    assert.equal(exitCode, code, `${args.join(" ")}: ${stdout}${stderr}`);
    return stdout + stderr;
  };
  const stdin = ["--username", NEW.username, "--password-stdin"];
  await expectExit(0, ["credential", "add", "cli-bot", ...stdin], `${NEW.password}\n`);
  assert.match(await expectExit(0, ["credential", "list"]), /^\d+ +cli-bot +root +password +0 +good$/m);
  const path = await upstream("one", "cli");
  assert.notDeepEqual(await refsOf(path), {});
  await root.createProject("cli");
  const add = ["mirror", "add", "root/cli", one.urlOf("cli.git"), "--direction", "pull", "--wait"];
  await expectExit(2, [...add, "--credential", "cli-bot", "--username", "x"]);
  await expectExit(1, [...add, "--credential", "no-such"]);
  await expectExit(0, [...add, "--credential", "CLI-bot"]);
  assert.match(await expectExit(0, ["mirror", "test", "root/cli", "pull"]), /^Can list: yes \(1 refs/m);
  assert.match(await expectExit(0, ["credential", "show", "cli-bot"]), /root\/cli +pull +http:/);
  assert.match(await expectExit(1, ["credential", "remove", "cli-bot", "--yes"]), /1 mirror uses this/);
  const test = ["credential", "test", "cli-bot", one.urlOf("cli.git"), "--direction", "push"];
  assert.match(await expectExit(0, test), /^Can push: yes$/m);
  await expectExit(2, ["credential", "rotate", "cli-bot"]);
  const rotated = await heliostat(["credential", "rotate", "cli-bot", "--password-stdin", "--json"], "wr0ng");
  assert.equal(credentialSchema.parse(JSON.parse(rotated.stdout)).mirrors_count, 1);
  assert.match(await expectExit(1, test), /^Trouble: .* \(remote-credential\)$/m);
  await expectExit(2, ["credential", "test", "cli-bot", "https://a:b@git.example.com/c.git"]);
  await expectExit(0, ["mirror", "remove", "root/cli", "pull", "--yes"]);
  await expectExit(0, ["credential", "remove", "cli-bot", "--yes"]);
  const made = await expectExit(0, ["credential", "add", "cli-key", "--kind", "ssh_key"]);
  const key = join(directory, "key");
  await writeFile(key, "no key\n");
  assert.match(made, /^Public key: ssh-ed25519 /m);
  const refused = await expectExit(2, ["credential", "rotate", "cli-key", "--key-file", key]);
  assert.match(refused, /This is no private key/);
});
