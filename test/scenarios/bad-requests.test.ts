import assert from "node:assert/strict";
import test, { after } from "node:test";
import { gzipSync } from "node:zlib";
import { createApi, idOf, type Parameters, projectPath } from "../support/api.ts";
import { startServer } from "../support/server.ts";

/*
 * What the API answers to what it cannot do, to the letter: scripts and Terraform compare these texts. Requests to
 * local addresses are forbidden here, as they are by default; the mirrors that are made have addresses reserved for
 * documentation, where nobody answers.
 */

const server = await startServer({ env: { HELIOSTAT_ALLOW_LOCAL_REMOTES: undefined } });
after(() => server.stop());
const api = createApi(server);
const project = await api.createProject("wrong");
const other = await api.createProject("other");
const mirrors = `/projects/${project.id}/remote_mirrors`;
const pull = `/projects/${project.id}/mirror/pull`;
const alice = await api.createUser("alice", "a password of alice");
const aliceApi = api.as(await api.createToken(alice, ["api"]));

const LOOPBACK = "is blocked: Requests to localhost are not allowed";
const SCHEMES = "is blocked: Only allowed schemes are http, https, ssh, git";
const INVALID = "is blocked: URI is invalid";

/** URLs that no mirror may have, and the reason. */
const BAD_URLS: readonly (readonly [url: string, reason: string])[] = [
  ["not a url", SCHEMES],
  ["example.com/x.git", SCHEMES],
  ["ftp://example.com/x.git", SCHEMES],
  ["file:///etc/passwd", SCHEMES],
  ["/etc", SCHEMES],
  ["ext::sh -c id", SCHEMES],
  ["--upload-pack=touch /tmp/x", SCHEMES],
  ["https://", INVALID],
  ["https://exa mple.com/x.git", INVALID],
  ["https://example.com/x.git\nHost: elsewhere", INVALID],
  ["git://example.com/x%0ax.git", INVALID],
  ["https://example.com:99999/x.git", INVALID],
  ["https://-oProxyCommand=id/x.git", "is blocked: Hostname or IP address invalid"],
  [
    "https://-user:secret@example.com/x.git",
    "is blocked: Username needs to start with an alphanumeric character",
  ],
  [`https://${"a".repeat(1025)}/x.git`, "is blocked: Host is too long (maximum is 1024 characters)"],
  ["https://no-such-host.invalid/x.git", "is blocked: Host cannot be resolved or invalid"],
  ["http://localhost/x.git", LOOPBACK],
  ["http://127.0.0.1/x.git", LOOPBACK],
  ["http://[::1]/x.git", LOOPBACK],
  ["http://10.1.2.3/x.git", "is blocked: Requests to the local network are not allowed"],
  ["git@127.0.0.1:x.git", LOOPBACK],
  ["ssh://git@10.1.2.3:2222/x.git", "is blocked: Requests to the local network are not allowed"],
  ["git://192.168.1.1/x.git", "is blocked: Requests to the local network are not allowed"],
  ["http://169.254.169.254/x.git", "is blocked: Requests to the link local network are not allowed"],
];

for (const [url, reason] of BAD_URLS) {
  const shown = url.length > 60 ? `${url.slice(0, 20)}… (${url.length} characters)` : url;
  test(`the URL ${JSON.stringify(shown)} is refused for push, for pull and for an import`, async () => {
    await expectRefusal("POST", mirrors, { url }, 400, { message: { url: [reason] } });
    await expectRefusal("PUT", pull, { url, enabled: true }, 400, {
      message: { unsafe_import_url: [reason] },
    });
    const draft = { name: "imported", import_url: url, mirror: true };
    await expectRefusal("POST", "/projects", draft, 400, { message: { import_url: [reason] } });
    assert.equal((await api.call("GET", projectPath("root/imported"))).status, 404, "nothing is left of it");
  });
}

test("a project or a mirror that does not exist, or that one may not see, is not found", async () => {
  const unknown = { message: "404 Project Not Found" };
  await expectRefusal("GET", "/projects/99999/remote_mirrors", undefined, 404, unknown);
  await expectRefusal("GET", "/projects/root%2Fnowhere/mirror/pull", undefined, 404, unknown);
  await expectRefusal(
    "POST",
    "/projects/root%2Fnowhere/remote_mirrors",
    { url: "https://203.0.113.1/x" },
    404,
    unknown,
  );
  await expectRefusal("GET", `${mirrors}/99999`, undefined, 404, { message: "404 Not found" });
  await expectRefusal("POST", `${mirrors}/99999/sync`, undefined, 404, { message: "404 Not found" });
  await expectRefusal("DELETE", `${mirrors}/99999`, undefined, 404, { message: "404 Not found" });
  await expectRefusal("GET", mirrors, undefined, 404, unknown, aliceApi);
  await expectRefusal("GET", "/no/such/route", undefined, 404, { error: "404 Not Found" });
});

