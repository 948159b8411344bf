import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type HostKeyReviewAnswer,
  hostKeyDetectionSchema,
  hostKeyReviewSchema,
  publicKeySchema,
} from "@heliostat/contract/api/host-keys.ts";
import { type MirrorAnswer, mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { type Api, createApi, type MirrorName, type Parameters, projectPath } from "../support/api.ts";
import { type MailServer, startMailServer } from "../support/mail-server.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { sshKeygen } from "../support/ssh-keygen.ts";
import { type SshPeer, type SshPeerOptions, startSshPeer } from "../support/ssh-peer.ts";
import { waitFor } from "../support/wait-for.ts";

/** A password that nothing but sshd may ever show. */
const SECRET = "planted-Pa55word/of+sshd";

let server: TestServer;
let api: Api;
let root: string;
let mails: MailServer;
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  root = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  mails = await startMailServer();
  cleanups.push(() => mails.close());
  server = await startServer({ env: { HELIOSTAT_SMTP_URL: `smtp://127.0.0.1:${mails.port}` } });
  api = createApi(server);
  await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
});

after(async () => {
  await server?.stop();
  for (const clean of cleanups.reverse()) await clean();
});

/** An sshd for one test: `git` signs in with keys, `bot` with the password. */
async function startPeer(
  t: { after(clean: () => Promise<void>): void },
  options: Partial<SshPeerOptions> = {},
): Promise<SshPeer> {
  const accounts = [{ name: "git" }, { name: "bot", password: SECRET }];
  const peer = await startSshPeer({ root, accounts, ...options });
  t.after(() => peer.close());
  return peer;
}

async function makeUpstream(name: string): Promise<string> {
  const path = await makeRepository(join(root, `${name}.git`));
  await makeCommit(path);
  return path;
}

/** A mirror by our own endpoint, which has every option. */
async function addMirror(project: string, settings: Parameters): Promise<MirrorAnswer> {
  return mirrorSchema.parse(await api.post(`${projectPath(project)}/mirrors`, settings));
}

async function readMirror(project: string, id: number): Promise<MirrorAnswer> {
  return mirrorSchema.parse(await api.get(`${projectPath(project)}/mirrors/${id}`));
}

async function change(project: string, id: number, settings: Parameters): Promise<MirrorAnswer> {
  return mirrorSchema.parse(await api.put(`${projectPath(project)}/mirrors/${id}`, settings));
}

/** Asks for an update, pauses or not, until its end; answers what it left as the mirror's error. */
async function run(project: string, id: number, direction: "pull" | "push"): Promise<string | null> {
  const name: MirrorName = direction === "pull" ? "pull" : id;
  const before = (await api.listUpdates(project, name))[0]?.id ?? 0;
  await api.post(`${projectPath(project)}/mirrors/${id}/sync`, { force: true });
  await waitFor(
    async () => (await api.listUpdates(project, name)).some((each) => each.id > before && each.finished_at),
    { timeoutMs: 60_000, message: "the update is over" },
  );
  return (await readMirror(project, id)).last_error;
}

async function review(project: string, id: number): Promise<HostKeyReviewAnswer> {
  return hostKeyReviewSchema.parse(await api.get(`${projectPath(project)}/mirrors/${id}/host_keys/review`));
}

const accept = (project: string, id: number, fingerprints: readonly string[]) =>
  api.call("POST", `${projectPath(project)}/mirrors/${id}/host_keys/accept`, { fingerprints });

const prints = (keys: readonly { fingerprint_sha256: string }[]) =>
  keys.map(({ fingerprint_sha256 }) => fingerprint_sha256).sort();

const printsOf = (peer: SshPeer) =>
  peer
    .hostKeys()
    .map(({ fingerprint }) => fingerprint)
    .sort();

/** GitLab's endpoint of the web, asked until it answers. */
async function detectOnTheWeb(project: string, query: Readonly<Record<string, string>>): Promise<unknown> {
  const url = `${server.url}/${project}/-/mirror/ssh_host_keys.json?${new URLSearchParams(query)}`;
  return await waitFor(
    async () => {
      const answer = await fetch(url, { headers: { "PRIVATE-TOKEN": server.token } });
      if (answer.status === 204) return null;
      return { status: answer.status, body: await answer.json() };
    },
    { timeoutMs: 20_000, message: "the host keys are there" },
  );
}

