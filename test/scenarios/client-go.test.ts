import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { createApi, idOf } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { createRawClient } from "../support/raw-request.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

/*
 * What the tools that stand on GitLab's client for Go send, request by request: Terraform and OpenTofu with the provider
 * `gitlab`, glab, gickup, and renovate, which is none of them. The tools themselves are not here.
 */

const directory = await makeTempDir({ after });
const peerRoot = join(directory, "peer");
await mkdir(peerRoot);
const peer = await startGitHttpPeer({ root: peerRoot, auth: { username: "user", password: "s3cret" } });
after(() => peer.close());
const server = await startServer();
const raw = createRawClient(server.url);
after(async () => {
  raw.close();
  await server.stop();
});
const api = createApi(server);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
const asUser = (name: string): string => withCredentials(peer.urlOf(name), "user", "s3cret");

interface Answered {
  readonly status: number;
  /** Parsed JSON: each test says what it must be. */
  readonly body: ReturnType<typeof JSON.parse>;
}

type Send = (method: string, path: string, body?: object | null) => Promise<Answered>;

/** As client-go sends: every dot of a path parameter encoded, JSON, a content type with POST and PUT even without body. */
function clientOf(authorization: Readonly<Record<string, string>>, agent: string): Send {
  return async (method, path, body) => {
    const hasType = method !== "GET" && method !== "DELETE";
    const answer = await raw.ask(method, `/api/v4${path}`, {
      headers: {
        ...{ accept: "application/json", "user-agent": agent, ...authorization },
        ...(hasType ? { "content-type": "application/json" } : {}),
        ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(JSON.stringify(body))) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // It takes no other status for good, and throttles itself by what it is told of limits.
    assert(![203, 206].includes(answer.status) && answer.headers["ratelimit-limit"] === undefined);
    return { status: answer.status, body: answer.text === "" ? null : JSON.parse(answer.text) };
  };
}

const terraform = clientOf(
  { authorization: `Bearer ${server.token}` },
  "Terraform/1.9 terraform-provider-gitlab/19.1.0",
);
const glab = clientOf({ "private-token": server.token }, "glab/v1.60.0 (linux, amd64)");

const inPath = (path: string): string => encodeURIComponent(path).replaceAll(".", "%2E");

/** A resource of Terraform: what it writes, and that it reads the same each time, so that a second apply has nothing to do. */
async function expectNoDiff(path: string, saved: Readonly<Record<string, unknown>>): Promise<void> {
  for (const apply of ["after it was made", "at the second apply"]) {
    const { status, body } = await terraform("GET", path);
    assert.equal(status, 200);
    const read = Object.fromEntries(Object.keys(saved).map((key) => [key, body[key]]));
    assert.deepEqual(read, saved, `${path}, ${apply}`);
  }
}

async function expectGone(path: string): Promise<void> {
  assert.equal((await terraform("GET", path)).status, 404, path);
}

async function makeProject(path: string): Promise<number> {
  return (await api.createProject(path)).id;
}

test("Terraform: gitlab_project reads back every attribute that it wrote, changes some, and takes it away", async () => {
  assert.equal((await terraform("GET", "/user")).body.username, "root");
  assert.equal((await terraform("GET", "/metadata")).body.enterprise, true);
  const group = idOf(await api.post("/groups", { name: "Terra", path: "ter.ra" }));
  const wanted = {
    name: "Formed",
    path: "for.med",
    namespace_id: group,
    description: "By Terraform",
    visibility: "private",
    topics: ["a", "b"],
    request_access_enabled: true,
    issues_access_level: "enabled",
    merge_requests_access_level: "private",
    builds_access_level: "disabled",
    wiki_access_level: "enabled",
    snippets_access_level: "disabled",
    container_registry_access_level: "enabled",
    pages_access_level: "private",
    forking_access_level: "enabled",
    repository_access_level: "enabled",
    analytics_access_level: "enabled",
    lfs_enabled: true,
    packages_enabled: false,
    merge_method: "ff",
    squash_option: "default_on",
    only_allow_merge_if_pipeline_succeeds: true,
    only_allow_merge_if_all_discussions_are_resolved: true,
    allow_merge_on_skipped_pipeline: false,
    remove_source_branch_after_merge: true,
    shared_runners_enabled: false,
    group_runners_enabled: true,
    printing_merge_request_link_enabled: true,
    auto_cancel_pending_pipelines: "enabled",
    auto_devops_deploy_strategy: "continuous",
    auto_devops_enabled: false,
    autoclose_referenced_issues: true,
    build_git_strategy: "fetch",
    build_timeout: 3600,
    ci_config_path: ".ci.yml",
    ci_default_git_depth: 20,
    ci_forward_deployment_enabled: true,
    ci_separated_caches: true,
    emails_enabled: false,
    keep_latest_artifact: true,
    public_jobs: true,
    restrict_user_defined_variables: false,
    merge_commit_template: "%{title}",
    suggestion_commit_message: "",
    approvals_before_merge: 0,
  };
  const created = await terraform("POST", "/projects", {
    ...wanted,
    ...{ initialize_with_readme: true, default_branch: "trunk" },
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const { namespace_id: _sent, ...kept } = wanted;
  const path = `/projects/${created.body.id}`;
  // Anything but `none` would have it wait ten minutes for the end of an import.
  const saved = {
    ...{ ...kept, import_status: "none", path_with_namespace: "ter.ra/for.med", default_branch: "trunk" },
    ...{ archived: false, mirror: false, empty_repo: false, marked_for_deletion_on: null },
  };
  assert.equal((await terraform("GET", path)).body.namespace.id, group);
  await expectNoDiff(path, saved);
  await expectNoDiff(`/projects/${inPath("ter.ra/for.med")}`, saved);
  assert.equal((await terraform("GET", `${path}/push_rule`)).status, 404);
  assert.equal((await terraform("GET", `${path}/repository/branches/trunk`)).body.default, true);

  const changes = { merge_method: "merge", issues_access_level: "disabled", topics: [], lfs_enabled: false };
  assert.equal((await terraform("PUT", path, { ...changes, name: "Formed anew" })).status, 200);
  await expectNoDiff(path, { ...saved, ...changes, name: "Formed anew" });
  assert.equal((await terraform("POST", `${path}/archive`)).body.archived, true);
  assert.equal((await terraform("POST", `${path}/unarchive`)).body.archived, false);
  assert.equal((await terraform("PUT", path, { merge_method: "never" })).status, 400);
  assert.equal((await terraform("DELETE", path)).status, 202);
  await expectGone(path);
});

test("Terraform: gitlab_project_mirror and gitlab_project_push_mirror", async () => {
  const project = await makeProject("terra-push");
  await makeRepository(join(peerRoot, "Terra.push"));
  const mirrors = `/projects/${project}/remote_mirrors`;
  const options = { enabled: true, only_protected_branches: true, keep_divergent_refs: true };
  const created = await terraform("POST", mirrors, { url: asUser("Terra.push"), ...options });
  assert.equal(created.status, 201);
  // The rest of the URL byte for byte: it puts its own words for user and password in place.
  const url = withCredentials(peer.urlOf("Terra.push"), "*****", "*****");
  const saved = { ...options, url, auth_method: "password", mirror_branch_regex: null, host_keys: [] };
  await expectNoDiff(`${mirrors}/${created.body.id}`, saved);
  const changes = { enabled: true, only_protected_branches: false, keep_divergent_refs: false };
  await terraform("PUT", `${mirrors}/${created.body.id}`, changes);
  await expectNoDiff(`${mirrors}/${created.body.id}`, { ...saved, ...changes });
  assert.equal((await terraform("DELETE", `${mirrors}/${created.body.id}`)).status, 204);
  await expectGone(`${mirrors}/${created.body.id}`);

  const keyed = await terraform("POST", mirrors, {
    ...{ url: "ssh://git@127.0.0.1:2022/x", enabled: true, auth_method: "ssh_public_key" },
    ...{ only_protected_branches: false, keep_divergent_refs: false },
    host_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"],
  });
  assert.equal(keyed.status, 201);
  await expectNoDiff(`${mirrors}/${keyed.body.id}`, {
    url: "ssh://git@127.0.0.1:2022/x",
    auth_method: "ssh_public_key",
  });
  const publicKey = await terraform("GET", `${mirrors}/${keyed.body.id}/public_key`);
  await expectNoDiff(`${mirrors}/${keyed.body.id}/public_key`, publicKey.body);
  assert.equal((await terraform("DELETE", `${mirrors}/${keyed.body.id}`)).status, 204);
});

test("Terraform: gitlab_project_pull_mirror", async () => {
  const project = await makeProject("terra-pull");
  const upstream = await makeRepository(join(peerRoot, "terra-pull"));
  await makeCommit(upstream);
  const path = `/projects/${project}/mirror/pull`;
  // That there is none reads as switched off.
  assert.deepEqual(await terraform("GET", path), {
    status: 400,
    body: { message: "The project is not mirrored" },
  });
  const options = {
    enabled: true,
    url: peer.urlOf("terra-pull"),
    mirror_trigger_builds: false,
    only_mirror_protected_branches: false,
    mirror_overwrites_diverged_branches: true,
  };
  const configured = await terraform("PUT", path, { ...options, auth_user: "user", auth_password: "s3cret" });
  assert.equal(configured.status, 200, JSON.stringify(configured.body));
  assert([200, 202].includes((await terraform("POST", path)).status));
  // Bare: its state has the URL as it was written, and another one would have it made anew.
  await expectNoDiff(path, { ...options, mirror_branch_regex: null });
  await waitFor(async () => (await terraform("GET", path)).body.update_status === "finished", {
    timeoutMs: 60_000,
    message: "the pull is finished",
  });
  assert.deepEqual(await refsOf(server.repositoryOf(project)), await refsOf(upstream));
  await terraform("PUT", path, { ...options, mirror_overwrites_diverged_branches: false });
  await expectNoDiff(path, { ...options, mirror_overwrites_diverged_branches: false });
  assert.equal((await terraform("PUT", path, { url: options.url, enabled: false })).status, 200);
  assert.equal((await terraform("GET", path)).status, 400);
});

test("Terraform: gitlab_branch_protection and gitlab_tag_protection", async () => {
  const project = await makeProject("terra-protect");
  const member = await api.createUser("terra-pusher", "correct horse battery");
  await api.post(`/projects/${project}/members`, { user_id: member, access_level: 40 });
  const branches = `/projects/${project}/protected_branches`;
  const one = `${branches}/${encodeURIComponent("rel/*.x").replaceAll("*", "%2A").replaceAll(".", "%2E")}`;
  await expectGone(one);
  const created = await terraform("POST", branches, {
    ...{ name: "rel/*.x", allow_force_push: true, code_owner_approval_required: false },
    allowed_to_push: [{ access_level: 40 }, { user_id: member }],
    allowed_to_merge: [{ access_level: 30 }],
    allowed_to_unprotect: [{ access_level: 40 }],
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const { push_access_levels: push, merge_access_levels: merge } = created.body;
  const levels = (entries: readonly { access_level: unknown; user_id: unknown }[]) =>
    entries.map(({ access_level: level, user_id: user }) => [level, user]);
  assert.deepEqual(levels(push), [
    [40, null],
    [null, member],
  ]);
  const saved = { ...created.body };
  await expectNoDiff(one, saved);
  assert.equal((await terraform("POST", branches, { name: "rel/*.x", allowed_to_push: [] })).status, 409);

  const changed = await terraform("PATCH", one, {
    ...{ name: "rel/*.x", allow_force_push: false, code_owner_approval_required: false },
    allowed_to_push: [{ id: push[1].id, _destroy: true }, { access_level: 30 }],
    allowed_to_merge: [],
  });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.deepEqual(levels(changed.body.push_access_levels), [
    [40, null],
    [30, null],
  ]);
  assert.equal(changed.body.push_access_levels[0].id, push[0].id);
  assert.deepEqual(changed.body.merge_access_levels, merge);
  await expectNoDiff(one, changed.body);
  assert.equal((await terraform("DELETE", one)).status, 204);
  await expectGone(one);

  // The other edition's form, and nobody at all.
  const closed = await terraform("POST", branches, {
    name: "closed",
    push_access_level: 0,
    merge_access_level: 0,
  });
  assert.deepEqual(levels(closed.body.push_access_levels), [[0, null]]);
  await terraform("DELETE", `${branches}/closed`);

  const tags = `/projects/${project}/protected_tags`;
  await expectGone(`${tags}/v%2A`);
  const tag = await terraform("POST", tags, {
    name: "v*",
    allowed_to_create: [{ user_id: member }, { access_level: 40 }],
  });
  assert.equal(tag.status, 201, JSON.stringify(tag.body));
  await expectNoDiff(`${tags}/v%2A`, tag.body);
  assert.equal((await terraform("DELETE", `${tags}/v%2A`)).status, 204);
  await expectGone(`${tags}/v%2A`);
});

test("Terraform: gitlab_deploy_key and gitlab_project_access_token", async () => {
  const project = await makeProject("terra-keys");
  const { algorithm, key } = await makeKey(directory, "terra", "-t", "ed25519");
  const keys = `/projects/${project}/deploy_keys`;
  const draft = { title: "Terra", key: `${algorithm} ${key} terra@example.com`, can_push: true };
  const created = await terraform("POST", keys, { ...draft, expires_at: "2040-01-21T00:00:00Z" });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  await expectNoDiff(`${keys}/${created.body.id}`, { ...draft, expires_at: "2040-01-21T00:00:00.000Z" });
  await terraform("PUT", `${keys}/${created.body.id}`, { title: "Terra 2", can_push: false });
  await expectNoDiff(`${keys}/${created.body.id}`, { ...draft, title: "Terra 2", can_push: false });
  const other = await makeProject("terra-other-keys");
  const enabled = await terraform("POST", `/projects/${other}/deploy_keys/${created.body.id}/enable`, null);
  assert.deepEqual([enabled.status, enabled.body.key], [201, draft.key]);
  for (const each of [project, other]) {
    assert.equal((await terraform("DELETE", `/projects/${each}/deploy_keys/${created.body.id}`)).status, 204);
    await expectGone(`/projects/${each}/deploy_keys/${created.body.id}`);
  }

  const tokens = `/projects/${project}/access_tokens`;
  const day = new Date(Date.now() + 60 * 86_400_000).toISOString().slice(0, 10);
  const token = {
    ...{ name: "terra", description: "For CI", scopes: ["read_api", "read_repository"] },
    ...{ access_level: 30, expires_at: day },
  };
  const made = await terraform("POST", tokens, token);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.match(made.body.token, /^hlprj-/);
  await expectNoDiff(`${tokens}/${made.body.id}`, {
    ...token,
    active: true,
    revoked: false,
    user_id: made.body.user_id,
  });
  const rotated = await terraform("POST", `${tokens}/${made.body.id}/rotate`, { expires_at: day });
  await expectNoDiff(`${tokens}/${rotated.body.id}`, { ...token, active: true, user_id: made.body.user_id });
  assert.equal((await terraform("DELETE", `${tokens}/${rotated.body.id}`)).status, 204);
  assert.equal((await terraform("GET", `${tokens}/${rotated.body.id}`)).body.revoked, true);
});

test("glab repo mirror: push, and pull by the attributes of the project", async () => {
  await api.createProject("gl.ab");
  const upstream = await makeRepository(join(peerRoot, "glab-up"));
  await makeCommit(upstream);
  const { body: project } = await glab("GET", `/projects/${inPath("root/gl.ab")}`);
  const pull = { import_url: asUser("glab-up"), mirror: true, mirror_trigger_builds: false };
  const edited = await glab("PUT", `/projects/${project.id}`, {
    ...pull,
    only_mirror_protected_branches: false,
  });
  assert.equal(edited.status, 200, JSON.stringify(edited.body));
  assert.deepEqual([edited.body.mirror, edited.body.only_mirror_protected_branches], [true, false]);
  await waitFor(
    async () => (await glab("GET", `/projects/${project.id}`)).body.import_status === "finished",
    {
      timeoutMs: 60_000,
      message: "the import is finished",
    },
  );
  const downstream = await makeRepository(join(peerRoot, "glab-down"));
  const pushed = await glab("POST", `/projects/${project.id}/remote_mirrors`, {
    ...{
      url: asUser("glab-down"),
      enabled: true,
      only_protected_branches: false,
      keep_divergent_refs: false,
    },
  });
  assert.deepEqual([pushed.status, typeof pushed.body.id, typeof pushed.body.url], [201, "number", "string"]);
  await waitFor(async () => Object.keys(await refsOf(downstream)).length > 0, {
    message: "the push arrived",
  });
  assert.deepEqual(await refsOf(downstream), await refsOf(upstream));
});

test("gickup: as a target that is pushed to, and as one that pulls by itself", async () => {
  const gickup = clientOf({ "private-token": server.token }, "go-gitlab");
  assert.equal((await gickup("GET", "/user")).body.username, "root");
  assert.equal((await gickup("GET", `/projects/${inPath("root/backed-up")}`)).status, 404);
  const { body: made } = await gickup("POST", "/projects", { name: "backed-up", visibility: "private" });
  const source = await makeRepository(join(directory, "gickup.git"));
  await makeCommit(source);
  await git(source, ["push", "-q", withCredentials(made.http_url_to_repo, "xyz", server.token), "main"]);
  assert.equal((await gickup("GET", "/users?username=root")).body[0].username, "root");
  assert.deepEqual((await gickup("GET", `/projects/${made.id}/languages`)).body, {});
  assert.equal((await gickup("GET", `/projects/${made.id}/wikis`)).status, 404);

  const upstream = await makeRepository(join(peerRoot, "gickup-up"));
  await makeCommit(upstream);
  const before = await gickup("GET", "/projects?owned=true&search=mirrored-by-gickup");
  assert.deepEqual(before, { status: 200, body: [] });
  const mirrored = await gickup("POST", "/projects", {
    ...{ name: "mirrored-by-gickup", import_url: asUser("gickup-up"), mirror: true, visibility: "private" },
  });
  assert.equal(mirrored.status, 201);
  await waitFor(
    async () => (await gickup("GET", `/projects/${mirrored.body.id}`)).body.default_branch === "main",
    {
      timeoutMs: 60_000,
      message: "the pull has come",
    },
  );
});

test("renovate: what it reads before it works on a repository", async () => {
  const renovate = clientOf({ "private-token": server.token }, "RenovateBot/40");
  const { body: me } = await renovate("GET", "/user");
  for (const key of ["email", "name", "commit_email"]) assert.equal(typeof me[key], "string", key);
  assert.match((await renovate("GET", "/version")).body.version.split("-")[0], /^\d+\.\d+\.\d+$/);
  const { body: project } = await terraform("POST", "/projects", {
    name: "renovated",
    initialize_with_readme: true,
  });
  const listed = await renovate(
    "GET",
    "/projects?membership=true&per_page=100&with_merge_requests_enabled=true",
  );
  assert(listed.body.some(({ id }: { id: number }) => id === project.id));
  const { body: read } = await renovate("GET", `/projects/${inPath("root/renovated")}`);
  assert.deepEqual(
    [read.archived, read.mirror, read.default_branch, read.empty_repo, read.repository_access_level],
    [false, false, "main", false, "enabled"],
  );
  const tree = `/projects/${project.id}/repository/tree?recursive=true&per_page=100&ref=HEAD`;
  assert.equal((await renovate("GET", tree)).body[0].path, "README.md");
  const file = await renovate("GET", `/projects/${project.id}/repository/files/README%2Emd?ref=HEAD`);
  assert.equal(Buffer.from(file.body.content, "base64").toString(), "# renovated\n");
});

test("no secret is in the log", () => assert(!server.output().includes("s3cret")));
