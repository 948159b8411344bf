import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { Gitlab } from "@gitbeaker/rest";
import { createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { git, makeCommit, makeRepository, makeTag, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { startSshPeer } from "../support/ssh-peer.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

/* The npm package @gitbeaker/rest, unchanged, against the whole server. Must-haves: docs/api-clients.md. */

const directory = await makeTempDir({ after });
const peerRoot = join(directory, "peer");
await mkdir(peerRoot);
const peer = await startGitHttpPeer({ root: peerRoot, auth: { username: "user", password: "s3cret" } });
after(() => peer.close());
const sshPeer = await startSshPeer({ root: peerRoot, accounts: [{ name: "git" }] });
after(() => sshPeer.close());
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
// A client that asks twice for a pull would wait out the minute between two of them.
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

const client = new Gitlab({ host: server.url, token: server.token });
/** A slash at the end of the host gives paths that begin with two; the token goes as Bearer. */
const otherForm = new Gitlab({ host: `${server.url}/`, oauthToken: server.token });
const asUser = (name: string): string => withCredentials(peer.urlOf(name), "user", "s3cret");
const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);

/** What the client says of a refusal: status and text. */
async function refusal(call: Promise<unknown>): Promise<readonly [status: number, text: string]> {
  const error: unknown = await call.then(
    () => assert.fail("the call went through"),
    (reason: unknown) => reason,
  );
  assert(error instanceof Error && error.name === "GitbeakerRequestError", String(error));
  const { response, description } = Object(error.cause);
  assert.equal(typeof description, "string");
  return [response.status, description];
}

async function makePublicKey(name: string): Promise<string> {
  const { algorithm, key } = await makeKey(directory, name, "-t", "ed25519");
  return `${algorithm} ${key} ${name}`;
}

async function finished(read: () => Promise<Readonly<Record<string, unknown>>>): Promise<void> {
  await waitFor(
    async () => {
      const { update_status: status, last_error: error } = await read();
      assert.notEqual(status, "failed", String(error));
      return status === "finished";
    },
    { timeoutMs: 60_000, message: "the mirror is finished" },
  );
}

test("what an instance says of itself and of who asks", async () => {
  assert.equal((await client.Metadata.show()).enterprise, true);
  assert.match((await otherForm.Metadata.show()).version, /^\d+\.\d+\.\d+/);
  const me = await client.Users.showCurrentUser();
  assert.deepEqual([me.username, me.web_url], ["root", `${server.url}/root`]);
  const settings = await client.ApplicationSettings.show();
  assert.equal(settings["mirror_available"], true);
  assert.equal((await client.ApplicationSettings.edit({ mirrorMaxDelay: 200 }))["mirror_max_delay"], 200);
});

test("a pull mirror is set up, runs, and its repository can be looked at", async () => {
  const upstream = await makeRepository(join(peerRoot, "upstream.git"));
  const first = await makeCommit(upstream, {
    files: { "README.md": "# Read me\n", "src/deep/a b.txt": "x\n" },
  });
  const tip = await makeCommit(upstream);
  await makeTag(upstream, "v1", tip);
  await makeCommit(upstream, { ref: "refs/heads/release/1.0", parents: [first] });

  const group = await client.Groups.create("Git beakers", "beakers");
  const inner = await client.Groups.create("Inner", "inner.x", { parentId: group.id });
  const project = await client.Projects.create({ name: "Pulled", namespaceId: inner.id });
  assert.equal(project.path_with_namespace, "beakers/inner.x/pulled");
  assert.equal(project.import_status, "none");
  const path = project.path_with_namespace;
  assert.deepEqual(await refusal(client.Projects.showPullMirror(path)), [400, "The project is not mirrored"]);

  await client.Projects.createPullMirror(path, asUser("upstream.git"), true);
  await finished(async () => await client.Projects.showPullMirror(path));
  const mirror = await client.Projects.showPullMirror(path);
  assert.match(mirror.url, /^http:\/\/\*{5}:\*{5}@127\.0\.0\.1:/);
  assert.equal(mirror.last_error, null);
  assert.equal((await client.Projects.show(path)).default_branch, "main");

  const branches = await client.Branches.all(path);
  assert.deepEqual(
    branches.map(({ name }) => name),
    ["main", "release/1.0"],
  );
  const release = await client.Branches.show(path, "release/1.0");
  assert.equal(release.commit.parent_ids?.[0], first);
  assert.deepEqual(await refusal(client.Branches.show(path, "none")), [404, "404 Branch Not Found"]);
  assert.equal((await client.Branches.create(path, "new/one", "main")).commit.id, tip);
  await client.Branches.remove(path, "new/one");
  const [tag] = await client.Tags.all(path);
  assert.deepEqual([tag?.name, tag?.commit.id], ["v1", tip]);
  assert.equal((await client.Tags.show(path, "v1")).commit.id, tip);
  // Its parameters travel in the query, with `{}` as body.
  assert.equal((await client.Tags.create(path, "v2", "main")).name, "v2");
  await client.Tags.remove(path, "v2");

  const commits = await client.Commits.all(path, { refName: "main", perPage: 1 });
  assert.deepEqual(
    commits.map(({ id }) => id),
    [tip, first],
  );
  assert.equal((await client.Commits.show(path, tip)).parent_ids?.[0], first);
  assert.equal((await client.Commits.showDiff(path, tip)).length, 1);
  assert((await client.Commits.allReferences(path, tip)).some(({ name }) => name === "v1"));
  assert.equal((await client.Repositories.compare(path, first, tip)).commits?.length, 1);
  assert.equal((await client.Repositories.mergeBase(path, ["main", "release/1.0"])).id, first);
  const tree = await client.Repositories.allRepositoryTrees(path, {
    recursive: true,
    perPage: 1,
    pagination: "keyset",
  });
  const files = (await git(upstream, ["ls-tree", "-r", "-t", "--name-only", "main"])).split("\n");
  assert.deepEqual(tree.map((entry) => entry.path).sort(), files.sort());
  const file = await client.RepositoryFiles.show(path, "src/deep/a b.txt", "main");
  assert.equal(Buffer.from(file.content, "base64").toString(), "x\n");
  assert.equal(await client.RepositoryFiles.showRaw(path, "README.md", "main"), "# Read me\n");
  assert.equal((await client.Repositories.showBlob(path, file.blob_id)).size, 2);

  const events = await waitFor(
    async () => {
      const all = await client.Events.all({ projectId: path });
      return all.length >= 3 && all;
    },
    { message: "the events of the pull are there" },
  );
  assert(events.every((event) => event.project_id === project.id && event.author_username === "root"));
});

test("a push mirror with a password is made, changed, synced and removed", async () => {
  const project = await client.Projects.create({ path: "pushed", visibility: "internal" });
  const downstream = await makeRepository(join(peerRoot, "downstream.git"));
  const source = await makeRepository(join(directory, "source.git"));
  await makeCommit(source);
  await git(source, ["push", "-q", withCredentials(project.http_url_to_repo, "x", server.token), "main"]);

  const mirror = await client.ProjectRemoteMirrors.createPushMirror(project.id, asUser("downstream.git"), {
    enabled: true,
    keepDivergentRefs: true,
  });
  const show = () => client.ProjectRemoteMirrors.show(project.id, mirror.id);
  await finished(show);
  assert.deepEqual(await refsOf(downstream), await refsOf(source));
  assert.match(mirror.url, /^http:\/\/\*{5}:\*{5}@/);

  // This client sends changes by POST, where GitLab has no such route.
  const changed = await client.ProjectRemoteMirrors.edit(project.id, mirror.id, {
    onlyProtectedBranches: true,
  });
  assert.deepEqual([changed.only_protected_branches, changed.keep_divergent_refs], [true, true]);
  await client.ProjectRemoteMirrors.edit(project.id, mirror.id, { onlyProtectedBranches: false });
  const tip = await makeCommit(source);
  await git(source, [
    "push",
    "-q",
    withCredentials(project.http_url_to_repo, "oauth2", server.token),
    "main",
  ]);
  assert.equal(await client.ProjectRemoteMirrors.sync(project.id, mirror.id), null);
  await waitFor(async () => (await refsOf(downstream))["refs/heads/main"] === tip, {
    message: "the commit arrived",
  });

  for (let index = 0; index < 24; index += 1) {
    await client.ProjectRemoteMirrors.createPushMirror(project.id, `${asUser("downstream.git")}-${index}`);
  }
  assert.equal((await client.ProjectRemoteMirrors.all(project.id)).length, 25);
  const page = await client.ProjectRemoteMirrors.all(project.id, {
    page: 2,
    perPage: 10,
    showExpanded: true,
  });
  assert.deepEqual(page.paginationInfo, {
    total: 25,
    next: 3,
    current: 2,
    previous: 1,
    perPage: 10,
    totalPages: 3,
  });
  assert.equal((await client.ProjectRemoteMirrors.all(project.id, { perPage: 10, maxPages: 2 })).length, 20);

  assert.deepEqual(
    await refusal(client.ProjectRemoteMirrors.createPushMirror(project.id, "ftp://127.0.0.1/x.git")),
    [400, JSON.stringify({ url: ["is blocked: Only allowed schemes are http, https, ssh, git"] })],
  );
  await client.ProjectRemoteMirrors.remove(project.id, mirror.id);
  assert.deepEqual(await refusal(show()), [404, "404 Not found"]);
});

test("a push mirror with an SSH key shows the key's public half, and pushes with it", async () => {
  const project = await client.Projects.create({ path: "by-ssh" });
  const downstream = await makeRepository(join(peerRoot, "by-ssh.git"));
  const source = await makeRepository(join(directory, "by-ssh.git"));
  const tip = await makeCommit(source);
  await git(source, ["push", "-q", withCredentials(project.http_url_to_repo, "x", server.token), "main"]);

  // `host_keys` and `auth_method` are newer than the client: its own requester takes them.
  const path = `projects/${project.id}/remote_mirrors`;
  const { body: made } = await client.requester.post(path, {
    body: {
      url: sshPeer.urlOf("by-ssh.git"),
      enabled: false,
      auth_method: "ssh_public_key",
      host_keys: sshPeer.hostKeys().map(({ algorithm, key }) => `${algorithm} ${key}`),
    },
  });
  const { id, host_keys: hostKeys } = Object(made);
  assert.deepEqual(
    hostKeys.map((each: unknown) => Object(each).fingerprint_sha256).sort(),
    sshPeer
      .hostKeys()
      .map(({ fingerprint }) => fingerprint)
      .sort(),
  );
  const { body } = await client.requester.get(`${path}/${id}/public_key`);
  await sshPeer.authorize("git", [Object(body).public_key]);
  await client.ProjectRemoteMirrors.edit(project.id, id, { enabled: true });
  await finished(() => client.ProjectRemoteMirrors.show(project.id, id));
  assert.equal((await refsOf(downstream))["refs/heads/main"], tip);
});

test("branches and tags are protected, with parameters in the query and items in brackets", async () => {
  const project = await client.Projects.create({ path: "protected" });
  const member = await api.createUser("pusher", "correct horse battery");
  await client.ProjectMembers.add(project.id, 30, { userId: member });

  const protectedBranch = await client.ProtectedBranches.protect(project.id, "release/*", {
    pushAccessLevel: 30,
    mergeAccessLevel: 40,
    allowForcePush: true,
  });
  assert.deepEqual(
    [protectedBranch.push_access_levels?.[0]?.access_level, protectedBranch.allow_force_push],
    [30, true],
  );
  const of = await client.ProtectedBranches.create(project.id, "ours", {
    allowedToPush: [{ accessLevel: 40 }, { userId: member }],
  });
  assert.deepEqual(
    of.push_access_levels?.map(({ access_level: level, user_id: user }) => [level, user]),
    [
      [40, null],
      [null, member],
    ],
  );
  const edited = await client.ProtectedBranches.edit(project.id, "release/*", { allowForcePush: false });
  assert.equal(edited.allow_force_push, false);
  assert.equal((await client.ProtectedBranches.show(project.id, "release/*")).id, protectedBranch.id);
  const [status, text] = await refusal(client.ProtectedBranches.protect(project.id, "release/*"));
  assert.equal(status, 409);
  assert.match(text, /already exists/);
  await client.ProtectedBranches.unprotect(project.id, "release/*");
  assert.deepEqual(
    (await client.ProtectedBranches.all(project.id)).map(({ name }) => name),
    ["ours"],
  );

  const tag = await client.ProtectedTags.protect(project.id, "v*", { createAccessLevel: 40 });
  assert.equal(tag.create_access_levels?.[0]?.access_level, 40);
  assert.equal((await client.ProtectedTags.show(project.id, "v*")).name, "v*");
  await client.ProtectedTags.unprotect(project.id, "v*");
  assert.deepEqual(await client.ProtectedTags.all(project.id), []);
});

test("deploy keys are made, changed, enabled elsewhere and removed", async () => {
  const [one, other] = [
    await client.Projects.create({ path: "keys" }),
    await client.Projects.create({ path: "other-keys" }),
  ];
  const publicKey = await makePublicKey("deploy");
  const key = await client.DeployKeys.create(one.id, "deployer", publicKey, { canPush: true });
  assert.equal(key.key, publicKey);
  assert.equal((await client.DeployKeys.show(one.id, key.id)).can_push, true);
  assert.equal(
    (await client.DeployKeys.edit(one.id, key.id, { title: "renamed", canPush: false })).title,
    "renamed",
  );
  assert.equal((await client.DeployKeys.enable(other.id, key.id)).id, key.id);
  assert((await client.DeployKeys.all()).some(({ id }) => id === key.id));
  await client.DeployKeys.remove(one.id, key.id);
  assert.deepEqual(await client.DeployKeys.all({ projectId: one.id }), []);
  assert.equal((await client.DeployKeys.all({ projectId: other.id })).length, 1);
  const [status, text] = await refusal(client.DeployKeys.create(one.id, "bad", "no key"));
  assert.equal(status, 400);
  assert.match(text, /key/);
});

test("tokens of a project and of a person are made, rotated and revoked", async () => {
  const project = await client.Projects.create({ path: "tokens" });
  const made = await client.ProjectAccessTokens.create(project.id, "bot", ["api"], inAMonth, {
    accessLevel: 40,
  });
  const secret = String(Object(made).token);
  const bot = (token: string) => new Gitlab({ host: server.url, token }).Users.showCurrentUser();
  assert.equal((await bot(secret)).id, made.user_id);
  assert.equal((await client.ProjectAccessTokens.show(project.id, made.id)).access_level, 40);
  const rotated = await client.ProjectAccessTokens.rotate(project.id, made.id);
  // What is known of a token that was revoked is said; a token that never was is told no such thing.
  assert.deepEqual(await refusal(bot(secret)), [401, "invalid_token"]);
  assert.equal((await bot(String(Object(rotated).token))).id, made.user_id);
  assert.equal(
    (await client.ProjectAccessTokens.all(project.id)).some((each) => "token" in each),
    false,
  );
  await client.ProjectAccessTokens.revoke(project.id, rotated.id);
  assert.deepEqual(await refusal(bot(String(Object(rotated).token))), [401, "invalid_token"]);

  const user = await api.createUser("token-owner", "correct horse battery");
  const personal = await client.Users.createPersonalAccessToken(user, "own", ["api"], {
    expiresAt: inAMonth,
  });
  const own = new Gitlab({ host: server.url, token: String(Object(personal).token) });
  assert.equal((await own.PersonalAccessTokens.show()).id, personal.id);
  assert.deepEqual(
    (await own.PersonalAccessTokens.all()).map(({ id }) => id),
    [personal.id],
  );
  const next = await own.PersonalAccessTokens.rotate("self");
  const again = new Gitlab({ host: server.url, oauthToken: String(Object(next).token) });
  await again.PersonalAccessTokens.remove();
  const [status, text] = await refusal(again.PersonalAccessTokens.show());
  assert.deepEqual([status, text], [401, "invalid_token"]);
});

test("members, groups and users", async () => {
  const group = await client.Groups.create("People", "people");
  const project = await client.Projects.create({ path: "shared", namespaceId: group.id });
  const user = await client.Users.create({
    username: "beaker",
    name: "Beaker",
    email: "beaker@example.com",
    password: "correct horse battery",
    skipConfirmation: true,
  });
  // As multipart/form-data, for the sake of a picture that is not there.
  assert.equal((await client.Users.edit(user.id, { name: "Bea Ker" })).name, "Bea Ker");
  assert.deepEqual(
    (await client.Users.all({ username: "beaker" })).map(({ id }) => id),
    [user.id],
  );

  const member = await client.GroupMembers.add(group.id, 30, { userId: user.id, expiresAt: inAMonth });
  assert.deepEqual([member.access_level, member.expires_at], [30, inAMonth]);
  assert.equal((await client.GroupMembers.edit(group.id, user.id, 40)).access_level, 40);
  assert.deepEqual(
    (await client.ProjectMembers.all(project.id)).map(({ id }) => id),
    [],
  );
  const inherited = await client.ProjectMembers.all(project.id, { includeInherited: true });
  assert(inherited.some(({ id }) => id === user.id));
  assert.equal(
    (await client.ProjectMembers.show(project.id, user.id, { includeInherited: true })).access_level,
    40,
  );
  await client.GroupMembers.remove(group.id, user.id);
  assert.deepEqual(await refusal(client.GroupMembers.show(group.id, user.id)), [404, "404 Not found"]);

  assert(
    (await client.Namespaces.all({ search: "people" })).some(({ full_path: path }) => path === "people"),
  );
  assert.equal((await client.Namespaces.show("people")).kind, "group");
  assert.equal((await client.Groups.edit(group.id, { description: "All of us" })).description, "All of us");
  assert.deepEqual(
    (await client.Groups.allProjects(group.id)).map(({ id }) => id),
    [project.id],
  );
  assert.equal((await client.Projects.transfer(project.id, "root")).path_with_namespace, "root/shared");
  await client.Groups.transferProject(group.id, project.id);
  assert.equal((await client.Projects.show("people/shared")).id, project.id);
  await client.Projects.archive(project.id);
  assert.equal((await client.Projects.unarchive(project.id)).archived, false);
  await client.Projects.remove(project.id);
  assert.deepEqual(await refusal(client.Projects.show(project.id)), [404, "404 Project Not Found"]);
  await client.Groups.remove(group.id);

  const publicKey = await makePublicKey("of-user");
  const key = await client.UserSSHKeys.create("mine", publicKey);
  assert.equal((await client.UserSSHKeys.show(key.id)).key, publicKey);
  await client.UserSSHKeys.remove(key.id);
});

test("lists of projects come whole, by offset and by keyset", async () => {
  const group = await client.Groups.create("Many", "many");
  const ids: number[] = [];
  for (let index = 0; index < 7; index += 1) {
    ids.push((await client.Projects.create({ path: `p${index}`, namespaceId: group.id })).id);
  }
  for (const each of [client, otherForm]) {
    const byOffset = await each.Projects.all({ search: "p", owned: true, pagination: "offset", perPage: 2 });
    assert.deepEqual(
      new Set(ids.filter((id) => byOffset.some((project) => project.id === id))),
      new Set(ids),
    );
    for (const sort of ["asc", "desc"] as const) {
      const all = await each.Projects.all({
        pagination: "keyset",
        orderBy: "id",
        sort,
        perPage: 3,
        simple: true,
      });
      const found = all.map(({ id }) => id);
      assert.deepEqual(
        found,
        found.toSorted((a, b) => (sort === "asc" ? a - b : b - a)),
      );
      assert(ids.every((id) => found.includes(id)) && new Set(found).size === found.length, String(found));
    }
  }
});

test("a project with a first commit, for somebody else, and what its maker did", async () => {
  const owner = await api.createUser("readme-owner", "correct horse battery");
  const asOwner = new Gitlab({ host: server.url, token: await api.createToken(owner, ["api"]) });
  const project = await client.Projects.create({
    userId: owner,
    name: "With readme",
    initializeWithReadme: true,
    defaultBranch: "trunk",
    topics: ["one", "two"],
  });
  assert.deepEqual(
    [project.path_with_namespace, project.default_branch, project.empty_repo, project.topics],
    ["readme-owner/with-readme", "trunk", false, ["one", "two"]],
  );
  assert.equal(project.creator_id, owner);
  const file = await asOwner.RepositoryFiles.showRaw(project.id, "README.md", "trunk");
  assert.equal(file, "# With readme\n");
  assert.deepEqual(await asOwner.Projects.showLanguages(project.id), {});
  const found = await client.Projects.all({ topic: "one,two", pagination: "offset" });
  assert.deepEqual(
    found.map(({ id }) => id),
    [project.id],
  );

  const mine = await asOwner.Projects.create({ name: "Mine", initializeWithReadme: true });
  const events = await waitFor(
    async () => {
      const all = await asOwner.Events.all();
      return all.length > 0 && all;
    },
    { message: "the event of the first commit is there" },
  );
  assert.deepEqual(
    events.map(({ project_id: id, author_username: author }) => [id, author]),
    [[mine.id, "readme-owner"]],
  );
  assert.equal((await asOwner.Users.allEvents(owner)).length, 1);
  assert.equal((await asOwner.Events.all({ scope: "all" })).length, 2);
  // A private project's pushes are for those who may see its code.
  const stranger = await api.createUser("event-stranger", "correct horse battery");
  const asStranger = new Gitlab({ host: server.url, token: await api.createToken(stranger, ["api"]) });
  assert.deepEqual(await asStranger.Users.allEvents(owner), []);
  assert.deepEqual(await asStranger.Events.all({ scope: "all" }), []);

  const taken = await client.Namespaces.exists("readme-owner");
  assert.deepEqual([taken.exists, taken.suggests], [true, ["readme-owner1"]]);
  assert.equal((await client.Namespaces.exists("readme-owner1")).exists, false);
  const refused = await refusal(asStranger.Projects.create({ userId: owner, name: "x" }));
  assert.equal(refused[0], 403);
});

test("every kind of refusal has its status and a text", async () => {
  const project = await client.Projects.create({ path: "refusing", visibility: "internal" });
  const stranger = await api.createUser("beaker-stranger", "correct horse battery");
  const asStranger = new Gitlab({ host: server.url, token: await api.createToken(stranger, ["api"]) });
  const reader = new Gitlab({ host: server.url, token: await api.createToken(stranger, ["read_api"]) });
  const nobody = new Gitlab({ host: server.url, token: "hlpat-none" });

  assert.deepEqual(await refusal(nobody.Projects.all()), [401, "401 Unauthorized"]);
  // GitLab's own choice for members who may not mirror.
  assert.deepEqual(await refusal(asStranger.ProjectRemoteMirrors.all(project.id)), [401, "401 Unauthorized"]);
  assert.equal((await refusal(asStranger.Projects.edit(project.id, { description: "x" })))[0], 403);
  assert.deepEqual(await refusal(reader.Projects.create({ path: "x" })), [403, "insufficient_scope"]);
  assert.deepEqual(await refusal(asStranger.ApplicationSettings.show()), [403, "403 Forbidden"]);
  const [status, text] = await refusal(client.Projects.create({ path: "refusing" }));
  assert.equal(status, 400);
  assert.match(text, /has already been taken/);
  assert.deepEqual(await refusal(client.Projects.create({ name: "", path: "nameless" })), [
    400,
    '{"name":["can\'t be blank"]}',
  ]);
});

test("no secret is in the log", () => assert(!server.output().includes("s3cret")));
