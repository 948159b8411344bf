import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { mirrorStartSchema } from "@heliostat/contract/api/mirrors.ts";
import { createdTriggerTokenSchema, triggerTokenSchema } from "@heliostat/contract/api/trigger-tokens.ts";
import { type Answer, createApi, idOf, projectPath } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { refsAt, withCredentials } from "../support/working-copy.ts";

/* Tokens that start one mirror, and can do nothing else. */

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const server = await startServer();
after(() => server.stop());
const root = createApi(server);
const nobody = root.as(null);
await root.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

const upstream = await makeRepository(join(directory, "peer", "up.git"));
await makeCommit(upstream);
await makeRepository(join(directory, "peer", "down.git"));

const id = await root.createUser("owner", "a pass: word/@ of somebody");
const owner = root.as(await root.createToken(id, ["api"]));
await owner.createProject("mine", { visibility: "private" });
await owner.createProject("second", { visibility: "private" });
const mine = projectPath("owner/mine");
const second = projectPath("owner/second");
await owner.createPullMirror("owner/mine", peer.urlOf("up.git"));
const first = await owner.waitForMirror("owner/mine", "pull", "finished");
const pull = first.mirror_id;
const push = idOf(await owner.post(`${mine}/mirrors`, { direction: "push", url: peer.urlOf("down.git") }));
await owner.createPullMirror("owner/second", peer.urlOf("up.git"));

const TRIGGER = `${mine}/mirrors/${pull}/trigger`;

test("a trigger token is answered with its secret once, and listed without", async () => {
  const { token, ...made } = await makeTrigger("of the upstream");
  assert.match(token, /^hltrg-[\w-]{20,}$/);
  assert.deepEqual(made, {
    id: made.id,
    name: "of the upstream",
    mirror_id: pull,
    created_by: id,
    created_at: made.created_at,
    last_used_at: null,
  });
  const tokens = `${mine}/mirrors/${pull}/trigger_tokens`;
  assert.deepEqual(await owner.get(tokens), [made]);
  await nobody.post(TRIGGER, { token });
  const [used] = triggerTokenSchema.array().parse(await owner.get(tokens));
  assert.notEqual(used?.last_used_at, null);
  await owner.delete(`${tokens}/${made.id}`);
  assert.deepEqual(await owner.get(tokens), []);
  assertUnknown(await nobody.call("POST", TRIGGER, { token }), "it was taken away");
  assert.equal((await owner.call("DELETE", `${tokens}/${made.id}`)).status, 404);
});

test("it starts its mirror, from wherever in a request it is", async () => {
  const { token } = await makeTrigger("everywhere");
  const ways: [string, Record<string, string>, Record<string, unknown> | undefined, string][] = [
    ["X-Heliostat-Token", { "X-Heliostat-Token": token }, undefined, ""],
    ["X-Gitlab-Token", { "X-Gitlab-Token": token }, { object_kind: "push", ref: "refs/heads/main" }, ""],
    ["PRIVATE-TOKEN", { "PRIVATE-TOKEN": token }, undefined, ""],
    ["Bearer", { Authorization: `Bearer ${token}` }, {}, ""],
    ["parameter in the query", {}, undefined, `?token=${token}`],
    ["parameter in the body", {}, { token }, ""],
    ["beside a secret of the sender", { "X-Gitlab-Token": "another" }, undefined, `?token=${token}`],
  ];
  for (const [way, headers, body, query] of ways) {
    for (const [path, status] of [
      [TRIGGER, 202],
      [`${mine}/mirror/pull`, 200],
    ] as const) {
      const answer = await nobody.call("POST", path + query, body, { headers });
      assert.equal(answer.status, status, `${way} at ${path}: ${JSON.stringify(answer.body)}`);
      if (status === 202) {
        assert.match(mirrorStartSchema.parse(answer.body).status, /^(queued|running|later)$/);
      }
    }
  }
});

