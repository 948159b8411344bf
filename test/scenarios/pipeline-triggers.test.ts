import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { pipelineDeliverySchema, pipelineTriggerSchema } from "@heliostat/contract/api/pipeline-triggers.ts";
import { createApi, idOf, projectPath } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { type ReceivedRequest, startHookReceiver } from "../support/hook-receiver.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

/* What a pull mirror brings starts pipelines elsewhere, each in the form that its host wants. */

const TOKEN = "t0ken-of-the-pipelines";

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const receiver = await startHookReceiver();
after(() => receiver.close());
const server = await startServer();
after(() => server.stop());
const root = createApi(server);
await root.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

let made = 0;

async function mirrored(options: Readonly<Record<string, unknown>> = {}) {
  const name = `p${++made}`;
  const upstream = await makeRepository(join(directory, "peer", `${name}.git`));
  const first = await makeCommit(upstream);
  const { id } = await root.createProject(name);
  const path = projectPath(id);
  const mirror = idOf(
    await root.post(`${path}/mirrors`, {
      ...{ direction: "pull", url: peer.urlOf(`${name}.git`), trigger_builds: true },
      ...options,
    }),
  );
  await root.waitForMirror(`root/${name}`, "pull", "finished");
  return {
    ...{ id, name, upstream, first, path, mirror },
    update: () => root.update(`root/${name}`, "pull"),
    add: async (parameters: Readonly<Record<string, unknown>>) =>
      pipelineTriggerSchema.parse(
        await root.post(`${path}/pipeline_triggers`, { name: "a trigger", token: TOKEN, ...parameters }),
      ),
    /** Two branches and a tag at the upstream. */
    async change() {
      const main = await makeCommit(upstream);
      const topic = await makeCommit(upstream, { ref: "refs/heads/topic/1" });
      await git(upstream, ["tag", "v1", main]);
      return { main, topic };
    },
  };
}

/** The requests that came for this path prefix since then, once there are so many. */
async function came(prefix: string, count: number): Promise<readonly ReceivedRequest[]> {
  const found = () => receiver.requests.filter(({ path }) => path.startsWith(prefix));
  await waitFor(() => found().length >= count, {
    timeoutMs: 30_000,
    message: () => `${found().length} of ${count} requests for ${prefix} came`,
  });
  return found();
}

const bodies = (requests: readonly ReceivedRequest[]) =>
  requests
    .map(({ body }) => JSON.parse(body))
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

