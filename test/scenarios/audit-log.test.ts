import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { type AuditEventAnswer, auditEventSchema } from "@heliostat/contract/api/audit-events.ts";
import { Client } from "pg";
import { type Api, createApi, idOf, type Parameters } from "../support/api.ts";
import { codeAt } from "../support/authenticator.ts";
import { openBrowserSession } from "../support/browser-session.ts";
import { type DeclaredRoute, declaredRoutes, nameOf } from "../support/declared-routes.ts";
import { startHookReceiver } from "../support/hook-receiver.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { makeCommit, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { startSshPeer } from "../support/ssh-peer.ts";
import { waitFor } from "../support/wait-for.ts";

/* Who changed what is written down: by every route that changes something, with nothing in it that is secret. */

/** In every secret that the walks give. */
const SECRET = "planted-s3cret";
const PASSWORD = `${SECRET}-password`;
const REMOTE = "http://127.0.0.1:1025/nobody/there.git";

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
const receiver = await startHookReceiver();
after(() => receiver.close());
const sshPeer = await startSshPeer({ root: directory, accounts: [{ name: "git" }], hostKeys: ["ed25519"] });
after(() => sshPeer.close());

let names = 0;
const fresh = (kind: string) => `${kind}-${++names}`;
const project = async () => (await root.createProject(fresh("project"))).id;
const user = () => root.createUser(fresh("user"), PASSWORD);

async function mirror(parameters: Parameters = {}): Promise<{ id: number; mirror_id: number }> {
  const id = await project();
  const made = await root.post(`/projects/${id}/mirrors`, {
    direction: "push",
    url: REMOTE,
    enabled: false,
    ...parameters,
  });
  return { id, mirror_id: idOf(made) };
}

async function pullMirrorOf(): Promise<{ id: number; mirror_id: number }> {
  return await mirror({ direction: "pull", enabled: true });
}

async function credential(): Promise<{ id: number }> {
  const parameters = { name: fresh("credential"), kind: "password", username: SECRET, password: PASSWORD };
  return { id: idOf(await root.post("/credentials", parameters)) };
}

/** Who makes the call. */
interface Caller {
  readonly name: string;
  /** What the log has to say of how they came in; null: by signing in. */
  readonly by: RegExp | null;
  readonly ask: (
    method: DeclaredRoute["method"],
    path: string,
    parameters?: Parameters,
  ) => Promise<{ readonly status: number; readonly body: unknown }>;
}

interface Walk {
  /** What the log must say of it; an event of each of these names. */
  readonly events: readonly string[];
  /** Makes what the call needs, and answers the values for the path and the other parameters. */
  readonly prepare: () => Promise<{
    readonly path?: Parameters;
    readonly parameters?: Parameters;
    /** The first admin with a token, unless told. */
    readonly as?: Caller;
  }>;
}

