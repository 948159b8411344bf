import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";
import {
  accessTokenSchema,
  createdAccessTokenSchema,
  createdResourceTokenSchema,
  resourceTokenSchema,
} from "@heliostat/contract/api/access-tokens.ts";
import { type Api, createApi, idOf, projectPath } from "../support/api.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { refsAt, withCredentials } from "../support/working-copy.ts";

/* The life of access tokens: of people, of projects and of groups. What scopes let them do: token-scopes.test.ts. */

const directory = await makeTempDir({ after });
const server = await startServer();
after(() => server.stop());
const root = createApi(server);
const local = await makeRepository(join(directory, "local.git"));
const tip = await makeCommit(local);

const owner = await makeUser("owner");
const other = await makeUser("other");
await owner.api.createProject("mine", { visibility: "private" });
await owner.api.createProject("second", { visibility: "internal" });
const mine = projectPath("owner/mine");
await push("owner/mine", owner.token, `${tip}:refs/heads/main`);
const groupId = idOf(await root.post("/groups", { name: "team", path: "team" }));
await root.createProject("of-team", { namespace_id: groupId });

const IN_A_MONTH = dayFromNow(30);

test("a personal token is answered in GitLab's form, with its secret once", async () => {
  const made = createdAccessTokenSchema.parse(
    await owner.api.post("/user/personal_access_tokens", {
      name: "ci",
      description: "for the build",
      scopes: ["read_api", "read_repository"],
      expires_at: IN_A_MONTH,
    }),
  );
  assert.match(made.token, /^hlpat-[\w-]{20,}$/);
  const { token, ...rest } = made;
  assert.deepEqual(rest, {
    id: made.id,
    name: "ci",
    revoked: false,
    created_at: made.created_at,
    description: "for the build",
    scopes: ["read_api", "read_repository"],
    user_id: owner.id,
    last_used_at: null,
    active: true,
    expires_at: IN_A_MONTH,
  });
  assert.deepEqual(await owner.api.get(`/personal_access_tokens/${made.id}`), rest);
  const self = accessTokenSchema.parse(await root.as(token).get("/personal_access_tokens/self"));
  assert.equal(self.id, made.id);
  const used = accessTokenSchema.parse(await owner.api.get(`/personal_access_tokens/${made.id}`));
  assert.notEqual(used.last_used_at, null);
});

test("tokens are listed by state, name and time; those of others only for admins", async () => {
  const names = async (api: Api, query: string) =>
    accessTokenSchema
      .array()
      .parse(await api.get(`/personal_access_tokens?per_page=100&${query}`))
      .map(({ name }) => name);
  const make = async (name: string, more: object = {}) =>
    createdAccessTokenSchema.parse(
      await other.api.post("/user/personal_access_tokens", { name, scopes: ["read_api"], ...more }),
    );
  const gone = await make("list-gone");
  await make("list-stays", { expires_at: IN_A_MONTH });
  await make("list-100%");
  await other.api.delete(`/personal_access_tokens/${gone.id}`);

  assert.deepEqual(await names(other.api, "search=LIST-"), ["list-gone", "list-stays", "list-100%"]);
  assert.deepEqual(await names(other.api, "search=list-%25"), []);
  assert.deepEqual(await names(other.api, "search=0%25"), ["list-100%"]);
  assert.deepEqual(await names(other.api, "search=list&state=active"), ["list-stays", "list-100%"]);
  assert.deepEqual(await names(other.api, "search=list&state=inactive"), ["list-gone"]);
  assert.deepEqual(await names(other.api, "search=list&revoked=true"), ["list-gone"]);
  assert.deepEqual(await names(other.api, "search=list&revoked=false"), ["list-stays", "list-100%"]);
  assert.deepEqual(await names(other.api, `expires_after=${dayFromNow(29)}`), ["list-stays"]);
  assert.deepEqual(await names(other.api, `expires_before=${dayFromNow(29)}`), []);
  assert.deepEqual(await names(other.api, `search=list&created_before=${dayFromNow(-1)}`), []);
  assert.equal((await names(other.api, `search=list&created_after=${dayFromNow(-1)}`)).length, 3);
  assert.deepEqual(await names(other.api, `search=list&last_used_after=${dayFromNow(-1)}`), []);

  assert.equal((await names(root, `user_id=${other.id}&search=list`)).length, 3, "an admin sees them");
  assert.equal((await names(root, "search=list-stays")).length, 1, "and everybody's");
  const strange = await owner.api.call("GET", `/personal_access_tokens?user_id=${other.id}`);
  assert.deepEqual([strange.status, strange.body], [401, { message: "401 Unauthorized" }]);
  assert.deepEqual(await names(owner.api, "search=list"), []);
  for (const [method, path] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/rotate"],
  ] as const) {
    const answer = await owner.api.call(method, `/personal_access_tokens/${gone.id}${path}`);
    assert.equal(answer.status, 404, `${method} of another user's token`);
  }
});

