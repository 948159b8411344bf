import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { HOOK_EVENTS } from "@heliostat/contract";
import { hookEventSchema, hookSchema } from "@heliostat/contract/api/hooks.ts";
import { createApi, type Parameters } from "../support/api.ts";
import { makeSelfSigned } from "../support/certificates.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { type HookReceiver, type ReceivedRequest, startHookReceiver } from "../support/hook-receiver.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { startTlsPeer } from "../support/tls-peer.ts";
import { waitFor } from "../support/wait-for.ts";
import { cloneWorkingCopy, type WorkingCopy, withCredentials } from "../support/working-copy.ts";

/* Webhooks, with a receiver of one's own at the other end. */

const ZEROS = "0".repeat(40);
const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

interface Project {
  readonly id: number;
  readonly work: WorkingCopy;
}

let names = 0;

async function inCopy(work: WorkingCopy, ...args: string[]): Promise<string> {
  return (await git(work.path, args)).trim();
}

/** Writes these files, takes those with null away, and commits. */
async function commitFiles(
  work: WorkingCopy,
  message: string,
  files: Readonly<Record<string, string | null>>,
): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    if (content === null) await rm(join(work.path, name));
    else await writeFile(join(work.path, name), content);
  }
  await inCopy(work, "add", "--all");
  await inCopy(work, "commit", "-q", "-m", message);
  return await inCopy(work, "rev-parse", "HEAD");
}

/** A project with one commit on `main`, and a clone of it. */
async function makeProject(): Promise<Project> {
  const name = `p${++names}`;
  const { id } = await api.createProject(name);
  const work = await cloneWorkingCopy(
    withCredentials(`${server.url}/root/${name}.git`, "root", server.token),
    join(directory, name),
  );
  await work.commit("main", "first");
  await work.push("main");
  return { id, work };
}

async function startReceiver(t: TestContext): Promise<HookReceiver> {
  const receiver = await startHookReceiver();
  t.after(() => receiver.close());
  return receiver;
}

async function addHook(projectId: number, url: string, parameters: Parameters = {}): Promise<number> {
  const made = await api.post(`/projects/${projectId}/hooks`, { url, ...parameters });
  return hookSchema.strict().parse(made).id;
}

async function readHook(projectId: number, id: number) {
  return hookSchema.strict().parse(await api.get(`/projects/${projectId}/hooks/${id}`));
}

async function listEvents(projectId: number, id: number, query = "") {
  return hookEventSchema
    .strict()
    .array()
    .parse(await api.get(`/projects/${projectId}/hooks/${id}/events?per_page=100${query}`));
}

/** The events of a hook once there are so many and each has come to an end. */
async function endedEvents(projectId: number, id: number, count: number) {
  return await waitFor(
    async () => {
      const events = await listEvents(projectId, id);
      const isOver = events.every(
        (event) => event.response_status !== "pending" && event.next_attempt_at === null,
      );
      return events.length >= count && isOver && events;
    },
    { message: async () => JSON.stringify(await listEvents(projectId, id)) },
  );
}

function bodyOf(request: ReceivedRequest | undefined): Record<string, unknown> {
  assert(request !== undefined);
  return JSON.parse(request.body);
}

