import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { instanceHostKeySchema } from "@heliostat/contract/api/instance.ts";
import { Client } from "pg";
import { createApi, idOf } from "../support/api.ts";
import { openBrowserSession } from "../support/browser-session.ts";
import { type DeclaredRoute, declaredRoutes, nameOf } from "../support/declared-routes.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { createRawClient, type RawAnswer } from "../support/raw-request.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { sshClient } from "../support/ssh-client.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { withCredentials } from "../support/working-copy.ts";

/*
 * A private project with all that a project can have, and everybody who has no business there: by every route of the
 * API, by git over HTTP and SSH, and by web paths. Whoever may not see it cannot tell it from one that does not exist.
 * The routes are taken from the code: one that is added is asked too.
 */

const directory = await makeTempDir({ after });
const database = await createTestDatabase();
const dataDir = join(directory, "data");
await mkdir(dataDir);
const server = await startServer({ database, dataDir, env: { HELIOSTAT_SSH_LISTEN: "127.0.0.1:0" } });
const raw = createRawClient(server.url);
after(async () => {
  raw.close();
  await server.stop();
  await database.drop();
});
const root = createApi(server);

const PASSWORD = "a pass: word/@ of somebody";
/** In the name of all that is secret. */
const MARK = "zq7";
const PROJECT = `owner/${MARK}-project`;
const NOWHERE = "owner/nowhere";
const BRANCH = `${MARK}-branch`;

async function makeUser(name: string) {
  const id = await root.createUser(name, PASSWORD);
  const token = await root.createToken(id, ["api"]);
  return { id, token, api: root.as(token) };
}
const owner = await makeUser("owner");
const stranger = await makeUser("stranger");
const guest = await makeUser("guest");
const colleague = await makeUser("colleague");
const blocked = await makeUser("blocked");

const key = async (name: string) => {
  const made = await makeKey(directory, name, "-t", "ed25519");
  return { made, line: `${made.algorithm} ${made.key} ${name}` };
};
const [strangerKey, guestKey, blockedKey, otherDeployKey, ownDeployKey] = await Promise.all(
  ["stranger", "guest", "blocked", "other-deploy", "own-deploy"].map(key),
);
assert(strangerKey && guestKey && blockedKey && otherDeployKey && ownDeployKey);
await stranger.api.post("/user/keys", { title: "k", key: strangerKey.line });
await guest.api.post("/user/keys", { title: "k", key: guestKey.line });
await blocked.api.post("/user/keys", { title: "k", key: blockedKey.line });

