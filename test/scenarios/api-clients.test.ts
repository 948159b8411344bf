import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { promisify } from "node:util";
import { createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTag, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { refsAt, withCredentials } from "../support/working-copy.ts";

/* Clients that people have, unchanged, against the whole server. */

/** Debian's package `python3-gitlab` belongs to Debian's own Python; another one may come first in the path. */
const PYTHON = "/usr/bin/python3";

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({
  root: join(directory, "peer"),
  auth: { username: "user", password: "s3cret" },
});
after(() => peer.close());
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
// A client that asks twice for a pull would wait out the minute between two of them.
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

const PROGRAM = `
import sys, time, gitlab

url, token, upstream, downstream = sys.argv[1:]
gl = gitlab.Gitlab(url, private_token=token)
gl.auth()
assert gl.user.username == "root"

def wait(read):
    deadline = time.time() + 60
    while True:
        state = read()
        if state["update_status"] == "finished":
            return state
        assert state["update_status"] in ("none", "scheduled", "started"), state
        assert time.time() < deadline, state
        time.sleep(0.1)

# A project, and its pull mirror by the deprecated attributes.
project = gl.projects.create({"name": "By Python", "visibility": "internal", "import_url": upstream, "mirror": True})
assert project.path_with_namespace == "root/by-python", project.path_with_namespace
assert project.mirror is True
state = wait(project.mirror_pull_details)
assert state["last_error"] is None
assert state["url"].startswith("http://*****:*****@127.0.0.1:"), state["url"]
assert state["last_successful_update_at"].endswith("Z")
project.mirror_pull()
wait(project.mirror_pull_details)

project = gl.projects.get("root/by-python")
assert project.default_branch == "main", project.default_branch
assert project.import_status == "finished"
assert not project.empty_repo

# The activity feed: what the pull brought.
deadline = time.time() + 60
while not (events := project.events.list(get_all=True)):
    assert time.time() < deadline
    time.sleep(0.1)
names = sorted((event.action_name, event.push_data["ref_type"], event.push_data["ref"]) for event in events)
assert names == [("pushed new", "branch", "main"), ("pushed new", "tag", "v1")], names
assert {event.author["username"] for event in events} == {"root"} and events[0].author_username == "root"
assert [event.id for event in project.events.list(get_all=True, sort="asc", action="pushed")] == [event.id for event in reversed(events)]
assert project.events.list(get_all=True, target_type="issue") == []

# Push mirrors: create, list, update, sync, delete.
mirror = project.remote_mirrors.create({"url": downstream, "enabled": True, "keep_divergent_refs": True})
assert mirror.enabled and mirror.keep_divergent_refs and not mirror.only_protected_branches
assert mirror.url.startswith("http://*****:*****@127.0.0.1:"), mirror.url
one = lambda: gl.http_get(f"/projects/{project.id}/remote_mirrors/{mirror.id}")
assert wait(one)["last_error"] is None
assert [each.id for each in project.remote_mirrors.list()] == [mirror.id]

mirror.keep_divergent_refs = False
mirror.only_protected_branches = True
mirror.save()
assert one()["keep_divergent_refs"] is False and one()["only_protected_branches"] is True
assert gl.http_post(f"/projects/{project.id}/remote_mirrors/{mirror.id}/sync").status_code == 204
wait(one)

try:
    project.remote_mirrors.create({"url": "ftp://127.0.0.1/x.git"})
    raise SystemExit("no error")
except gitlab.GitlabCreateError as error:
    assert error.response_code == 400, error
    assert error.error_message == {"url": ["is blocked: Only allowed schemes are http, https, ssh, git"]}, error

try:
    gl.projects.get("root/nowhere")
    raise SystemExit("no error")
except gitlab.GitlabGetError as error:
    assert error.response_code == 404 and error.error_message == "404 Project Not Found", error

# As Terraform does it: what the first pull protected goes, and comes again as it is wanted.
project.protectedbranches.get("main").delete()
protected = project.protectedbranches.create({"name": "main"})
assert [each.name for each in project.protectedbranches.list()] == ["main"]
protected.delete()

# A push mirror over SSH: its key pair, and the keys of its host.
keyed = project.remote_mirrors.create({
    "url": "ssh://git@127.0.0.1:2022/x.git", "enabled": False, "auth_method": "ssh_public_key",
    "host_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"],
})
assert keyed.host_keys == [{"fingerprint_sha256": "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"}], keyed.host_keys
assert keyed.url == "ssh://git@127.0.0.1:2022/x.git", keyed.url
public_key = gl.http_get(f"/projects/{project.id}/remote_mirrors/{keyed.id}/public_key")["public_key"]
assert public_key.startswith("ssh-ed25519 ") and public_key.endswith(" git@127.0.0.1"), public_key
keyed.host_keys = []
keyed.save()
assert [each.host_keys for each in project.remote_mirrors.list() if each.id == keyed.id] == [[]]
gl.http_delete(f"/projects/{project.id}/remote_mirrors/{keyed.id}")

# Twenty-five more, to turn pages.
for index in range(25):
    project.remote_mirrors.create({"url": f"{downstream}-{index}", "enabled": False})
assert len(list(project.remote_mirrors.list(iterator=True, per_page=10))) == 26

project.description = "changed"
project.save()
assert gl.projects.get(project.id).description == "changed"

gl.http_delete(f"/projects/{project.id}/remote_mirrors/{mirror.id}")
assert mirror.id not in [each.id for each in project.remote_mirrors.list(iterator=True)]
print("done")
`;

test("python-gitlab makes a project, pulls it in, pushes it out, and takes the mirrors away", async () => {
  const upstream = await makeRepository(join(directory, "peer/upstream.git"));
  await makeTag(upstream, "v1", await makeCommit(upstream));
  const downstream = await makeRepository(join(directory, "peer/downstream.git"));
  const asUser = (name: string) => withCredentials(peer.urlOf(name), "user", "s3cret");

  const { stdout } = await promisify(execFile)(
    PYTHON,
    [
      "-W",
      "error",
      "-c",
      PROGRAM,
      server.url,
      server.token,
      asUser("upstream.git"),
      asUser("downstream.git"),
    ],
    { env: { PATH: process.env["PATH"], HOME: directory, PYTHONDONTWRITEBYTECODE: "1" }, timeout: 120_000 },
  );
  assert.equal(stdout, "done\n");
  assert.deepEqual(await refsOf(downstream), await refsOf(upstream));
  const url = withCredentials(`${server.url}/root/by-python.git`, "root", server.token);
  assert.deepEqual(await refsAt(url), await refsOf(upstream));
  assert.equal(Object(await api.get("/projects/root%2Fby-python")).visibility, "internal");
  assert(!server.output().includes("s3cret"), "no secret is logged");
});

const TOKENS = `
import datetime, sys, gitlab

url, token = sys.argv[1:]
gl = gitlab.Gitlab(url, private_token=token)
gl.auth()
expires_at = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()

def assert_works(secret, project):
    bot = gitlab.Gitlab(url, private_token=secret)
    bot.auth()
    assert bot.projects.get(project.id).id == project.id
    return bot

def assert_dead(secret):
    try:
        gitlab.Gitlab(url, private_token=secret).auth()
        raise SystemExit("no error")
    except gitlab.GitlabAuthenticationError as error:
        assert error.response_code == 401, error

group = gl.groups.create({"name": "Pythons", "path": "pythons"})
project = gl.projects.create({"name": "tokens", "namespace_id": group.id})
for resource in (project, group):
    made = resource.access_tokens.create({"name": "bot", "scopes": ["api"], "access_level": 30, "expires_at": expires_at})
    assert (made.name, made.scopes, made.access_level, made.active, made.revoked) == ("bot", ["api"], 30, True, False), made
    assert made.expires_at == expires_at
    bot = assert_works(made.token, project)
    assert bot.user.id == made.user_id and bot.user.bot
    assert [each.id for each in resource.access_tokens.list()] == [made.id]
    assert not hasattr(resource.access_tokens.list()[0], "token")
    # Later versions have methods for these.
    one = f"{resource.manager.path}/{resource.id}/access_tokens/{made.id}"
    assert gl.http_get(one)["scopes"] == ["api"]
    renewed = gl.http_post(f"{one}/rotate")
    assert_dead(made.token)
    assert_works(renewed["token"], project)
    resource.access_tokens.delete(renewed["id"])
    assert_dead(renewed["token"])
    try:
        resource.access_tokens.create({"name": "bot", "scopes": []})
        raise SystemExit("no error")
    except gitlab.GitlabCreateError as error:
        assert error.response_code == 400, error

user = gl.users.get(gl.user.id)
made = user.personal_access_tokens.create({"name": "mine", "scopes": ["read_api"], "expires_at": expires_at})
assert_works(made.token, project)
assert [each.name for each in gl.personal_access_tokens.list(user_id=user.id, search="mine")] == ["mine"]
assert gitlab.Gitlab(url, private_token=made.token).http_get("/personal_access_tokens/self")["id"] == made.id
gl.personal_access_tokens.delete(made.id)
assert_dead(made.token)
assert gl.personal_access_tokens.list(user_id=user.id, search="mine", state="active") == []
print("done")
`;

test("python-gitlab makes tokens of a project, of a group and of a person, and takes them away", async () => {
  const { stdout } = await promisify(execFile)(
    PYTHON,
    ["-W", "error", "-c", TOKENS, server.url, server.token],
    { env: { PATH: process.env["PATH"], HOME: directory, PYTHONDONTWRITEBYTECODE: "1" }, timeout: 120_000 },
  );
  assert.equal(stdout, "done\n");
});

const ACCESS = `
import sys, gitlab

url, token, key = sys.argv[1:]
gl = gitlab.Gitlab(url, private_token=token, per_page=2)

def refused(kind, status, call):
    try:
        call()
        raise SystemExit("no error")
    except kind as error:
        assert error.response_code == status and error.error_message, error

group = gl.groups.create({"name": "Snakes", "path": "snakes"})
project = gl.projects.create({"name": "Cobra", "namespace_id": group.id, "initialize_with_readme": True, "topics": ["a"]})
assert project.topics == ["a"] and project.default_branch == "main"
user = gl.users.create({"username": "snake", "name": "Snake", "email": "snake@example.com", "password": "correct horse battery"})
member = project.members.create({"user_id": user.id, "access_level": gitlab.const.AccessLevel.DEVELOPER})
member.access_level = 40
member.save()
assert project.members_all.get(user.id).access_level == 40
refused(gitlab.GitlabCreateError, 409, lambda: project.members.create({"user_id": user.id, "access_level": 30}))
member.delete()
refused(gitlab.GitlabGetError, 404, lambda: project.members.get(user.id))

deploy_key = project.keys.create({"title": "py", "key": key, "can_push": True})
assert deploy_key.key == key and project.keys.get(deploy_key.id).can_push
deploy_key.title = "renamed"
deploy_key.save()
assert [each.title for each in project.keys.list()] == ["renamed"]
other = gl.projects.create({"name": "Adder"})
other.keys.enable(deploy_key.id)
deploy_key.delete()
refused(gitlab.GitlabCreateError, 400, lambda: project.keys.create({"title": "bad", "key": "bad"}))

protected = project.protectedbranches.create({"name": "rel/*", "push_access_level": 30})
assert project.protectedbranches.get("rel/*").push_access_levels[0]["access_level"] == 30
refused(gitlab.GitlabCreateError, 409, lambda: project.protectedbranches.create({"name": "rel/*"}))
tag = project.protectedtags.create({"name": "v*", "create_access_level": 40})
tag.delete()

branch = project.branches.create({"branch": "one", "ref": "main"})
assert {each.name for each in project.branches.list(get_all=True)} == {"main", "one"}
branch.delete()
commit = project.commits.list(ref_name="main")[0]
assert project.commits.get(commit.id).title == "Initial commit"
assert [each["path"] for each in project.repository_tree(recursive=False)] == ["README.md"]
assert project.files.get("README.md", ref="main").decode() == b"# Cobra\\n"
assert project.files.raw("README.md", ref="main") == b"# Cobra\\n"
assert project.repository_compare("main", "main")["commits"] == []
assert project.languages() == {}

made = [gl.projects.create({"name": f"py-{index}", "namespace_id": group.id}).id for index in range(5)]
for pages in ({}, {"pagination": "keyset", "order_by": "id"}, {"pagination": "keyset", "order_by": "name", "sort": "asc"}):
    found = [each.id for each in gl.projects.list(iterator=True, **pages)]
    assert len(found) == len(set(found)) and set(made) <= set(found), (pages, found)
assert {each.id for each in group.projects.list(iterator=True)} >= set(made)

reader = user.personal_access_tokens.create({"name": "r", "scopes": ["read_api"]})
theirs = gitlab.Gitlab(url, private_token=reader.token)
refused(gitlab.GitlabCreateError, 403, lambda: theirs.projects.create({"name": "no"}))
refused(gitlab.GitlabGetError, 404, lambda: theirs.projects.get(project.id))
refused(gitlab.GitlabAuthenticationError, 401, lambda: gitlab.Gitlab(url, private_token="none").projects.list())
project.delete()
refused(gitlab.GitlabDeleteError, 409, group.delete)
print("done")
`;

test("python-gitlab: members, keys, protections, repositories, pages by offset and keyset, refusals", async () => {
  const { algorithm, key } = await makeKey(directory, "python", "-t", "ed25519");
  const { stdout } = await promisify(execFile)(
    PYTHON,
    ["-W", "error", "-c", ACCESS, server.url, server.token, `${algorithm} ${key} py@example.com`],
    { env: { PATH: process.env["PATH"], HOME: directory, PYTHONDONTWRITEBYTECODE: "1" }, timeout: 120_000 },
  );
  assert.equal(stdout, "done\n");
});

/** What curl prints of an answer: its body and, on the last line, its status. */
async function curl(
  path: string,
  ...options: readonly string[]
): Promise<readonly [status: number, body: string]> {
  const { stdout } = await promisify(execFile)(
    "curl",
    ["-sS", "-w", "\n%{http_code}", ...options, `${server.url}/api/v4${path}`],
    { env: { PATH: process.env["PATH"], HOME: directory }, timeout: 60_000 },
  );
  const end = stdout.lastIndexOf("\n");
  return [Number(stdout.slice(end + 1)), stdout.slice(0, end)];
}

test("curl with form bodies makes a project and its mirrors, and takes them away", async () => {
  const token = ["--header", `PRIVATE-TOKEN: ${server.token}`];
  const fields = ["--data", "name=By curl", "--data-urlencode", "description=a & b", "--data", "topics[]=x"];
  const [made, project] = await curl("/projects", ...token, ...fields, "--data", "lfs_enabled=yes");
  assert.equal(made, 201, project);
  const { id, description, topics, lfs_enabled: lfs } = JSON.parse(project);
  assert.deepEqual([description, topics, lfs], ["a & b", ["x"], true]);
  const mirrors = `/projects/${id}/remote_mirrors`;
  const url = `url=${withCredentials(peer.urlOf("by-curl.git"), "user", "s3cret")}`;
  const [added, mirror] = await curl(mirrors, ...token, "--data-urlencode", url, "--data", "enabled=0");
  assert.deepEqual([added, JSON.parse(mirror).enabled], [201, false]);
  const one = `${mirrors}/${JSON.parse(mirror).id}`;
  const [changed, after] = await curl(
    one,
    ...token,
    "--request",
    "PUT",
    "--data",
    "keep_divergent_refs=true",
  );
  assert.deepEqual([changed, JSON.parse(after).keep_divergent_refs], [200, true]);
  assert.deepEqual(await curl(mirrors, ...token, "--data", "enabled=1"), [400, '{"error":"url is missing"}']);
  assert.deepEqual(await curl(one, ...token, "--request", "DELETE"), [204, ""]);
  const multipart = ["--request", "PUT", "--form", "mirror=true", "--form", `import_${url}`];
  const [pulled, pull] = await curl(`/projects/${id}`, ...token, ...multipart);
  assert.deepEqual([pulled, JSON.parse(pull).mirror], [200, true]);
  assert.equal((await curl(`/projects/${id}`, ...token, "--request", "DELETE"))[0], 202);
  assert.deepEqual(await curl(`/projects/${id}?private_token=${server.token}`), [
    404,
    '{"message":"404 Project Not Found"}',
  ]);
});