test("an update with two branches and a tag calls each kind in its form, and an unchanged one calls nobody", async () => {
  const mirror = await mirrored();
  const url = (kind: string) => receiver.urlOf(`/all/${kind}/x`);
  const variables = { KIND: "mirror", AT: "{new}" };
  for (const kind of ["gitlab", "github", "gitea", "forgejo", "woodpecker", "generic"]) {
    const workflow = ["github", "gitea", "forgejo"].includes(kind) ? { workflow: "build it.yml" } : {};
    await mirror.add({ kind, url: url(kind), variables, ...workflow });
  }
  const ofJob = await mirror.add({ kind: "jenkins", url: url("jenkins"), variables });
  await mirror.add({ kind: "jenkins", url: url("jenkins-user"), user: "ada" });
  const { main, topic } = await mirror.change();
  await mirror.update();

  const refs = [
    ["refs/heads/main", mirror.first, main],
    ["refs/heads/topic/1", null, topic],
    ["refs/tags/v1", null, main],
  ] as const;
  const short = (ref: string) => ref.replace(/^refs\/(?:heads|tags)\//, "");
  const sorted = (all: readonly object[]) =>
    all.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  const filled = (oid: string) => ({ AT: oid, KIND: "mirror" });

  const gitlab = await came("/all/gitlab/", 3);
  assert.deepEqual(
    bodies(gitlab).map(({ variables: given, ...rest }) => ({ ...rest, variables: { ...given } })),
    sorted(
      refs.map(([ref, , oid]) => ({ token: TOKEN, ref: short(ref), variables: { KIND: "mirror", AT: oid } })),
    ),
  );
  for (const [kind, authorization, nameOf] of [
    ["github", `Bearer ${TOKEN}`, short],
    ["gitea", `token ${TOKEN}`, (ref: string) => ref],
    ["forgejo", `token ${TOKEN}`, (ref: string) => ref],
  ] as const) {
    const requests = await came(`/all/${kind}/`, 3);
    assert.deepEqual(
      bodies(requests),
      sorted(refs.map(([ref, , oid]) => ({ ref: nameOf(ref), inputs: { KIND: "mirror", AT: oid } }))),
      kind,
    );
    for (const { method, path, headers } of requests) {
      assert.deepEqual(
        [method, path],
        ["POST", `/all/${kind}/x/actions/workflows/build%20it.yml/dispatches`],
      );
      assert.equal(headers.authorization, authorization);
      assert.equal(headers["content-type"], "application/json");
      if (kind === "github") {
        assert.equal(headers.accept, "application/vnd.github+json");
        assert.equal(headers["x-github-api-version"], "2022-11-28");
      }
    }
  }
  const woodpecker = await came("/all/woodpecker/", 2);
  assert.deepEqual(
    bodies(woodpecker),
    sorted([
      { branch: "main", variables: { KIND: "mirror", AT: main } },
      { branch: "topic/1", variables: { KIND: "mirror", AT: topic } },
    ]),
  );
  assert(woodpecker.every(({ path }) => path === "/all/woodpecker/x/pipelines"));
  assert(woodpecker.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`));

  for (const [kind, authorization, token] of [
    ["jenkins", undefined, { token: TOKEN, ...{} }],
    ["jenkins-user", `Basic ${Buffer.from(`ada:${TOKEN}`).toString("base64")}`, {}],
  ] as const) {
    const requests = await came(`/all/${kind}/`, 3);
    const forms = requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
    const more = (oid: string) => (kind === "jenkins" ? filled(oid) : {});
    const wanted = refs.map(([ref, , oid]) => ({ REF: ref, BRANCH: short(ref), ...more(oid), ...token }));
    const byRef = (all: readonly Readonly<Record<string, string>>[]) =>
      new Map(all.map((form) => [form["REF"], form]));
    assert.deepEqual(byRef(forms), byRef(wanted), kind);
    for (const { path, headers } of requests) {
      assert.equal(path, `/all/${kind}/x/buildWithParameters`);
      assert.equal(headers.authorization, authorization);
      assert.equal(headers["content-type"], "application/x-www-form-urlencoded");
    }
  }
  const generic = await came("/all/generic/", 3);
  assert.deepEqual(
    bodies(generic).map(({ ref, old, new: tip, project }) => [ref, old, tip, project.path_with_namespace]),
    sorted(refs.map(([ref, old, oid]) => ({ ref, old, oid })))
      .map((one) => Object(one))
      .map(({ ref, old, oid }) => [ref, old, oid, `root/${mirror.name}`]),
  );
  assert.equal(generic[0]?.headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(new Set(generic.map(({ headers }) => headers["idempotency-key"])).size, 3);

  const all = receiver.requests.length;
  await mirror.update();
  await git(mirror.upstream, ["update-ref", "-d", "refs/heads/topic/1"]);
  await root.put(`${mirror.path}/mirrors/${mirror.mirror}`, { mirror_deletions: "always" });
  await mirror.update();
  const last = await makeCommit(mirror.upstream);
  await mirror.update();
  const more = await came("/all/generic/", 4);
  const [newest] = more.slice(-1);
  assert.equal(JSON.parse(newest?.body ?? "{}").new, last);
  await came("/all/jenkins-user/", 4);
  await waitFor(() => receiver.requests.length >= all + 8, { message: "one more of each" });
  assert.equal(
    receiver.requests.length,
    all + 8,
    "neither an unchanged update nor a deletion called anybody",
  );

  const path = `${mirror.path}/pipeline_triggers/${ofJob.id}`;
  const log = pipelineDeliverySchema.array().parse(await root.get(`${path}/deliveries`));
  assert.equal(log.length, 4);
  assert.deepEqual([log[0]?.ref, log[0]?.response_status, log[0]?.error], ["refs/heads/main", 200, null]);
  const shown = JSON.stringify([await root.get(`${mirror.path}/pipeline_triggers`), log]);
  assert(!shown.includes(TOKEN) && !server.output().includes(TOKEN), "the token is nowhere to be read");
  for (const trigger of pipelineTriggerSchema
    .array()
    .parse(await root.get(`${mirror.path}/pipeline_triggers`))) {
    const text = JSON.stringify(await root.get(`${mirror.path}/pipeline_triggers/${trigger.id}/deliveries`));
    assert(
      !text.includes(TOKEN) && !text.includes(Buffer.from(`ada:${TOKEN}`).toString("base64")),
      trigger.kind,
    );
  }
});

test("nothing is called where the mirror does not trigger builds, the trigger is off, or no ref passes", async () => {
  const quiet = await mirrored({ trigger_builds: false });
  await quiet.add({ kind: "generic", url: receiver.urlOf("/quiet") });
  await quiet.change();
  await quiet.update();

  const mirror = await mirrored();
  await mirror.add({ kind: "generic", url: receiver.urlOf("/off"), enabled: false });
  await mirror.add({ kind: "generic", url: receiver.urlOf("/tags"), ref_filter: "^refs/tags/" });
  const limited = await mirror.add({ kind: "generic", url: receiver.urlOf("/limited") });
  await root.put("/application/settings", { git_push_pipeline_limit: 2 });
  await mirror.change();
  await mirror.update();
  await root.put("/application/settings", { git_push_pipeline_limit: 4 });
  await came("/limited", 2);
  await git(mirror.upstream, ["tag", "v2", mirror.first]);
  await mirror.update();
  await came("/limited", 3);
  const tags = await came("/tags", 1);
  assert.deepEqual([...new Set(tags.map(({ body }) => JSON.parse(body).ref.slice(0, 10)))], ["refs/tags/"]);
  const count = (prefix: string) => receiver.requests.filter(({ path }) => path.startsWith(prefix)).length;
  assert.deepEqual([count("/quiet"), count("/off"), count("/limited")], [0, 0, 3]);
  await root.delete(`${mirror.path}/pipeline_triggers/${limited.id}`);
  assert.equal((await root.call("GET", `${mirror.path}/pipeline_triggers/${limited.id}`)).status, 404);
});

test("a trigger is made, tried, changed and read, and its token goes to no other host", async () => {
  const mirror = await mirrored();
  const at = `${mirror.path}/pipeline_triggers`;
  for (const [parameters, status, complaint] of [
    [{ kind: "github", url: receiver.urlOf("/x") }, 400, /workflow/],
    [{ kind: "generic", url: "ssh://git@127.0.0.1/x" }, 400, /Only allowed schemes are http, https/],
    [{ kind: "generic", url: "http://u:p@127.0.0.1:1025/x" }, 400, /user and token/],
    [{ kind: "generic", url: receiver.urlOf("/x?token=y") }, 400, /user and token/],
    [{ kind: "generic", url: receiver.urlOf("/x"), ref_filter: "(" }, 400, /ref_filter/],
    [{ kind: "generic", url: receiver.urlOf("/x"), token: "a b" }, 400, /token/],
    [{ kind: "travis", url: receiver.urlOf("/x") }, 400, /kind/],
  ] as const) {
    const answer = await root.call("POST", at, { name: "t", ...parameters });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(JSON.stringify(answer.body), complaint);
  }
  const { id, ...made } = await mirror.add({ kind: "gitlab", url: receiver.urlOf("/try/trigger/pipeline") });
  assert.deepEqual(
    [made.kind, made.enabled, made.has_token, made.alert_status],
    ["gitlab", true, true, "executable"],
  );
  const tried = pipelineDeliverySchema.parse(await root.post(`${at}/${id}/test`));
  assert.deepEqual([tried.ref, tried.response_status, tried.attempts], ["refs/heads/main", 200, 1]);
  const [request] = await came("/try", 1);
  assert.deepEqual(JSON.parse(request?.body ?? ""), { token: TOKEN, ref: "main", variables: {} });

  receiver.answer((response) => {
    response.statusCode = 404;
    response.end(`no such thing, ${TOKEN}`);
  });
  const refused = pipelineDeliverySchema.parse(await root.post(`${at}/${id}/test`, { ref: "refs/tags/v9" }));
  receiver.answer((response) => void response.end("ok"));
  assert.deepEqual([refused.ref, refused.response_status], ["refs/tags/v9", 404]);
  assert.match(refused.error ?? "", /answered HTTP 404/);
  assert(!JSON.stringify(refused).includes(TOKEN), "what the receiver says of the token is not shown");
  assert.equal((await root.call("POST", `${at}/${id}/test`, { ref: "main..x" })).status, 400);

  const elsewhere = await startHookReceiver();
  const moved = await root.put(`${at}/${id}`, { url: elsewhere.urlOf("/there") });
  assert.equal(pipelineTriggerSchema.parse(moved).has_token, false);
  await root.post(`${at}/${id}/test`);
  assert.equal(elsewhere.requests.length, 1);
  assert(!JSON.stringify(elsewhere.requests).includes(TOKEN));
  await elsewhere.close();

  const stranger = root.as(
    await root.createToken(await root.createUser("stranger", "a pass: word/@ x"), ["api"]),
  );
  await root.put(mirror.path, { visibility: "public" });
  assert.equal((await stranger.call("GET", at)).status, 403);
  assert.equal((await stranger.call("POST", `${at}/${id}/test`)).status, 403);
  const other = await mirrored();
  assert.equal((await root.call("GET", `${other.path}/pipeline_triggers/${id}`)).status, 404);
});