/** What the path of a route may name, as it is for the owner of all of it. */
const there: Record<string, string | number> = await (async () => {
  const { api } = owner;
  const { id } = await api.createProject(`${MARK}-project`, { visibility: "private" });
  const local = await makeRepository(join(directory, "local.git"));
  const tip = await makeCommit(local, { files: { [`${MARK}-file.md`]: `# ${MARK}\n` } });
  await git(local, ["tag", `${MARK}-tag`, tip]);
  await git(local, [
    "push",
    "-q",
    withCredentials(`${server.url}/${PROJECT}.git`, "owner", owner.token),
    `${tip}:refs/heads/${BRANCH}`,
    `refs/tags/${MARK}-tag`,
  ]);
  const at = `/projects/${id}`;
  await git(server.repositoryOf(id), ["symbolic-ref", "HEAD", `refs/heads/${BRANCH}`]);
  const group = idOf(await api.post("/groups", { name: MARK, path: `${MARK}-group`, visibility: "private" }));
  for (const place of [`/groups/${group}`, at]) {
    for (const user_id of [guest.id, colleague.id]) {
      await api.post(`${place}/members`, { user_id, access_level: 10 });
    }
  }
  const remote = `http://${MARK}-user:${MARK}-password@127.0.0.1:1025/${MARK}-remote.git`;
  const push = idOf(await api.post(`${at}/mirrors`, { direction: "push", url: remote, enabled: true }));
  const update = await api.update(id, push);
  await api.createPullMirror(id, `http://127.0.0.1:1025/${MARK}-upstream.git`);
  const pull = (await api.readPullMirror(id)).id;
  await api.post(`${at}/protected_branches`, { name: `${MARK}-b*` });
  await api.post(`${at}/protected_tags`, { name: `${MARK}-t*` });
  const token = Object(
    await api.post(`${at}/access_tokens`, { name: MARK, scopes: ["api"], access_level: 40 }),
  );
  const groupToken = idOf(
    await api.post(`/groups/${group}/access_tokens`, { name: MARK, scopes: ["api"], access_level: 40 }),
  );
  const trigger = idOf(await api.post(`${at}/mirrors/${pull}/trigger_tokens`, { name: MARK }));
  const pipeline = idOf(
    await api.post(`${at}/pipeline_triggers`, {
      ...{ kind: "generic", name: MARK, url: "http://127.0.0.1:1025/", token: MARK },
    }),
  );
  const deploy = idOf(await api.post(`${at}/deploy_keys`, { title: MARK, key: ownDeployKey.line }));
  const credential = idOf(
    await api.post("/credentials", { name: MARK, kind: "password", username: MARK, password: PASSWORD }),
  );
  const hooks = `${at}/hooks`;
  const hook = idOf(
    await api.post(hooks, {
      url: `http://127.0.0.1:1025/${MARK}-hook`,
      custom_headers: [{ key: "X-Own", value: PASSWORD }],
    }),
  );
  // Nothing listens there: what was sent is in the log all the same.
  assert.equal((await api.call("POST", `${hooks}/${hook}/test/mirror_update_events`)).status, 422);
  const [hookEvent] = Object(await api.get(`${hooks}/${hook}/events`));
  const [event] = Object(await api.get(`${at}/audit_events`));
  const [groupEvent] = Object(await api.get(`/groups/${group}/audit_events`));
  const blob = await git(local, ["rev-parse", `${tip}:${MARK}-file.md`]);
  return {
    ...{ "projects/id": id, "groups/id": group, "credentials/id": credential },
    ...{ mirror_id: push, update_id: update.id, key_id: deploy, user_id: colleague.id },
    ...{ "projects/token_id": Number(token.id), "groups/token_id": groupToken },
    ...{ trigger_token_id: trigger, trigger_id: pipeline },
    ...{ "projects/audit_event_id": event.id, "groups/audit_event_id": groupEvent.id, pull },
    ...{
      branch: BRANCH,
      tag_name: `${MARK}-tag`,
      file_path: `${MARK}-file.md`,
      sha: tip,
      blob,
      project_id: id,
    },
    ...{ hook_id: hook, hook_event_id: hookEvent.id, trigger: "push_events", key: "X-Own" },
    ...{ "protected_branches/name": `${MARK}-b*`, "protected_tags/name": `${MARK}-t*` },
  };
})();

/** Enough for every route to get as far as who asks. What a route does not know is ignored. */
const PARAMETERS = {
  ...{
    name: "x",
    path: "x",
    title: "x",
    url: "http://127.0.0.1:1025/x.git",
    direction: "push",
    enabled: true,
  },
  ...{
    key: strangerKey.line,
    scopes: ["read_api"],
    access_level: 30,
    user_id: stranger.id,
    namespace: "stranger",
  },
  ...{
    branch: "x",
    tag_name: "x",
    ref: BRANCH,
    from: BRANCH,
    to: BRANCH,
    refs: [BRANCH, BRANCH],
    search: "x",
  },
  ...{ ssh_url: "ssh://git@127.0.0.1:1025/x.git", fingerprints: ["SHA256:x"], kind: "password" },
  ...{ password: PASSWORD, email: "x@example.com", description: "x", value: "x" },
};
const QUERY = new URLSearchParams([
  ...["ref", "sha", "from", "to", "refs[]", "refs[]"].map((name) => [name, BRANCH]),
  ["search", "x"],
  ["ssh_url", PARAMETERS.ssh_url],
]).toString();