test("an admin's token without admin_mode sees and makes none for others", async () => {
  const weak = root.as(await root.createToken(1, ["api"]));
  assert.equal((await weak.call("GET", `/personal_access_tokens?user_id=${other.id}`)).status, 401);
  const draft = { name: "x", scopes: ["read_api"] };
  assert.equal((await weak.call("POST", `/users/${other.id}/personal_access_tokens`, draft)).status, 403);
  assert.equal((await weak.call("POST", "/user/personal_access_tokens", draft)).status, 201);
});

test("no token makes or renews one that may do more than itself", async () => {
  const api = root.as(await root.createToken(1, ["api"]));
  const wish = (scopes: string[]) => api.call("POST", "/user/personal_access_tokens", { name: "x", scopes });
  assert.equal((await wish(["api", "read_api", "read_repository", "write_repository"])).status, 201);
  for (const scope of ["admin_mode", "sudo"]) {
    const answer = await wish(["api", scope]);
    assert.equal(answer.status, 403, scope);
    assert.match(JSON.stringify(answer.body), new RegExp(`lacks ${scope}`));
  }
  const strong = createdAccessTokenSchema.parse(
    await root.post("/user/personal_access_tokens", { name: "strong", scopes: ["api", "admin_mode"] }),
  );
  assert.equal((await api.call("POST", `/personal_access_tokens/${strong.id}/rotate`)).status, 403);
  assert.equal((await root.as(strong.token).call("GET", "/user")).status, 200, "and it was not touched");
  const forUser = await root.call("POST", `/users/${other.id}/personal_access_tokens`, {
    name: "x",
    scopes: ["api", "admin_mode"],
  });
  assert.deepEqual(
    [forUser.status, forUser.body],
    [400, { message: { scopes: ["can only contain available scopes"] } }],
  );
});

test("a rotation hands out another secret, and the old one is dead at once", async () => {
  const old = createdAccessTokenSchema.parse(
    await other.api.post("/user/personal_access_tokens", {
      name: "r",
      scopes: ["api"],
      expires_at: IN_A_MONTH,
    }),
  );
  const { token, ...made } = createdAccessTokenSchema.parse(
    await root.as(old.token).post("/personal_access_tokens/self/rotate"),
  );
  assert.notEqual(token, old.token);
  assert.deepEqual(
    [made.name, made.scopes, made.user_id, made.expires_at, made.active],
    ["r", ["api"], other.id, dayFromNow(7), true],
  );
  assert.equal((await root.as(old.token).call("GET", "/user")).status, 401);
  assert.equal((await root.as(token).call("GET", "/user")).status, 200);

  const byId = createdAccessTokenSchema.parse(
    await other.api.post(`/personal_access_tokens/${made.id}/rotate`, { expires_at: IN_A_MONTH }),
  );
  assert.equal(byId.expires_at, IN_A_MONTH);
  assert.equal((await root.as(token).call("GET", "/user")).status, 401);
  const past = await other.api.call("POST", `/personal_access_tokens/${byId.id}/rotate`, {
    expires_at: dayFromNow(0),
  });
  assert.deepEqual([past.status, past.body], [400, { message: { expires_at: ["must be in the future"] } }]);
  const dead = await other.api.call("POST", `/personal_access_tokens/${old.id}/rotate`);
  assert.deepEqual([dead.status, dead.body], [400, { message: "400 Bad request - Token already revoked" }]);
  assert.equal((await root.as(byId.token).call("GET", "/user")).status, 200);

  const forever = createdAccessTokenSchema.parse(
    await other.api.post("/user/personal_access_tokens", { name: "forever", scopes: ["api"] }),
  );
  const renewed = createdAccessTokenSchema.parse(
    await other.api.post(`/personal_access_tokens/${forever.id}/rotate`),
  );
  assert.equal(renewed.expires_at, null);
});