test("a pull mirror signs in with a key made for it, once its server is known", async (t) => {
  const peer = await startPeer(t);
  const upstream = await makeUpstream("pulled");
  const { id: projectId } = await api.createProject("pulled");
  const project = "root/pulled";
  const url = peer.urlOf("pulled.git");

  const made = await addMirror(project, { direction: "pull", url, auth_method: "ssh_public_key" });
  assert.match(made.public_key ?? "", /^ssh-ed25519 \S+ git@127\.0\.0\.1$/);
  assert.deepEqual([made.host_keys, made.ssh_known_hosts, made.host_keys_verified_at], [[], "", null]);
  // Nothing is trusted on first use.
  await api.waitForMirror(project, "pull", "failed");
  const { last_error } = await readMirror(project, made.id);
  assert.match(last_error ?? "", /No host key of 127\.0\.0\.1.* is stored/);
  assert.match(last_error ?? "", new RegExp(`heliostat mirror host-keys accept ${projectId} ${made.id}`));
  assert.deepEqual([peer.accepted(), peer.failed()], [[], []]);
  assert.doesNotMatch(peer.log(), /(?:Accepted|Failed|Postponed) |userauth/);

  const detected = hostKeyDetectionSchema.parse(
    await api.get(`${projectPath(project)}/mirrors/ssh_host_keys?ssh_url=${encodeURIComponent(url)}`),
  );
  assert.deepEqual(prints(detected.fingerprints), printsOf(peer));
  assert.deepEqual(
    new Set(detected.fingerprints.map(({ type, bits }) => `${type} ${bits}`)),
    new Set(["rsa 3072", "ecdsa 256", "ed25519 256"]),
  );
  assert.equal(detected.host_keys_changed, true);
  const compared = { ssh_url: url, compare_host_keys: peer.knownHosts() };
  assert.deepEqual(await detectOnTheWeb(project, compared), {
    status: 200,
    body: { ...detected, host_keys_changed: false },
  });

  // Bare keys, as GitLab takes them for push mirrors.
  const bare = peer.hostKeys().map(({ algorithm, key }) => `${algorithm} ${key}`);
  const answer = await api.put(`${projectPath(project)}/mirror/pull`, { host_keys: bare });
  assert(typeof answer === "object" && answer !== null && "host_keys" in answer);
  assert.equal(Array.isArray(answer.host_keys) && answer.host_keys.length, 3);
  const known = await readMirror(project, made.id);
  assert.deepEqual(prints(known.host_keys), printsOf(peer));
  assert.equal(`${known.ssh_known_hosts}\n`, peer.knownHosts());
  assert.equal(known.host_keys_verified_by?.name, "Administrator");
  assert.notEqual(known.host_keys_verified_at, null);

  assert.match((await run(project, made.id, "pull")) ?? "", /refused the SSH key/);
  const { public_key } = publicKeySchema.parse(
    await api.get(`${projectPath(project)}/mirror/pull/public_key`),
  );
  assert.equal(public_key, made.public_key);
  await peer.authorize("git", [public_key]);
  assert.equal(await run(project, made.id, "pull"), null);
  assert.deepEqual(await refsOf(server.repositoryOf(projectId)), await refsOf(upstream));
  assert.ok(peer.accepted().includes("publickey for git"));
});