test("a push is told in GitLab's form, signed, with the token that nobody else sees", async (t) => {
  const receiver = await startReceiver(t);
  const { id, work } = await makeProject();
  const token = "t0ken-of-the-hook";
  const signing = "signing-s3cret";
  const hookId = await addHook(id, receiver.urlOf("/in?a=1"), {
    ...{ token, signing_token: signing, name: "CI" },
  });
  const before = await inCopy(work, "rev-parse", "HEAD");
  const first = await commitFiles(work, "second line\n\nbody of it", { a: "1", "ü b": "2" });
  const tip = await commitFiles(work, "third", { a: "2", "ü b": null, c: "3" });
  await work.push("main");
  const [request] = await receiver.wait(1);
  assert(request !== undefined);
  assert.equal(request.path, "/in?a=1");
  const { headers } = request;
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["x-gitlab-event"], "Push Hook");
  assert.equal(headers["x-gitlab-token"], token);
  assert.equal(headers["x-gitlab-instance"], server.url);
  assert.match(headers["user-agent"] ?? "", /^GitLab\/18\./);
  for (const name of ["x-gitlab-webhook-uuid", "x-gitlab-event-uuid", "idempotency-key"])
    assert.match(String(headers[name]), /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  const hmac = (text: string) => createHmac("sha256", signing).update(text);
  assert.equal(headers["x-hub-signature-256"], `sha256=${hmac(request.body).digest("hex")}`);
  assert.equal(headers["webhook-id"], headers["idempotency-key"]);
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${request.body}`;
  assert.equal(headers["webhook-signature"], `v1,${hmac(signed).digest("base64")}`);

  const web = `${server.url}/root/p${names}`;
  const project = Object(await api.get(`/projects/${id}`));
  const payload = bodyOf(request);
  const { commits, ...rest } = payload;
  assert.deepEqual(rest, {
    ...{ object_kind: "push", event_name: "push", before, after: tip, ref: "refs/heads/main" },
    ...{ ref_protected: true, checkout_sha: tip, message: null },
    ...{ user_id: 1, user_name: "Administrator", user_username: "root" },
    ...{ user_email: "[REDACTED]", user_avatar: null, project_id: id },
    project: {
      ...{ id, name: `p${names}`, description: "", web_url: web, avatar_url: null },
      ...{ git_ssh_url: project.ssh_url_to_repo ?? "", git_http_url: `${web}.git` },
      ...{ namespace: "Administrator", visibility_level: 0, path_with_namespace: `root/p${names}` },
      ...{ default_branch: "main", ci_config_path: "", homepage: web },
      ...{ url: project.ssh_url_to_repo ?? `${web}.git`, ssh_url: project.ssh_url_to_repo ?? "" },
      http_url: `${web}.git`,
    },
    total_commits_count: 2,
    push_options: {},
    repository: {
      ...{ name: `p${names}`, url: project.ssh_url_to_repo ?? `${web}.git`, description: "", homepage: web },
      ...{ git_http_url: `${web}.git`, git_ssh_url: project.ssh_url_to_repo ?? "", visibility_level: 0 },
    },
  });
  assert(Array.isArray(commits));
  assert.deepEqual(
    commits.map((commit) => commit.id),
    [first, tip],
  );
  assert.equal(commits[0].title, "second line");
  assert.equal(commits[0].message, "second line\n\nbody of it\n");
  assert.equal(commits[0].url, `${web}/-/commit/${first}`);
  assert.match(commits[0].timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
  assert.deepEqual(Object.keys(commits[0].author), ["name", "email"]);
  assert.deepEqual(
    commits.map(({ added, modified, removed }) => ({ added, modified, removed })),
    [
      { added: ["a", "ü b"], modified: [], removed: [] },
      { added: ["c"], modified: ["a"], removed: ["ü b"] },
    ],
  );

  const [event] = await endedEvents(id, hookId, 1);
  assert.equal(event?.trigger, "push_hooks");
  assert.equal(event?.response_status, "200");
  assert.equal(event?.response_body, "ok");
  assert.equal(event?.request_headers["X-Gitlab-Token"], "[REDACTED]");
  assert.deepEqual(event?.request_data, payload);
  const shown = await readHook(id, hookId);
  assert.deepEqual(
    [shown.token_present, shown.signing_token_present, shown.push_events, shown.tag_push_events],
    [true, true, true, false],
  );
  const told = JSON.stringify([shown, event, await api.get("/audit_events?per_page=100")]) + server.output();
  for (const secret of [token, signing]) assert(!told.includes(secret));
});

test("new, removed and forced branches, tags, and the limit on one push", async (t) => {
  const receiver = await startReceiver(t);
  const { id, work } = await makeProject();
  await addHook(id, receiver.urlOf("/"), { tag_push_events: true, repository_update_events: true });
  const base = await inCopy(work, "rev-parse", "HEAD");
  const tip = await work.commit("topic", "of a topic");
  await inCopy(work, "tag", "-a", "v1", "-m", "the tag's words", tip);
  await inCopy(work, "push", "-q", "origin", "topic", "v1");
  await receiver.wait(3);
  const byEvent = () =>
    new Map(receiver.requests.map((request) => [String(request.headers["x-gitlab-event"]), bodyOf(request)]));
  const push = byEvent().get("Push Hook");
  assert.deepEqual(
    [
      push?.["before"],
      push?.["after"],
      push?.["ref"],
      push?.["total_commits_count"],
      push?.["ref_protected"],
    ],
    [ZEROS, tip, "refs/heads/topic", 1, false],
  );
  const tagPush = byEvent().get("Tag Push Hook");
  const tagOid = await inCopy(work, "rev-parse", "v1");
  assert.deepEqual(
    [tagPush?.["object_kind"], tagPush?.["ref"], tagPush?.["after"], tagPush?.["checkout_sha"]],
    ["tag_push", "refs/tags/v1", tagOid, tip],
  );
  assert.match(String(tagPush?.["message"]), /^the tag's words/);
  assert.deepEqual(tagPush?.["commits"], []);
  const update = byEvent().get("Repository Update Hook");
  assert.deepEqual(update?.["changes"], [
    { before: ZEROS, after: tip, ref: "refs/heads/topic" },
    { before: ZEROS, after: tagOid, ref: "refs/tags/v1" },
  ]);
  assert.equal(update?.["event_name"], "repository_update");
  assert.equal(update?.["object_kind"], undefined);

  await inCopy(work, "push", "-q", "origin", "--delete", "topic");
  const removed = bodyOf(
    (await receiver.wait(5)).slice(3).find(({ headers }) => headers["x-gitlab-event"] === "Push Hook"),
  );
  assert.deepEqual([removed["before"], removed["after"], removed["checkout_sha"]], [tip, ZEROS, null]);

  // By the API too.
  await api.post(`/projects/${id}/repository/branches`, { branch: "by-api", ref: base });
  const byApi = (await receiver.wait(7)).slice(5).map(bodyOf);
  assert(byApi.some((body) => body["ref"] === "refs/heads/by-api"));

  // More than three of a kind: none of them, but the one event for all.
  for (const name of ["a", "b", "c", "d"]) await inCopy(work, "branch", name, base);
  await inCopy(work, "push", "-q", "origin", "a", "b", "c", "d");
  const [all] = (await receiver.wait(8)).slice(7);
  assert.equal(all?.headers["x-gitlab-event"], "Repository Update Hook");
  assert.equal((bodyOf(all)["refs"] as unknown[]).length, 4);
  await work.commit("main", "the end");
  await work.push("main");
  const last = (await receiver.wait(10)).slice(8);
  assert(last.every((request) => JSON.stringify(bodyOf(request)).includes("refs/heads/main")));
});

test("a hook is told of the branches that it wants", async (t) => {
  const receiver = await startReceiver(t);
  const { id, work } = await makeProject();
  await addHook(id, receiver.urlOf("/wild"), { push_events_branch_filter: "release/*" });
  await addHook(id, receiver.urlOf("/regex"), {
    ...{ push_events_branch_filter: "^(dev|release/1)$", branch_filter_strategy: "regex" },
  });
  await addHook(id, receiver.urlOf("/all"), {
    ...{ push_events_branch_filter: "nothing", branch_filter_strategy: "all_branches" },
  });
  await addHook(id, receiver.urlOf("/none"), { push_events: false });
  for (const branch of ["dev", "release/1", "release/2"]) {
    await work.commit(branch, branch);
    await work.push(branch);
  }
  await receiver.wait(7);
  const told = receiver.requests.map(
    (request) => `${request.path} ${String(bodyOf(request)["ref"]).slice(11)}`,
  );
  assert.deepEqual(told.sort(), [
    ...["/all dev", "/all release/1", "/all release/2", "/regex dev", "/regex release/1"],
    ...["/wild release/1", "/wild release/2"],
  ]);
  const bad = await api.call("POST", `/projects/${id}/hooks`, {
    url: receiver.urlOf("/"),
    ...{ push_events_branch_filter: "(", branch_filter_strategy: "regex" },
  });
  assert.equal(bad.status, 400);
});

test("a mirror tells what came of its updates, and of the refs that it brought", async (t) => {
  const receiver = await startReceiver(t);
  const upstream = await makeRepository(join(directory, "peer/up.git"));
  const first = await makeCommit(upstream);
  const { id } = await api.createProject(`mirrored${++names}`);
  await addHook(id, receiver.urlOf("/"), { mirror_update_events: true });
  await api.createPullMirror(id, withCredentials(peer.urlOf("up.git"), "reader", "s3cret-of-the-upstream"));
  await api.waitForMirror(id, "pull", "finished");
  const got = await receiver.wait(2);
  const push = bodyOf(got.find(({ headers }) => headers["x-gitlab-event"] === "Push Hook"));
  assert.deepEqual([push["after"], push["user_username"]], [first, "root"]);
  const update = bodyOf(got.find(({ headers }) => headers["x-gitlab-event"] === "Mirror Update Hook"));
  const { mirror, update: run } = Object(update);
  assert.deepEqual(
    [update["action"], mirror.direction, run.status, run.trigger],
    ["finished", "pull", "finished", "configured"],
  );
  assert.deepEqual(run.refs, [{ ref: "refs/heads/main", outcome: "created", before: null, after: first }]);
  assert.equal(run.outcomes.created, 1);
  assert(!JSON.stringify(update).includes("s3cret"));

  await api.put(`/projects/${id}/mirror/pull`, { url: peer.urlOf("gone.git") });
  await api.waitForMirror(id, "pull", "failed");
  const failed = bodyOf((await receiver.wait(3))[2]);
  assert.equal(failed["action"], "failed");
  assert.match(Object(failed)["update"].error, /no repository at this URL/);
});

test("secrets are kept in headers and the URL, and a URL that changes forgets them", async (t) => {
  const receiver = await startReceiver(t);
  const { id, work } = await makeProject();
  const url = `http://ci:p%40ss-w0rd@127.0.0.1:${receiver.port}/{path}/x?key={key.a}`;
  const hookId = await addHook(id, url, {
    custom_headers: [{ key: "X-Own", value: "own-s3cret" }],
    url_variables: [
      { key: "path", value: "p-s3cret" },
      { key: "key.a", value: "k-s3cret" },
    ],
  });
  await work.commit("main", "more");
  await work.push("main");
  const [request] = await receiver.wait(1);
  assert.equal(request?.path, "/p-s3cret/x?key=k-s3cret");
  assert.equal(request?.headers["x-own"], "own-s3cret");
  assert.equal(request?.headers.authorization, `Basic ${Buffer.from("ci:p@ss-w0rd").toString("base64")}`);
  const hook = await readHook(id, hookId);
  assert.equal(hook.url, `http://{userinfo}@127.0.0.1:${receiver.port}/{path}/x?key={key.a}`);
  assert.deepEqual(hook.custom_headers, [{ key: "X-Own" }]);
  assert.deepEqual(new Set(hook.url_variables.map(({ key }) => key)), new Set(["path", "key.a", "userinfo"]));
  const told =
    JSON.stringify([hook, await endedEvents(id, hookId, 1), await api.get("/audit_events")]) +
    server.output();
  for (const secret of ["s3cret", "w0rd"]) assert(!told.includes(secret), secret);

  // What a client reads, it may write: nothing changes.
  await api.put(`/projects/${id}/hooks/${hookId}`, { ...hook });
  assert.deepEqual(await readHook(id, hookId), hook);
  const base = `/projects/${id}/hooks/${hookId}`;
  await api.put(`${base}/custom_headers/X-Other`, { value: "other-s3cret" });
  await api.delete(`${base}/custom_headers/X-Own`);
  assert.equal((await api.call("DELETE", `${base}/custom_headers/X-Own`)).status, 404);
  await api.post(`${base}/test/push_events`);
  assert.equal(receiver.requests[1]?.headers["x-other"], "other-s3cret");
  assert.equal(receiver.requests[1]?.headers["x-own"], undefined);

  const other = await startReceiver(t);
  await api.put(base, { url: other.urlOf("/plain") });
  const moved = await readHook(id, hookId);
  assert.deepEqual([moved.custom_headers, moved.url_variables], [[], []]);
  const missing = await api.call("PUT", base, { url: other.urlOf("/{path}") });
  assert.equal(missing.status, 400);
  assert.match(JSON.stringify(missing.body), /Missing keys: path/);
});