test("of ten rotations at the same time one is done", async () => {
  const { id } = createdAccessTokenSchema.parse(
    await other.api.post("/user/personal_access_tokens", { name: "race", scopes: ["read_api"] }),
  );
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => other.api.call("POST", `/personal_access_tokens/${id}/rotate`)),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, ...Array(9).fill(400)]);
  const live = accessTokenSchema
    .array()
    .parse(await other.api.get("/personal_access_tokens?search=race&state=active"));
  assert.equal(live.length, 1);
});

test("who rotates a token a second time has a copy: all that came of it is revoked", async () => {
  const first = createdAccessTokenSchema.parse(
    await other.api.post("/user/personal_access_tokens", { name: "family", scopes: ["api"] }),
  );
  const rotate = (token: string) => root.as(token).post("/personal_access_tokens/self/rotate");
  const second = createdAccessTokenSchema.parse(await rotate(first.token));
  const third = createdAccessTokenSchema.parse(await rotate(second.token));
  assert.equal((await root.as(first.token).call("GET", "/user")).status, 401);
  assert.equal(
    (await root.as(third.token).call("GET", "/user")).status,
    200,
    "using the old one harms nobody",
  );
  const again = await root.as(first.token).call("POST", "/personal_access_tokens/self/rotate");
  assert.equal(again.status, 401);
  assert.equal((await root.as(third.token).call("GET", "/user")).status, 401);
  assert.equal((await other.api.call("GET", "/user")).status, 200, "other tokens of the user stay");
  const told = await root.get(`/audit_events?entity_type=User&entity_id=${other.id}&per_page=100`);
  const names = Array.isArray(told) ? told.map(({ event_name }) => event_name) : [];
  assert.deepEqual(names.slice(0, 4), [
    "token-family-revoked",
    "token-rotated",
    "token-rotated",
    "token-created",
  ]);
  for (const { token } of [first, second, third]) assert(!JSON.stringify(told).includes(token));
});

test("the command line makes a token for somebody, and prints its secret and nothing else", async () => {
  const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token };
  const args = ["admin", "create-token", "--user", "other", "--scopes", "read_api,read_repository"];
  const run = await runHeliostat([...args, "--name", "by hand", "--expires-at", IN_A_MONTH], env);
  assert.deepEqual([run.exitCode, run.stderr], [0, ""]);
  assert.match(run.stdout, /^hlpat-[\w-]+\n$/);
  const self = accessTokenSchema.parse(await root.as(run.stdout.trim()).get("/personal_access_tokens/self"));
  assert.deepEqual(
    [self.user_id, self.name, self.scopes, self.expires_at],
    [other.id, "by hand", ["read_api", "read_repository"], IN_A_MONTH],
  );
  const nobody = await runHeliostat(["admin", "create-token", "--user", "no-one", "--scopes", "api"], env);
  assert.equal(nobody.exitCode, 1);
  assert.match(nobody.stderr, /There is no user no-one/);
});

test("drafts that make no sense are refused in GitLab's words", async () => {
  const long = "x".repeat(256);
  const cases: [Readonly<Record<string, unknown>>, object][] = [
    [{ name: "x" }, { error: "scopes is missing" }],
    [{ name: "x", scopes: [] }, { error: "scopes is empty" }],
    [{ name: "x", scopes: ["root"] }, { error: "scopes does not have a valid value" }],
    [{ name: long, scopes: ["api"] }, { message: { name: ["is too long (maximum is 255 characters)"] } }],
    [
      { name: "x", description: long, scopes: ["api"] },
      { message: { description: ["is too long (maximum is 255 characters)"] } },
    ],
    [
      { name: "x", scopes: ["api"], expires_at: dayFromNow(0) },
      { message: { expires_at: ["must be in the future"] } },
    ],
  ];
  for (const path of ["/user/personal_access_tokens", `${mine}/access_tokens`]) {
    for (const [draft, body] of cases) {
      const answer = await owner.api.call("POST", path, draft);
      assert.deepEqual([answer.status, answer.body], [400, body], path);
    }
  }
  for (const scope of ["admin_mode", "sudo"]) {
    const answer = await owner.api.call("POST", `${mine}/access_tokens`, { name: "x", scopes: [scope] });
    assert.deepEqual([answer.status, answer.body], [400, { error: "scopes does not have a valid value" }]);
  }
  const level = await owner.api.call("POST", `${mine}/access_tokens`, {
    ...{ name: "x", scopes: ["api"], access_level: 35 },
  });
  assert.deepEqual([level.status, level.body], [400, { error: "access_level does not have a valid value" }]);
});