test("what it starts is a real update, and of a push mirror too", async () => {
  const { token } = await makeTrigger("real");
  await owner.waitForMirror("owner/mine", "pull", "finished");
  const tip = await makeCommit(upstream, { ref: "refs/heads/new" });
  await nobody.post(TRIGGER, { token });
  await waitForRef("new", tip);

  const { token: ofPush } = await makeTrigger("push", push);
  const answer = await nobody.call("POST", `${mine}/mirrors/${push}/trigger`, { token: ofPush });
  assert.equal(answer.status, 202);
  assertUnknown(
    await nobody.call("POST", `${mine}/mirror/pull`, { token: ofPush }),
    "it is for the push mirror",
  );
  assertUnknown(await nobody.call("POST", TRIGGER, { token: ofPush }), "it is for the push mirror");
});

test("whatever else is wrong, the answer is that there is no such thing", async () => {
  const { token } = await makeTrigger("answers");
  const otherPull = (await owner.waitForMirror("owner/second", "pull", "finished")).mirror_id;
  const wrong = `hltrg-${"x".repeat(27)}`;
  for (const [what, path, secret] of [
    ["an unknown token", TRIGGER, wrong],
    ["no token", TRIGGER, undefined],
    ["a token that is none", TRIGGER, "x"],
    ["an unknown token, and no project", "/projects/no%2Fwhere/mirrors/1/trigger", wrong],
    ["an unknown token, and no mirror", `${mine}/mirrors/99999/trigger`, wrong],
    ["an unknown token for a pull", `${mine}/mirror/pull`, wrong],
    ["an unknown token, and no project for a pull", "/projects/no%2Fwhere/mirror/pull", wrong],
    ["the token at another mirror", `${mine}/mirrors/${push}/trigger`, token],
    ["the token at another project", `${second}/mirrors/${otherPull}/trigger`, token],
    ["the token and its mirror at another project", `${second}/mirrors/${pull}/trigger`, token],
    ["the token at the pull mirror of another project", `${second}/mirror/pull`, token],
    ["the token of the server's admin", TRIGGER, server.token],
  ] as const) {
    const headers = secret === undefined ? {} : { "X-Heliostat-Token": secret };
    assertUnknown(await nobody.call("POST", path, undefined, { headers }), what);
  }
});

test("it opens nothing else, by API or Git", async () => {
  const { token } = await makeTrigger("nothing else");
  const api = root.as(token);
  for (const [method, path] of [
    ["GET", "/user"],
    ["GET", mine],
    ["GET", "/projects"],
    ["GET", `${mine}/mirrors/${pull}`],
    ["GET", `${mine}/mirror/pull`],
    ["PUT", `${mine}/mirror/pull`],
    ["GET", `${mine}/mirrors/${pull}/trigger_tokens`],
    ["POST", `${mine}/mirrors/${pull}/trigger_tokens`],
    ["POST", `${mine}/mirrors/${pull}/sync`],
    ["POST", `${mine}/mirrors/${pull}/cancel`],
    ["GET", "/personal_access_tokens/self"],
    ["POST", "/personal_access_tokens/self/rotate"],
  ] as const) {
    assert.equal(
      (await api.call(method, path, method === "GET" ? undefined : {})).status,
      401,
      `${method} ${path}`,
    );
  }
  const before = await owner.readPullMirror("owner/mine");
  const url = peer.urlOf("elsewhere.git");
  await nobody.post(`${mine}/mirror/pull`, { token, import_url: url, mirror: true, force: true });
  assert.equal((await owner.readPullMirror("owner/mine")).url, before.url, "it changes no mirror");
  const repository = `${server.url}/owner/mine.git`;
  for (const [username, password] of [
    [token, ""],
    ["x", token],
    ["owner", token],
  ] as const) {
    await assert.rejects(
      refsAt(withCredentials(repository, username, password)),
      /Authentication failed|could not read/,
    );
  }
});

