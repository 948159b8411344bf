import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { createApi } from "../support/api.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { allRefsAt, withCredentials } from "../support/working-copy.ts";

/* Who may see, fetch and push what, with which credentials: through the API and with real git. */

const directory = await makeTempDir({ after });
const server = await startServer();
after(() => server.stop());
const root = createApi(server);

const PASSWORD = "a pass: word/@ of somebody";
const owner = await makeUser("owner");
const other = await makeUser("other");
const local = await makeRepository(join(directory, "local.git"));
const tip = await makeCommit(local);

const VISIBILITIES = ["public", "internal", "private"] as const;
for (const visibility of VISIBILITIES) {
  await owner.api.createProject(visibility, { visibility });
  await push(urlOf(visibility, "owner", PASSWORD), `${tip}:refs/heads/main`);
}

/** By visibility: what the API and git answer to reading, and git to writing. */
const EXPECTED = {
  anonymous: { public: [200, 200, 401], internal: [404, 401, 401], private: [404, 401, 401] },
  other: { public: [200, 200, 403], internal: [200, 200, 403], private: [404, 404, 404] },
  owner: { public: [200, 200, 200], internal: [200, 200, 200], private: [200, 200, 200] },
  admin: { public: [200, 200, 200], internal: [200, 200, 200], private: [200, 200, 200] },
} as const;

const WHO = {
  anonymous: null,
  other: { name: "other", token: other.token },
  owner: { name: "owner", token: owner.token },
  admin: { name: "root", token: server.token },
} as const;

for (const who of ["anonymous", "other", "owner", "admin"] as const) {
  for (const visibility of VISIBILITIES) {
    const [read, fetched, pushed] = EXPECTED[who][visibility];
    const path = `owner/${visibility}`;
    const token = WHO[who]?.token ?? null;
    const url = WHO[who] === null ? urlOf(visibility) : urlOf(visibility, WHO[who].name, WHO[who].token);

    test(`${who} and a project that is ${visibility}: API ${read}, fetch ${fetched}, push ${pushed}`, async () => {
      const answer = await root.as(token).call("GET", `/projects/${encodeURIComponent(path)}`);
      assert.equal(answer.status, read);
      if (read === 404) assert.deepEqual(answer.body, { message: "404 Project Not Found" });
      const listed = await root.as(token).call("GET", "/projects?per_page=100");
      const paths = (Array.isArray(listed.body) ? listed.body : []).map(
        (each) => Object(each).path_with_namespace,
      );
      assert.equal(paths.includes(path), read === 200, "the list shows what may be seen, and nothing else");

      const headers = basic(WHO[who]?.name, token);
      assert.equal(await statusOf(visibility, "git-upload-pack", headers), fetched);
      assert.equal(await statusOf(visibility, "git-receive-pack", headers), pushed);
      assert.equal(await statusOf(visibility, "git-receive-pack", headers, "POST"), pushed);

      if (fetched === 200) assert.equal((await allRefsAt(url))["refs/heads/main"], tip);
      else
        await assert.rejects(
          allRefsAt(url),
          fetched === 401 ? /could not read Username/ : /not found|not be found/,
        );
      const branch = `refs/heads/by-${who}`;
      if (pushed === 200) {
        await push(url, `${tip}:${branch}`);
        assert.equal((await allRefsAt(url))[branch], tip);
      } else {
        await assert.rejects(push(url, `${tip}:${branch}`));
        assert(!(branch in (await allRefsAt(urlOf(visibility, "owner", owner.token)))));
      }
    });
  }
}

test("a repository that does not exist looks to strangers like one that they may not see", async () => {
  for (const service of ["git-upload-pack", "git-receive-pack"]) {
    assert.equal(await statusOf("nowhere", service), 401);
    assert.equal(await statusOf("nowhere", service, basic("other", other.token)), 404);
  }
});

test("git takes a password, or a token in either half and in the headers", async () => {
  const url = urlOf("private");
  for (const [username, password] of [
    ["owner", PASSWORD],
    ["owner", owner.token],
    ["oauth2", owner.token],
    ["anything", owner.token],
    ["x-access-token", owner.token],
    [owner.token, ""],
    [owner.token, "x-oauth-basic"],
  ] as const) {
    const refs = await allRefsAt(withCredentials(url, username, password));
    assert.equal(
      refs["refs/heads/main"],
      tip,
      `${username === owner.token ? "token" : username} as user name`,
    );
  }
  for (const header of [`Authorization: Bearer ${owner.token}`, `PRIVATE-TOKEN: ${owner.token}`]) {
    const out = await git("/", ["-c", `http.extraHeader=${header}`, "ls-remote", url, "refs/heads/main"]);
    assert.equal(out, `${tip}\trefs/heads/main`);
  }
});