test("a project token is answered in GitLab's form, and acts as a bot of its own in that project", async () => {
  const made = createdResourceTokenSchema.parse(
    await owner.api.post(`${mine}/access_tokens`, {
      name: "deploy",
      scopes: ["api"],
      access_level: "30",
      expires_at: IN_A_MONTH,
      description: "d",
    }),
  );
  assert.match(made.token, /^hlprj-/);
  const { token, ...rest } = made;
  const projectId = idOf(await owner.api.get(mine));
  assert.deepEqual(rest, {
    id: made.id,
    name: "deploy",
    revoked: false,
    created_at: made.created_at,
    description: "d",
    scopes: ["api"],
    user_id: made.user_id,
    last_used_at: null,
    active: true,
    expires_at: IN_A_MONTH,
    access_level: 30,
    resource_type: "project",
    resource_id: projectId,
  });
  const listed = resourceTokenSchema.array().parse(await owner.api.get(`${mine}/access_tokens`));
  assert.deepEqual(listed, [rest]);
  assert(!JSON.stringify(await owner.api.get(`${mine}/access_tokens`)).includes(token));
  assert.deepEqual(await owner.api.get(`${mine}/access_tokens/${made.id}`), rest);

  const bot = Object(await root.as(token).get("/user"));
  assert.match(bot.username, new RegExp(`^project_${projectId}_bot_[0-9a-f]+$`));
  assert.deepEqual([bot.id, bot.name, bot.bot, bot.is_admin], [made.user_id, "deploy", true, false]);
  const people = Object(await root.get("/users?per_page=100"));
  assert(!JSON.stringify(people).includes(bot.username), "it is no person");
  assert.match(JSON.stringify(await root.get("/users?without_project_bots=false&per_page=100")), /"deploy"/);
  assert.equal((await root.call("GET", `/namespaces/${bot.username}`)).status, 404, "it has no namespace");
  // Its name tells that there is the project, and what the token is for.
  const curious = root.as(
    await root.createToken(await root.createUser("curious", "secret-of-curious"), ["api"]),
  );
  assert.equal((await curious.call("GET", `/users/${bot.id}`)).status, 404);
  assert.deepEqual(await curious.get(`/users?username=${bot.username}`), []);
  assert(
    !JSON.stringify(await curious.get("/users?without_project_bots=false&per_page=100")).includes("deploy"),
  );
  assert.equal((await owner.api.call("GET", `/users/${bot.id}`)).status, 200);

  await push("owner/mine", token, `${tip}:refs/heads/by-bot`);
  const refs = await refsAt(withCredentials(`${server.url}/owner/mine.git`, bot.username, token));
  assert.equal(refs["refs/heads/by-bot"], tip);
  await waitFor(
    async () => {
      const events = await owner.api.get(`${mine}/events?per_page=100`);
      return (
        Array.isArray(events) &&
        events.some(
          (event) =>
            event.author.name === "deploy" && event.push_data.ref === "by-bot" && event.author_id === bot.id,
        )
      );
    },
    { timeoutMs: 30_000, message: "the push is in the feed, under the token's name" },
  );
  assert.equal((await root.as(token).call("GET", `${mine}/access_tokens`)).status, 403, "a developer's");
});

test("without a level a project token is a maintainer's, and nobody gives more than they are", async () => {
  const made = await makeProjectToken({ scopes: ["api"] });
  assert.equal(made.access_level, 40);
  const bot = root.as(made.token);
  assert.equal((await bot.call("GET", `${mine}/mirrors`)).status, 200);
  const draft = { name: "x", scopes: ["read_api"] };
  for (const [path, why] of [
    [`${mine}/access_tokens`, /cannot make tokens/],
    ["/user/personal_access_tokens", /no tokens of its own/],
    [`/users/${owner.id}/personal_access_tokens`, /403 Forbidden/],
  ] as const) {
    const answer = await bot.call("POST", path, draft);
    assert.equal(answer.status, 403, path);
    assert.match(JSON.stringify(answer.body), why);
  }
  assert.equal((await root.call("POST", `/users/${made.user_id}/personal_access_tokens`, draft)).status, 403);
  const another = await makeProjectToken({ scopes: ["read_api"], access_level: 50 });
  assert.equal((await bot.call("POST", `${mine}/access_tokens/${another.id}/rotate`)).status, 403);
  assert.equal((await bot.call("DELETE", `${mine}/access_tokens/${another.id}`)).status, 204);
  assert.notEqual((await bot.call("POST", "/projects", { name: "bots-own" })).status, 201);
  assert.notEqual((await bot.call("POST", "/groups", { name: "bots", path: "bots" })).status, 201);
});

