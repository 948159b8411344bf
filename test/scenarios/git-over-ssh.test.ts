import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before, describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { instanceHostKeySchema } from "@heliostat/contract/api/instance.ts";
import { type Api, createApi, idOf } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { readMemory } from "../support/memory.ts";
import { endGroup, findRef, git, makeCommits, makeRepository } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type SshClient, sshClient } from "../support/ssh-client.ts";
import { type MadeKey, makeKey, sshKeygen } from "../support/ssh-keygen.ts";
import { waitFor } from "../support/wait-for.ts";

describe("Git over SSH", () => {
  let server: TestServer;
  let root: Api;
  let ada: Api;
  let dir: string;
  let knownHosts: string;
  let port: number;
  /** Ada's. */
  let adaKey: MadeKey;
  let client: SshClient;
  let last = 0;

  const fresh = (name: string) => join(dir, `${name}-${++last}`);
  const lineOf = ({ algorithm, key }: MadeKey) => `${algorithm} ${key} test`;
  const urlOf = (path: string) => `ssh://git@127.0.0.1:${port}/${path}`;

  /** Learns the port and the host keys, as people do it. */
  async function meet(): Promise<void> {
    const keys = instanceHostKeySchema.array().parse(await root.as(null).get("/ssh_host_keys"));
    await writeFile(knownHosts, keys.map((key) => `${key.known_hosts}\n`).join(""));
    port = Number(/^\[127\.0\.0\.1\]:(\d+) /.exec(keys[0]?.known_hosts ?? "")?.[1]);
  }

  async function newClient(...options: readonly string[]): Promise<{ key: MadeKey; client: SshClient }> {
    const key = await makeKey(dir, `key-${++last}`, ...(options.length > 0 ? options : ["-t", "ed25519"]));
    return { key, client: sshClient(key, knownHosts) };
  }

  async function userWithKey(
    name: string,
  ): Promise<{ api: Api; id: number; client: SshClient; keyId: number }> {
    const id = await root.createUser(name, `secret-of-${name}`);
    const api = root.as(await root.createToken(id, ["api"]));
    const { key, client } = await newClient();
    const keyId = idOf(await api.post("/user/keys", { title: name, key: lineOf(key) }));
    return { api, id, client, keyId };
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "heliostat-test-"));
    knownHosts = join(dir, "known_hosts");
    server = await startServer({ env: { HELIOSTAT_SSH_LISTEN: "127.0.0.1:0" } });
    root = createApi(server);
    await meet();
    ada = root.as(await root.createToken(await root.createUser("ada", "secret-of-ada"), ["api"]));
    adaKey = await makeKey(dir, "ada", "-t", "ed25519");
    client = sshClient(adaKey, knownHosts);
    await ada.post("/user/keys", { title: "ada", key: lineOf(adaKey) });
    await ada.createProject("p", { visibility: "private" });
    const source = await makeRepository(join(dir, "source.git"));
    await makeCommits(source, 200);
    await client.git(source, ["push", "-q", urlOf("ada/p.git"), "refs/heads/*:refs/heads/*"]);
  });
  after(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test("clone, fetch and push, in every version of the protocol and with every form of path", async () => {
    const project = await ada.get("/projects/ada%2Fp");
    assert.equal(Reflect.get(Object(project), "ssh_url_to_repo"), urlOf("ada/p.git"));
    for (const version of ["0", "1", "2"]) {
      for (const path of ["ada/p.git", "ada/p", "/ada/p.git/"]) {
        const clone = fresh("clone");
        await client.git(dir, [
          "-c",
          `protocol.version=${version}`,
          "clone",
          "-q",
          "--mirror",
          urlOf(path),
          clone,
        ]);
        assert.equal(await git(clone, ["rev-list", "--count", "main"]), "200");
      }
    }
    const work = fresh("work");
    await client.git(dir, ["clone", "-q", urlOf("ada/p.git"), work]);
    for (const version of ["0", "1", "2"]) {
      await git(work, ["commit", "-q", "--allow-empty", "-m", version]);
      await client.git(work, ["-c", `protocol.version=${version}`, "push", "-q", "origin", "HEAD:main"]);
    }
    // Nothing to push; a branch that comes and goes.
    await client.git(work, ["push", "-q", "origin", "HEAD:main"]);
    await client.git(work, ["push", "-q", "origin", "HEAD:refs/heads/gone"]);
    await client.git(work, ["push", "-q", "origin", ":refs/heads/gone"]);
    const other = fresh("other");
    await client.git(dir, ["clone", "-q", "--bare", "--depth=2", urlOf("ada/p.git"), other]);
    assert.equal(await git(other, ["rev-list", "--count", "HEAD"]), "2");
    await client.git(other, ["fetch", "-q", "--deepen=3", urlOf("ada/p.git"), "main"]);
    assert.equal(await git(other, ["rev-list", "--count", "FETCH_HEAD"]), "5");
    await client.git(dir, [
      "clone",
      "-q",
      "--bare",
      "--filter=blob:none",
      urlOf("ada/p.git"),
      fresh("partial"),
    ]);
    const tips = await client.git(dir, ["ls-remote", urlOf("ada/p.git")]);
    assert.match(tips, new RegExp(`^${await git(work, ["rev-parse", "HEAD"])}\tHEAD`));
    const key = await ada.get("/user/keys");
    assert.ok(Reflect.get(Object((key as unknown[])[0]), "last_used_at") !== null);
    await server.assertNoGitLeft();
  });

  test("git archive --remote", async () => {
    const tar = fresh("archive.tar");
    await client.git(dir, ["archive", `--remote=${urlOf("ada/p.git")}`, "--format=tar", "-o", tar, "main"]);
    assert.ok((await stat(tar)).size > 0);
    const bad = await client.tryGit(dir, ["archive", `--remote=${urlOf("ada/p.git")}`, "nowhere"]);
    assert.notEqual(bad.code, 0);
    assert.match(bad.stderr, /no such ref: nowhere|not a tree object|nowhere/);
    const hidden = ["refs/heliostat/hidden", "heliostat/hidden"];
    const mainOid = await client.git(dir, ["ls-remote", urlOf("ada/p.git"), "refs/heads/main"]);
    const { id } = (await ada.get("/projects/ada%2Fp")) as { id: number };
    await git(server.repositoryOf(id), ["update-ref", "refs/heliostat/hidden", mainOid.slice(0, 40)]);
    for (const name of [...hidden, "--exec=x", "--pre"]) {
      const args = [
        "archive",
        `--remote=${urlOf("ada/p.git")}`,
        ...(name === "--pre" ? ["--pre", "main"] : []),
        name === "--pre" ? "heliostat/hidden" : name,
      ];
      assert.notEqual((await client.tryGit(dir, args)).code, 0, name);
    }
  });

  test("a greeting, and no shell, no terminal, no file transfer, no forwarding", async () => {
    const at = ["-p", String(port)];
    const hello = await client.run([...at, "-T", "git@127.0.0.1"]);
    assert.deepEqual([hello.code, hello.stderr], [0, ""]);
    assert.match(hello.stdout, /^Welcome to Heliostat, @ada!/);
    const terminal = await client.run([...at, "-tt", "git@127.0.0.1"]);
    assert.match(terminal.stderr, /PTY allocation request failed/);
    for (const command of [
      "id",
      "sh -c id",
      "git-upload-pack 'ada/p.git'; id",
      "git-lfs-transfer ada/p.git upload",
    ]) {
      const { code, stdout, stderr } = await client.run([...at, "git@127.0.0.1", command]);
      assert.deepEqual([code, stdout], [1, ""], command);
      assert.match(stderr, /^ERROR: (Only git can be used|Git LFS is not served)/m);
    }
    const files = await client.run([...at, "-s", "git@127.0.0.1", "sftp"]);
    assert.match(files.stderr, /subsystem request failed/);
    const http = new URL(server.url).host;
    const direct = await client.run([...at, "-W", http, "git@127.0.0.1"]);
    assert.match(direct.stderr, /administratively prohibited/);
    const local = await client.run([
      ...at,
      "-o",
      "ExitOnForwardFailure=yes",
      "-N",
      "-R",
      `0:${http}`,
      "git@127.0.0.1",
    ]);
    assert.match(local.stderr, /remote port forwarding failed/);
    const socket = fresh("socket");
    const stream = await client.run([
      ...[...at, "-o", "ExitOnForwardFailure=yes", "-N", "-R", `${socket}:${http}`, "git@127.0.0.1"],
    ]);
    assert.match(stream.stderr, /remote port forwarding failed/);
  });

  test("only what is modern is offered, and RSA keys sign with SHA-2", async () => {
    const rsa = await newClient("-t", "rsa", "-b", "3072");
    await ada.post("/user/keys", { title: "rsa", key: lineOf(rsa.key) });
    const { code, stderr } = await rsa.client.run(["-vv", "-p", String(port), "-T", "git@127.0.0.1"]);
    assert.equal(code, 0, stderr);
    const offered = stderr.slice(stderr.indexOf("peer server KEXINIT proposal"));
    assert.match(offered, /server-sig-algs=<ssh-ed25519,.*,rsa-sha2-512,rsa-sha2-256>/);
    const lists = [
      ...offered.matchAll(
        /debug[12]: (?:KEX algorithms|host key algorithms|ciphers \w+|MACs \w+|kex_input_ext_info): (.*)/g,
      ),
    ];
    assert.ok(lists.length >= 7);
    for (const [line] of lists) {
      assert.doesNotMatch(
        line,
        /sha1|ssh-rsa|ssh-dss|cbc|md5|group1-|group-exchange|3des|arcfour|umac-64/,
        line,
      );
    }
    const ecdsa = await newClient("-t", "ecdsa");
    await ada.post("/user/keys", { title: "ecdsa", key: lineOf(ecdsa.key) });
    assert.equal((await ecdsa.client.run(["-p", String(port), "-T", "git@127.0.0.1"])).code, 0);
    const sha1 = await rsa.client.run([
      ...["-p", String(port), "-o", "PubkeyAcceptedAlgorithms=ssh-rsa", "-T", "git@127.0.0.1"],
    ]);
    assert.equal(sha1.code, 255);
    const hostKey = await client.run([
      ...["-p", String(port), "-o", "HostKeyAlgorithms=rsa-sha2-256", "-T", "git@127.0.0.1"],
    ]);
    assert.equal(hostKey.code, 0, hostKey.stderr);
    const weak = ["-o", "HostKeyAlgorithms=ssh-rsa", "-T", "git@127.0.0.1"];
    assert.match((await client.run(["-p", String(port), ...weak])).stderr, /no matching host key type/);
  });

  test("strangers are refused alike: unknown keys, other users, expired keys, blocked users, removed keys", async () => {
    const unknown = await newClient();
    const blocked = await userWithKey("blocked");
    const removed = await userWithKey("removed");
    const expired = await newClient();
    await ada.post("/user/keys", {
      ...{ title: "soon", key: lineOf(expired.key) },
      expires_at: new Date(Date.now() + 1500).toISOString(),
    });
    await root.post(`/users/${blocked.id}/block`);
    await removed.api.delete(`/user/keys/${removed.keyId}`);
    await sleep(1600);
    const said = await Promise.all(
      [
        [unknown.client, "git"],
        [blocked.client, "git"],
        [removed.client, "git"],
        [expired.client, "git"],
        [client, "ada"],
        [client, "root"],
      ].map(async ([by, user]) => {
        const { code, stdout, stderr } = await (by as SshClient).run([
          ...["-p", String(port), "-T", `${String(user)}@127.0.0.1`],
        ]);
        return [code, stdout, stderr.replace(String(user), "USER").trim()];
      }),
    );
    for (const each of said) {
      assert.deepEqual(each, [255, "", "USER@127.0.0.1: Permission denied (publickey)."]);
    }
  });

  test("who may what: projects of others are not there, deploy keys open theirs, to push where they may", async () => {
    const eve = await userWithKey("eve");
    const tryClone = (by: SshClient, path: string) =>
      by.tryGit(dir, ["clone", "-q", "--bare", urlOf(path), fresh("c")]);
    const answers = await Promise.all(["ada/p.git", "no/such.git"].map((path) => tryClone(eve.client, path)));
    for (const { code, stderr } of answers) {
      assert.equal(code, 128);
      assert.match(
        stderr,
        /^ERROR: The project you were looking for could not be found or you don't have permission/,
      );
    }
    assert.equal(answers[0]?.stderr, answers[1]?.stderr);

    await ada.createProject("open", { visibility: "public" });
    await client.git(join(dir, "source.git"), ["push", "-q", urlOf("ada/open.git"), "main"]);
    assert.equal((await tryClone(eve.client, "ada/open.git")).code, 0);
    const push = await eve.client.tryGit(join(dir, "source.git"), ["push", urlOf("ada/open.git"), "main:x"]);
    assert.match(push.stderr, /^ERROR: You are not allowed to push code to this project/m);

    const reader = await newClient();
    const made = await ada.post("/projects/ada%2Fp/deploy_keys", { title: "ci", key: lineOf(reader.key) });
    assert.equal((await tryClone(reader.client, "ada/p.git")).code, 0);
    assert.equal((await tryClone(reader.client, "ada/open.git")).code, 128);
    const pushAs = (by: SshClient) =>
      by.tryGit(join(dir, "source.git"), ["push", "-q", urlOf("ada/p.git"), "main:refs/heads/by-key"]);
    assert.match((await pushAs(reader.client)).stderr, /not allowed to push/);
    await ada.put(`/projects/ada%2Fp/deploy_keys/${idOf(made)}`, { can_push: true });
    const pushed = await pushAs(reader.client);
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.match(
      (await reader.client.run(["-p", String(port), "-T", "git@127.0.0.1"])).stdout,
      /deploy key ci!/,
    );
    await ada.delete(`/projects/ada%2Fp/deploy_keys/${idOf(made)}`);
    assert.match((await pushAs(reader.client)).stderr, /Permission denied \(publickey\)/);
  });

  test("a push that began with a key which is removed meanwhile changes nothing", async () => {
    const eve = await userWithKey("mallory");
    const { id: project } = await eve.api.createProject("q");
    await eve.client.git(join(dir, "source.git"), ["push", "-q", urlOf("mallory/q.git"), "main"]);
    const deploy = await newClient();
    const made = await eve.api.post(`/projects/${project}/deploy_keys`, {
      ...{ title: "ci", key: lineOf(deploy.key), can_push: true },
    });
    const tip = (await git(join(dir, "source.git"), ["rev-parse", "main"])).trim();
    const words = `${"0".repeat(40)} ${tip} refs/heads/late\0report-status`;
    const empty = Buffer.from("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex");
    const pushWhile = async (by: SshClient, meanwhile: () => Promise<unknown>): Promise<string> => {
      const child = by.start(["-p", String(port), "git@127.0.0.1", "git-receive-pack 'mallory/q.git'"]);
      let said = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on("data", (text: Buffer) => {
          said += text.toString("latin1");
        });
      }
      const ended = new Promise((resolve) => child.once("close", resolve));
      await waitFor(() => said.endsWith("0000"), { message: "the refs are shown" });
      await meanwhile();
      child.stdin?.write(`${(words.length + 4).toString(16).padStart(4, "0")}${words}0000`);
      child.stdin?.end(empty);
      await ended;
      return said;
    };
    const late = () => findRef(server.repositoryOf(project), "refs/heads/late");
    const byDeployKey = await pushWhile(deploy.client, () =>
      eve.api.delete(`/projects/${project}/deploy_keys/${idOf(made)}`),
    );
    assert.match(byDeployKey, /The SSH key was removed or has expired/);
    assert.equal(await late(), null);
    const byUser = await pushWhile(eve.client, () => eve.api.delete(`/user/keys/${eve.keyId}`));
    assert.match(byUser, /The SSH key was removed or has expired/);
    assert.equal(await late(), null);
    // With a key that stays the same words make the branch.
    const stays = await newClient();
    await eve.api.post("/user/keys", { title: "stays", key: lineOf(stays.key) });
    await pushWhile(stays.client, async () => {});
    assert.equal(await late(), tip);
  });

  test("a key opens no API", async () => {
    assert.equal((await root.as(lineOf(adaKey)).call("GET", "/user")).status, 401);
  });

  test("host keys stay over a restart, are nobody else's to read, and are what the start message says", async () => {
    const before = await readFile(knownHosts, "utf8");
    for (const name of await readdir(join(server.dataDir, "ssh"))) {
      assert.equal((await stat(join(server.dataDir, "ssh", name))).mode & 0o777, 0o600);
    }
    assert.deepEqual((await readdir(join(server.dataDir, "ssh"))).toSorted(), [
      "ssh_host_ed25519_key",
      "ssh_host_rsa_key",
    ]);
    for (const line of before.trim().split("\n")) {
      await writeFile(join(dir, "host.pub"), line.slice(line.indexOf(" ") + 1));
      const fingerprint = (await sshKeygen("-l", "-f", join(dir, "host.pub"))).split(" ")[1] ?? "";
      assert.ok(server.output().includes(fingerprint), fingerprint);
    }
    await server.restart();
    await meet();
    const withoutPort = (text: string) => text.replaceAll(/\]:\d+/g, "]");
    assert.equal(withoutPort(await readFile(knownHosts, "utf8")), withoutPort(before));
    assert.equal((await client.run(["-p", String(port), "-T", "git@127.0.0.1"])).code, 0);
  });

  test("who does not speak SSH is let go, and holds up nobody", async () => {
    const hang = createConnection({ host: "127.0.0.1", port });
    for (const words of [
      "GET / HTTP/1.1\r\n\r\n",
      "SSH-1.5-old\r\n",
      `${"x".repeat(100_000)}\r\n`,
      "SSH-2.0-x\r\n\0\0\0\x01\0",
    ]) {
      const socket = createConnection({ host: "127.0.0.1", port });
      socket.on("error", () => {});
      socket.resume();
      socket.end(words);
      await new Promise((resolve) => socket.once("close", resolve));
    }
    assert.equal((await client.run(["-p", String(port), "-T", "git@127.0.0.1"])).code, 0);
    hang.destroy();
  });

  test("fifty clones at once all succeed, and what is not read takes no memory", async () => {
    await ada.createProject("large");
    const large = await makeRepository(join(dir, "large.git"));
    await makeNoise(large, 30_000_000);
    await client.git(large, ["push", "-q", urlOf("ada/large.git"), "main"]);
    const resident = (await readMemory(server.pid())).resident;
    const clones = Array.from({ length: 50 }, () => fresh("parallel"));
    await Promise.all(
      clones.map((path) => client.git(dir, ["clone", "-q", "--bare", urlOf("ada/p.git"), path])),
    );
    const tip = await git(clones[0] ?? "", ["rev-parse", "main"]);
    for (const path of clones) assert.equal(await git(path, ["rev-parse", "main"]), tip);
    await server.assertNoGitLeft();

    // Clients that ask for everything and read nothing.
    const said: string[] = [];
    const request = (await git(large, ["rev-parse", "main"])).trim();
    const asking = Array.from({ length: 8 }, () => {
      const child = client.start(["-p", String(port), "git@127.0.0.1", "git-upload-pack 'ada/large.git'"]);
      const want = `want ${request} side-band-64k ofs-delta\n`;
      child.stdin?.on("error", () => {});
      child.stderr?.on("data", (chunk) => said.push(String(chunk)));
      child.stdin?.write(`${(want.length + 4).toString(16).padStart(4, "0")}${want}00000009done\n`);
      return child;
    });
    await waitFor(() => server.listGit().length >= 8, {
      timeoutMs: 60_000,
      message: () => `eight gits run:\n${[...server.listGit(), ...said].join("\n")}`,
    });
    await sleep(1_000);
    const peak = (await readMemory(server.pid())).peak;
    assert.ok(peak - resident < 150_000_000, `${peak - resident} bytes more`);
    // Killed in the middle, they leave no git behind.
    for (const child of asking) endGroup(child);
    await server.assertNoGitLeft();
  });

  test("a push wakes push mirrors, and a Heliostat mirrors a Heliostat over SSH, in and out", async () => {
    const other = await startServer({ env: { HELIOSTAT_SSH_LISTEN: "off" } });
    try {
      const far = createApi(other);
      // A deploy key may not push to a protected default branch.
      await root.put("/application/settings", { default_branch_protection: 0 });
      for (const name of ["in", "out", "back"]) await ada.createProject(name);
      const known = (await readFile(knownHosts, "utf8")).trim();
      const addMirror = async (project: string, direction: "pull" | "push", target: string) => {
        const body = Object(
          await far.post(`/projects/${encodeURIComponent(project)}/mirrors`, {
            ...{ direction, url: urlOf(target), auth_method: "ssh_public_key", ssh_known_hosts: known },
            enabled: false,
          }),
        );
        const { public_key: line } = Object(
          await far.get(`/projects/${encodeURIComponent(project)}/mirrors/${idOf(body)}/public_key`),
        );
        await ada.post(`/projects/${encodeURIComponent(target)}/deploy_keys`, {
          ...{ title: direction, key: String(line), can_push: direction === "push" },
        });
        await far.put(`/projects/${encodeURIComponent(project)}/mirrors/${idOf(body)}`, { enabled: true });
        const { status, error } = await far.update(project, direction === "pull" ? "pull" : idOf(body));
        assert.equal(status, "finished", error ?? "");
      };
      await client.git(join(dir, "source.git"), ["push", "-q", urlOf("ada/in.git"), "main"]);
      const tip = await git(join(dir, "source.git"), ["rev-parse", "main"]);
      const { id: here } = await far.createProject("here");
      await addMirror("root/here", "pull", "ada/in");
      assert.equal(await git(other.repositoryOf(here), ["rev-parse", "main"]), tip);
      await addMirror("root/here", "push", "ada/out");
      assert.match(await client.git(dir, ["ls-remote", urlOf("ada/out.git"), "main"]), new RegExp(`^${tip}`));
    } finally {
      await other.stop();
    }

    const target = await makeRepository(join(dir, "target.git"));
    const peer = await startGitHttpPeer({ root: dir });
    try {
      await ada.createPushMirror("ada/back", peer.urlOf("target.git"));
      await client.git(join(dir, "source.git"), ["push", "-q", urlOf("ada/back.git"), "main"]);
      const pushed = await git(join(dir, "source.git"), ["rev-parse", "main"]);
      await waitFor(async () => (await findRef(target, "refs/heads/main")) === pushed, {
        timeoutMs: 30_000,
        message: "the push mirror has carried the push on",
      });
    } finally {
      await peer.close();
    }
  });
});