test("a template makes the body", async (t) => {
  const receiver = await startReceiver(t);
  const { id } = await makeProject();
  const hookId = await addHook(id, receiver.urlOf("/"), {
    custom_webhook_template: `{"text": "{{user_username}} pushed {{ref}}", "n": {{total_commits_count}}, "a": "{{commits.0.author.nobody}}"}`,
  });
  await api.post(`/projects/${id}/hooks/${hookId}/test/push_events`);
  assert.deepEqual(bodyOf(receiver.requests[0]), { text: "root pushed refs/heads/main", n: 1, a: "" });
  await api.put(`/projects/${id}/hooks/${hookId}`, { custom_webhook_template: "{{ref}}" });
  const bad = await api.call("POST", `/projects/${id}/hooks/${hookId}/test/push_events`);
  assert.equal(bad.status, 422);
  assert.equal(receiver.requests.length, 1);
});

test("a test, the log, and sending again", async (t) => {
  const receiver = await startReceiver(t);
  const { id } = await makeProject();
  const hookId = await addHook(id, receiver.urlOf("/"), { token: "old-token" });
  const base = `/projects/${id}/hooks/${hookId}`;
  const tested = await api.call("POST", `${base}/test/push_events`, {});
  assert.deepEqual([tested.status, tested.body], [201, { message: "201 Created" }]);
  assert.equal((await api.call("POST", `${base}/test/nothing_events`)).status, 400);
  assert.equal((await api.call("POST", `${base}/test/issues_events`)).status, 422);
  assert.equal((await api.call("POST", `${base}/test/tag_push_events`)).status, 422);
  receiver.answer((response) => {
    response.statusCode = 503;
    response.end("not now");
  });
  assert.equal((await api.call("POST", `${base}/test/push_events`)).status, 422);
  const [failed, good] = await listEvents(id, hookId);
  assert.deepEqual([failed?.response_status, good?.response_status], ["503", "200"]);
  assert.equal(failed?.response_body, "not now");
  assert.deepEqual((await listEvents(id, hookId, "&status=503")).length, 1);
  assert.deepEqual((await listEvents(id, hookId, "&status[]=successful")).length, 1);
  assert.deepEqual((await listEvents(id, hookId, "&status=server_failure")).length, 1);

  receiver.answer((response) => void response.end());
  await api.put(base, { token: "new-token" });
  const resent = await api.call("POST", `${base}/events/${failed?.id}/resend`);
  assert.deepEqual([resent.status, Object(resent.body).response_status], [201, 200]);
  const [, before, again] = receiver.requests;
  assert.equal(again?.body, before?.body);
  assert.equal(again?.headers["idempotency-key"], before?.headers["idempotency-key"]);
  assert.equal(again?.headers["x-gitlab-token"], "new-token");
  assert.equal((await api.call("POST", `${base}/events/999999/resend`)).status, 404);
  const one = hookEventSchema.parse(await api.get(`${base}/events/${failed?.id}`));
  assert.equal(one.response_status, "503");

  const empty = await api.createProject(`empty${++names}`);
  const other = await addHook(empty.id, receiver.urlOf("/"));
  assert.equal((await api.call("POST", `/projects/${empty.id}/hooks/${other}/test/push_events`)).status, 422);
});