test("a mirror of another project is not found under this one", async () => {
  const id = await makeDisabledMirror(other.id, "https://203.0.113.2/foreign.git");
  await expectRefusal("GET", `${mirrors}/${id}`, undefined, 404, { message: "404 Not found" });
  await expectRefusal("DELETE", `${mirrors}/${id}`, undefined, 404, { message: "404 Not found" });
});

test("no token, a wrong token, a token without the scope and a user without the role are told apart", async () => {
  const missing = { message: "401 Unauthorized" };
  const anonymous = api.as(null);
  await expectRefusal("GET", mirrors, undefined, 401, missing, anonymous);
  await expectRefusal("POST", "/projects", { name: "x" }, 401, missing, anonymous);
  await expectRefusal("GET", mirrors, undefined, 401, missing, api.as("wrong-token"));

  const bearer = await anonymous.call("GET", mirrors, undefined, {
    headers: { Authorization: "Bearer wrong" },
  });
  assert.equal(bearer.status, 401);
  assert.deepEqual(Object(bearer.body).error, "invalid_token");

  const reader = api.as(await api.createToken(alice, ["read_api"]));
  const scope = {
    error: "insufficient_scope",
    error_description: "The request requires higher privileges than provided by the access token.",
    scope: "api",
  };
  await expectRefusal("POST", "/projects", { name: "x" }, 403, scope, reader);

  // GitLab's oddity, for remote mirrors only: 401 instead of 403 for somebody who sees the project.
  await api.put(`/projects/${other.id}`, { visibility: "internal" });
  await expectRefusal("GET", `/projects/${other.id}/remote_mirrors`, undefined, 401, missing, aliceApi);
  const forbidden = { message: "403 Forbidden" };
  await expectRefusal("GET", `/projects/${other.id}/mirror/pull`, undefined, 403, forbidden, aliceApi);
  await expectRefusal("PUT", `/projects/${other.id}`, { name: "x" }, 403, forbidden, aliceApi);
});

test("parameters of push mirrors are checked in GitLab's words", async () => {
  const url = "https://203.0.113.1/params.git";
  await expectRefusal("POST", mirrors, {}, 400, { error: "url is missing" });
  await expectRefusal("POST", mirrors, { url: "" }, 400, { message: { url: ["can't be blank"] } });
  await expectRefusal("POST", mirrors, { url, auth_method: "x" }, 400, {
    error: "auth_method does not have a valid value",
  });
  await expectRefusal("POST", mirrors, { url, enabled: "perhaps" }, 400, { error: "enabled is invalid" });
  await expectRefusal("POST", mirrors, { url, only_protected_branches: null }, 400, {
    message: { only_protected_branches: ["can't be blank"] },
  });
  await expectRefusal("POST", mirrors, { url, mirror_branch_regex: "a".repeat(256) }, 400, {
    message: { mirror_branch_regex: ["is too long (maximum is 255 characters)"] },
  });
  for (const onlyProtected of [true, false]) {
    const both = { url, only_protected_branches: onlyProtected, mirror_branch_regex: "x" };
    await expectRefusal("POST", mirrors, both, 400, {
      error: "only_protected_branches, mirror_branch_regex are mutually exclusive",
    });
  }
  const badRegex = await api.call("POST", mirrors, { url, mirror_branch_regex: "(" });
  assert.equal(badRegex.status, 400);
  assert.match(Object(badRegex.body).message.mirror_branch_regex[0], /^not valid RE2 syntax: ./);

  const id = await makeDisabledMirror(project.id, url);
  await expectRefusal("PUT", `${mirrors}/${id}`, { auth_method: "x" }, 400, {
    message: { auth_method: ["is not included in the list"] },
  });
  await expectRefusal("POST", `${mirrors}/${id}/sync`, undefined, 400, {
    message: "Cannot proceed with the push mirroring. Please verify your mirror configuration.",
  });
});

test("a regex beside only_protected_branches is refused when the two meet in the mirror", async () => {
  const id = await makeDisabledMirror(project.id, "https://203.0.113.1/filters.git", {
    only_protected_branches: true,
  });
  await expectRefusal("PUT", `${mirrors}/${id}`, { mirror_branch_regex: "x" }, 400, {
    message: { mirror_branch_regex: ["must be blank"] },
  });
});