test("push mirrors by GitLab's endpoint: with a key, with a password, with a wrong one", async (t) => {
  const peer = await startPeer(t);
  const { id: projectId } = await api.createProject("pushed");
  const project = "root/pushed";
  await makeCommit(server.repositoryOf(projectId));
  const ours = await refsOf(server.repositoryOf(projectId));
  for (const name of ["by-key", "by-password"]) await makeRepository(join(root, `${name}.git`));
  const host_keys = peer.knownHosts().trimEnd().split("\n");

  const keyed = await api.createPushMirror(project, peer.urlOf("by-key.git"), {
    auth_method: "ssh_public_key",
    ssh_key_type: "rsa",
    enabled: false,
    host_keys,
  });
  assert.deepEqual(prints(keyed.host_keys), printsOf(peer));
  const { public_key } = publicKeySchema.parse(
    await api.get(`${projectPath(project)}/remote_mirrors/${keyed.id}/public_key`),
  );
  assert.match(public_key, /^ssh-rsa \S{700,} git@/);
  await peer.authorize("git", [public_key]);
  await api.put(`${projectPath(project)}/remote_mirrors/${keyed.id}`, { enabled: true });
  await api.waitForMirror(project, keyed.id, "finished");
  assert.deepEqual(await refsOf(join(root, "by-key.git")), ours);

  const url = `ssh://bot:${encodeURIComponent(SECRET)}@127.0.0.1:${peer.port}/by-password.git`;
  const named = await api.createPushMirror(project, url, { host_keys });
  await api.waitForMirror(project, named.id, "finished");
  assert.deepEqual(await refsOf(join(root, "by-password.git")), ours);
  assert.match(named.url ?? "", /^ssh:\/\/\*{5}:\*{5}@127\.0\.0\.1/);
  assert.equal(
    (await api.call("GET", `${projectPath(project)}/remote_mirrors/${named.id}/public_key`)).status,
    404,
  );

  await change(project, named.id, { auth_password: `${SECRET}-not` });
  const wrong = await api.waitForMirror(project, named.id, "failed");
  assert.match(wrong.error ?? "", /refused the user name or password/);
  assert.ok(!JSON.stringify(wrong).includes(SECRET));
  assert.ok(!server.output().includes(SECRET));
});

test("a changed host key stops the mirror until somebody has looked at it", async (t) => {
  const peer = await startPeer(t);
  const upstream = await makeUpstream("moved");
  const { id: projectId } = await api.createProject("moved");
  const project = "root/moved";
  const { id } = await addMirror(project, {
    direction: "pull",
    url: peer.urlOf("moved.git", "bot"),
    auth_password: SECRET,
    ssh_known_hosts: `# as ssh-keyscan prints it\n${peer.knownHosts()}`,
  });
  await api.waitForMirror(project, "pull", "finished");
  const old = printsOf(peer);
  const signIns = peer.accepted().length;

  await peer.start({ hostKeys: ["ed25519", "rsa"] });
  await makeCommit(upstream);
  const why = (await run(project, id, "pull")) ?? "";
  assert.match(why, /host key of 127\.0\.0\.1.* has changed/);
  assert.ok(old.some((print) => why.includes(print)));
  assert.ok(printsOf(peer).some((print) => why.includes(print)));
  await run(project, id, "pull");
  const paused = await readMirror(project, id);
  assert.deepEqual([paused.paused, paused.next_update_at], [true, null]);
  assert.equal(peer.accepted().length, signIns);
  assert.deepEqual(peer.failed(), []);
  const mail = await waitFor(async () => mails.mails.find(({ text }) => text.includes("has changed")), {
    timeoutMs: 20_000,
    message: "a mail tells it",
  });
  assert.ok(mail);

  const seen = await review(project, id);
  assert.deepEqual([prints(seen.added), prints(seen.removed)], [printsOf(peer), old]);
  assert.deepEqual([seen.kept, seen.host_keys_changed], [[], true]);
  for (const fingerprints of [old, seen.fingerprints.slice(1), [...seen.fingerprints, ...old]]) {
    assert.equal((await accept(project, id, fingerprints)).status, 409);
  }
  assert.deepEqual(prints((await readMirror(project, id)).host_keys), old);
  assert.equal((await accept(project, id, [])).status, 400);

  const accepted = mirrorSchema.parse((await accept(project, id, seen.fingerprints)).body);
  assert.deepEqual(prints(accepted.host_keys), printsOf(peer));
  assert.deepEqual([accepted.paused, accepted.last_error], [false, null]);
  assert.equal(accepted.host_keys_verified_by?.username, "root");
  await api.waitForMirror(project, "pull", "finished");
  assert.deepEqual(await refsOf(server.repositoryOf(projectId)), await refsOf(upstream));
  assert.equal((await review(project, id)).host_keys_changed, false);
});

