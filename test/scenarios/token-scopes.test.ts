import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { Client } from "pg";
import { createApi, idOf, projectPath } from "../support/api.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { refsAt, withCredentials } from "../support/working-copy.ts";

/* What access tokens may do: every scope at every door, tokens of every kind, and those that are no good any more. */

const directory = await makeTempDir({ after });
const database = await createTestDatabase();
const dataDir = join(directory, "data");
await mkdir(dataDir);
const server = await startServer({ database, dataDir });
after(async () => {
  await server.stop();
  await database.drop();
});
const root = createApi(server);
const local = await makeRepository(join(directory, "local.git"));
const tip = await makeCommit(local);

const ownerId = await root.createUser("owner", "a pass: word/@ of somebody");
const owner = root.as(await root.createToken(ownerId, ["api"]));
const groupId = idOf(await root.post("/groups", { name: "team", path: "team" }));
await owner.createProject("mine", { visibility: "private" });
await root.createProject("of-team", { namespace_id: groupId });
await root.createProject("own", { visibility: "private" });

/** What is asked for, and the answer to those whose token lets them. */
const ACTIONS = {
  "read the token": { answer: 200, method: "GET", path: "/personal_access_tokens/self" },
  "read the user": { answer: 200, method: "GET", path: "/user" },
  "read the project": { answer: 200, method: "GET", path: ":project" },
  "read its mirrors": { answer: 200, method: "GET", path: ":project/mirrors" },
  "read its branches": { answer: 200, method: "GET", path: ":project/repository/branches" },
  "list projects": { answer: 200, method: "GET", path: "/projects" },
  "change the project": { answer: 200, method: "PUT", path: ":project", body: { description: "changed" } },
  // It has none: whoever may start one hears of that.
  "start its mirror": { answer: 400, method: "POST", path: ":project/mirror/pull" },
  fetch: { answer: 200, git: "git-upload-pack" },
  push: { answer: 200, git: "git-receive-pack" },
} as const;
type Action = keyof typeof ACTIONS;

const EVERYTHING = Object.keys(ACTIONS) as Action[];
const READS: readonly Action[] = [
  "read the token",
  "read the user",
  "read the project",
  "read its mirrors",
  "read its branches",
  "list projects",
];

/** By scopes of the token: what it may do of that. */
const MAY: Readonly<Record<string, readonly Action[]>> = {
  api: EVERYTHING,
  read_api: READS,
  read_repository: ["read the token", "read its branches", "fetch"],
  write_repository: ["read the token", "fetch", "push"],
  "read_api read_repository": [...READS, "fetch"],
  "read_api write_repository": [...READS, "fetch", "push"],
  "read_repository write_repository": ["read the token", "read its branches", "fetch", "push"],
};

/** Nothing by themselves: they say what another scope may be used for. */
const MAY_OF_ADMINS: Readonly<Record<string, readonly Action[]>> = {
  ...MAY,
  admin_mode: ["read the token"],
  sudo: ["read the token"],
  "read_repository admin_mode": ["read the token", "read its branches", "fetch"],
  "api admin_mode sudo": EVERYTHING,
};

for (const [scopes, may] of Object.entries(MAY)) {
  test(`a personal token with ${scopes}`, async () => {
    const token = await makeToken("/user/personal_access_tokens", scopes, owner);
    await assertMay(token, "owner/mine", may);
  });
  test(`a project token with ${scopes}`, async () => {
    const token = await makeToken(`${projectPath("owner/mine")}/access_tokens`, scopes, owner);
    await assertMay(token, "owner/mine", may);
    await assertStranger(token, "team/of-team", may);
  });
  test(`a group token with ${scopes}`, async () => {
    const token = await makeToken(`/groups/${groupId}/access_tokens`, scopes, root);
    await assertMay(token, "team/of-team", may);
    await assertStranger(token, "owner/mine", may);
  });
}

for (const [scopes, may] of Object.entries(MAY_OF_ADMINS)) {
  test(`an admin's token with ${scopes}, in a project of their own`, async () => {
    await assertMay(await makeAdminToken(scopes), "root/own", may);
  });
}
test("what is an admin's to do takes admin_mode and a scope for the API", async () => {
  const expected: [string, number, number][] = [
    ["api", 403, 404],
    ["read_api", 403, 404],
    ["sudo", 403, 403],
    ["admin_mode", 403, 403],
    ["api admin_mode", 200, 200],
    ["read_api admin_mode", 200, 200],
    ["write_repository admin_mode", 403, 403],
  ];
  for (const [scopes, settings, project] of expected) {
    const api = root.as(await makeAdminToken(scopes));
    assert.equal((await api.call("GET", "/application/settings")).status, settings, `${scopes}: settings`);
    assert.equal(
      (await api.call("GET", projectPath("owner/mine"))).status,
      project,
      `${scopes}: a private project of somebody`,
    );
  }
  const forGit = (scopes: string) => makeAdminToken(scopes).then((token) => gitStatus("owner/mine", token));
  assert.equal(await forGit("write_repository"), 404);
  assert.equal(await forGit("write_repository admin_mode"), 200);
});

