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