test("every switch is kept, and only maintainers see hooks", async () => {
  const { id } = await makeProject();
  const on = Object.fromEntries(HOOK_EVENTS.map((event) => [event, true]));
  const hookId = await addHook(id, "http://127.0.0.1:1025/", { ...on, enable_ssl_verification: "false" });
  const hook = await readHook(id, hookId);
  for (const event of HOOK_EVENTS) assert.equal(hook[event], true, event);
  assert.equal(hook.enable_ssl_verification, false);
  const off = Object.fromEntries(HOOK_EVENTS.map((event) => [event, false]));
  await api.put(`/projects/${id}/hooks/${hookId}`, off);
  for (const event of HOOK_EVENTS) assert.equal((await readHook(id, hookId))[event], false, event);

  const userId = await api.createUser(`dev${names}`, "correct horse battery");
  await api.post(`/projects/${id}/members`, { user_id: userId, access_level: 30 });
  const developer = api.as(await api.createToken(userId, ["api"]));
  assert.equal((await developer.call("GET", `/projects/${id}/hooks`)).status, 403);
  assert.equal(
    (await developer.call("POST", `/projects/${id}/hooks/${hookId}/test/push_events`)).status,
    403,
  );
  await api.put(`/projects/${id}/members/${userId}`, { access_level: 40 });
  const maintainer = await developer.call("GET", `/projects/${id}/hooks`);
  assert.equal(maintainer.status, 200);
  const other = await makeProject();
  assert.equal((await api.call("GET", `/projects/${other.id}/hooks/${hookId}`)).status, 404);
  await api.delete(`/projects/${id}/hooks/${hookId}`);
  assert.deepEqual(await api.get(`/projects/${id}/hooks`), []);
});