test("parameters of pull mirrors are checked in GitLab's words", async () => {
  await expectRefusal("GET", pull, undefined, 400, { message: "The project is not mirrored" });
  await expectRefusal("POST", pull, undefined, 400, { message: "The project is not mirrored" });
  const names = [
    ...["enabled", "url", "auth_user", "auth_password", "mirror_trigger_builds"],
    ...["only_mirror_protected_branches", "mirror_overwrites_diverged_branches", "mirror_branch_regex"],
  ];
  await expectRefusal("PUT", pull, { unknown: 1 }, 400, {
    error: `${names.join(", ")} are missing, at least one parameter must be provided`,
  });
  await expectRefusal("PUT", pull, { enabled: true }, 400, { message: { url: ["is missing"] } });
  const both = { only_mirror_protected_branches: false, mirror_branch_regex: "x" };
  await expectRefusal("PUT", pull, { url: "https://203.0.113.1/x.git", ...both }, 400, {
    error: "only_mirror_protected_branches, mirror_branch_regex are mutually exclusive",
  });
});

test("a body that cannot be read is told from one that is wrong", async () => {
  const send = (body: string, type: string) =>
    fetch(`${server.url}/api/v4/projects`, {
      method: "POST",
      headers: { "PRIVATE-TOKEN": server.token, "Content-Type": type },
      body,
    });
  assert.equal((await send("{", "application/json")).status, 400);
  assert.equal((await send("<x/>", "text/xml")).status, 415);
  assert.equal(
    (await send(`name=${"x".repeat(2 * 1024 * 1024)}`, "application/x-www-form-urlencoded")).status,
    413,
  );
  await expectRefusal("POST", "/projects", {}, 400, {
    error: "name, path are missing, at least one parameter must be provided",
  });
});

test("a path that is taken is refused", async () => {
  const answer = await api.call("POST", "/projects", { name: "wrong" });
  assert.equal(answer.status, 400);
  assert.deepEqual(Object(answer.body).message.path, ["has already been taken"]);
});

test("a project is no mirror of itself, however the URL is written", async () => {
  const { host } = new URL(server.url);
  for (const path of ["root/wrong", "root/wrong.git", "root/wrong.git/", "ROOT/Wrong", "root//wrong"]) {
    const url = `http://user:secret@${host}/${path}`;
    const base = { message: { base: ["You cannot mirror a repository to itself."] } };
    await expectRefusal("POST", mirrors, { url }, 400, base);
    await expectRefusal("PUT", pull, { url, enabled: true }, 400, base);
  }
});

test("the same remote twice is refused, whatever the credentials", async () => {
  await makeDisabledMirror(project.id, "https://user:one@203.0.113.1/twice.git");
  const taken = { message: { url: ["has already been taken"] } };
  for (const url of ["https://203.0.113.1/twice.git", "https://user:two@203.0.113.1/twice.git"]) {
    await expectRefusal("POST", mirrors, { url }, 400, taken);
  }
});

test("ten enabled mirrors are the limit; disabled ones do not count", async () => {
  const full = await api.createProject("full");
  const path = `/projects/${full.id}/remote_mirrors`;
  const disabled = await makeDisabledMirror(full.id, "https://203.0.113.1/disabled.git");
  for (let n = 1; n <= 10; n += 1) await api.createPushMirror(full.id, `https://203.0.113.1/${n}.git`);
  const tooMany = { message: { base: ["Maximum number of push mirrors (10) exceeded for this project."] } };
  await expectRefusal("POST", path, { url: "https://203.0.113.1/11.git", enabled: true }, 400, tooMany);
  await expectRefusal("PUT", `${path}/${disabled}`, { enabled: true }, 400, tooMany);
  await makeDisabledMirror(full.id, "https://203.0.113.1/12.git");

  const listed = await api.call("GET", `${path}?per_page=5&page=2`);
  assert.equal(listed.headers.get("x-total"), "12");
  assert(Array.isArray(listed.body) && listed.body.length === 5);
  await api.delete(`/projects/${full.id}`);
});

test("an admin may allow local addresses, and take that back", async () => {
  const url = "http://127.0.0.1:1025/local.git";
  await expectRefusal("POST", mirrors, { url }, 400, { message: { url: [LOOPBACK] } });
  const setting = "allow_local_requests_from_web_hooks_and_services";
  const forbidden = { message: "403 Forbidden" };
  await expectRefusal("PUT", "/application/settings", { [setting]: true }, 403, forbidden, aliceApi);
  await api.put("/application/settings", { [setting]: true });
  await api.createPullMirror(project.id, url);
  await api.waitForMirror(project.id, "pull", "failed");
  await api.put("/application/settings", { [setting]: false });
  // The address is checked again for each run.
  const update = await api.update(project.id, "pull");
  assert.equal(update.status, "failed");
  assert.match(update.error ?? "", /Requests to localhost are not allowed/);
});

