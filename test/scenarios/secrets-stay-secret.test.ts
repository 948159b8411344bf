import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Api, createApi, type Parameters, projectPath } from "../support/api.ts";
import { type GatedProxy, startGatedProxy } from "../support/gated-proxy.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { createSecretNet, filesBelow } from "../support/secret-net.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const MB = 1024 * 1024;

/** Distinct in every run, so that nothing of another run is taken for ours; the specials are what URLs escape. */
function makeSecret(name: string): string {
  return `${name}:p@ss/${randomBytes(9).toString("hex")}%?#é"'`;
}

describe("planted secrets", () => {
  const rootPassword = makeSecret("of-root");
  const rootToken = `hlpat-${randomBytes(15).toString("hex")}`;
  const upstream = { username: "reader@example.com", password: makeSecret("upstream") };
  const downstream = { username: "oauth2", password: `glpat-${randomBytes(15).toString("hex")}` };
  const wrong = { username: upstream.username, password: makeSecret("wrong") };
  /** Known to remotes only, which tell it. */
  const told = { username: "teller", password: makeSecret("told") };
  const net = createSecretNet();
  net.plant("password of root", rootPassword, "root");
  net.plant("token of root", rootToken, "root");
  net.plant("password of the upstream", upstream.password, upstream.username);
  net.plant("token of the downstream", downstream.password, downstream.username);
  net.plant("wrong password", wrong.password, wrong.username);
  net.plant("what a remote tells", told.password, told.username);

  let root: string;
  let upstreamPeer: GitHttpPeer;
  let downstreamPeer: GitHttpPeer;
  let proxy: GatedProxy;
  let server: TestServer;
  let api: Api;
  /** Every answer of the API, with what was asked. */
  const answers: { readonly asked: string; readonly text: string }[] = [];
  /** Command lines and environments of every process that was seen while mirrors ran. */
  const seen = new Map<string, string>();
  let watch: NodeJS.Timeout;

  before(async () => {
    root = await makeTempDir({ after });
    await mkdir(join(root, "up"));
    await mkdir(join(root, "down"));
    upstreamPeer = await startGitHttpPeer({ root: join(root, "up"), auth: upstream });
    downstreamPeer = await startGitHttpPeer({ root: join(root, "down"), auth: downstream });
    proxy = await startGatedProxy(upstreamPeer);
    server = await startServer({
      database: "embedded",
      env: { HELIOSTAT_ADMIN_PASSWORD: rootPassword, HELIOSTAT_ADMIN_TOKEN: rootToken },
    });
    api = createApi({ url: server.url, token: rootToken });
    watch = setInterval(watchProcesses, 5);
  });
  after(async () => {
    clearInterval(watch);
    proxy?.open();
    await server?.stop();
    await proxy?.close();
    await upstreamPeer?.close();
    await downstreamPeer?.close();
  });

  function watchProcesses(): void {
    const ofServer = readFileSync(`/proc/${server.pid()}/cmdline`, "latin1");
    for (const pid of readdirSync("/proc").map(Number)) {
      if (!(pid > 0) || pid === process.pid) continue;
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, "latin1");
        seen.set(`${pid} command line`, `${seen.get(`${pid} command line`) ?? ""}\n${commandLine}`);
        // The operator gave the server its first password and token by environment; there they may be. A child that
        // has not yet become its own program is the server still.
        if (commandLine === ofServer) continue;
        seen.set(`${pid} environment`, readFileSync(`/proc/${pid}/environ`, "latin1"));
      } catch {
        // It ended between the look and the reading.
      }
    }
  }

  /** Calls the API and keeps the answer for the search; answers it. */
  async function ask(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    parameters?: Parameters,
  ): Promise<{ status: number; body: unknown }> {
    const answer = await api.call(method, path, parameters);
    const headers = JSON.stringify([...answer.headers]);
    answers.push({ asked: `${method} ${path}`, text: `${JSON.stringify(answer.body)}\n${headers}` });
    return answer;
  }

  async function askEverythingAbout(project: string): Promise<void> {
    const path = projectPath(project);
    for (const part of ["", "/import", "/mirror/pull", "/remote_mirrors", "/mirrors"])
      await ask("GET", path + part);
    const { body } = await ask("GET", `${path}/mirrors`);
    assert(Array.isArray(body));
    for (const { id } of body) {
      await ask("GET", `${path}/mirrors/${id}/updates`);
      await ask("GET", `${path}/remote_mirrors/${id}`);
    }
  }

  function withUser(url: string, { username, password }: { username: string; password: string }): string {
    return url.replace("http://", `http://${encodeURIComponent(username)}:${encodeURIComponent(password)}@`);
  }

  test("of a pull mirror that works, given inside the URL and apart from it", async () => {
    const repository = await makeRepository(join(root, "up/good.git"));
    await makeNoise(repository, 2 * MB);
    const held = proxy.hold("from-target", MB);
    const inUrl = await ask("POST", "/projects", {
      name: "good",
      mirror: true,
      import_url: withUser(proxy.urlOf("good.git"), upstream),
    });
    assert.equal(inUrl.status, 201);
    await held;
    // In the middle of the transfer, when git and its helpers all run.
    await new Promise((resolve) => setTimeout(resolve, 200));
    watchProcesses();
    proxy.open();
    await api.waitForMirror("root/good", "pull", "finished");

    await ask("POST", "/projects", { name: "apart" });
    const apart = await ask("PUT", `${projectPath("root/apart")}/mirror/pull`, {
      enabled: true,
      url: upstreamPeer.urlOf("good.git"),
      auth_user: upstream.username,
      auth_password: upstream.password,
    });
    assert.equal(apart.status, 200);
    await api.waitForMirror("root/apart", "pull", "finished");
    await askEverythingAbout("root/good");
    await askEverythingAbout("root/apart");
  });

  test("of a push mirror that works", async () => {
    const copy = await makeRepository(join(root, "down/good-copy.git"));
    await ask("POST", `${projectPath("root/good")}/remote_mirrors`, {
      enabled: true,
      url: withUser(downstreamPeer.urlOf("good-copy.git"), downstream),
    });
    await waitFor(async () => Object.keys(await refsOf(copy)).length > 0, {
      message: "the push has arrived",
    });
    await askEverythingAbout("root/good");
  });

  test("of mirrors whose password is wrong", async () => {
    await ask("POST", "/projects", {
      name: "wrong",
      mirror: true,
      import_url: withUser(upstreamPeer.urlOf("good.git"), wrong),
    });
    const update = await api.waitForMirror("root/wrong", "pull", "failed");
    assert.match(update.error ?? "", /password|credential|authenti|denied/i);
    await ask("POST", `${projectPath("root/good")}/remote_mirrors`, {
      enabled: true,
      url: withUser(downstreamPeer.urlOf("elsewhere.git"), wrong),
    });
    await someFailure("root/good");
    await askEverythingAbout("root/wrong");
    await askEverythingAbout("root/good");
  });

  /** Remotes that talk: they know what they were sent, and a secret of their own. */
  const talk: Record<
    string,
    (request: { authorization: string; url: string }) => {
      status: number;
      type: string;
      text: string;
      location?: string;
    }
  > = {
    "answers with what it was sent, as a page": (request) => ({
      status: 500,
      type: "text/html",
      text: `<h1>Sorry</h1><pre>${request.url} ${request.authorization} ${decode(request.authorization)}</pre>`,
    }),
    // Git shows a plain text to the user, line by line.
    "answers with what it was sent, as a text": (request) => ({
      status: 403,
      type: "text/plain",
      text: `no entry for ${decode(request.authorization)}\n${request.authorization}\nhttp://${decode(request.authorization)}@here${request.url}\n`,
    }),
    "answers 401 with what it was sent, as a text": (request) => ({
      status: 401,
      type: "text/plain",
      text: `wrong: ${decode(request.authorization)} ${request.authorization}\n`,
    }),
    "answers 200 with what it was sent": (request) => ({
      status: 200,
      type: "application/x-git-upload-pack-advertisement",
      text: `${request.authorization} ${decode(request.authorization)}\n`,
    }),
    "answers with an error of the protocol": (request) => {
      const line = `ERR ${decode(request.authorization)} may not ${request.url}\n`;
      return {
        status: 200,
        type: `application/x-git-${request.url.includes("receive") ? "receive" : "upload"}-pack-advertisement`,
        text: `${(line.length + 4).toString(16).padStart(4, "0")}${line}`,
      };
    },
    "redirects to a URL with a secret": () => ({
      status: 301,
      type: "text/plain",
      text: "gone",
      location: withUser("http://127.0.0.1:1/there.git", told),
    }),
  };
  for (const [name, answer] of Object.entries(talk)) {
    test(`of mirrors whose remote ${name}`, async (t) => {
      const talker = await startTalker(answer);
      t.after(() => talker.close());
      const project = `talk-${Object.keys(talk).indexOf(name)}`;
      const { port } = talker.address() as { port: number };
      const url = withUser(`http://127.0.0.1:${port}/repository.git`, upstream);
      await ask("POST", "/projects", { name: project, mirror: true, import_url: url });
      await api.waitForMirror(`root/${project}`, "pull", "failed");
      await ask("POST", "/projects", {
        name: `${project}-out`,
        mirror: true,
        import_url: withUser(upstreamPeer.urlOf("good.git"), upstream),
      });
      await api.waitForMirror(`root/${project}-out`, "pull", "finished");
      await ask("POST", `${projectPath(`root/${project}-out`)}/remote_mirrors`, { enabled: true, url });
      await someFailure(`root/${project}-out`);
      await askEverythingAbout(`root/${project}`);
      await askEverythingAbout(`root/${project}-out`);
    });
  }

  for (const [verdict, exit] of [
    ["takes", 0],
    ["refuses", 1],
  ] as const) {
    test(`of a push mirror whose remote ${verdict} the push and prints URL and token`, async () => {
      const name = `hook-${verdict}`;
      const copy = await makeRepository(join(root, `down/${name}.git`));
      const hook = join(copy, "hooks/pre-receive");
      await mkdir(join(copy, "hooks"), { recursive: true });
      const text = `${withUser(downstreamPeer.urlOf(name), downstream)} ${downstream.password}`;
      await writeFile(hook, `#!/bin/sh\ncat >&2 <<'END'\n${text}\nEND\nexit ${exit}\n`);
      await chmod(hook, 0o755);
      await ask("POST", "/projects", { name });
      await ask("POST", `${projectPath(`root/${name}`)}/mirror/pull`, {});
      await ask("PUT", `${projectPath(`root/${name}`)}/mirror/pull`, {
        enabled: true,
        url: withUser(upstreamPeer.urlOf("good.git"), upstream),
      });
      await api.waitForMirror(`root/${name}`, "pull", "finished");
      const { body } = await ask("POST", `${projectPath(`root/${name}`)}/remote_mirrors`, {
        enabled: true,
        url: withUser(downstreamPeer.urlOf(`${name}.git`), downstream),
      });
      assert(typeof body === "object" && body !== null && "id" in body);
      if (exit === 0) await api.waitForMirror(`root/${name}`, Number(body.id), "finished");
      else await someFailure(`root/${name}`);
      await askEverythingAbout(`root/${name}`);
    });
  }

  test("of requests that are refused, and of a client's sign-in", async () => {
    await ask("POST", "/projects", {
      name: "bad",
      import_url: withUser("http://127.0.0.1/x.git", upstream).replace("http", "ftp"),
    });
    await ask("POST", "/projects", { name: "bad", import_url: withUser("http://", upstream) });
    await ask("POST", "/projects", {
      name: "bad",
      import_url: withUser("http://127.0.0.1:99999/x", upstream),
    });
    await ask("POST", `${projectPath("root/good")}/remote_mirrors`, {
      url: withUser("http://[::bad/x", downstream),
    });
    await ask("POST", `${projectPath("root/good")}/remote_mirrors`, {
      url: withUser(downstreamPeer.urlOf("good-copy.git"), downstream),
    });
    await ask("PUT", `${projectPath("root/good")}/mirror/pull`, {
      url: 7,
      auth_password: { not: upstream.password },
    });
    for (const path of [
      "/users",
      "/users/1",
      "/user",
      "/personal_access_tokens",
      "/application/settings",
      "/version",
    ]) {
      await ask("GET", path);
    }
    const asStranger = await createApi({
      url: server.url,
      token: wrong.password.replaceAll(/[^\x20-\x7e]/g, ""),
    }).call("GET", "/user");
    answers.push({ asked: "GET /user with a wrong token", text: JSON.stringify(asStranger.body) });

    // By a helper, so that no argument or variable of this client holds what is searched for.
    const store = join(root, "credentials");
    const client = join(root, "client.git");
    for (const password of [rootToken, rootPassword, wrong.password]) {
      await writeFile(store, `http://root:${encodeURIComponent(password)}@${new URL(server.url).host}\n`);
      const helper = ["-c", `credential.helper=store --file=${store}`];
      const clone = git(root, [
        ...helper,
        "clone",
        "--quiet",
        "--bare",
        `${server.url}/root/good.git`,
        client,
      ]);
      if (password === wrong.password) await assert.rejects(clone);
      else await clone;
      if (password !== wrong.password) {
        await makeCommit(client, { ref: `refs/heads/new-${password.length}` });
        await git(client, [
          ...helper,
          "push",
          "--quiet",
          `${server.url}/root/good.git`,
          `refs/heads/new-${password.length}`,
        ]);
      }
      await rm(client, { recursive: true, force: true });
    }
  });

  test("are in no command line, no environment, no file, no log and no answer", async () => {
    clearInterval(watch);
    assert(
      [...seen.values()].some((text) => text.includes("git-remote-http")),
      "git was seen at work",
    );
    assert(answers.length > 50, "there are answers to search");
    for (const [where, text] of seen) searchIn(where, Buffer.from(text, "latin1"));
    for (const { asked, text } of answers) searchIn(`the answer to ${asked}`, Buffer.from(text));
    searchIn("the output of the server", Buffer.from(server.output()));
    assert.match(server.output(), /"level":20|debug/i, "the log is at its most talkative");
    await searchFiles();

    // What is in the memory of PostgreSQL is in its files after a clean stop.
    await server.kill("SIGTERM");
    await searchFiles();
    searchIn("the output of the server that ended", Buffer.from(server.output()));
  });

  test("that the first start makes up are in their one file only", async () => {
    const fresh = await startServer({
      database: "embedded",
      env: { HELIOSTAT_ADMIN_PASSWORD: undefined, HELIOSTAT_ADMIN_TOKEN: undefined },
    });
    try {
      const path = join(fresh.dataDir, "initial-root-secrets");
      const text = await readFile(path, "utf8");
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      const secrets = [/^password=(.+)$/m, /^token=(.+)$/m].map((pattern) => pattern.exec(text)?.[1] ?? "");
      const [password = "", token = ""] = secrets;
      assert(password.length >= 16 && token.length >= 20);
      const user = await createApi({ url: fresh.url, token }).get("/user");
      assert(typeof user === "object" && user !== null && "username" in user && user.username === "root");
      await fresh.kill("SIGTERM");
      for (const secret of secrets) {
        assert(!fresh.output().includes(secret), "the output names the file, not the secret");
        for (const file of await filesBelow(fresh.dataDir)) {
          if (file === path) continue;
          assert(!(await readFile(file)).includes(secret), `${file} holds a secret`);
        }
      }
    } finally {
      await fresh.stop();
    }
  });

  async function searchFiles(): Promise<void> {
    const files = await filesBelow(server.dataDir);
    assert(
      files.some((file) => file.includes("/postgres/base/")) && files.some((file) => file.endsWith(".pack")),
    );
    for (const file of files) searchIn(file, await readFile(file).catch(() => Buffer.alloc(0)));
  }

  function searchIn(where: string, content: Buffer): void {
    for (const { name, context } of net.search(where, content))
      assert.fail(`${where} holds the ${name}: …${context}…`);
  }

  /** Waits until the newest push mirror of the project has an update that failed. */
  async function someFailure(project: string): Promise<void> {
    await waitFor(
      async () => {
        const body = await api.get(`${projectPath(project)}/remote_mirrors`);
        assert(Array.isArray(body));
        return body.some(({ last_error }) => last_error !== null);
      },
      { message: "a push mirror has failed" },
    );
  }
});

function decode(authorization: string): string {
  return Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
}

async function startTalker(
  answer: (request: { authorization: string; url: string }) => {
    status: number;
    type: string;
    text: string;
    location?: string;
  },
): Promise<Server> {
  const talker = createServer((request, response) => {
    request.resume();
    const { authorization } = request.headers;
    if (authorization === undefined) {
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="talker"' }).end();
      return;
    }
    const { status, type, text, location } = answer({ authorization, url: request.url ?? "" });
    response
      .writeHead(status, { "Content-Type": type, ...(location === undefined ? {} : { Location: location }) })
      .end(text);
  });
  await new Promise<void>((resolve) => talker.listen(0, "127.0.0.1", resolve));
  return talker;
}