test("nobody signs in as a bot", async () => {
  const made = await makeProjectToken({ scopes: ["api"] });
  const bot = Object(await root.as(made.token).get("/user"));
  for (const password of ["", "password", made.name]) {
    await assert.rejects(
      refsAt(withCredentials(`${server.url}/owner/mine.git`, bot.username, password)),
      /Authentication failed|could not read/,
    );
  }
});

test("a project token is a stranger everywhere else, in internal projects too", async () => {
  const { token } = await makeProjectToken({ scopes: ["api"], access_level: 50 });
  const api = root.as(token);
  const second = projectPath("owner/second");
  for (const [method, path] of [
    ["GET", second],
    ["PUT", second],
    ["DELETE", second],
    ["GET", `${second}/mirrors`],
    ["GET", `${second}/events`],
    ["GET", `${second}/access_tokens`],
    ["POST", `${second}/access_tokens`],
    ["POST", `${second}/access_tokens/self/rotate`],
    ["POST", `${second}/mirror/pull`],
  ] as const) {
    const answer = await api.call(
      method,
      path,
      method === "GET" ? undefined : { name: "x", scopes: ["api"] },
    );
    assert.deepEqual(
      [answer.status, answer.body],
      [404, { message: "404 Project Not Found" }],
      `${method} ${path}`,
    );
  }
  for (const project of ["owner/second", "team/of-team", "no/where"]) {
    const url = withCredentials(`${server.url}/${project}.git`, "x", token);
    await assert.rejects(refsAt(url), /not found|could not be found/, project);
    await assert.rejects(
      push(project, token, `${tip}:refs/heads/x`),
      /not found|could not be found/,
      project,
    );
  }
  assert.equal((await other.api.call("GET", second)).status, 200, "people see what is internal");
  const listed = await api.get("/projects?per_page=100");
  assert.deepEqual(
    Array.isArray(listed) ? listed.map(({ path_with_namespace }) => path_with_namespace) : listed,
    ["owner/mine"],
  );
});

test("only those who may give access to a project handle its tokens", async () => {
  const made = await makeProjectToken({ scopes: ["api"] });
  const path = `${mine}/access_tokens`;
  const draft = { name: "x", scopes: ["api"] };
  for (const [method, at, body] of [
    ["GET", path, undefined],
    ["POST", path, draft],
    ["GET", `${path}/${made.id}`, undefined],
    ["DELETE", `${path}/${made.id}`, undefined],
    ["POST", `${path}/${made.id}/rotate`, {}],
  ] as const) {
    assert.equal((await other.api.call(method, at, body)).status, 404, `${method} ${at}: it is private`);
    assert.equal((await root.as(null).call(method, at, body)).status, 401, `${method} ${at}: anonymous`);
    const elsewhere = at.replace(mine, projectPath("owner/second"));
    assert.equal((await other.api.call(method, elsewhere, body)).status, 403, `${method} ${at}: visible`);
    if (at === path) continue;
    assert.deepEqual(
      await owner.api.call(method, elsewhere, body).then(({ status, body: said }) => [status, said]),
      [404, { message: `404 Could not find project access token with token_id: ${made.id} Not Found` }],
    );
  }
  assert.equal((await root.as(made.token).call("GET", "/user")).status, 200, "nobody has touched it");
});