test("nobody sees a secret that came in a URL", async () => {
  const secret = "planted-secret-4711";
  const created = await api.call("POST", mirrors, {
    url: `https://user:${secret}@203.0.113.1/secret.git`,
    enabled: false,
  });
  assert.equal(created.status, 201);
  assert.equal(Object(created.body).url, "https://*****:*****@203.0.113.1/secret.git");
  const refused = await api.call("POST", mirrors, { url: `https://user:${secret}@exa mple.com/x.git` });
  for (const { body } of [created, refused, await api.call("GET", mirrors)]) {
    assert(!JSON.stringify(body).includes(secret));
  }
  assert(!server.output().includes(secret), "not in the log either");
});

/** A mirror that is only a row: disabled, so that nobody speaks to its remote. Answers its id. */
async function makeDisabledMirror(projectId: number, url: string, parameters?: Parameters): Promise<number> {
  return idOf(await api.createPushMirror(projectId, url, { enabled: false, ...parameters }));
}

/** Sends it as JSON and, where a form can say the same, as a form. */
async function expectRefusal(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  parameters: Parameters | undefined,
  status: number,
  body: object,
  as = api,
): Promise<void> {
  const isForm = parameters !== undefined && !Object.values(parameters).includes(null);
  for (const form of isForm ? (["json", "form"] as const) : (["json"] as const)) {
    const answer = await as.call(method, path, parameters, { as: form });
    assert.deepEqual(
      { status: answer.status, body: answer.body },
      { status, body },
      `${method} ${path} as ${form}`,
    );
  }
}

test("a user name that the web server needs for itself is refused, as a group's is", async () => {
  const user = { username: "API", name: "A", email: "a@example.com", password: "a password of nobody" };
  await expectRefusal("POST", "/users", user, 400, { message: { username: ["is a reserved name"] } });
});

test("a changed pull mirror reads as waiting, without the error of before", async () => {
  await api.createProject("changed");
  // An address reserved for documentation: whatever the network makes of it, no update succeeds.
  const url = "http://192.0.2.1/x.git";
  const first = await api.createPullMirror("root/changed", url);
  assert.match(first.update_status, /^(scheduled|started)$/);
  const changed = await api.createPullMirror("root/changed", url, { mirror_trigger_builds: true });
  assert.match(changed.update_status, /^(scheduled|started)$/);
  assert.equal(changed.last_error, null);
});

test("a push mirror that changed after If-Unmodified-Since is not removed", async () => {
  const id = await makeDisabledMirror(project.id, "https://203.0.113.1/unmodified.git");
  const remove = (since: string) =>
    api.call("DELETE", `${mirrors}/${id}`, undefined, { headers: { "If-Unmodified-Since": since } });
  const refused = await remove("Sat, 01 Jan 2000 00:00:00 GMT");
  assert.equal(refused.status, 412);
  assert.deepEqual(refused.body, { message: "412 Precondition Failed" });
  assert.equal((await api.readPushMirror(project.id, id)).id, id);
  assert.equal((await remove("not a date")).status, 204);

  const second = await makeDisabledMirror(project.id, "https://203.0.113.1/unmodified.git");
  const headers = { "If-Unmodified-Since": new Date().toUTCString() };
  assert.equal((await api.call("DELETE", `${mirrors}/${second}`, undefined, { headers })).status, 204);
});

test("what git would never send is refused as a request, not as a remote's answer", async () => {
  const zeros = Buffer.alloc(100_000);
  for (const service of ["upload-pack", "receive-pack"]) {
    for (const [body, encoding] of [
      [zeros, "identity"],
      [gzipSync(zeros), "gzip"],
    ] as const) {
      const answer = await fetch(`${server.url}/root/wrong.git/git-${service}`, {
        method: "POST",
        headers: {
          authorization: `Basic ${Buffer.from(`root:${server.token}`).toString("base64")}`,
          "content-type": `application/x-git-${service}-request`,
          "content-encoding": encoding,
        },
        body,
      });
      assert.equal(answer.status, 400, `${service}, ${encoding}`);
      assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/);
      assert.match(await answer.text(), /^The request is not what Git sends[.:]/);
    }
  }
});