test("local addresses are refused unless an admin allows them, when saved and when sent", async (t) => {
  const receiver = await startReceiver(t);
  const { id, work } = await makeProject();
  const hookId = await addHook(id, receiver.urlOf("/"));
  await api.put("/application/settings", { allow_local_requests_from_web_hooks_and_services: false });
  t.after(() => api.put("/application/settings", { allow_local_requests_from_web_hooks_and_services: true }));
  const refused = await api.call("POST", `/projects/${id}/hooks`, { url: receiver.urlOf("/other") });
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /is blocked: Requests to/);
  for (const url of ["ftp://example.org/", "nonsense", "http://", "https://exa mple.org/"])
    assert.equal((await api.call("POST", `/projects/${id}/hooks`, { url })).status, 400, url);
  await work.commit("main", "more");
  await work.push("main");
  const [event] = await endedEvents(id, hookId, 1);
  assert.equal(event?.response_status, "internal error");
  assert.match(event?.error ?? "", /Requests to/);
  assert.equal(receiver.requests.length, 0);
});

test("a certificate that nobody vouches for is refused, unless the hook does not mind", async (t) => {
  const receiver = await startReceiver(t);
  const { certificate: cert, key } = await makeSelfSigned(await makeTempDir(t), "IP:127.0.0.1");
  const secure = await startTlsPeer(receiver, { cert, key });
  t.after(() => secure.close());
  const { id } = await makeProject();
  const hookId = await addHook(id, secure.urlOf("hook"));
  const refused = await api.call("POST", `/projects/${id}/hooks/${hookId}/test/push_events`);
  assert.equal(refused.status, 422);
  assert.match(JSON.stringify(refused.body), /certificate/);
  await api.put(`/projects/${id}/hooks/${hookId}`, { enable_ssl_verification: false });
  await api.post(`/projects/${id}/hooks/${hookId}/test/push_events`);
  assert.equal(receiver.requests.length, 1);
});

test("a failing hook is switched off, and a test that goes well switches it on", async (t) => {
  const receiver = await startReceiver(t);
  receiver.answer((response) => {
    response.statusCode = 404;
    response.end();
  });
  const { id } = await makeProject();
  const hookId = await addHook(id, receiver.urlOf("/"));
  const testIt = () => api.call("POST", `/projects/${id}/hooks/${hookId}/test/push_events`);
  for (let time = 0; time < 4; time += 1) assert.equal((await testIt()).status, 422);
  const off = await readHook(id, hookId);
  assert.equal(off.alert_status, "temporarily_disabled");
  assert(off.disabled_until !== null && new Date(off.disabled_until) > new Date());
  receiver.answer((response) => void response.end());
  assert.equal((await testIt()).status, 201);
  const on = await readHook(id, hookId);
  assert.deepEqual([on.alert_status, on.disabled_until], ["executable", null]);
});