test("hashed names match, and a revoked key is refused and cannot be accepted", async (t) => {
  const peer = await startPeer(t, { hostKeys: ["ed25519"] });
  await makeUpstream("hashed");
  await api.createProject("hashed");
  const project = "root/hashed";
  const file = join(root, "known_hosts");
  await writeFile(file, peer.knownHosts());
  await sshKeygen("-H", "-f", file);
  const hashed = await readFile(file, "utf8");
  assert.match(hashed, /^\|1\|/);
  const { id } = await addMirror(project, {
    direction: "pull",
    url: peer.urlOf("hashed.git", "bot"),
    auth_password: SECRET,
    ssh_known_hosts: hashed,
  });
  await api.waitForMirror(project, "pull", "finished");

  // What a client sends back as it has read it is no look at it.
  const { url: _url, ...answer } = await readMirror(project, id);
  const again = await change(project, id, answer);
  assert.equal(again.host_keys_verified_at, answer.host_keys_verified_at);
  assert.deepEqual([again.host_keys, again.public_key], [answer.host_keys, null]);
  await api.waitForMirror(project, "pull", "finished");

  const signIns = peer.accepted().length;
  const [key] = peer.hostKeys();
  const mark = `@revoked * ${key?.algorithm} ${key?.key}`;
  await change(project, id, { ssh_known_hosts: `${hashed}\n${mark}` });
  assert.match((await run(project, id, "pull")) ?? "", /marked as revoked/);
  assert.equal(peer.accepted().length, signIns);
  const seen = await review(project, id);
  assert.deepEqual([prints(seen.revoked), seen.fingerprints], [printsOf(peer), []]);
  assert.equal((await accept(project, id, printsOf(peer))).status, 409);
});

test("an update ends when the host keys that let it in are revoked, and the next one is not let in", async (t) => {
  const peer = await startPeer(t, { hostKeys: ["ed25519"] });
  await makeUpstream("withdrawn");
  const { id: projectId } = await api.createProject("withdrawn");
  const project = "root/withdrawn";
  await peer.setFault("sleep 300");
  const { id } = await addMirror(project, {
    ...{ direction: "pull", url: peer.urlOf("withdrawn.git", "bot"), auth_password: SECRET },
    ssh_known_hosts: peer.knownHosts(),
  });
  await waitFor(() => peer.accepted().length > 0, { message: "the first update has signed in" });
  // What changes nothing leaves it alone.
  await change(project, id, { ssh_known_hosts: `# looked at\n${peer.knownHosts()}` });
  assert.deepEqual(
    (await api.listUpdates(project, "pull")).map(({ finished_at }) => finished_at),
    [null],
  );

  const signIns = peer.accepted().length;
  const [key] = peer.hostKeys();
  await change(project, id, {
    ssh_known_hosts: `${peer.knownHosts()}\n@revoked * ${key?.algorithm} ${key?.key}`,
  });
  await api.waitForMirror(project, "pull", "failed");
  // The newest stands first, and a pull that failed may have been tried again.
  const [second, first] = (await api.listUpdates(project, "pull")).map(({ status }) => status).slice(-2);
  assert.deepEqual([first, second], ["cancelled", "failed"]);
  assert.match((await readMirror(project, id)).last_error ?? "", /marked as revoked/);
  assert.equal(peer.accepted().length, signIns);
  assert.deepEqual(await refsOf(server.repositoryOf(projectId)), {});
});