test("a mirror that is off is not started, and the reason is told to whoever has the token", async () => {
  const { token } = await makeTrigger("off");
  await owner.put(`${mine}/mirrors/${pull}`, { enabled: false });
  const answer = await nobody.call("POST", TRIGGER, { token });
  await owner.put(`${mine}/mirrors/${pull}`, { enabled: true });
  assert.deepEqual(
    [answer.status, answer.body],
    [400, { message: "The mirror is disabled and will not sync." }],
  );
});

test("a token that is used too often has to wait, and the others do not", async () => {
  const [busy, calm] = [await makeTrigger("busy"), await makeTrigger("calm")];
  const answers = await Promise.all(
    Array.from({ length: 31 }, () => nobody.call("POST", TRIGGER, { token: busy.token })),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [...Array(30).fill(202), 429]);
  const refused = answers.find(({ status }) => status === 429);
  assert.match(refused?.headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal((await nobody.call("POST", TRIGGER, { token: calm.token })).status, 202);
});

test("only those who may change the mirror handle its trigger tokens", async () => {
  const made = await makeTrigger("kept");
  const stranger = root.as(
    await root.createToken(await root.createUser("stranger", "a pass: word/@ x"), ["api"]),
  );
  const reader = root.as(await readToken());
  const tokens = `${mine}/mirrors/${pull}/trigger_tokens`;
  for (const [method, path] of [
    ["GET", tokens],
    ["POST", tokens],
    ["DELETE", `${tokens}/${made.id}`],
  ] as const) {
    const body = method === "GET" ? undefined : { name: "x" };
    assert.equal((await stranger.call(method, path, body)).status, 404, method);
    assert.equal((await nobody.call(method, path, body)).status, 401, method);
    assert.equal((await reader.call(method, path, body)).status, 403, method);
  }
  assert.equal((await owner.call("DELETE", `${mine}/mirrors/${push}/trigger_tokens/${made.id}`)).status, 404);
  for (const [name, body] of [
    ["", { error: "name is empty" }],
    ["x".repeat(256), { message: { name: ["is too long (maximum is 255 characters)"] } }],
  ] as const) {
    const answer = await owner.call("POST", tokens, { name });
    assert.deepEqual([answer.status, answer.body], [400, body]);
  }
  assert.equal((await nobody.call("POST", TRIGGER, { token: made.token })).status, 202, "it is still there");
});

test("with the mirror go its tokens", async () => {
  const { token } = await makeTrigger("gone", push);
  await owner.delete(`${mine}/mirrors/${push}`);
  assertUnknown(
    await nobody.call("POST", `${mine}/mirrors/${push}/trigger`, { token }),
    "the mirror is gone",
  );
});

test("the server's log has none of the secrets", async () => {
  const { token } = await makeTrigger("log");
  await nobody.post(`${TRIGGER}?token=${token}`);
  await nobody.call("GET", `${mine}?private_token=${token}`);
  assert(!server.output().includes("hltrg-"));
});

function assertUnknown(answer: Answer, what: string): void {
  assert.deepEqual([answer.status, answer.body], [404, { message: "404 Not Found" }], what);
}

async function makeTrigger(name: string, mirrorId = pull) {
  const body = await owner.post(`${mine}/mirrors/${mirrorId}/trigger_tokens`, { name });
  return createdTriggerTokenSchema.parse(body);
}

async function readToken(): Promise<string> {
  const body = Object(await owner.post("/user/personal_access_tokens", { name: "r", scopes: ["read_api"] }));
  return String(body.token);
}

async function waitForRef(branch: string, oid: string): Promise<void> {
  const url = withCredentials(`${server.url}/owner/mine.git`, "root", server.token);
  await waitFor(async () => (await refsAt(url))[`refs/heads/${branch}`] === oid, {
    timeoutMs: 60_000,
    message: `${branch} has come`,
  });
}