test("wrong credentials are refused, for public projects too", async () => {
  for (const [username, password] of [
    ["owner", "wrong"],
    ["owner", other.token.slice(0, -1)],
    ["nobody", PASSWORD],
    ["owner", ""],
  ] as const) {
    await assert.rejects(
      allRefsAt(urlOf("private", username, password)),
      /Authentication failed|could not read/,
    );
    assert.equal(await statusOf("public", "git-upload-pack", basic(username, password)), 401);
  }
  await assert.rejects(push(urlOf("public", "other", other.token), `${tip}:refs/heads/x`), /403|not allowed/);
});

test("the API takes a token by PRIVATE-TOKEN, Bearer and parameter, and no password", async () => {
  const path = "/projects/owner%2Fprivate";
  const anonymous = root.as(null);
  const headers = (value: Record<string, string>) =>
    anonymous.call("GET", path, undefined, { headers: value });
  assert.equal((await headers({ "PRIVATE-TOKEN": owner.token })).status, 200);
  assert.equal((await headers({ Authorization: `Bearer ${owner.token}` })).status, 200);
  assert.equal((await anonymous.call("GET", `${path}?private_token=${owner.token}`)).status, 200);
  assert.equal((await headers(basic("owner", PASSWORD))).status, 404, "Basic credentials are not the API's");
});

test("what a token may do is what its scopes say", async () => {
  const url = (token: string) => urlOf("private", "owner", token);
  const [readApi, readRepository, writeRepository] = await Promise.all([
    root.createToken(owner.id, ["read_api"]),
    root.createToken(owner.id, ["read_repository"]),
    root.createToken(owner.id, ["write_repository"]),
  ]);

  assert.equal((await allRefsAt(url(readRepository)))["refs/heads/main"], tip);
  await assert.rejects(push(url(readRepository), `${tip}:refs/heads/scope`), /403|not allowed/);
  assert.equal((await root.as(readRepository).call("GET", "/projects/owner%2Fprivate")).status, 403);

  await push(url(writeRepository), `${tip}:refs/heads/scope`);
  assert.equal((await allRefsAt(url(writeRepository)))["refs/heads/scope"], tip);
  assert.equal((await root.as(writeRepository).call("POST", "/projects", { name: "x" })).status, 403);

  assert.equal((await root.as(readApi).call("GET", "/projects/owner%2Fprivate")).status, 200);
  assert.equal(
    (await root.as(readApi).call("GET", "/projects/owner%2Fprivate/protected_branches")).status,
    200,
  );
  assert.equal((await root.as(readApi).call("PUT", "/projects/owner%2Fprivate", { name: "x" })).status, 403);
  assert.equal((await root.as(readApi).call("POST", "/projects/owner%2Fprivate/mirror/pull")).status, 403);
  await assert.rejects(allRefsAt(url(readApi)), /not found|not be found|403/);
});

test("a revoked token is dead at once, and none is made that is dead already", async () => {
  const tokens = `/users/${owner.id}/personal_access_tokens`;
  const { token, id } = Object(await root.post(tokens, { name: "t", scopes: ["api"] }));
  assert.equal((await root.as(token).call("GET", "/user")).status, 200);
  await root.delete(`/personal_access_tokens/${id}`);
  assert.equal((await root.as(token).call("GET", "/user")).status, 401);
  await assert.rejects(allRefsAt(urlOf("private", "owner", token)), /Authentication failed/);

  const today = new Date().toISOString().slice(0, 10);
  const answer = await root.call("POST", tokens, { name: "t", scopes: ["api"], expires_at: today });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.body, { message: { expires_at: ["must be in the future"] } });
});

test("an archived project can be read and not written", async () => {
  await owner.api.createProject("archived", { visibility: "public" });
  const url = urlOf("archived", "owner", owner.token);
  await push(url, `${tip}:refs/heads/main`);
  await owner.api.post("/projects/owner%2Farchived/archive");
  await assert.rejects(push(url, `${tip}:refs/heads/more`), /403|archived/);
  assert.equal((await allRefsAt(url))["refs/heads/main"], tip);
  await owner.api.post("/projects/owner%2Farchived/unarchive");
  await push(url, `${tip}:refs/heads/more`);
});