test("a server that still shows a revoked key is accepted by its other keys", async (t) => {
  const peer = await startPeer(t, { hostKeys: ["ed25519", "rsa"] });
  await makeUpstream("half-revoked");
  await api.createProject("half-revoked");
  const project = "root/half-revoked";
  const [rsa, ed25519] = peer.hostKeys().toSorted((a, b) => b.algorithm.localeCompare(a.algorithm));
  const mark = `@revoked * ${ed25519?.algorithm} ${ed25519?.key}`;
  const { id } = await addMirror(project, {
    ...{ direction: "pull", url: peer.urlOf("half-revoked.git", "bot"), auth_password: SECRET },
    ssh_known_hosts: mark,
  });
  await api.waitForMirror(project, "pull", "failed");
  const seen = await review(project, id);
  assert.deepEqual(
    [prints(seen.revoked), prints(seen.added), seen.fingerprints],
    [[ed25519?.fingerprint], [rsa?.fingerprint], [rsa?.fingerprint]],
  );
  assert.equal((await accept(project, id, printsOf(peer))).status, 409);

  const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token };
  const run = await runHeliostat(["mirror", "host-keys", "accept", project, "pull", "--yes"], env);
  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stderr, /! shown, but revoked: {2}256 /);
  assert.match(run.stdout, /Accepted 1 host keys/);
  const { ssh_known_hosts } = await readMirror(project, id);
  assert.equal(ssh_known_hosts, `[127.0.0.1]:${peer.port} ${rsa?.algorithm} ${rsa?.key}\n${mark}`);
  await api.waitForMirror(project, "pull", "finished");
});

test("a key pair outlives edits of the URL on the same host, and nothing of it another host", async (t) => {
  const peer = await startPeer(t);
  await api.createProject("edited");
  const project = "root/edited";
  const scp = await addMirror(project, {
    ...{ direction: "push", enabled: false, url: "git@127.0.0.1:a/b.git", auth_method: "ssh_public_key" },
    host_keys: [`${peer.hostKeys()[0]?.algorithm} ${peer.hostKeys()[0]?.key}`],
    auth_password: SECRET,
  });
  assert.equal(scp.url, "ssh://git:*****@127.0.0.1/a/b.git");
  const { id, public_key: key } = scp;
  assert.match(scp.ssh_known_hosts, /^127\.0\.0\.1 ssh-rsa /);

  const moved = await change(project, id, { url: `ssh://git@127.0.0.1:${peer.port}/c.git` });
  assert.deepEqual([moved.public_key, moved.ssh_known_hosts], [key, scp.ssh_known_hosts]);
  assert.equal(moved.url, `ssh://git:*****@127.0.0.1:${peer.port}/c.git`);
  for (const settings of [
    { mirror_tags: "none" },
    { auth_method: "password" },
    { auth_method: "ssh_public_key" },
  ]) {
    assert.equal((await change(project, id, settings)).public_key, key, JSON.stringify(settings));
  }
  // By GitLab's endpoint, with what a form makes of a `+`.
  const other = peer.hostKeys().find(({ key }) => key.includes("+"));
  const form = { "host_keys[]": `${other?.algorithm} ${other?.key.replaceAll("+", " ")}` };
  const path = `${projectPath(project)}/remote_mirrors/${id}`;
  const answer = await api.call("PUT", path, form, { as: "form" });
  assert.equal(answer.status, 200);
  const { ssh_known_hosts } = await readMirror(project, id);
  assert.equal(ssh_known_hosts, `[127.0.0.1]:${peer.port} ${other?.algorithm} ${other?.key}`);

  const regenerated = await change(project, id, { regenerate_ssh_private_key: true });
  assert.match(regenerated.public_key ?? "", /^ssh-ed25519 /);
  assert.notEqual(regenerated.public_key, key);

  const elsewhere = await change(project, id, { url: `ssh://git@localhost:${peer.port}/c.git` });
  assert.match(elsewhere.public_key ?? "", /^ssh-ed25519 /);
  assert.notEqual(elsewhere.public_key, regenerated.public_key);
  assert.equal(elsewhere.url, `ssh://git@localhost:${peer.port}/c.git`);
  assert.deepEqual(
    [elsewhere.ssh_known_hosts, elsewhere.host_keys_verified_at, elsewhere.host_keys_verified_by],
    ["", null, null],
  );

  assert.equal(
    (await change(project, id, { url: "https://localhost/c.git" })).public_key,
    elsewhere.public_key,
  );
  assert.equal((await api.call("GET", `${path}/public_key`)).status, 404);

  const own = join(root, "own");
  await sshKeygen("-q", "-t", "ecdsa", "-N", "", "-C", "", "-f", own);
  const brought = await change(project, id, { ssh_private_key: await readFile(own, "utf8") });
  const [, blob] = (await readFile(`${own}.pub`, "utf8")).split(" ");
  assert.equal(brought.public_key?.split(" ")[1], blob?.trim());
  const refused = await api.call("PUT", `${projectPath(project)}/mirrors/${id}`, {
    ssh_private_key: `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.from(SECRET).toString("base64")}\n`,
  });
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /ssh_private_key/);
});