const { token: otherToken, other } = await (async () => {
  const { id } = await stranger.api.createProject("own", { visibility: "private" });
  const made = Object(
    await stranger.api.post(`/projects/${id}/access_tokens`, {
      name: "t",
      scopes: ["api"],
      access_level: 40,
    }),
  );
  await stranger.api.createPullMirror(id, "http://127.0.0.1:1025/own.git");
  const mirror = (await stranger.api.readPullMirror(id)).id;
  const trigger = Object(
    await stranger.api.post(`/projects/${id}/mirrors/${mirror}/trigger_tokens`, { name: "t" }),
  );
  await stranger.api.post(`/projects/${id}/deploy_keys`, {
    title: "own",
    key: otherDeployKey.line,
    can_push: true,
  });
  return { token: String(made.token), other: { id, mirror, trigger: String(trigger.token) } };
})();

async function deadToken(change: string): Promise<string> {
  const made = Object(
    await owner.api.post("/user/personal_access_tokens", { name: "dead", scopes: ["api"] }),
  );
  const client = new Client(database.connection);
  await client.connect();
  await client.query(`update access_tokens set ${change} where id = $1`, [made.id]);
  await client.end();
  return String(made.token);
}
const expired = await deadToken("expires_at = now() - interval '1 day'");
const revoked = await deadToken("revoked = true");
await root.post(`/users/${blocked.id}/block`);

const routes = await declaredRoutes();
/** Routes of what is private: of a project, a group, a named credential. */
const hidden = routes.filter(({ path }) => /^\/(projects|groups|credentials)\/:id/.test(path));

/** What the path leads to for those who may see it, and the same path with a project, group or credential that is not. */
function pathsOf({ path }: DeclaredRoute): readonly (readonly [string, string])[] {
  const [, kind = ""] = path.split("/");
  const rest = path.replace(`/${kind}/:id`, "").replaceAll(/:(\w+)/g, (_all, name: string) => {
    const part = name === "sha" && path.includes("/blobs/") ? "blob" : name;
    const special = path.includes("trigger_tokens") && name === "token_id" ? "trigger_token_id" : part;
    const section = path.includes("/protected_tags") ? "protected_tags" : "protected_branches";
    const value = there[`${section}/${name}`] ?? there[`${kind}/${special}`] ?? there[special];
    assert(value !== undefined, `${path}: say in \`there\` what :${name} is`);
    return encodeURIComponent(value);
  });
  const at = (which: string | number | undefined) => `/api/v4/${kind}/${which}${rest}`;
  const byId = [at(there[`${kind}/id`]), at(98_765)] as const;
  if (kind === "credentials") return [byId];
  const [real, absent] = kind === "projects" ? [PROJECT, NOWHERE] : [`${MARK}-group`, "nowhere"];
  return [byId, [at(encodeURIComponent(real)), at(encodeURIComponent(absent))]];
}

async function probe(route: DeclaredRoute, path: string, token: string | null): Promise<RawAnswer> {
  const headers = token === null ? {} : { "private-token": token };
  if (route.method === "GET") return await raw.ask("GET", `${path}?${QUERY}`, { headers });
  // A word that means something else elsewhere.
  const kind = route.path.includes("/pipeline_triggers") ? "generic" : PARAMETERS.kind;
  return await raw.ask(route.method, path, { headers, body: JSON.stringify({ ...PARAMETERS, kind }) });
}

/** Who has no business there, and what they are told. */
const INTRUDERS: Readonly<Record<string, { token: string | null; told: (route: DeclaredRoute) => number }>> =
  {
    anonymous: {
      token: null,
      told: ({ access }) => (["anyone", "read_code", "trigger-token"].includes(access) ? 404 : 401),
    },
    "a stranger": { token: stranger.token, told: () => 404 },
    "the token of another project": { token: otherToken, told: () => 404 },
    "a blocked user": { token: blocked.token, told: unlessTriggered(401) },
    "an expired token": { token: expired, told: unlessTriggered(401) },
    "a revoked token": { token: revoked, told: unlessTriggered(401) },
  };