test("a change of visibility holds from the next request on", async () => {
  await owner.api.createProject("changing", { visibility: "public" });
  assert.equal(await statusOf("changing", "git-upload-pack"), 200);
  await owner.api.put("/projects/owner%2Fchanging", { visibility: "private" });
  assert.equal(await statusOf("changing", "git-upload-pack"), 401);
  assert.equal(await statusOf("changing", "git-upload-pack", basic("other", other.token)), 404);
});

test("a project answers with and without .git, in any case, and not beside its path", async () => {
  const at = (path: string) => fetch(`${server.url}/${path}/info/refs?service=git-upload-pack`);
  for (const path of ["owner/public.git", "owner/public", "OWNER/Public.git"]) {
    assert.equal((await at(path)).status, 200, path);
  }
  for (const path of ["owner/publi", "owner/public.git/x", "owner", "owner/%2e%2e/owner/public.git.git"]) {
    assert.notEqual((await at(path)).status, 200, path);
  }
});

test("bookkeeping refs are never shown, fetched, written or deleted from outside", async () => {
  await owner.api.createProject("hidden", { visibility: "public" });
  const url = urlOf("hidden", "owner", owner.token);
  await push(url, `${tip}:refs/heads/main`);
  const secret = await makeCommit(local, { ref: "refs/heads/secret" });
  await push(url, `${secret}:refs/heads/secret`);
  const repository = await findRepositoryWith(secret);
  await git(repository, ["update-ref", "refs/heliostat/ledger/1", secret]);
  await push(url, ":refs/heads/secret");

  for (const protocol of [0, 2] as const) {
    assert.deepEqual(
      Object.keys(await allRefsAt(url, protocol)),
      ["HEAD", "refs/heads/main"],
      `protocol ${protocol}`,
    );
    const options = ["-c", `protocol.version=${protocol}`];
    const elsewhere = await makeRepository(join(directory, `fetched-${protocol}.git`));
    await assert.rejects(
      git(elsewhere, [...options, "fetch", url, "refs/heliostat/ledger/1"]),
      /couldn't find remote ref/,
    );
    await git(elsewhere, [...options, "fetch", "-q", url, "+refs/*:refs/*"]);
    await assert.rejects(git(elsewhere, ["cat-file", "-e", secret]), "its commit does not come along");
  }
  await assert.rejects(push(url, `${tip}:refs/heliostat/mine`), /hidden ref/);
  await assert.rejects(push(url, `+${tip}:refs/heliostat/ledger/1`), /hidden ref/);
  await assert.rejects(push(url, ":refs/heliostat/ledger/1"), /hidden ref|remote ref does not exist/);
  assert.equal(await git(repository, ["rev-parse", "refs/heliostat/ledger/1"]), secret);
});

async function makeUser(name: string) {
  const id = await root.createUser(name, PASSWORD);
  const token = await root.createToken(id, ["api"]);
  return { id, token, api: root.as(token) };
}

function urlOf(project: string, username?: string, password = ""): string {
  const url = `${server.url}/owner/${project}.git`;
  return username === undefined ? url : withCredentials(url, username, password);
}

async function push(url: string, ...refspecs: string[]): Promise<void> {
  await git(local, ["push", "-q", url, ...refspecs]);
}

function basic(username: string | undefined, password: string | null): Record<string, string> {
  if (username === undefined || password === null) return {};
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}

/** The status of git's first request, or of its push itself (an empty one, as the probe before a large push). */
async function statusOf(
  project: string,
  service: string,
  headers: Record<string, string> = {},
  method: "GET" | "POST" = "GET",
): Promise<number> {
  const path = method === "GET" ? `info/refs?service=${service}` : service;
  const answer = await fetch(`${urlOf(project)}/${path}`, {
    method,
    headers: {
      ...headers,
      ...(method === "POST" ? { "Content-Type": `application/x-${service}-request` } : {}),
    },
    ...(method === "POST" ? { body: "0000" } : {}),
  });
  await answer.arrayBuffer();
  if (answer.status === 401) assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic realm=/);
  return answer.status;
}

/** The bare repository on the server's disk that has this object: where it stands is the server's affair. */
async function findRepositoryWith(oid: string): Promise<string> {
  const files = await readdir(server.dataDir, { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".git"))) {
    const path = join(server.dataDir, file);
    const has = await git(path, ["cat-file", "-e", oid]).then(
      () => true,
      () => false,
    );
    if (has) return path;
  }
  throw new Error(`no repository has ${oid}`);
}