test("host keys are refused in GitLab's words", async () => {
  await api.createProject("refusals");
  const base = projectPath("root/refusals");
  const url = "ssh://git@127.0.0.1/a.git";
  const post = (host_keys: unknown) => api.call("POST", `${base}/remote_mirrors`, { url, host_keys });
  assert.deepEqual((await post(["not a key", "ssh-rsa AAAA"])).body, {
    message: "Invalid SSH host key(s): not a key, ssh-rsa AAAA",
  });
  assert.deepEqual((await post(Array.from({ length: 11 }, () => "x"))).body, {
    message: "Invalid SSH host key(s): too many host keys (maximum is 10)",
  });
  assert.deepEqual(await api.get(`${base}/remote_mirrors`), []);
  const detect = (ssh_url: string) =>
    api.call("GET", `${base}/mirrors/ssh_host_keys?${new URLSearchParams({ ssh_url })}`);
  assert.match(JSON.stringify((await detect("https://127.0.0.1/a.git")).body), /Invalid URL/);
  const closed = await detect("ssh://git@127.0.0.1:1/a.git");
  assert.equal(closed.status, 400);
  assert.match(JSON.stringify(closed.body), /Failed to detect SSH host keys/);
  for (const [ssh_url, message] of [
    ["https://127.0.0.1/a.git", "Invalid URL"],
    ["ssh://git@127.0.0.1:1/a.git", "Failed to detect SSH host keys"],
  ] as const) {
    assert.deepEqual(await detectOnTheWeb("root/refusals", { ssh_url }), { status: 400, body: { message } });
  }
});

test("the command line sets an SSH mirror up from nothing", async (t) => {
  const peer = await startPeer(t, { hostKeys: ["ed25519"] });
  await makeUpstream("cli");
  await api.createProject("cli");
  const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token };
  const mirror = async (code: number, args: readonly string[], input = ""): Promise<string> => {
    const done = await runHeliostat(["mirror", ...args], env, { input });
    assert.equal(done.exitCode, code, `${args.join(" ")}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  const url = peer.urlOf("cli.git");
  const keys = await mirror(0, ["host-keys", "detect", "root/cli", url]);
  assert.ok(keys.includes(peer.hostKeys()[0]?.fingerprint ?? "none"));
  assert.ok(keys.includes(peer.knownHosts().trim()));

  const add = ["add", "root/cli", url, "--direction", "pull", "--ssh-key", "--host-keys", "-"];
  const added = await mirror(0, add, keys);
  const key = (await mirror(0, ["public-key", "root/cli", "pull"])).trim();
  assert.ok(added.includes(key));
  await peer.authorize("git", [key]);
  assert.match(await mirror(0, ["sync", "root/cli", "pull", "--force", "--wait"]), /Finished/);
  const shown = await mirror(0, ["host-keys", "show", "root/cli", "pull"]);
  assert.match(shown, /^256 SHA256:\S+ \(ED25519\)\nVerified by Administrator at 20/);

  await peer.start({ hostKeys: ["ed25519"] });
  await mirror(1, ["sync", "root/cli", "pull", "--force", "--wait"]);
  const accepting = ["host-keys", "accept", "root/cli", "pull"];
  await mirror(2, accepting);
  await mirror(1, [...accepting, "--fingerprint", "SHA256:AAAA"]);
  assert.match(await mirror(0, [...accepting, "--yes"]), /Accepted 1 host keys\. An update starts now\./);
  await api.waitForMirror("root/cli", "pull", "finished");
});
