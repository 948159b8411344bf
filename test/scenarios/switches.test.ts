import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after, beforeEach, describe } from "node:test";
import { type Answer, type Api, createApi, idOf } from "../support/api.ts";
import { startGatedProxy } from "../support/gated-proxy.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { startMailServer } from "../support/mail-server.ts";
import {
  git,
  makeCommit,
  makeLargeRepository,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

/* What stops mirrors besides their own `enabled`: switches of the instance, archived projects, users who are gone. */

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const mailServer = await startMailServer();
after(() => mailServer.close());
const server = await startServer({
  env: { HELIOSTAT_SMTP_URL: `smtp://127.0.0.1:${mailServer.port}?from=mirrors@example.com` },
});
after(() => server.stop());
const root = createApi(server);

const OPEN = {
  mirror_available: true,
  silent_mode_enabled: false,
  deny_all_requests_except_allowed: false,
  outbound_local_requests_whitelist: [],
  pull_mirror_min_interval_seconds: 0,
  push_mirror_min_interval_seconds: 0,
};
beforeEach(() => root.put("/application/settings", OPEN));

let count = 0;
/** Somebody who is no admin, with a token. */
async function newUser(): Promise<{ api: Api; id: number; username: string; token: string }> {
  count += 1;
  const username = `user-${count}`;
  const id = await root.createUser(username, "correct horse battery staple");
  const token = await root.createToken(id, ["api", "write_repository"]);
  return { api: root.as(token), id, username, token };
}

async function newPeerRepository(): Promise<{ path: string; url: string }> {
  count += 1;
  const name = `repository-${count}.git`;
  return { path: await makeRepository(join(directory, "peer", name)), url: peer.urlOf(name) };
}

async function newProject(api: Api): Promise<{ id: number; path: string }> {
  count += 1;
  const { id } = await api.createProject(`project-${count}`);
  return { id, path: `/projects/${id}` };
}

/** A new commit in a client's repository, pushed to the project. */
async function push(user: { username: string; token: string }, project: string): Promise<string> {
  const { path_with_namespace } = Object(await root.get(project));
  const client = join(directory, `client-${path_with_namespace.replace("/", "-")}.git`);
  await makeRepository(client).catch(() => undefined);
  count += 1;
  const tip = await makeCommit(client, { message: `commit ${count}` });
  const url = withCredentials(`${server.url}/${path_with_namespace}.git`, user.username, user.token);
  await git(client, ["push", "--quiet", url, "refs/heads/main"]);
  return tip;
}

async function reaches(repository: string, tip: string): Promise<void> {
  await waitFor(async () => (await refsOf(repository))["refs/heads/main"] === tip, {
    message: `${repository} is at ${tip}`,
  });
}

function said({ status, body }: Answer): readonly [number, unknown] {
  return [status, body];
}

const NOT_READY = {
  message: "Cannot proceed with the push mirroring. Please verify your mirror configuration.",
};

describe("mirroring that an admin has switched off for the instance", () => {
  test("is out of reach for all but admins, and mirrors stand still until it is on again", async () => {
    const owner = await newUser();
    const { id, path } = await newProject(owner.api);
    const downstream = await newPeerRepository();
    const upstream = await newPeerRepository();
    const made = await owner.api.createPushMirror(id, downstream.url);
    const one = `${path}/remote_mirrors/${made.id}`;
    await reaches(downstream.path, await push(owner, path));
    const mirrored = await newProject(owner.api);
    await owner.api.createPullMirror(mirrored.id, upstream.url);
    await owner.api.waitForMirror(mirrored.id, "pull", "finished");

    await root.put("/application/settings", { mirror_available: false });
    const calls: readonly [Parameters<Api["call"]>[0], string, object?][] = [
      ["GET", `${path}/remote_mirrors`],
      ["POST", `${path}/remote_mirrors`, { url: upstream.url }],
      ["GET", one],
      ["PUT", one, { enabled: false }],
      ["DELETE", one],
      ["POST", `${one}/sync`],
      ["GET", `${one}/public_key`],
    ];
    for (const [method, url, body] of calls) {
      const answer = await owner.api.call(method, url, body && { ...body });
      assert.deepEqual(said(answer), [401, { message: "401 Unauthorized" }], `${method} ${url}`);
    }
    const notMirrored = { message: "The project is not mirrored" };
    const pull = `${mirrored.path}/mirror/pull`;
    assert.deepEqual(said(await owner.api.call("GET", pull)), [400, notMirrored]);
    assert.deepEqual(said(await owner.api.call("POST", pull)), [400, notMirrored]);
    const settings = { url: upstream.url, enabled: true };
    assert.deepEqual(said(await owner.api.call("PUT", pull, settings)), [400, { message: "Access Denied" }]);
    const dropped = await owner.api.call("PUT", path, {
      import_url: upstream.url,
      mirror: true,
      description: "d",
    });
    assert.deepEqual(
      [dropped.status, Object(dropped.body).mirror, Object(dropped.body).description],
      [200, false, "d"],
    );
    assert.equal(Object(await owner.api.get(mirrored.path)).mirror, false);
    const unmirrored = await owner.api.createProject(`project-of-${owner.username}`, {
      import_url: upstream.url,
      mirror: true,
    });
    assert.deepEqual([unmirrored.mirror, unmirrored.import_url], [false, null]);
    const reason = { message: "403 Forbidden - Mirror settings are only available to administrators." };
    assert.deepEqual(said(await owner.api.call("PUT", `${path}/mirrors/${made.id}`, {})), [403, reason]);
    // To look at them is free, and tells the truth.
    const [seen] = Object(await owner.api.get(`${path}/mirrors`));
    assert.deepEqual([seen.enabled, seen.next_update_at], [false, null]);
    assert.equal(Object(await root.get(one)).enabled, false);

    const waiting = await push(owner, path);
    assert.deepEqual(said(await root.call("POST", `${one}/sync`)), [400, NOT_READY]);
    // Another project's override lets an update pass, later than this one would have.
    const allowed = await newProject(root);
    const other = await newPeerRepository();
    await root.createPushMirror(allowed.id, other.url);
    await reaches(other.path, await push({ username: "root", token: server.token }, allowed.path));
    assert.notEqual((await refsOf(downstream.path))["refs/heads/main"], waiting);

    await root.put("/application/settings", { mirror_available: true });
    await reaches(downstream.path, waiting);
    assert.equal(Object(await owner.api.get(one)).enabled, true);
    assert.equal(Object(await owner.api.get(mirrored.path)).mirror, true);
  });

  test("is overridden for a project by an admin who saves a mirror of it, each direction for itself", async () => {
    const owner = await newUser();
    const { id, path } = await newProject(owner.api);
    const [upstream, downstream] = [await newPeerRepository(), await newPeerRepository()];
    await makeCommit(upstream.path);
    await root.put("/application/settings", { mirror_available: false });
    const pull = await root.createPullMirror(id, upstream.url);
    assert.equal(pull.enabled, true);
    await root.waitForMirror(id, "pull", "finished");
    const pushed = await root.createPushMirror(id, downstream.url, { enabled: false });
    assert.equal(pushed.enabled, false);
    const one = `${path}/remote_mirrors/${pushed.id}`;
    assert.equal(Object(await root.put(one, { enabled: true })).enabled, true);
    await reaches(downstream.path, (await refsOf(upstream.path))["refs/heads/main"] ?? "");
    // The override of one mirror is that of the project's others too, off as well as on.
    const second = await root.createPushMirror(id, `${downstream.url}-2`, { enabled: false });
    assert.equal(Object(await root.get(one)).enabled, false);
    await root.delete(`${path}/remote_mirrors/${second.id}`);
    assert.equal((await root.readPullMirror(id)).enabled, true);
    await root.put(`${path}/mirror/pull`, { enabled: false });
    assert.equal(Object(await root.get(path)).mirror, false);
    // The owner still is no admin.
    assert.equal((await owner.api.call("GET", `${path}/remote_mirrors`)).status, 401);
  });
});

describe("Silent Mode", () => {
  test("stops pushes and pulls, says so, and what was due runs when it ends", async () => {
    const owner = await newUser();
    const { id, path } = await newProject(owner.api);
    const downstream = await newPeerRepository();
    const { id: mirrorId } = await owner.api.createPushMirror(id, downstream.url);
    const mirrored = await newProject(owner.api);
    const upstream = await newPeerRepository();
    await owner.api.createPullMirror(mirrored.id, upstream.url);
    await owner.api.waitForMirror(mirrored.id, "pull", "finished");

    await root.put("/application/settings", { silent_mode_enabled: true });
    assert.equal((await owner.api.readPushMirror(id, mirrorId)).enabled, false);
    const sync = await owner.api.call("POST", `${path}/remote_mirrors/${mirrorId}/sync`);
    assert.deepEqual(said(sync), [400, NOT_READY]);
    const start = await owner.api.call("POST", `${mirrored.path}/mirror/pull`);
    const message = "Silent Mode is on: nothing is mirrored until an administrator switches it off.";
    assert.deepEqual(said(start), [400, { message }]);
    const asked = peer.requests.length;
    const tip = await push(owner, path);
    const upstreamTip = await makeCommit(upstream.path);
    await owner.api.put(`${mirrored.path}/mirror/pull`, { mirror_trigger_builds: true });
    const [seen] = Object(await owner.api.get(`${mirrored.path}/mirrors`));
    assert.deepEqual([seen.enabled, seen.next_update_at], [true, null]);
    assert.equal(peer.requests.length, asked, "nothing went out");

    await root.put("/application/settings", { silent_mode_enabled: false });
    await reaches(downstream.path, tip);
    await owner.api.waitForMirror(mirrored.id, "pull", "finished");
    const branch = await owner.api.get(`${mirrored.path}`);
    assert.equal(Object(branch).default_branch, "main");
    assert.ok(upstreamTip);
  });

  test("ends at once what is under way, which is taken up again afterwards", async () => {
    await makeLargeRepository(join(directory, "peer/large.git"), { commits: 5000, refs: 10 });
    const proxy = await startGatedProxy(peer);
    try {
      const { id, path } = await newProject(root);
      const held = proxy.hold("from-target", 100_000);
      await root.createPullMirror(id, proxy.urlOf("large.git"));
      await held;
      await root.put("/application/settings", { silent_mode_enabled: true });
      // The answer comes when the run has ended: no git is left of it, though the remote still holds the pack back.
      const [stopped] = await root.listUpdates(id, "pull");
      assert.equal(stopped?.status, "cancelled");
      assert.match(stopped?.error ?? "", /^The update was stopped: Silent Mode was switched on\./);
      await server.assertNoGitLeft();
      proxy.open();
      await root.put("/application/settings", { silent_mode_enabled: false });
      await root.waitForMirror(id, "pull", "finished");
      assert.equal(Object(await root.get(path)).default_branch, "main");
    } finally {
      await proxy.close();
    }
  });
});

describe("an archived project", () => {
  test("is not mirrored, in neither direction, until it is unarchived", async () => {
    const { id, path } = await newProject(root);
    const [upstream, downstream] = [await newPeerRepository(), await newPeerRepository()];
    await makeCommit(upstream.path);
    await root.createPullMirror(id, upstream.url);
    const { id: mirrorId } = await root.createPushMirror(id, downstream.url);
    await reaches(downstream.path, (await refsOf(upstream.path))["refs/heads/main"] ?? "");
    await root.waitForMirror(id, "pull", "finished");

    await root.post(`${path}/archive`);
    for (const [direction, url] of [
      ["pull", `${path}/mirror/pull`],
      ["push", `${path}/remote_mirrors/${mirrorId}/sync`],
    ] as const) {
      const message = `This project is archived and read-only. To resume ${direction} mirroring, unarchive the project.`;
      assert.deepEqual(said(await root.call("POST", url)), [400, { message }]);
    }
    const tip = await makeCommit(upstream.path);
    await root.put(`${path}/mirror/pull`, { mirror_trigger_builds: true });
    const mirrors: { next_update_at: unknown }[] = Object(await root.get(`${path}/mirrors`));
    assert.deepEqual(
      mirrors.map(({ next_update_at }) => next_update_at),
      [null, null],
    );
    await root.post(`${path}/unarchive`);
    await reaches(downstream.path, tip);
  });
});

describe("a mirror user who is gone", () => {
  test("blocked: the mirror goes on as the project's own identity, and says so", async () => {
    const owner = await newUser();
    const mirrored = await newProject(owner.api);
    const upstream = await newPeerRepository();
    await makeCommit(upstream.path);
    await owner.api.createPullMirror(mirrored.id, upstream.url);
    await owner.api.waitForMirror(mirrored.id, "pull", "finished");
    assert.equal(Object(await root.get(mirrored.path)).mirror_user_id, owner.id);

    assert.deepEqual(said(await owner.api.call("POST", `/users/${owner.id}/block`)), [
      403,
      { message: "403 Forbidden" },
    ]);
    assert.deepEqual(said(await root.call("POST", `/users/${owner.id}/block`)), [201, true]);
    assert.deepEqual(said(await root.call("POST", `/users/${owner.id}/block`)), [201, true]);
    assert.equal((await owner.api.call("GET", mirrored.path)).status, 401);
    await makeCommit(upstream.path);
    const bot = `project_${mirrored.id}_bot`;
    const update = await root.update(mirrored.id, "pull");
    assert.equal(update.status, "finished");
    assert.deepEqual(update.notes, [
      `The mirror user, @${owner.username}, is blocked: the update ran as @${bot}.`,
    ]);

    const listed: { username: string; bot: boolean }[] = Object(await root.get("/users?per_page=100"));
    assert.ok(!listed.some(({ username }) => username === bot), "bots are not people");
    const all: typeof listed = Object(await root.get("/users?per_page=100&without_project_bots=false"));
    assert.deepEqual(
      all.filter((user) => user.bot).map(({ username }) => username),
      [bot],
    );
    const botId = idOf(Object(await root.get(`/users?username=${bot}`))[0]);
    const token = await root.call("POST", `/users/${botId}/personal_access_tokens`, {
      name: "x",
      scopes: ["api"],
    });
    assert.equal(token.status, 403);
    assert.equal((await root.call("POST", `/users/${botId}/block`)).status, 403);

    assert.deepEqual(said(await root.call("POST", `/users/${owner.id}/unblock`)), [201, true]);
    assert.deepEqual((await root.update(mirrored.id, "pull")).notes, []);
  });

  test("removed: likewise, and only when nothing in their namespace would be lost", async () => {
    const owner = await newUser();
    const own = await newProject(owner.api);
    const notYet = await root.call("DELETE", `/users/${owner.id}`);
    assert.equal(notYet.status, 409);
    assert.match(String(Object(notYet.body).message), /projects in the namespace/);
    await root.delete(own.path);

    const mirrored = await newProject(root);
    const upstream = await newPeerRepository();
    await root.createPullMirror(mirrored.id, upstream.url);
    await root.post(`${mirrored.path}/members`, { user_id: owner.id, access_level: 40 });
    await root.put(mirrored.path, { mirror_user_id: owner.id });
    assert.equal(Object(await root.get(mirrored.path)).mirror_user_id, owner.id);
    assert.equal((await root.call("DELETE", `/users/${owner.id}`)).status, 204);
    const name = Object(await root.get(mirrored.path)).name;
    const told = await waitFor(
      () => mailServer.mails.find(({ subject }) => subject.startsWith(`${name} | `)),
      { message: "whoever looks after the project is told" },
    );
    assert.deepEqual(
      [told.to, told.subject],
      [["root@localhost"], `${name} | Repository mirroring continues without its user`],
    );
    assert.deepEqual(said(await root.call("GET", `/users/${owner.id}`)), [
      404,
      { message: "404 User Not Found" },
    ]);
    assert.equal((await owner.api.call("GET", "/user")).status, 401);
    const { notes } = await root.update(mirrored.id, "pull");
    assert.deepEqual(notes, [
      `The mirror user has been removed: the update ran as @project_${mirrored.id}_bot.`,
    ]);
    // Whoever changes the pull mirror becomes its user.
    await root.put(`${mirrored.path}/mirror/pull`, { enabled: true });
    assert.equal(Object(await root.get(mirrored.path)).mirror_user_id, 1);
    assert.deepEqual((await root.update(mirrored.id, "pull")).notes, []);
  });

  test("nobody blocks or removes themselves, or whom there is not, and only admins do", async () => {
    const other = await newUser();
    for (const [method, path] of [
      ["POST", "/block"],
      ["POST", "/unblock"],
      ["DELETE", ""],
    ] as const) {
      assert.equal((await root.call(method, `/users/1${path}`)).status, 403);
      assert.equal((await root.call(method, `/users/9999${path}`)).status, 404);
      assert.equal((await other.api.call(method, `/users/1${path}`)).status, 403);
    }
  });

  test("only admins name another mirror user", async () => {
    const owner = await newUser();
    const mirrored = await newProject(owner.api);
    const upstream = await newPeerRepository();
    await owner.api.createPullMirror(mirrored.id, upstream.url);
    const isInvalid = { message: { mirror_user_id: ["is invalid"] } };
    assert.deepEqual(said(await owner.api.call("PUT", mirrored.path, { mirror_user_id: 1 })), [
      400,
      isInvalid,
    ]);
    assert.deepEqual(said(await root.call("PUT", mirrored.path, { mirror_user_id: 9999 })), [400, isInvalid]);
  });
});

describe("application settings", () => {
  test("have GitLab's names, rules and messages", async () => {
    const { body } = await root.call("GET", "/application/settings");
    assert.deepEqual(
      [
        Object(body).mirror_max_delay,
        Object(body).mirror_max_capacity,
        Object(body).mirror_capacity_threshold,
      ],
      [300, 100, 50],
    );
    const tooHigh = "Project's mirror capacity threshold can't be higher than it's maximum capacity";
    const refusals: readonly [object, object][] = [
      [{ mirror_max_delay: 31 }, { mirror_max_delay: ["must be greater than 31"] }],
      [
        { mirror_max_capacity: 0 },
        { mirror_max_capacity: ["must be greater than 0"], mirror_capacity_threshold: [tooHigh] },
      ],
      [{ mirror_max_capacity: 49 }, { mirror_capacity_threshold: [tooHigh] }],
      [{ mirror_capacity_threshold: 101 }, { mirror_capacity_threshold: [tooHigh] }],
      [{ push_event_hooks_limit: -1 }, { push_event_hooks_limit: ["must be greater than or equal to 0"] }],
      [
        { audit_event_retention_days: -1 },
        { audit_event_retention_days: ["must be greater than or equal to 0"] },
      ],
      [{ mirror_update_retention_days: 0 }, { mirror_update_retention_days: ["must be greater than 0"] }],
      [
        { outbound_local_requests_whitelist: ["ok.example", "300.1.1.1"] },
        {
          outbound_local_requests_whitelist: [
            "has an entry that is no host, IP address or range in CIDR form: 300.1.1.1",
          ],
        },
      ],
    ];
    for (const [changes, message] of refusals) {
      const answer = await root.call("PUT", "/application/settings", { ...changes });
      assert.deepEqual(said(answer), [400, { message }]);
    }
    const bad = await root.call("PUT", "/application/settings", { mirror_max_delay: "long" });
    assert.deepEqual(said(bad), [400, { error: "mirror_max_delay is invalid" }]);
    const changed = await root.put("/application/settings", {
      mirror_max_capacity: "40",
      mirror_capacity_threshold: "40",
      outbound_local_requests_whitelist: "one.example, 10.0.0.0/8\n\n[::1]:8080\n",
      git_push_pipeline_limit: 0,
    });
    assert.deepEqual(
      [Object(changed).mirror_capacity_threshold, Object(changed).outbound_local_requests_whitelist],
      [40, ["one.example", "10.0.0.0/8", "[::1]:8080"]],
    );
    const owner = await newUser();
    assert.equal((await owner.api.call("GET", "/application/settings")).status, 403);
  });

  test("the list of allowed destinations acts when a URL is saved and when it is used", async () => {
    const { id, path } = await newProject(root);
    const upstream = await newPeerRepository();
    await root.put("/application/settings", { deny_all_requests_except_allowed: true });
    const denied = "is blocked: Requests to hosts and IP addresses not on the Allow List are denied";
    const create = () => root.call("PUT", `${path}/mirror/pull`, { url: upstream.url, enabled: true });
    assert.deepEqual(said(await create()), [400, { message: { unsafe_import_url: [denied] } }]);
    const withAnotherPort = { outbound_local_requests_whitelist: ["127.0.0.1:1"] };
    await root.put("/application/settings", withAnotherPort);
    assert.equal((await create()).status, 400);
    await root.put("/application/settings", { outbound_local_requests_whitelist: `127.0.0.1:${peer.port}` });
    assert.equal((await create()).status, 200);
    await root.waitForMirror(id, "pull", "finished");
    await root.put("/application/settings", { outbound_local_requests_whitelist: [] });
    const update = await root.update(id, "pull");
    assert.equal(update.status, "failed");
    assert.match(update.error ?? "", /not on the Allow List are denied/);
    // Off the list and yet local: the other rule, and the list is an exemption from it.
    const rules = {
      deny_all_requests_except_allowed: false,
      allow_local_requests_from_web_hooks_and_services: false,
    };
    await root.put("/application/settings", rules);
    const localhost = {
      message: { unsafe_import_url: ["is blocked: Requests to localhost are not allowed"] },
    };
    assert.deepEqual(said(await create()), [400, localhost]);
    await root.put("/application/settings", { outbound_local_requests_whitelist: ["127.0.0.0/8"] });
    assert.equal((await create()).status, 200);
    await root.put("/application/settings", { allow_local_requests_from_web_hooks_and_services: true });
  });

  test("without protection against DNS rebinding a name that does not resolve yet may be saved", async () => {
    const { path } = await newProject(root);
    const save = () =>
      root.call("POST", `${path}/mirrors`, {
        direction: "push",
        url: "http://nowhere.invalid/a.git",
        enabled: false,
      });
    const answer = await save();
    assert.deepEqual(said(answer), [
      400,
      { message: { url: ["is blocked: Host cannot be resolved or invalid"] } },
    ]);
    await root.put("/application/settings", { dns_rebinding_protection_enabled: false });
    assert.equal((await save()).status, 201);
    await root.put("/application/settings", { dns_rebinding_protection_enabled: true });
  });
});