/** Where only trigger tokens count, nobody is anybody. */
function unlessTriggered(status: number): (route: DeclaredRoute) => number {
  return ({ access }) => (access === "trigger-token" ? 404 : status);
}

for (const [who, { token, told }] of Object.entries(INTRUDERS)) {
  test(`${who}: every route answers as if there were nothing`, async () => {
    const wrong: string[] = [];
    await Promise.all(
      hidden.map(async (route) => {
        for (const [real, absent] of pathsOf(route)) {
          const [seen, unseen] = [await probe(route, real, token), await probe(route, absent, token)];
          const what = `${route.method} ${real}`;
          if (seen.status !== told(route))
            wrong.push(`${what}: ${seen.status} ${seen.text}, not ${told(route)}`);
          else if (JSON.stringify(seen) !== JSON.stringify(unseen)) {
            wrong.push(`${what} differs: ${JSON.stringify(seen)} and ${JSON.stringify(unseen)}`);
          }
        }
      }),
    );
    assert.deepEqual(wrong, []);
  });
}

/** What even the owner is told of with an error, and why. */
const NOT_THERE: Readonly<Record<string, string>> = {
  "GET /projects/:id/repository/tags/:tag_name/signature": "the tag is not signed",
  "GET /projects/:id/repository/commits/:sha/signature": "the commit is not signed",
  "GET /projects/:id/remote_mirrors/:mirror_id/public_key": "the mirror has no key",
  "GET /projects/:id/mirror/pull/public_key": "the mirror has no key",
  "GET /projects/:id/mirrors/:mirror_id/public_key": "the mirror has no key",
  "GET /projects/:id/mirrors/ssh_host_keys": "nothing listens there",
  "GET /projects/:id/mirrors/:mirror_id/host_keys/review": "the mirror is not one over SSH",
};