test("sudo takes its scope and an admin who acts as one, and goes no further than the other scopes", async () => {
  const asOwner = (token: string, method: "GET" | "PUT", path: string) =>
    root.as(token).call(method, path, method === "PUT" ? { description: "by sudo" } : undefined, {
      headers: { Sudo: "owner" },
    });
  const full = await makeAdminToken("api admin_mode sudo");
  const seen = await asOwner(full, "GET", "/user");
  assert.deepEqual([seen.status, Object(seen.body).username], [200, "owner"]);
  assert.equal((await asOwner(full, "PUT", projectPath("owner/mine"))).status, 200);
  // Digits are an id, whatever somebody is called.
  const ownerId = Object(seen.body).id;
  await root.createUser(String(ownerId), "secret-of-digits");
  const byId = await root.as(full).call("GET", "/user", undefined, { headers: { Sudo: String(ownerId) } });
  assert.equal(Object(byId.body).username, "owner");
  const reader = await makeAdminToken("read_api admin_mode sudo");
  assert.equal((await asOwner(reader, "GET", projectPath("owner/mine"))).status, 200);
  assert.equal((await asOwner(reader, "PUT", projectPath("owner/mine"))).status, 403);
  for (const scopes of ["api", "api admin_mode"]) {
    assert.equal((await asOwner(await makeAdminToken(scopes), "GET", "/user")).status, 403, scopes);
  }
  const sleeping = await asOwner(await makeAdminToken("api sudo"), "GET", "/user");
  assert.equal(sleeping.status, 403);
  assert.deepEqual(sleeping.body, {
    message: "403 Forbidden - To use sudo, the token also needs the scope admin_mode.",
  });
  const bot = await makeToken(`${projectPath("owner/mine")}/access_tokens`, "api", owner);
  assert.equal((await asOwner(bot, "GET", "/user")).status, 403);
});

for (const kind of ["personal", "project", "group"] as const) {
  test(`a ${kind} token that is revoked, has expired or belongs to a blocked user opens nothing, however it is shown`, async () => {
    const project = kind === "group" ? "team/of-team" : "owner/mine";
    const [path, maker] = {
      personal: ["/user/personal_access_tokens", owner],
      project: [`${projectPath("owner/mine")}/access_tokens`, owner],
      group: [`/groups/${groupId}/access_tokens`, root],
    }[kind] as [string, typeof root];
    const make = async () => {
      const token = await makeToken(path, "api", maker);
      const { id, user_id } = Object(await root.as(token).get("/personal_access_tokens/self"));
      await assertMay(token, project, EVERYTHING);
      return { token, id, user_id };
    };

    const revoked = await make();
    await root.as(revoked.token).delete("/personal_access_tokens/self");
    await assertDead(revoked.token, project, INVALID_TOKEN);

    const expired = await make();
    await query("update access_tokens set expires_at = now() where id = $1", [expired.id]);
    await assertDead(expired.token, project, INVALID_TOKEN);

    const blocked = await make();
    await query("update users set state = 'blocked' where id = $1", [blocked.user_id]);
    const said = { message: "401 Unauthorized - Your account has been blocked." };
    await assertDead(blocked.token, project, said);
    await query("update users set state = 'active' where id = $1", [blocked.user_id]);
    await assertMay(blocked.token, project, EVERYTHING);
  });
}

const INVALID_TOKEN = {
  error: "invalid_token",
  error_description: "Token is unknown, expired or revoked.",
};

