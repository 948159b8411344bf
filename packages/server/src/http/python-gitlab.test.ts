import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { createInMemoryUseCases, SECRETS } from "./test-support/in-memory-use-cases.ts";
import { startServer } from "./test-support/start-server.ts";

/** Where Debian's package `python3-gitlab` puts the client. */
const CLIENT = "/usr/lib/python3/dist-packages/gitlab/__init__.py";

const SCRIPT = `
import sys, gitlab
gl = gitlab.Gitlab(sys.argv[1] + "/", private_token=sys.argv[2])
gl.auth()
assert gl.user.username == "root", gl.user
assert gl.version() == ("18.5.0-ee", "abc"), gl.version()
project = gl.projects.create({"name": "p", "namespace_id": "5", "visibility": "public"})
for i in range(25):
    gl.projects.create({"name": "other%d" % i})
assert len(list(gl.projects.list(iterator=True, per_page=10))) == 26
page = gl.projects.list(page=2, per_page=10, iterator=True)
assert (page.total, page.current_page, page.prev_page, page.next_page) == (26, 2, 1, 3)
project = gl.projects.get("grp/sub.x/p")
project.description = "changed"
project.save()
assert gl.projects.get(project.id).description == "changed"
mirror = project.remote_mirrors.create({"url": "https://u:p@example.org/a.git", "enabled": True})
assert mirror.url == "https://*****:*****@example.org/a.git", mirror.url
mirror.keep_divergent_refs = True
mirror.save()
assert [m.keep_divergent_refs for m in project.remote_mirrors.list()] == [True]
gl.http_post("/projects/%d/remote_mirrors/%d/sync" % (project.id, mirror.id))
gl.http_delete("/projects/%d/remote_mirrors/%d" % (project.id, mirror.id))
assert project.remote_mirrors.list() == []
try:
    project.remote_mirrors.create({"url": "ftp://example.org/a.git"})
    raise SystemExit("a forbidden scheme was accepted")
except gitlab.GitlabCreateError as error:
    assert error.response_code == 400 and "is blocked" in str(error), error
try:
    project.mirror_pull_details()
    raise SystemExit("a project without a pull mirror had one")
except gitlab.GitlabGetError as error:
    assert error.error_message == "The project is not mirrored", error
gl.http_put("/projects/%d/mirror/pull" % project.id, post_data={"enabled": True, "url": "https://example.org/up.git"})
assert project.mirror_pull_details()["url"] == "https://example.org/up.git"
project.mirror_pull()
branch = project.protectedbranches.create({"name": "release/*", "push_access_level": 40})
assert project.protectedbranches.get("release/*").name == "release/*"
branch.delete()
assert gl.projects.head("grp/sub.x/p")["Content-Type"] == "application/json"
project.delete()
try:
    gl.projects.get(project.id)
    raise SystemExit("a removed project was found")
except gitlab.GitlabGetError as error:
    assert error.response_code == 404
try:
    gitlab.Gitlab(sys.argv[1], private_token="wrong").auth()
    raise SystemExit("a wrong token was accepted")
except gitlab.GitlabAuthenticationError:
    pass
print("all steps done")
`;

test("python-gitlab works unchanged", {
  skip: existsSync(CLIENT) ? false : "python3-gitlab is not installed",
}, async () => {
  await using server = await startServer(createInMemoryUseCases(), {
    settings: { externalUrl: "http://127.0.0.1" },
  });
  const child = spawn("/usr/bin/python3", ["-W", "ignore", "-", server.url, SECRETS.api], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(SCRIPT);
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const [code] = await once(child, "close");
  const text = Buffer.concat(output).toString("utf8");
  assert.equal(code, 0, text);
  assert.match(text, /all steps done/);
});