test("the routes lead somewhere for the owner, or all of this would say nothing", async () => {
  const wrong: string[] = [];
  for (const route of hidden) {
    if (route.method !== "GET" || route.path.endsWith("/stream")) continue;
    for (const [real] of pathsOf(route)) {
      const { status, text } = await probe(route, real, owner.token);
      const isThere = status === 200 || nameOf(route) in NOT_THERE;
      if (!isThere) wrong.push(`${real}: ${status} ${text}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** What a guest may look at, as in GitLab. */
const GUEST_READS = [
  ...["/projects/:id", "/projects/:id/import", "/projects/:id/events", "/groups/:id", "/groups/:id/projects"],
  ...["/groups/:id/subgroups", "/groups/:id/descendant_groups"],
  ...["projects", "groups"].flatMap((kind) =>
    ["", "/all", "/:user_id", "/all/:user_id"].map((rest) => `/${kind}/:id/members${rest}`),
  ),
];

test("a guest sees the project and its members, and nothing of its code, mirrors and secrets", async () => {
  const wrong: string[] = [];
  for (const route of hidden) {
    const [[real] = [""]] = pathsOf(route);
    const { status, text } = await probe(route, real, guest.token);
    const expected = guestIsTold(route);
    if (status !== expected) wrong.push(`${nameOf(route)}: ${status} ${text}, not ${expected}`);
    for (const name of ["branch", "tag", "file", "remote", "upstream", "user", "password"]) {
      if (text.includes(`${MARK}-${name}`)) wrong.push(`${nameOf(route)} tells the ${name}: ${text}`);
    }
  }
  assert.deepEqual(wrong, []);
});

function guestIsTold(route: DeclaredRoute): number {
  if (route.method === "GET" && GUEST_READS.includes(route.path)) return 200;
  // A credential is its owner's; the trigger is for its tokens.
  if (route.path.startsWith("/credentials") || route.access === "trigger-token") return 404;
  // Of the token that it is asked with, which is a person's.
  if (route.path.endsWith("/self/rotate")) return 404;
  // GitLab's oddity.
  return route.path.includes("/remote_mirrors") ? 401 : 403;
}

test("what lists and users' pages show to a stranger has nothing of it", async () => {
  const open = routes.filter((route) => route.method === "GET" && !hidden.includes(route));
  for (const token of [null, stranger.token, otherToken]) {
    for (const route of open) {
      for (const id of [1, 2, 3]) {
        const path = `/api/v4${route.path.replaceAll(/:\w+/g, String(id))}`;
        const { status, text } = await raw.ask("GET", path, {
          headers: token === null ? {} : { "private-token": token },
        });
        assert(status < 500, `${path}: ${status} ${text}`);
        assert(!text.includes(MARK), `${path}: ${text}`);
        if (!route.path.includes(":")) break;
      }
    }
  }
});

test("a trigger token of another mirror starts nothing here, and tells nothing", async () => {
  const takers = hidden.filter(({ access, orTriggerToken }) => access === "trigger-token" || orTriggerToken);
  assert.equal(takers.length, 2);
  const stripped = ({ status, headers, text }: RawAnswer) => JSON.stringify([status, headers, text]);
  for (const route of takers) {
    for (const [real, absent] of pathsOf(route)) {
      const [seen, unseen] = [
        await probe(route, real, other.trigger),
        await probe(route, absent, other.trigger),
      ];
      assert.equal(seen.status, 404, `${real}: ${seen.text}`);
      assert.equal(stripped(seen), stripped(unseen));
    }
  }
  for (const path of ["/user", `/projects/${there["projects/id"]}`, `/projects/${other.id}`]) {
    const headers = { "private-token": other.trigger };
    assert.equal(
      (await raw.ask("GET", `/api/v4${path}`, { headers })).status,
      401,
      "no other route takes it",
    );
  }
  const answer = await raw.ask("GET", `/${PROJECT}.git/info/refs?service=git-upload-pack`, {
    headers: basic("x", other.trigger),
  });
  assert.equal(answer.status, 401);
});

const GIT_REQUESTS: readonly (readonly [method: string, rest: string, type?: string])[] = [
  ...["upload-pack", "receive-pack"].flatMap(
    (service) =>
      [
        ["GET", `/info/refs?service=git-${service}`],
        ["HEAD", `/info/refs?service=git-${service}`],
        ["POST", `/git-${service}`, `application/x-git-${service}-request`],
        ["POST", `/git-${service}`, "text/plain"],
        ["GET", `/git-${service}`],
      ] as const,
  ),
  ["GET", "/info/refs"],
  ["GET", "/info/refs?service=git-upload-archive"],
  ...["HEAD", "objects/info/packs", "objects/info/alternates", "objects/pack/x.pack", "config"].map(
    (file) => ["GET", `/${file}`] as const,
  ),
  ["GET", `/objects/aa/${"a".repeat(38)}`],
];

for (const [who, token, told] of [
  ["anonymous", null, 401],
  ["a stranger", stranger.token, 404],
  ["the token of another project", otherToken, 404],
  ["a blocked user", blocked.token, 401],
  ["an expired token", expired, 401],
  ["a revoked token", revoked, 401],
] as const) {
  test(`${who}: git over HTTP answers as if there were no repository`, async () => {
    for (const [method, rest, type] of GIT_REQUESTS) {
      for (const ending of [".git", ""]) {
        const request = {
          headers: {
            ...(token === null ? {} : basic("x", token)),
            ...(type ? { "content-type": type } : {}),
          },
          ...(method === "POST" ? { body: "0000" } : {}),
        };
        const [seen, unseen] = [
          await raw.ask(method, `/${PROJECT}${ending}${rest}`, request),
          await raw.ask(method, `/${NOWHERE}${ending}${rest}`, request),
        ];
        const what = `${method} ${ending}${rest} ${type ?? ""}`;
        assert.deepEqual(seen, unseen, what);
        // What no git would ask is refused before anybody is looked at.
        const isGit = /service=git-(upload|receive)-pack$/.test(rest) || type?.startsWith("application");
        if (isGit) assert.equal(seen.status, told, what);
        else assert([403, 404, 405, 415].includes(seen.status), `${what}: ${seen.status}`);
      }
    }
  });
}

test("a guest is told by git that the code is not theirs, as in GitLab", async () => {
  for (const service of ["git-upload-pack", "git-receive-pack"]) {
    const path = `/${PROJECT}.git/info/refs?service=${service}`;
    const { status, text } = await raw.ask("GET", path, { headers: basic("guest", guest.token) });
    assert.equal(status, 403);
    assert.doesNotMatch(text, new RegExp(MARK));
  }
});

test("git over SSH answers who may not as if there were no repository", async () => {
  const keys = instanceHostKeySchema.array().parse(await root.as(null).get("/ssh_host_keys"));
  const knownHosts = join(directory, "known_hosts");
  await writeFile(knownHosts, keys.map((each) => `${each.known_hosts}\n`).join(""));
  const port = /^\[127\.0\.0\.1\]:(\d+) /.exec(keys[0]?.known_hosts ?? "")?.[1] ?? "";
  const run = (of: { made: { path: string } }, command: string) =>
    sshClient(of.made, knownHosts).run(["-p", port, "git@127.0.0.1", command]);
  for (const [who, ofThem] of Object.entries({ stranger: strangerKey, deployKey: otherDeployKey })) {
    for (const program of ["git-upload-pack", "git-receive-pack", "git-upload-archive"]) {
      const [seen, unseen] = await Promise.all(
        [PROJECT, NOWHERE].map((path) => run(ofThem, `${program} '${path}.git'`)),
      );
      assert.deepEqual(seen, unseen, `${who}, ${program}`);
      assert.notEqual(seen?.code, 0);
      assert.match(seen?.stderr ?? "", /could not be found/);
    }
  }
  const refused = await run(blockedKey, `git-upload-pack '${PROJECT}.git'`);
  assert.match(refused.stderr, /Permission denied \(publickey\)/);
  for (const program of ["git-upload-pack", "git-receive-pack", "git-upload-archive"]) {
    const told = await run(guestKey, `${program} '${PROJECT}.git'`);
    assert.match(told.stderr, /not allowed to download code/);
    assert.doesNotMatch(told.stdout + told.stderr, new RegExp(MARK));
  }
  const own = await run(ownDeployKey, `git-upload-pack '${PROJECT}.git'`);
  assert.match(own.stdout, new RegExp(BRANCH), "its own key opens it");
});

test("web paths of it are those of nothing", async () => {
  const paths = [
    "",
    ".git",
    "/",
    "/-/tree/main",
    "/-/mirror/ssh_host_keys?ssh_url=ssh://git@127.0.0.1:1025/x",
  ];
  paths.push(
    "/-/mirror/ssh_host_keys.json?ssh_url=ssh://git@127.0.0.1:1025/x",
    "/-/settings/repository",
    `/-/raw/${BRANCH}/${MARK}-file.md`,
  );
  const browser = openBrowserSession(server.url);
  await browser.signIn("stranger", PASSWORD);
  const session = { cookie: `_heliostat_session=${browser.cookie()}` };
  for (const path of paths) {
    for (const who of [{}, session, { "private-token": stranger.token }, basic("stranger", PASSWORD)]) {
      for (const accept of ["text/html", "application/json", "*/*"]) {
        const headers = { ...who, accept, "sec-fetch-site": "same-origin" };
        const seen = await raw.ask("GET", `/${PROJECT}${path}`, { headers });
        const unseen = await raw.ask("GET", `/${NOWHERE}${path}`, { headers });
        assert.deepEqual(seen, unseen, `${path} ${JSON.stringify(headers)}`);
        assert(seen.status === 404 || seen.headers["content-type"] === "text/html; charset=utf-8", path);
      }
    }
  }
});

function basic(username: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}