test("a token that never was opens nothing either", async () => {
  const token = `hlpat-${"x".repeat(27)}`;
  const answer = await root.as(token).call("GET", "/user");
  assert.deepEqual([answer.status, answer.body], [401, { message: "401 Unauthorized" }]);
  const bearer = await root
    .as(null)
    .call("GET", "/user", undefined, { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual([bearer.status, bearer.body], [401, INVALID_TOKEN]);
  assert.match(bearer.headers.get("www-authenticate") ?? "", /^Bearer .*error="invalid_token"/);
});

test("real git fetches and pushes as far as the scopes go", async () => {
  const url = (token: string) => withCredentials(`${server.url}/owner/mine.git`, "owner", token);
  const push = (token: string, branch: string) =>
    git(local, ["push", "-q", url(token), `${tip}:refs/heads/${branch}`]);
  const make = (scopes: string) => makeToken("/user/personal_access_tokens", scopes, owner);
  const [writes, reads, api] = await Promise.all([
    make("write_repository"),
    make("read_repository"),
    make("read_api"),
  ]);
  await push(writes, "main");
  assert.equal((await refsAt(url(reads)))["refs/heads/main"], tip);
  await assert.rejects(push(reads, "more"), /403|not allowed/);
  await assert.rejects(refsAt(url(api)), /403|not allowed to download/);
  assert.deepEqual(await refsAt(url(writes)), { "refs/heads/main": tip });
});

/** Asks for everything, and fails unless exactly this works. */
async function assertMay(token: string, project: string, may: readonly Action[]): Promise<void> {
  const expected = EVERYTHING.map((name) => {
    const { answer } = ACTIONS[name];
    if (may.includes(name)) return [name, answer];
    // Whoever knows of the project hears that they may not; to all others it looks as if nothing were there.
    const knowsOfIt = may.includes("read the project") || may.includes("fetch");
    return [name, "git" in ACTIONS[name] && !knowsOfIt ? 404 : 403];
  });
  assert.deepEqual(await answersTo(token, project, EVERYTHING), Object.fromEntries(expected));
}

/** Fails unless whatever the token may do elsewhere finds nothing here. */
async function assertStranger(token: string, project: string, mayAtHome: readonly Action[]): Promise<void> {
  const names = EVERYTHING.filter((name) => {
    const action = ACTIONS[name];
    return "git" in action || action.path.startsWith(":project");
  });
  const expected = names.map((name) => [
    name,
    mayAtHome.includes(name) || "git" in ACTIONS[name] ? 404 : 403,
  ]);
  assert.deepEqual(await answersTo(token, project, names), Object.fromEntries(expected));
}

async function answersTo(
  token: string,
  project: string,
  names: readonly Action[],
): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of names) {
    const action = ACTIONS[name];
    if ("git" in action) {
      found[name] = await gitStatus(project, token, action.git);
      continue;
    }
    const path = action.path.replace(":project", projectPath(project));
    const body = "body" in action ? action.body : undefined;
    found[name] = (await root.as(token).call(action.method, path, body)).status;
  }
  return found;
}

/** By every form in which a token is shown, to API and Git. */
async function assertDead(token: string, project: string, body: object): Promise<void> {
  const status = 401;
  const nobody = root.as(null);
  const path = projectPath(project);
  for (const [form, headers, query] of [
    ["PRIVATE-TOKEN", { "PRIVATE-TOKEN": token }, ""],
    ["Bearer", { Authorization: `Bearer ${token}` }, ""],
    ["parameter", {}, `?private_token=${token}`],
  ] as [string, Record<string, string>, string][]) {
    for (const target of [path, "/projects", "/personal_access_tokens/self"]) {
      const answer = await nobody.call("GET", target + query, undefined, { headers });
      assert.deepEqual([answer.status, answer.body], [status, body], `${form}: ${target}`);
    }
    if (query !== "") continue;
    const answer = await fetch(`${server.url}/${project}.git/info/refs?service=git-upload-pack`, { headers });
    await answer.arrayBuffer();
    assert.equal(answer.status, status, `${form}: git`);
  }
  for (const [username, password] of [
    ["x", token],
    [token, ""],
    [token, "x-oauth-basic"],
  ] as const) {
    for (const service of ["git-upload-pack", "git-receive-pack"] as const) {
      assert.equal(await gitStatus(project, { username, password }, service), status, `Basic: ${service}`);
    }
  }
}

async function gitStatus(
  project: string,
  credentials: string | { readonly username: string; readonly password: string },
  service: "git-upload-pack" | "git-receive-pack" = "git-upload-pack",
): Promise<number> {
  const { username, password } =
    typeof credentials === "string" ? { username: "x", password: credentials } : credentials;
  const answer = await fetch(`${server.url}/${project}.git/info/refs?service=${service}`, {
    headers: { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` },
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function makeToken(path: string, scopes: string, maker: typeof root): Promise<string> {
  const body = await maker.post(path, { name: scopes, scopes: scopes.split(" ") });
  return String(Object(body).token);
}

/** The server's first token lacks `sudo`, and none can be made that has more than its maker. */
async function makeAdminToken(scopes: string): Promise<string> {
  const body = Object(await root.post("/user/personal_access_tokens", { name: scopes, scopes: ["api"] }));
  await query("update access_tokens set scopes = $1 where id = $2", [scopes.split(" "), body.id]);
  return String(body.token);
}

async function query(text: string, values: readonly unknown[]): Promise<void> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}