const byToken = (name: string, api: Api): Caller => ({
  name,
  by: /^token \d+ \(/,
  ask: (method, path, parameters) => api.call(method, path, parameters),
});

/** Somebody who has just signed in with a browser, and how they are called. */
async function inPerson(username = fresh("user")): Promise<Caller & { readonly id: number }> {
  const id = await root.createUser(username, PASSWORD);
  const browser = openBrowserSession(server.url);
  assert.equal((await browser.signIn(username, PASSWORD)).status, 200);
  return {
    ...{ id, name: username, by: null },
    ask: (method, path, parameters) => browser.ask(method, `/api/v4${path}`, parameters),
  };
}

/** The same with a second factor, and its recovery codes. */
async function withSecondFactor(): Promise<{ as: Caller & { id: number }; codes: readonly string[] }> {
  const as = await inPerson();
  const { secret } = Object((await as.ask("POST", "/user/two_factor", { current_password: PASSWORD })).body);
  const { body } = await as.ask("POST", "/user/two_factor/confirm", { code: codeAt(secret, Date.now()) });
  return { as, codes: Object(body).recovery_codes };
}

async function publicKey(): Promise<string> {
  const { algorithm, key } = await makeKey(directory, fresh("key"), "-t", "ed25519");
  return `${algorithm} ${key}`;
}

/** Another URL with userinfo, another option, and off: all that a save can be at once. */
const CHANGES = { url: `http://u:${PASSWORD}@127.0.0.1:1026/other.git`, enabled: true };
const CHANGED = [
  "mirror-url-changed",
  "mirror-credential-changed",
  "mirror-options-changed",
  "mirror-enabled",
];

/** Each route that changes something, done once. */
const WALKS: Readonly<Record<string, Walk>> = {
  "PUT /application/settings": {
    events: ["application-settings-changed"],
    prepare: async () => ({ parameters: { mirror_max_delay: 299 } }),
  },
  "POST /application/secrets/rotate": { events: ["secrets-rotated"], prepare: async () => ({}) },
  "POST /users": {
    events: ["user-created"],
    prepare: async () => {
      const username = fresh("user");
      return { parameters: { username, name: "A", email: `${username}@example.com`, password: PASSWORD } };
    },
  },
  "DELETE /users/:id": {
    events: ["user-removed"],
    prepare: async () => ({ path: { id: await user() } }),
  },
  "POST /users/:id/block": {
    events: ["user-blocked"],
    prepare: async () => ({ path: { id: await user() } }),
  },
  "POST /users/:id/unblock": {
    events: ["user-unblocked"],
    prepare: async () => {
      const id = await user();
      await root.post(`/users/${id}/block`);
      return { path: { id } };
    },
  },
  "POST /groups": {
    events: ["group-created"],
    prepare: async () => ({ parameters: { name: "A group", path: fresh("group") } }),
  },
  "POST /projects": {
    events: ["project-created", "mirror-created"],
    prepare: async () => ({
      parameters: {
        name: fresh("project"),
        mirror: true,
        import_url: `http://u:${PASSWORD}@127.0.0.1:1025/x.git`,
      },
    }),
  },
  "POST /projects/user/:user_id": {
    events: ["project-created"],
    prepare: async () => ({ path: { user_id: await user() }, parameters: { name: fresh("project") } }),
  },
  "PUT /projects/:id": {
    events: ["project-changed", "project-visibility-changed"],
    prepare: async () => ({
      path: { id: await project() },
      parameters: { description: "another", visibility: "public" },
    }),
  },
  "DELETE /projects/:id": {
    events: ["project-removed"],
    prepare: async () => ({ path: { id: await project() } }),
  },
  "POST /projects/:id/archive": {
    events: ["project-archived"],
    prepare: async () => ({ path: { id: await project() } }),
  },
  "POST /projects/:id/unarchive": {
    events: ["project-unarchived"],
    prepare: async () => {
      const id = await project();
      await root.post(`/projects/${id}/archive`);
      return { path: { id } };
    },
  },
  "POST /projects/:id/remote_mirrors": {
    events: ["mirror-created"],
    prepare: async () => ({ path: { id: await project() }, parameters: { url: CHANGES.url } }),
  },
  "PUT /projects/:id/remote_mirrors/:mirror_id": {
    events: ["mirror-options-changed", "mirror-enabled"],
    prepare: async () => ({ path: await mirror(), parameters: { enabled: true, keep_divergent_refs: true } }),
  },
  "POST /projects/:id/remote_mirrors/:mirror_id": {
    events: ["mirror-disabled"],
    prepare: async () => ({ path: await mirror({ enabled: true }), parameters: { enabled: false } }),
  },
  "DELETE /projects/:id/remote_mirrors/:mirror_id": {
    events: ["mirror-removed"],
    prepare: async () => ({ path: await mirror() }),
  },
  "PUT /projects/:id/mirror/pull": {
    events: ["mirror-created"],
    prepare: async () => ({
      path: { id: await project() },
      parameters: { enabled: true, url: REMOTE, auth_user: SECRET, auth_password: PASSWORD },
    }),
  },
  "POST /projects/:id/mirror/pull": {
    events: ["mirror-update-forced"],
    prepare: async () => ({ path: await pullMirrorOf(), parameters: { force: true } }),
  },
  "POST /projects/:id/mirrors": {
    events: ["mirror-created"],
    prepare: async () => ({
      path: { id: await project() },
      parameters: { direction: "push", url: CHANGES.url },
    }),
  },
  ...Object.fromEntries(
    ["PUT", "PATCH"].map((method) => [
      `${method} /projects/:id/mirrors/:mirror_id`,
      {
        events: CHANGED,
        prepare: async () => ({
          path: await mirror({ user: "old", password: "older" }),
          parameters: { ...CHANGES, keep_divergent_refs: true },
        }),
      },
    ]),
  ),
  "DELETE /projects/:id/mirrors/:mirror_id": {
    events: ["mirror-removed"],
    prepare: async () => ({ path: await mirror() }),
  },
  "POST /projects/:id/mirrors/:mirror_id/sync": {
    events: ["mirror-update-forced"],
    prepare: async () => ({ path: await pullMirrorOf(), parameters: { force: true } }),
  },
  "POST /projects/:id/mirrors/:mirror_id/cancel": {
    events: ["mirror-update-cancelled"],
    prepare: async () => ({ path: await pullMirrorOf() }),
  },
  "POST /mirrors/resume": { events: ["mirrors-resumed"], prepare: async () => ({}) },
  "POST /projects/:id/mirrors/:mirror_id/host_keys/accept": {
    events: ["mirror-host-keys-accepted"],
    prepare: async () => ({
      path: await mirror({ url: sshPeer.urlOf("any.git") }),
      parameters: { fingerprints: sshPeer.hostKeys().map(({ fingerprint }) => fingerprint) },
    }),
  },
  "POST /credentials": {
    events: ["credential-created"],
    prepare: async () => ({
      parameters: { name: fresh("credential"), kind: "password", username: SECRET, password: PASSWORD },
    }),
  },
  "PUT /credentials/:id": {
    events: ["credential-changed"],
    prepare: async () => ({ path: await credential(), parameters: { username: `${SECRET}-other` } }),
  },
  "PATCH /credentials/:id": {
    events: ["credential-changed"],
    prepare: async () => ({ path: await credential(), parameters: { name: fresh("credential") } }),
  },
  "DELETE /credentials/:id": {
    events: ["credential-removed"],
    prepare: async () => ({ path: await credential() }),
  },
  "POST /credentials/:id/rotate": {
    events: ["credential-rotated"],
    prepare: async () => ({ path: await credential(), parameters: { password: `${PASSWORD}-other` } }),
  },
};

async function group(): Promise<number> {
  return idOf(await root.post("/groups", { name: "g", path: fresh("group") }));
}

/** Routes that are the same for projects and for groups: members and access tokens. */
function walksBelow(kind: "projects" | "groups", make: () => Promise<number>): Record<string, Walk> {
  const at = `/${kind}/:id`;
  const member = async () => {
    const [id, user_id] = [await make(), await user()];
    await root.post(`/${kind}/${id}/members`, { user_id, access_level: 30 });
    return { id, user_id };
  };
  const token = async () => {
    const id = await make();
    const draft = { name: "t", scopes: ["read_api"], access_level: 30 };
    return { id, token_id: idOf(await root.post(`/${kind}/${id}/access_tokens`, draft)) };
  };
  return {
    [`POST ${at}/members`]: {
      events: ["member-added"],
      prepare: async () => ({
        path: { id: await make() },
        parameters: { user_id: await user(), access_level: 30 },
      }),
    },
    [`PUT ${at}/members/:user_id`]: {
      events: ["member-changed"],
      prepare: async () => ({ path: await member(), parameters: { access_level: 40 } }),
    },
    [`DELETE ${at}/members/:user_id`]: {
      events: ["member-removed"],
      prepare: async () => ({ path: await member() }),
    },
    [`POST ${at}/access_tokens`]: {
      events: ["token-created"],
      prepare: async () => ({
        path: { id: await make() },
        parameters: { name: "t", scopes: ["read_api"], access_level: 30 },
      }),
    },
    [`POST ${at}/access_tokens/:token_id/rotate`]: {
      events: ["token-rotated"],
      prepare: async () => ({ path: await token() }),
    },
    [`DELETE ${at}/access_tokens/:token_id`]: {
      events: ["token-revoked"],
      prepare: async () => ({ path: await token() }),
    },
  };
}

const TOKEN_DRAFT = { name: "t", scopes: ["read_api"] };
const personalToken = async () => Object(await root.post("/user/personal_access_tokens", TOKEN_DRAFT));

/** A token for everything, made for this, as the one who asks with it. */
async function ownToken(path: string, name = "root"): Promise<Caller> {
  const { token, user_id } = Object(await root.post(path, { name: "t", scopes: ["api"] }));
  const bot = name === "root" ? name : Object(await root.get(`/users/${user_id}`)).username;
  return byToken(bot, root.as(token));
}

const pipelineOf = (more: Parameters) => ({
  kind: "generic",
  name: "p",
  url: "http://127.0.0.1:1025/",
  ...more,
});

async function pipelineTrigger(): Promise<{ id: number; trigger_id: number }> {
  const id = await project();
  return { id, trigger_id: idOf(await root.post(`/projects/${id}/pipeline_triggers`, pipelineOf({}))) };
}

async function triggered(): Promise<{ id: number; mirror_id: number; token_id: number }> {
  const place = await pullMirrorOf();
  const path = `/projects/${place.id}/mirrors/${place.mirror_id}/trigger_tokens`;
  return { ...place, token_id: idOf(await root.post(path, { name: "t" })) };
}

/** A webhook of a project with a mirror, so that there is something to tell it. */
async function hooked(): Promise<{ id: number; hook_id: number; key: string; trigger: string }> {
  const { id } = await mirror();
  const made = await root.post(`/projects/${id}/hooks`, {
    ...{ url: receiver.urlOf(`/${SECRET}`), token: SECRET, signing_token: SECRET },
    ...{ custom_headers: [{ key: "own", value: SECRET }], url_variables: [{ key: "own", value: SECRET }] },
  });
  return { id, hook_id: idOf(made), key: "own", trigger: "mirror_update_events" };
}

async function protectedRef(kind: "branches" | "tags"): Promise<{ id: number; name: string }> {
  const id = await project();
  await root.post(`/projects/${id}/protected_${kind}`, { name: "v*" });
  return { id, name: "v*" };
}

async function deployKey(): Promise<{ id: number; key_id: number }> {
  const id = await project();
  const draft = { title: "machine", key: await publicKey() };
  return { id, key_id: idOf(await root.post(`/projects/${id}/deploy_keys`, draft)) };
}

/** Access of every other kind: personal tokens, keys, protections, sessions, passwords, the second factor. */
const WALKS_OF_ACCESS: Readonly<Record<string, Walk>> = {
  "POST /user/personal_access_tokens": {
    events: ["token-created"],
    prepare: async () => ({ parameters: TOKEN_DRAFT }),
  },
  "POST /users/:id/personal_access_tokens": {
    events: ["token-created"],
    prepare: async () => ({ path: { id: await user() }, parameters: TOKEN_DRAFT }),
  },
  "DELETE /personal_access_tokens/:id": {
    events: ["token-revoked"],
    prepare: async () => ({ path: { id: (await personalToken()).id } }),
  },
  "POST /personal_access_tokens/:id/rotate": {
    events: ["token-rotated"],
    prepare: async () => ({ path: { id: (await personalToken()).id } }),
  },
  "DELETE /personal_access_tokens/self": {
    events: ["token-revoked"],
    prepare: async () => ({ as: await ownToken("/user/personal_access_tokens") }),
  },
  "POST /personal_access_tokens/self/rotate": {
    events: ["token-rotated"],
    prepare: async () => ({ as: await ownToken("/user/personal_access_tokens") }),
  },
  "POST /projects/:id/access_tokens/self/rotate": {
    events: ["token-rotated"],
    prepare: async () => {
      const id = await project();
      return { path: { id }, as: await ownToken(`/projects/${id}/access_tokens`, "its bot") };
    },
  },
  "POST /groups/:id/access_tokens/self/rotate": {
    events: ["token-rotated"],
    prepare: async () => {
      const id = await group();
      return { path: { id }, as: await ownToken(`/groups/${id}/access_tokens`, "its bot") };
    },
  },
  "POST /projects/:id/mirrors/:mirror_id/trigger_tokens": {
    events: ["trigger-token-created"],
    prepare: async () => ({ path: await pullMirrorOf(), parameters: { name: "t" } }),
  },
  "DELETE /projects/:id/mirrors/:mirror_id/trigger_tokens/:token_id": {
    events: ["trigger-token-revoked"],
    prepare: async () => ({ path: await triggered() }),
  },
  "POST /projects/:id/pipeline_triggers": {
    events: ["pipeline-trigger-created"],
    prepare: async () => ({ path: { id: await project() }, parameters: pipelineOf({ token: SECRET }) }),
  },
  "PUT /projects/:id/pipeline_triggers/:trigger_id": {
    events: ["pipeline-trigger-changed"],
    prepare: async () => ({ path: await pipelineTrigger(), parameters: { name: "another", token: SECRET } }),
  },
  "DELETE /projects/:id/pipeline_triggers/:trigger_id": {
    events: ["pipeline-trigger-removed"],
    prepare: async () => ({ path: await pipelineTrigger() }),
  },
  "POST /projects/:id/mirrors/:mirror_id/hook_secret": {
    events: ["mirror-hook-secret-created"],
    prepare: async () => ({ path: await pullMirrorOf(), parameters: { secret: `${SECRET}-hook` } }),
  },
  "DELETE /projects/:id/mirrors/:mirror_id/hook_secret": {
    events: ["mirror-hook-secret-removed"],
    prepare: async () => {
      const place = await pullMirrorOf();
      await root.post(`/projects/${place.id}/mirrors/${place.mirror_id}/hook_secret`);
      return { path: place };
    },
  },
  "POST /projects/:id/hooks": {
    events: ["hook-created"],
    prepare: async () => ({
      path: { id: await project() },
      parameters: { url: receiver.urlOf(`/${SECRET}`), token: SECRET },
    }),
  },
  "PUT /projects/:id/hooks/:hook_id": {
    events: ["hook-changed"],
    prepare: async () => ({
      path: await hooked(),
      parameters: { url: receiver.urlOf(`/other/${SECRET}`), token: `${SECRET}-2`, name: "other" },
    }),
  },
  "DELETE /projects/:id/hooks/:hook_id": {
    events: ["hook-removed"],
    prepare: async () => ({ path: await hooked() }),
  },
  "POST /projects/:id/hooks/:hook_id/test/:trigger": {
    events: ["hook-tested"],
    prepare: async () => ({ path: await hooked() }),
  },
  "POST /projects/:id/hooks/:hook_id/events/:hook_event_id/resend": {
    events: ["hook-delivery-resent"],
    prepare: async () => {
      const path = await hooked();
      const at = `/projects/${path.id}/hooks/${path.hook_id}`;
      await root.post(`${at}/test/${path.trigger}`);
      const [sent] = Object(await root.get(`${at}/events`));
      return { path: { ...path, hook_event_id: sent.id } };
    },
  },
  "PUT /projects/:id/hooks/:hook_id/custom_headers/:key": {
    events: ["hook-changed"],
    prepare: async () => ({ path: await hooked(), parameters: { value: SECRET } }),
  },
  "DELETE /projects/:id/hooks/:hook_id/custom_headers/:key": {
    events: ["hook-changed"],
    prepare: async () => ({ path: await hooked() }),
  },
  "PUT /projects/:id/hooks/:hook_id/url_variables/:key": {
    events: ["hook-changed"],
    prepare: async () => ({ path: await hooked(), parameters: { value: SECRET } }),
  },
  "DELETE /projects/:id/hooks/:hook_id/url_variables/:key": {
    events: ["hook-changed"],
    prepare: async () => ({ path: await hooked() }),
  },
  "POST /projects/:id/protected_branches": {
    events: ["protected-branch-created"],
    prepare: async () => ({ path: { id: await project() }, parameters: { name: "v*" } }),
  },
  "PATCH /projects/:id/protected_branches/:name": {
    events: ["protected-branch-changed"],
    prepare: async () => ({ path: await protectedRef("branches"), parameters: { allow_force_push: true } }),
  },
  "DELETE /projects/:id/protected_branches/:name": {
    events: ["protected-branch-removed"],
    prepare: async () => ({ path: await protectedRef("branches") }),
  },
  "POST /projects/:id/protected_tags": {
    events: ["protected-tag-created"],
    prepare: async () => ({ path: { id: await project() }, parameters: { name: "v*" } }),
  },
  "DELETE /projects/:id/protected_tags/:name": {
    events: ["protected-tag-removed"],
    prepare: async () => ({ path: await protectedRef("tags") }),
  },
  "POST /user/keys": {
    events: ["ssh-key-added"],
    prepare: async () => ({ parameters: { title: "k", key: await publicKey() } }),
  },
  "POST /users/:id/keys": {
    events: ["ssh-key-added"],
    prepare: async () => ({ path: { id: await user() }, parameters: { title: "k", key: await publicKey() } }),
  },
  "DELETE /user/keys/:key_id": {
    events: ["ssh-key-removed"],
    prepare: async () => {
      const draft = { title: "k", key: await publicKey() };
      return { path: { key_id: idOf(await root.post("/user/keys", draft)) } };
    },
  },
  "DELETE /users/:id/keys/:key_id": {
    events: ["ssh-key-removed"],
    prepare: async () => {
      const id = await user();
      const draft = { title: "k", key: await publicKey() };
      return { path: { id, key_id: idOf(await root.post(`/users/${id}/keys`, draft)) } };
    },
  },
  "POST /projects/:id/deploy_keys": {
    events: ["deploy-key-added"],
    prepare: async () => ({
      path: { id: await project() },
      parameters: { title: "machine", key: await publicKey() },
    }),
  },
  "PUT /projects/:id/deploy_keys/:key_id": {
    events: ["deploy-key-changed"],
    prepare: async () => ({ path: await deployKey(), parameters: { can_push: true } }),
  },
  "POST /projects/:id/deploy_keys/:key_id/enable": {
    events: ["deploy-key-enabled"],
    prepare: async () => ({ path: { ...(await deployKey()), id: await project() } }),
  },
  "DELETE /projects/:id/deploy_keys/:key_id": {
    events: ["deploy-key-removed"],
    prepare: async () => ({ path: await deployKey() }),
  },
  "DELETE /user/sessions": {
    events: ["session-ended"],
    prepare: async () => {
      const as = await inPerson();
      await openBrowserSession(server.url).signIn(as.name, PASSWORD);
      return { as };
    },
  },
  "DELETE /user/sessions/:id": {
    events: ["session-ended"],
    prepare: async () => {
      const as = await inPerson();
      const [session] = await query("select id from sessions where user_id = $1", as.id);
      return { as, path: { id: session?.["id"] } };
    },
  },
  "PUT /user/password": {
    events: ["password-changed"],
    prepare: async () => ({
      as: await inPerson(),
      parameters: { current_password: PASSWORD, password: `${PASSWORD}-2` },
    }),
  },
  "PUT /users/:id/password": {
    events: ["password-reset"],
    prepare: async () => ({ path: { id: await user() }, parameters: { password: `${PASSWORD}-2` } }),
  },
  "POST /user/two_factor/confirm": {
    events: ["two-factor-enabled"],
    prepare: async () => {
      const as = await inPerson();
      const begun = await as.ask("POST", "/user/two_factor", { current_password: PASSWORD });
      return { as, parameters: { code: codeAt(Object(begun.body).secret, Date.now()) } };
    },
  },
  "POST /user/two_factor/recovery_codes": {
    events: ["two-factor-recovery-codes-replaced"],
    prepare: async () => {
      const { as, codes } = await withSecondFactor();
      return { as, parameters: { current_password: PASSWORD, code: codes[0] } };
    },
  },
  "DELETE /user/two_factor": {
    events: ["two-factor-disabled"],
    prepare: async () => {
      const { as, codes } = await withSecondFactor();
      return { as, parameters: { current_password: PASSWORD, code: codes[0] } };
    },
  },
  "PATCH /users/:id/disable_two_factor": {
    events: ["two-factor-disabled-by-admin"],
    prepare: async () => ({ path: { id: (await withSecondFactor()).as.id } }),
  },
  "DELETE /user/identities/:id": {
    events: ["identity-disconnected"],
    prepare: async () => {
      const as = await inPerson();
      const [made] = await query(
        "insert into identities (user_id, issuer, subject) values ($1, 'https://id.example.com', 'x') returning id",
        as.id,
      );
      return { as, path: { id: made?.["id"] } };
    },
  },
};

const MORE_WALKS: Readonly<Record<string, Walk>> = {
  ...WALKS_OF_ACCESS,
  ...WALKS,
  ...walksBelow("projects", project),
  ...walksBelow("groups", group),
  "PUT /groups/:id": {
    events: ["group-changed"],
    prepare: async () => ({ path: { id: await group() }, parameters: { description: "another" } }),
  },
  "DELETE /groups/:id": { events: ["group-removed"], prepare: async () => ({ path: { id: await group() } }) },
  "POST /groups/:id/projects/:project_id": {
    events: ["project-transferred"],
    prepare: async () => ({ path: { id: await group(), project_id: await project() } }),
  },
  "PUT /projects/:id/transfer": {
    events: ["project-transferred"],
    prepare: async () => ({ path: { id: await project() }, parameters: { namespace: await group() } }),
  },
  "PUT /users/:id": {
    events: ["user-changed"],
    prepare: async () => ({ path: { id: await user() }, parameters: { name: "Another" } }),
  },
};

const IN_FEED = "it is a push: the activity of the project tells of it (the test below)";

/** What needs no event, and why. */
const NEEDS_NONE: Readonly<Record<string, string>> = {
  "POST /projects/:id/remote_mirrors/:mirror_id/sync": "the history of updates says who asked for it",
  "POST /projects/:id/mirrors/:mirror_id/trigger": "the history of updates says that a trigger token asked",
  "POST /projects/:id/mirrors/test": "a test changes nothing",
  "POST /projects/:id/mirrors/:mirror_id/preview": "a preview changes nothing",
  "POST /projects/:id/pipeline_triggers/:trigger_id/test": "its deliveries tell of it",
  "POST /projects/:id/mirrors/:mirror_id/test": "a test changes nothing",
  "POST /credentials/:id/test": "a test changes nothing",
  "POST /user/two_factor": "nothing is asked for until it is confirmed, which leaves an event",
  "POST /projects/:id/repository/branches": IN_FEED,
  "DELETE /projects/:id/repository/branches/:branch": IN_FEED,
  "POST /projects/:id/repository/tags": IN_FEED,
  "DELETE /projects/:id/repository/tags/:tag_name": IN_FEED,
};

async function events(query = "", api: Api = root): Promise<readonly AuditEventAnswer[]> {
  return auditEventSchema.array().parse(await api.get(`/audit_events?per_page=100&${query}`));
}

/** What people are told that the log tells. */
const documented = await readFile(new URL("../../docs/audit.md", import.meta.url), "utf8");
const newest = async () => (await events())[0]?.id ?? 0;
const since = async (id: number) => (await events()).filter((event) => event.id > id);

const routes = (await declaredRoutes()).filter(({ method }) => method !== "GET");

test("every route that changes something leaves what it did in the log, or says why not", async (t) => {
  for (const route of routes) {
    const name = nameOf(route);
    if (name in NEEDS_NONE) continue;
    await t.test(name, async () => {
      const walk = MORE_WALKS[name];
      assert(
        walk,
        `${name} changes something: add how to walk it to WALKS, or to NEEDS_NONE why it needs no event`,
      );
      const { path: values = {}, parameters = {}, as = byToken("root", root) } = await walk.prepare();
      const last = await newest();
      const { method, path } = route;
      const place = path.replaceAll(/:(\w+)/g, (_all, key: string) =>
        encodeURIComponent(String(values[key])),
      );
      const { status, body } = await as.ask(method, place, parameters);
      assert(status >= 200 && status < 300, `${name}: ${status} ${JSON.stringify(body)}`);
      const told = await since(last);
      for (const event of walk.events) {
        assert(documented.includes(`\`${event}\``), `docs/audit.md names ${event}`);
        assert(
          told.some(({ event_name }) => event_name === event),
          `${name} leaves ${event}, not ${told.map(({ event_name }) => event_name).join(", ")}`,
        );
      }
      for (const event of told) {
        assert.deepEqual([event.author_name, event.ip_address, event.door], [as.name, "127.0.0.1", "http"]);
        if (as.by === null) assert.equal(event.authenticated_by, null);
        else assert.match(event.authenticated_by ?? "", as.by);
      }
    });
  }
  const known = new Set(routes.map(nameOf));
  const stale = [...Object.keys(MORE_WALKS), ...Object.keys(NEEDS_NONE)].filter((name) => !known.has(name));
  assert.deepEqual(stale, [], "what is walked or excused is a route");
});

test("a branch or tag that is made or removed by API is in the activity of the project", async () => {
  const id = await project();
  await makeCommit(server.repositoryOf(id));
  const at = `/projects/${id}/repository`;
  await root.post(`${at}/branches`, { branch: "b", ref: "main" });
  await root.delete(`${at}/branches/b`);
  await root.post(`${at}/tags`, { tag_name: "t", ref: "main" });
  await root.delete(`${at}/tags/t`);
  const told = await waitFor(
    async () => {
      const feed = await root.get(`/projects/${id}/events`);
      return Array.isArray(feed) && feed.length === 4 && feed;
    },
    { timeoutMs: 20_000, message: "all four are in the activity" },
  );
  assert.deepEqual(
    told.map((event) => {
      const { author_username, push_data } = Object(event);
      return [author_username, push_data.action, push_data.ref_type, push_data.ref];
    }),
    [
      ["root", "removed", "tag", "t"],
      ["root", "created", "tag", "t"],
      ["root", "removed", "branch", "b"],
      ["root", "created", "branch", "b"],
    ],
  );
});

test("with Sudo the admin did it, and the user for whom is named", async () => {
  const username = fresh("user");
  const ada = await inPerson(username);
  const own = idOf((await ada.ask("POST", "/projects", { name: "own" })).body);
  const admin = openBrowserSession(server.url);
  await admin.signIn("root", server.password);
  const scopes = ["api", "admin_mode", "sudo"];
  const made = await admin.ask("POST", "/api/v4/user/personal_access_tokens", { name: "s", scopes });
  const { token, id: tokenId } = Object(made.body);
  const last = await newest();
  const change = { description: "for ada" };
  const answer = await root
    .as(token)
    .call("PUT", `/projects/${own}`, change, { headers: { Sudo: username } });
  assert.equal(answer.status, 200);
  const [event, ...others] = await since(last);
  assert.deepEqual(others, []);
  assert.equal(event?.event_name, "project-changed");
  assert.deepEqual([event?.author_name, event?.author_id], ["root", 1]);
  assert.equal(event?.details["acting_for"], username);
  assert.equal(event?.authenticated_by, `token ${tokenId} (s)`);
  // Nothing of what the admin is goes with them: the user may not see the log.
  assert.equal(
    (await root.as(token).call("GET", "/audit_events", undefined, { headers: { Sudo: username } })).status,
    403,
  );
});

test("no secret is in the log, in any form of it", async () => {
  const pages: (readonly AuditEventAnswer[])[] = [];
  for (let page = 1; pages.at(-1)?.length !== 0; page += 1) pages.push(await events(`page=${page}`));
  const csv = await fetchExport("csv");
  const lines = await fetchExport("ndjson");
  for (const text of [JSON.stringify(pages), csv, lines]) {
    assert.match(text, /mirror-credential-changed/);
    assert(!text.includes(SECRET), "a planted secret is in the log");
  }
});

test("who loses a role below with that of a group is in the log of each place where it was theirs", async () => {
  const group = async (parent_id?: number) => {
    const path = fresh("group");
    return { id: idOf(await root.post("/groups", { name: path, path, parent_id })), path };
  };
  const top = await group();
  const middle = await group(top.id);
  const low = await group(middle.id);
  const other = await group();
  const own = await root.createProject("own", { namespace_id: low.id });
  await root.createProject("inherited", { namespace_id: low.id });
  const user_id = await user();
  for (const at of [`groups/${top.id}`, `groups/${middle.id}`, `groups/${other.id}`, `projects/${own.id}`]) {
    await root.post(`/${at}/members`, { user_id, access_level: at.startsWith("projects") ? 40 : 30 });
  }
  const last = await newest();
  await root.delete(`/groups/${top.id}/members/${user_id}`);
  const events = await since(last);
  const summaries = events.map(({ event_name, entity_type, entity_id, entity_path, target_id, details }) => [
    ...[event_name, entity_type, entity_id, entity_path, target_id],
    ...[details["access_level"], details["removed_from"]],
  ]);
  const path = `${top.path}/${middle.path}`;
  assert.deepEqual(summaries, [
    ["member-removed", "Project", own.id, `${path}/${low.path}/own`, user_id, 40, top.path],
    ["member-removed", "Group", middle.id, path, user_id, 30, top.path],
    ["member-removed", "Group", top.id, top.path, user_id, 30, undefined],
  ]);
  // Told not to, it takes nothing below away.
  await root.post(`/groups/${top.id}/members`, { user_id, access_level: 30 });
  await root.post(`/projects/${own.id}/members`, { user_id, access_level: 40 });
  const before = await newest();
  await root.delete(`/groups/${top.id}/members/${user_id}?skip_subresources=true`);
  assert.deepEqual(
    (await since(before)).map(({ entity_path }) => entity_path),
    [top.path],
  );
});

test("settings tell what they were and what they are", async () => {
  const last = await newest();
  await root.put("/application/settings", { mirror_max_delay: 298, silent_mode_enabled: false });
  const [event, ...others] = await since(last);
  assert.deepEqual(others, []);
  assert.deepEqual(event?.details["changes"], { mirror_max_delay: { from: 299, to: 298 } });
  await root.put("/application/settings", { mirror_max_delay: 298 });
  assert.deepEqual((await since(last)).length, 1, "what is as it was is no change");
});

test("the log is for admins, that of a project for its owners, and of a group for its", async () => {
  const username = fresh("user");
  const ada = root.as(await root.createToken(await root.createUser(username, PASSWORD), ["api"]));
  const other = root.as(await root.createToken(await user(), ["api"]));
  const { id } = await ada.createProject("own", { visibility: "public" });
  const { id: foreign } = await root.createProject(fresh("project"), { visibility: "public" });
  await ada.put(`/projects/${id}`, { description: "x" });
  for (const path of ["/audit_events", "/audit_events/1", "/audit_events/export"]) {
    assert.equal((await ada.call("GET", path)).status, 403, path);
    assert.equal((await ada.as(null).call("GET", path)).status, 401, path);
  }
  const mine = auditEventSchema.array().parse(await ada.get(`/projects/${id}/audit_events`));
  assert.deepEqual(
    mine.map(({ event_name }) => event_name),
    ["project-changed", "project-created"],
  );
  assert(mine.every(({ entity_id, entity_path }) => entity_id === id && entity_path === `${username}/own`));
  const one = await ada.get(`/projects/${id}/audit_events/${mine[0]?.id}`);
  assert.deepEqual(auditEventSchema.parse(one), mine[0]);
  const [theirs] = auditEventSchema.array().parse(await root.get(`/projects/${foreign}/audit_events`));
  assert.equal((await ada.call("GET", `/projects/${id}/audit_events/${theirs?.id}`)).status, 404);
  assert.equal((await other.call("GET", `/projects/${id}/audit_events`)).status, 403);
  assert.equal((await other.as(null).call("GET", `/projects/${id}/audit_events`)).status, 401);

  const group = idOf(await root.post("/groups", { name: "g", path: fresh("group"), visibility: "public" }));
  const ofGroup = auditEventSchema.array().parse(await root.get(`/groups/${group}/audit_events`));
  assert.deepEqual(
    ofGroup.map(({ event_name }) => event_name),
    ["group-created"],
  );
  assert([403, 404].includes((await ada.call("GET", `/groups/${group}/audit_events`)).status));
});

test("the log can be searched by time, by what it is about, by who and by what, page for page", async () => {
  const { id } = await root.createProject(fresh("project"));
  const [event] = await events(`entity_type=Project&entity_id=${id}`);
  assert.equal(event?.event_name, "project-created");
  const at = encodeURIComponent(event?.created_at ?? "");
  assert((await events(`created_after=${at}&created_before=${at}`)).some((one) => one.id === event?.id));
  assert.deepEqual(await events("created_after=2999-01-01"), []);
  assert.deepEqual(await events("created_before=2001-01-01"), []);
  assert.deepEqual(await events("author_id=2147483647"), []);
  const blocked = await events("event_name=user-blocked");
  assert(blocked.length > 0 && blocked.every(({ event_name }) => event_name === "user-blocked"));
  const second = await root.call("GET", "/audit_events?per_page=2&page=2");
  assert.deepEqual(
    auditEventSchema
      .array()
      .parse(second.body)
      .map((one) => one.id),
    (await events()).slice(2, 4).map((one) => one.id),
  );
  assert(Number(second.headers.get("x-total")) > 40);
  assert.match(second.headers.get("link") ?? "", /rel="next"/);
  assert.equal((await root.call("GET", "/audit_events?created_after=yesterday")).status, 400);
  assert.equal((await root.call("GET", "/audit_events?entity_type=Planet")).status, 400);
  assert.equal((await root.call("GET", "/audit_events/999999999999")).status, 404);
});

test("the export is whole, and what looks like a formula in it is none", async () => {
  const { id } = await root.createProject(fresh("project"));
  await root.put(`/projects/${id}`, { description: "x", name: '=HYPERLINK("http://evil","click")' });
  await root.post("/credentials", { name: "=1+1", kind: "password", username: "u", password: PASSWORD });
  const total = Number((await root.call("GET", "/audit_events")).headers.get("x-total"));
  const csv = await fetchExport("csv");
  const [header, ...rows] = csv.trimEnd().split("\r\n");
  assert.match(header ?? "", /^id,created_at,author_id,author_name/);
  assert.equal(rows.length, total);
  assert(rows.some((row) => row.includes(",'=1+1,")));
  const ids = (await fetchExport("ndjson"))
    .trimEnd()
    .split("\n")
    .map((line) => auditEventSchema.parse(JSON.parse(line)).id);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  assert.equal(ids.length, total);
});

async function query(text: string, ...values: readonly unknown[]): Promise<Record<string, unknown>[]> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

async function fetchExport(format: string): Promise<string> {
  const headers = { "PRIVATE-TOKEN": server.token };
  const answer = await fetch(`${server.url}/api/v4/audit_events/export?format=${format}`, { headers });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-disposition") ?? "", /^attachment; filename="audit-events\./);
  return await answer.text();
}