test("a rotation keeps the bot; a revocation takes away what it was", async () => {
  const old = await makeProjectToken({ scopes: ["api"], access_level: 30, expires_at: IN_A_MONTH });
  const second = createdResourceTokenSchema.parse(
    await owner.api.post(`${mine}/access_tokens/${old.id}/rotate`, { expires_at: dayFromNow(3) }),
  );
  assert.deepEqual(
    [second.user_id, second.access_level, second.scopes, second.expires_at],
    [old.user_id, 30, ["api"], dayFromNow(3)],
  );
  assert.equal((await root.as(old.token).call("GET", mine)).status, 401);
  const third = createdResourceTokenSchema.parse(
    await root.as(second.token).post(`${mine}/access_tokens/self/rotate`),
  );
  assert.deepEqual([third.user_id, third.access_level, third.expires_at], [old.user_id, 30, dayFromNow(7)]);
  assert.equal((await root.as(second.token).call("GET", mine)).status, 401);
  assert.equal((await root.as(third.token).call("GET", mine)).status, 200);

  await owner.api.delete(`${mine}/access_tokens/${third.id}`);
  assert.equal((await root.as(third.token).call("GET", mine)).status, 401);
  const left = resourceTokenSchema.parse(await owner.api.get(`${mine}/access_tokens/${third.id}`));
  assert.deepEqual([left.active, left.revoked, left.access_level], [false, true, 0]);
  const states = async (state: string) =>
    resourceTokenSchema
      .array()
      .parse(await owner.api.get(`${mine}/access_tokens?per_page=100&state=${state}`))
      .map(({ id }) => id);
  assert((await states("inactive")).includes(third.id));
  assert(!(await states("active")).includes(third.id));
});

test("a second revocation of a rotated token leaves its successor alone, and is not told", async () => {
  for (const path of [`${mine}/access_tokens`, "/personal_access_tokens"]) {
    const old = await makeProjectToken({ scopes: ["api"], access_level: 30, expires_at: IN_A_MONTH });
    const next = createdResourceTokenSchema.parse(
      await owner.api.post(`${mine}/access_tokens/${old.id}/rotate`),
    );
    const before = await countEvents("token-revoked");
    await root.delete(`${path}/${old.id}`);
    assert.equal((await root.as(next.token).call("GET", mine)).status, 200, path);
    assert.equal(await countEvents("token-revoked"), before, path);
    await root.delete(`${path}/${next.id}`);
    assert.equal((await root.as(next.token).call("GET", mine)).status, 401, path);
    assert.equal(await countEvents("token-revoked"), before + 1, `${path}: told to the project's owners`);
  }
});

test("a project token that renews itself as if it were personal stays one of the project", async () => {
  const old = await makeProjectToken({ scopes: ["api"], access_level: 30, expires_at: IN_A_MONTH });
  const [rotated, revoked] = [await countEvents("token-rotated"), await countEvents("token-family-revoked")];
  const renew = () => root.as(old.token).call("POST", "/personal_access_tokens/self/rotate");
  const { token } = createdAccessTokenSchema.parse((await renew()).body);
  assert.match(token, /^hlprj-/);
  assert.equal(await countEvents("token-rotated"), rotated + 1);
  assert.equal((await renew()).status, 401);
  assert.equal((await root.as(token).call("GET", mine)).status, 401);
  assert.equal(await countEvents("token-family-revoked"), revoked + 1);
});

test("a maintainer neither makes nor renews a project token that is more than they are", async () => {
  const maintainer = await makeUser("maintainer");
  await owner.api.post(`${mine}/members`, { user_id: maintainer.id, access_level: 40 });
  const path = `${mine}/access_tokens`;
  const tooHigh = {
    message:
      "400 Bad request - Access level of the token can't be greater the access level of the user who created the token",
  };
  const draft = { name: "x", scopes: ["api"] };
  const made = await maintainer.api.call("POST", path, { ...draft, access_level: 50 });
  assert.deepEqual([made.status, made.body], [400, tooHigh]);
  const ofOwner = await makeProjectToken({ scopes: ["api"], access_level: 50 });
  const renewed = await maintainer.api.call("POST", `${path}/${ofOwner.id}/rotate`);
  assert.deepEqual([renewed.status, renewed.body], [400, tooHigh]);
  assert.equal((await root.as(ofOwner.token).call("GET", mine)).status, 200, "it was not touched");
  const own = createdResourceTokenSchema.parse(await maintainer.api.post(path, draft));
  assert.equal(own.access_level, 40);
  assert.equal((await maintainer.api.call("POST", `${path}/${own.id}/rotate`)).status, 200);

  const developer = await makeUser("developer");
  await owner.api.post(`${mine}/members`, { user_id: developer.id, access_level: 30 });
  assert.equal((await developer.api.call("GET", path)).status, 403);
  assert.equal((await developer.api.call("POST", path, { ...draft, access_level: 10 })).status, 403);
});

