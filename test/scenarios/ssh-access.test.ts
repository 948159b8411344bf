import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import test, { after } from "node:test";
import { instanceHostKeySchema } from "@heliostat/contract/api/instance.ts";
import { createApi, idOf } from "../support/api.ts";
import { endGroup, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { sshClient } from "../support/ssh-client.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { waitFor } from "../support/wait-for.ts";

/* Who comes in by SSH, and for how long. */

const directory = await makeTempDir({ after });
const server = await startServer({ env: { HELIOSTAT_SSH_LISTEN: "127.0.0.1:0" } });
after(() => server.stop());
const root = createApi(server);

const knownHosts = join(directory, "known_hosts");
const hostKeys = instanceHostKeySchema.array().parse(await root.as(null).get("/ssh_host_keys"));
await writeFile(knownHosts, hostKeys.map((key) => `${key.known_hosts}\n`).join(""));
const port = Number(/^\[127\.0\.0\.1\]:(\d+) /.exec(hostKeys[0]?.known_hosts ?? "")?.[1]);
const urlOf = (path: string) => `ssh://git@127.0.0.1:${port}/${path}`;
const source = await makeRepository(join(directory, "source.git"));
await makeCommit(source);

async function newKey(name: string) {
  const made = await makeKey(directory, name, "-t", "ed25519");
  return { line: `${made.algorithm} ${made.key} test`, client: sshClient(made, knownHosts) };
}

async function person(name: string) {
  const id = await root.createUser(name, `secret-of-${name}`);
  const api = root.as(await root.createToken(id, ["api"]));
  const { line, client } = await newKey(name);
  await api.post("/user/keys", { title: name, key: line });
  return { id, api, client };
}

test("a guest fetches what is public, and of a private project nothing but the news that they may not", async () => {
  const owner = await person("owner");
  const guest = await person("guest");
  for (const visibility of ["private", "public"]) {
    const { id } = await owner.api.createProject(visibility, { visibility });
    await owner.client.git(source, ["push", "-q", urlOf(`owner/${visibility}.git`), "main"]);
    await owner.api.post(`/projects/${id}/members`, { user_id: guest.id, access_level: 10 });
  }
  const open = await guest.client.tryGit(directory, ["ls-remote", urlOf("owner/public.git")]);
  assert.deepEqual([open.code, open.stderr], [0, ""]);
  assert.match(open.stdout, /refs\/heads\/main/);
  const push = await guest.client.tryGit(source, ["push", "-q", urlOf("owner/public.git"), "main:other"]);
  assert.match(push.stderr, /^ERROR: You are not allowed to push code to this project/m);
  const closed = [
    ["ls-remote", urlOf("owner/private.git")],
    ["archive", `--remote=${urlOf("owner/private.git")}`, "main"],
  ];
  for (const args of closed) {
    const { code, stdout, stderr } = await guest.client.tryGit(directory, args);
    assert.equal(code, 128, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /ERROR: You are not allowed to download code from this project\./);
  }
  const refused = await guest.client.tryGit(source, ["push", urlOf("owner/private.git"), "main:other"]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /ERROR: You are not allowed to/);
});

test("a key that expires or is removed while its connection is open starts nothing more over it", async () => {
  const keeper = await person("keeper");
  const { id: project } = await keeper.api.createProject("kept");
  await keeper.client.git(source, ["push", "-q", urlOf("keeper/kept.git"), "main"]);
  const soon = () => ({ expires_at: new Date(Date.now() + 8_000).toISOString() });
  const keys = "/user/keys";
  const deployKeys = `/projects/${project}/deploy_keys`;
  for (const [path, name] of [
    [keys, "user-removed"],
    [keys, "user-expired"],
    [deployKeys, "deploy-removed"],
    [deployKeys, "deploy-expired"],
  ] as const) {
    const isRemoved = name.endsWith("removed");
    const { line, client } = await newKey(name);
    const made = await keeper.api.post(path, { title: name, key: line, ...(isRemoved ? {} : soon()) });
    const socket = join(directory, `${name}.sock`);
    const master = client.start(["-M", "-S", socket, "-N", "-p", String(port), "git@127.0.0.1"]);
    try {
      await waitFor(() => existsSync(socket), { message: "the connection is open" });
      const say = () => client.run(["-S", socket, "-p", String(port), "-T", "git@127.0.0.1"]);
      const before = await say();
      assert.deepEqual([before.code, before.stderr], [0, ""], name);
      if (isRemoved) await keeper.api.delete(`${path}/${idOf(made)}`);
      const refused = async () => {
        const { code, stdout, stderr } = await say();
        return code === 1 && stdout === "" && stderr.includes("ERROR: This key lets nobody in any more.");
      };
      if (isRemoved) assert.equal(await refused(), true, name);
      else await waitFor(refused, { timeoutMs: 30_000, message: `${name}: it starts nothing more` });
      assert.equal(master.exitCode, null, "the connection itself stays");
    } finally {
      endGroup(master);
    }
  }
});

test("a port that another program has ends the start, with what to do about it", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  after(() => other.close());
  await waitFor(() => other.listening, { message: "the other program listens" });
  const address = other.address();
  assert(typeof address === "object" && address !== null);
  await assert.rejects(
    startServer({ env: { HELIOSTAT_SSH_LISTEN: `127.0.0.1:${address.port}` } }),
    (error: Error) => {
      const sentence = `Cannot listen on 127.0.0.1:${address.port}: it is in use by another program. Set HELIOSTAT_SSH_LISTEN to another address.`;
      assert(error.message.includes(sentence), error.message);
      assert.match(error.message, /^the server ended before it was ready/);
      return true;
    },
  );
});