test("a bot is made a member of nothing else", async () => {
  const made = await makeProjectToken({ scopes: ["api"] });
  const second = projectPath("owner/second");
  const answer = await owner.api.call("POST", `${second}/members`, {
    user_id: made.user_id,
    access_level: 30,
  });
  assert.equal(answer.status, 400, JSON.stringify(answer.body));
  assert.equal((await root.as(made.token).call("GET", second)).status, 404);
});

test("a token that only reads neither lists nor renews project tokens", async () => {
  const api = await makeProjectToken({ scopes: ["api"], access_level: 40 });
  const readers = root.as((await makeOwnToken(["read_api"])).token);
  assert.equal((await readers.call("POST", `${mine}/access_tokens/${api.id}/rotate`)).status, 403);
  assert.equal((await readers.call("GET", `${mine}/access_tokens`)).status, 403);
});

test("a group token reaches all projects of the group and nothing else", async () => {
  const path = `/groups/${groupId}/access_tokens`;
  const made = createdResourceTokenSchema.parse(
    await root.post(path, { name: "of the team", scopes: ["api"], access_level: 40 }),
  );
  assert.match(made.token, /^hlgrp-/);
  assert.deepEqual([made.resource_type, made.resource_id, made.access_level], ["group", groupId, 40]);
  const bot = Object(await root.as(made.token).get("/user"));
  assert.match(bot.username, new RegExp(`^group_${groupId}_bot_`));
  await push("team/of-team", made.token, `${tip}:refs/heads/main`);
  assert.equal((await root.as(made.token).call("GET", "/groups/team")).status, 200);
  for (const project of ["owner/mine", "owner/second"]) {
    assert.equal((await root.as(made.token).call("GET", projectPath(project))).status, 404);
  }
  assert.equal((await owner.api.call("GET", path)).status, 404);
  assert.equal((await root.as(made.token).call("GET", path)).status, 403);
  const { token, ...rest } = made;
  const [listed] = resourceTokenSchema.array().parse(await root.get("/groups/team/access_tokens"));
  assert.deepEqual({ ...listed, last_used_at: null }, rest);
  const renewed = createdResourceTokenSchema.parse(await root.post(`${path}/${made.id}/rotate`));
  assert.equal((await root.as(token).call("GET", "/user")).status, 401);
  await root.delete(`${path}/${renewed.id}`);
  assert.equal((await root.as(renewed.token).call("GET", "/user")).status, 401);
  assert.equal((await root.call("GET", `/groups/${owner.id}0000/access_tokens`)).status, 404);
  assert.equal((await root.call("GET", "/groups/owner/access_tokens")).status, 404, "a user is no group");
});

test("with a project go its tokens and their bots", async () => {
  await owner.api.createProject("short-lived");
  const path = projectPath("owner/short-lived");
  const made = createdResourceTokenSchema.parse(
    await owner.api.post(`${path}/access_tokens`, { name: "x", scopes: ["api"] }),
  );
  assert.equal((await root.as(made.token).call("GET", path)).status, 200);
  await owner.api.delete(path);
  assert.equal((await root.as(made.token).call("GET", "/user")).status, 401);
  assert.equal((await root.call("GET", `/users/${made.user_id}`)).status, 404);
});

async function makeUser(name: string) {
  const id = await root.createUser(name, "a pass: word/@ of somebody");
  const token = await root.createToken(id, ["api"]);
  return { id, token, api: root.as(token) };
}

/** Of the audit log of the project, for its owners. */
async function countEvents(name: string): Promise<number> {
  const told = await owner.api.get(`${mine}/audit_events?event_name=${name}&per_page=100`);
  assert(Array.isArray(told));
  return told.length;
}

async function makeOwnToken(scopes: readonly string[]) {
  const draft = { name: "own", scopes };
  return createdAccessTokenSchema.parse(await owner.api.post("/user/personal_access_tokens", draft));
}

async function makeProjectToken(draft: Record<string, unknown>) {
  const body = await owner.api.post(`${mine}/access_tokens`, { name: "a bot", ...draft });
  return createdResourceTokenSchema.parse(body);
}

async function push(project: string, token: string, ...refspecs: string[]): Promise<void> {
  await git(local, ["push", "-q", withCredentials(`${server.url}/${project}.git`, "x", token), ...refspecs]);
}

function dayFromNow(days: number): string {
  return new Date(Date.now() + days * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}
