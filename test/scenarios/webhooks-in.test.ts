import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { hookSecretSchema } from "@heliostat/contract/api/hook-secrets.ts";
import { type MirrorAnswer, mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { createdTriggerTokenSchema } from "@heliostat/contract/api/trigger-tokens.ts";
import { Client } from "pg";
import { createApi, idOf, projectPath } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import {
  bitbucketPush,
  type Delivery,
  fromBitbucket,
  fromGitea,
  fromGithub,
  fromGitlab,
  giteaPush,
  githubPush,
  gitlabPush,
  hmac,
} from "../support/webhooks.ts";

/* What other forges tell by webhooks: who is believed, what it starts, and what is seen when they stay away. */

const SECRET = "a hook secret of its own".replaceAll(" ", "-");
const ZERO = "0".repeat(40);

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const database = await createTestDatabase();
const server = await startServer({ database });
const db = new Client({ connectionString: database.url });
await db.connect();
after(async () => {
  await db.end();
  await server.stop();
  await database.drop();
});
const root = createApi(server);
await root.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

let made = 0;

/** A mirrored project whose mirror has a hook secret, and what may be done at its upstream. */
async function mirrored(options: Readonly<Record<string, unknown>> = {}) {
  const name = `p${++made}`;
  const upstream = await makeRepository(join(directory, "peer", `${name}.git`));
  let tip = await makeCommit(upstream);
  const path = projectPath((await root.createProject(name)).id);
  const mirrorId = idOf(
    await root.post(`${path}/mirrors`, { direction: "pull", url: peer.urlOf(`${name}.git`), ...options }),
  );
  const project = `root/${name}`;
  await root.waitForMirror(project, "pull", "finished");
  await root.post(`${path}/mirrors/${mirrorId}/hook_secret`, { secret: SECRET });
  const read = async (): Promise<MirrorAnswer> =>
    mirrorSchema.parse(await root.get(`${path}/mirrors/${mirrorId}`));
  return {
    ...{ upstream, path, mirrorId, project, read },
    pull: `${path}/mirror/pull`,
    trigger: `${path}/mirrors/${mirrorId}/trigger`,
    updates: async () => (await root.listUpdates(project, "pull")).length,
    /** Commits at the upstream, and says what a push would have. */
    async push(ref = "refs/heads/main") {
      const before = ref === "refs/heads/main" ? tip : ZERO;
      const oid = await makeCommit(upstream, { ref });
      if (ref === "refs/heads/main") tip = oid;
      return { ref, before, after: oid };
    },
    async has({ ref, after: oid }: { ref: string; after: string }) {
      const [kind, branch] = ref.startsWith("refs/tags/")
        ? ["tags", ref.slice("refs/tags/".length)]
        : ["branches", ref.slice("refs/heads/".length)];
      await waitFor(
        async () => {
          const { body } = await root.call("GET", `${path}/repository/${kind}/${encodeURIComponent(branch)}`);
          return Object(Object(body).commit).id === oid;
        },
        { timeoutMs: 60_000, message: `${ref} has come` },
      );
      await root.waitForMirror(project, "pull", "finished");
    },
  };
}

async function send(path: string, { headers, body }: Delivery) {
  const answer = await fetch(`${server.url}/api/v4${path}`, { method: "POST", headers, body });
  return { status: answer.status, body: Object(await answer.json()) };
}

const SENDERS: Readonly<
  Record<string, (pushed: { ref: string; before: string; after: string }, secret: string) => Delivery>
> = {
  GitHub: (pushed, secret) => fromGithub("push", githubPush(pushed), secret),
  "GitHub, as a form": (pushed, secret) => fromGithub("push", githubPush(pushed), secret, { as: "form" }),
  "GitHub of old, SHA-1 only": (pushed, secret) =>
    fromGithub("push", githubPush(pushed), secret, { sha256: false }),
  GitLab: (pushed, secret) => fromGitlab("Push Hook", gitlabPush(pushed), secret),
  Gitea: (pushed, secret) => fromGitea("push", giteaPush(pushed), secret),
  "Gitea, as a form": (pushed, secret) => fromGitea("push", giteaPush(pushed), secret, { as: "form" }),
  Forgejo: (pushed, secret) => fromGitea("push", giteaPush(pushed), secret, { kin: "forgejo" }),
  Gogs: (pushed, secret) => fromGitea("push", giteaPush(pushed), secret, { kin: "gogs" }),
  Bitbucket: (pushed, secret) => fromBitbucket("repo:push", bitbucketPush(pushed), secret),
};

test("a push that a forge tells of is pulled, whichever forge signs it, and no forged one is", async (t) => {
  const mirror = await mirrored();
  for (const [sender, make] of Object.entries(SENDERS)) {
    await t.test(sender, async () => {
      const pushed = await mirror.push();
      const forged = make(pushed, "not the secret of this mirror");
      const before = await mirror.updates();
      for (const path of [mirror.pull, mirror.trigger]) {
        const refused = await send(path, forged);
        assert.equal(refused.status, 401, path);
        assert.match(refused.body.message, /^401 Unauthorized - The webhook does not prove .+ hook secret/);
      }
      assert.equal(await mirror.updates(), before, "a forged one starts nothing");

      const answer = await send(mirror.pull, make(pushed, SECRET));
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.body.message, "200 OK");
      await mirror.has(pushed);

      const again = await mirror.push();
      const ours = await send(mirror.trigger, make(again, SECRET));
      assert.equal(ours.status, 202, JSON.stringify(ours.body));
      assert.match(ours.body.status, /^(queued|running)$/);
      await mirror.has(again);
    });
  }
});

test("a signature counts for the very bytes, and only in the place of a stronger one that is not there", async () => {
  const mirror = await mirrored();
  const pushed = await mirror.push();
  const good = fromGithub("push", githubPush(pushed), SECRET);
  const sha1 = `sha1=${hmac("sha1", SECRET, good.body)}`;
  const bad: Readonly<Record<string, Delivery>> = {
    "another byte": { ...good, body: `${good.body} ` },
    "no signature": fromGithub("push", githubPush(pushed), null),
    "a weak one beside a wrong strong one": {
      ...good,
      headers: {
        ...good.headers,
        "X-Hub-Signature": sha1,
        "X-Hub-Signature-256": `sha256=${"0".repeat(64)}`,
      },
    },
    "one in another form": {
      ...good,
      headers: { "Content-Type": "application/json", "X-GitHub-Event": "push", "X-Hub-Signature": "md5=0" },
    },
    "the signature of an empty secret": fromGithub("push", githubPush(pushed), ""),
    "Gitea without a secret": fromGitea("push", giteaPush(pushed), null),
    "no secret at GitLab": fromGitlab("Push Hook", gitlabPush(pushed), null),
    "the secret as a token of the API's": {
      headers: { "Content-Type": "application/json", "PRIVATE-TOKEN": SECRET },
      body: good.body,
    },
    "a token of the API's as GitLab's secret": fromGitlab("Push Hook", gitlabPush(pushed), server.token),
  };
  for (const [what, delivery] of Object.entries(bad)) {
    assert.equal((await send(mirror.pull, delivery)).status, 401, what);
  }
  const other = await mirrored();
  await root.post(`${other.path}/mirrors/${other.mirrorId}/hook_secret`, {});
  assert.equal((await send(other.pull, good)).status, 401, "it is the secret of another mirror");
  const wrong = { ...good, headers: { ...good.headers, "X-Hub-Signature-256": "sha256=0" } };
  const answers = await Promise.all(
    [
      mirror.pull,
      "/projects/no%2Fwhere/mirror/pull",
      mirror.trigger,
      `${mirror.path}/mirrors/999999/trigger`,
    ].map(async (path) => await send(path, wrong)),
  );
  assert.equal(
    new Set(answers.map((answer) => JSON.stringify(answer))).size,
    1,
    "what there is, is not told",
  );
  assert.equal((await send(mirror.pull, good)).status, 200);
  await mirror.has(pushed);
});

test("a webhook proves nothing anywhere else", async () => {
  const mirror = await mirrored();
  await root.put(mirror.path, { visibility: "private" });
  const headers = { "X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET };
  for (const [method, path, status] of [
    ["GET", mirror.path, 404],
    ["GET", mirror.pull, 401],
    ["PUT", mirror.pull, 401],
    ["POST", `${mirror.path}/mirrors/${mirror.mirrorId}/sync`, 401],
    ["POST", `${mirror.path}/mirrors/${mirror.mirrorId}/hook_secret`, 401],
    ["DELETE", `${mirror.path}/mirrors/${mirror.mirrorId}`, 401],
  ] as const) {
    const { status: found } = await fetch(`${server.url}/api/v4${path}`, { method, headers });
    assert.equal(found, status, `${method} ${path}`);
  }
  // What an API client may set by this route, a webhook may not.
  const before = await root.readPullMirror(mirror.project);
  const body = { ...gitlabPush(await mirror.push()), import_url: peer.urlOf("elsewhere.git"), mirror: true };
  assert.equal((await send(mirror.pull, fromGitlab("Push Hook", body, SECRET))).status, 200);
  assert.equal((await root.readPullMirror(mirror.project)).url, before.url);
});

test("an access token or a trigger token in the URL does without a signature", async () => {
  const mirror = await mirrored();
  const at = `${mirror.path}/mirrors/${mirror.mirrorId}`;
  const { token, id: tokenId } = createdTriggerTokenSchema.parse(
    await root.post(`${at}/trigger_tokens`, { name: "t" }),
  );
  for (const query of [`private_token=${server.token}`, `token=${token}`]) {
    for (const make of [
      (pushed: Parameters<typeof githubPush>[0]) => fromGithub("push", githubPush(pushed), null),
      (pushed: Parameters<typeof githubPush>[0]) =>
        fromGithub("push", githubPush(pushed), null, { as: "form" }),
      (pushed: Parameters<typeof githubPush>[0]) => fromBitbucket("repo:push", bitbucketPush(pushed), null),
    ]) {
      const pushed = await mirror.push();
      const answer = await send(`${mirror.pull}?${query}`, make(pushed));
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      await mirror.has(pushed);
    }
  }
  assert.notEqual((await mirror.read()).hook.received_at, null);
  const tests = fromGithub("ping", { zen: "Design for failure.", hook_id: 1 }, null);
  const before = await mirror.updates();
  assert.equal((await send(`${mirror.pull}?private_token=${server.token}`, tests)).status, 200);
  assert.equal((await send(`${mirror.pull}?token=${token}`, tests)).status, 200);
  assert.equal((await send(`${mirror.trigger}?token=${token}`, tests)).status, 200);
  assert.equal(await mirror.updates(), before, "a ping starts nothing");

  await root.delete(`${at}/hook_secret`);
  const told = await mirror.push();
  await send(`${mirror.pull}?token=${token}`, fromGithub("push", githubPush(told), null));
  await mirror.has(told);
  await root.delete(`${at}/trigger_tokens/${tokenId}`);
  assert.equal((await mirror.read()).hook.received_at, null, "nothing is left by which a webhook could come");
});

test("a test, and talk that moves no ref, is answered and starts nothing", async () => {
  const mirror = await mirrored({ enabled: true });
  const before = await mirror.updates();
  const tip = (await mirror.push()).after;
  const heard: Readonly<Record<string, Delivery>> = {
    "GitHub's ping": fromGithub("ping", { zen: "Keep it logically awesome.", hook_id: 7, hook: {} }, SECRET),
    "Gitea's test": fromGitea("push", giteaPush({ ref: "refs/heads/main", before: tip, after: tip }), SECRET),
    "Bitbucket's test": fromBitbucket("diagnostics:ping", { test: true }, SECRET),
    "an issue at GitHub": fromGithub("issues", { action: "opened", issue: { number: 1 } }, SECRET),
    "a comment at GitLab": fromGitlab("Note Hook", { object_kind: "note" }, SECRET),
    "a pipeline at GitLab": fromGitlab("Pipeline Hook", { object_kind: "pipeline", ref: "main" }, SECRET),
    "a build at Bitbucket": fromBitbucket("repo:commit_status_updated", { commit_status: {} }, SECRET),
  };
  for (const [what, delivery] of Object.entries(heard)) {
    for (const path of [mirror.pull, mirror.trigger]) {
      const answer = await send(path, delivery);
      assert.equal(answer.status, 200, what);
      assert.match(answer.body.message, /starts no update|No update/, what);
    }
  }
  assert.equal((await send(mirror.pull, fromGithub("ping", { zen: "." }, "wrong"))).status, 401);
  assert.equal(await mirror.updates(), before);
  assert.equal((await mirror.read()).hook.received_at, null, "none told of a change");
});

test("refs that the mirror does not carry start nothing; one that it carries is enough", async () => {
  const mirror = await mirrored({ mirror_branch_regex: "^(main|release/.*)$", mirror_tags: "^v" });
  const before = await mirror.updates();
  const oid = (await mirror.push("refs/heads/topic")).after;
  const at = (ref: string) => ({ ref, before: ZERO, after: oid });
  for (const [what, delivery] of [
    ["a branch", fromGithub("push", githubPush(at("refs/heads/topic")), SECRET)],
    ["a tag", fromGitlab("Tag Push Hook", gitlabPush(at("refs/tags/nightly")), SECRET)],
    [
      "a new branch",
      fromGithub("create", { ref: "topic", ref_type: "branch", master_branch: "main" }, SECRET),
    ],
    ["many", fromBitbucket("repo:push", bitbucketPush(at("refs/heads/a"), at("refs/tags/b")), SECRET)],
    ["what is neither", fromGithub("push", githubPush(at("refs/notes/commits")), SECRET)],
  ] as const) {
    const answer = await send(mirror.pull, delivery);
    assert.deepEqual([answer.status, /carries none/.test(answer.body.message)], [200, true], what);
  }
  assert.equal(await mirror.updates(), before);

  const release = await mirror.push("refs/heads/release/1");
  const both = bitbucketPush(at("refs/heads/a"), release);
  assert.equal((await send(mirror.pull, fromBitbucket("repo:push", both, SECRET))).body.message, "200 OK");
  await mirror.has(release);
  const tag = { ...at("refs/tags/v1"), after: release.after };
  await git(mirror.upstream, ["tag", "v1", release.after]);
  const created = { ref: "v1", ref_type: "tag", master_branch: "main" };
  assert.equal((await send(mirror.pull, fromGithub("create", created, SECRET))).body.message, "200 OK");
  await mirror.has(tag);
  // A list that cannot be read counts as any ref.
  for (const body of [{ ref: "x", ref_type: "other" }, {}, { ref: 7 }]) {
    const answer = await send(mirror.pull, fromGithub("push", body, SECRET));
    assert.equal(answer.body.message, "200 OK", JSON.stringify(body));
  }
});

test("a burst of webhooks is one update, and nothing of it is lost", async () => {
  const mirror = await mirrored();
  await root.put("/application/settings", { pull_mirror_min_interval_seconds: 2 });
  const before = await mirror.updates();
  const pushes = [];
  for (let i = 0; i < 20; i += 1) pushes.push(await mirror.push(`refs/heads/b${i}`));
  const answers = await Promise.all(
    pushes.map((pushed) => send(mirror.pull, fromGithub("push", githubPush(pushed), SECRET))),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  for (const pushed of pushes) await mirror.has(pushed);
  const updates = (await mirror.updates()) - before;
  await root.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
  assert(
    updates <= 2,
    `${updates} updates: one that was there when the last was told, and one before at most`,
  );
});

test("a signed message that comes again is refused, and what it tells is not lost", async () => {
  const mirror = await mirrored();
  const pushed = await mirror.push();
  const delivery = fromGitea("push", giteaPush(pushed), SECRET);
  assert.equal((await send(mirror.pull, delivery)).status, 200);
  await mirror.has(pushed);
  const before = await mirror.updates();
  for (const path of [mirror.pull, mirror.trigger]) {
    // The id of a delivery is not signed: another one makes it no other message.
    const again = { ...delivery, headers: { ...delivery.headers, "X-Gitea-Delivery": "another" } };
    const answer = await send(path, again);
    assert.equal(answer.status, 409);
    assert.match(answer.body.message, /came before/);
  }
  // The branch is set back and forth, which Gitea tells of in the same bytes.
  await git(mirror.upstream, ["update-ref", pushed.ref, pushed.before]);
  const back = { ref: pushed.ref, before: pushed.after, after: pushed.before };
  await root.put(`${mirror.path}/mirrors/${mirror.mirrorId}`, { overwrites_diverged_branches: true });
  await mirror.has(back);
  assert((await mirror.updates()) > before);
  await git(mirror.upstream, ["update-ref", pushed.ref, pushed.after]);
  assert.equal((await send(mirror.pull, delivery)).status, 409);
  await mirror.has(pushed);
  assert.equal((await mirror.read()).hook.missed_count, 0, "it was told of, after all");

  // GitLab signs nothing: who sees its secret can say what they like, and nothing is gained by refusing a repetition.
  const unsigned = fromGitlab("Push Hook", gitlabPush(pushed), SECRET);
  assert.equal((await send(mirror.pull, unsigned)).status, 200);
  assert.equal((await send(mirror.pull, unsigned)).status, 200);
});

test("a message that could start nothing is taken when it comes again", async () => {
  const mirror = await mirrored();
  const pushed = await mirror.push();
  const delivery = fromGithub("push", githubPush(pushed), SECRET);
  await root.put(`${mirror.path}/mirrors/${mirror.mirrorId}`, { enabled: false });
  assert.equal((await send(mirror.trigger, delivery)).status, 400);
  await db.query("update mirrors set enabled = true where id = $1", [mirror.mirrorId]);
  assert.equal((await send(mirror.trigger, delivery)).status, 202);
  await mirror.has(pushed);
});

test("a change that polling finds and no webhook told of makes the webhook unreliable, until one comes", async () => {
  const mirror = await mirrored();
  const other = await mirrored();
  const poll = async () => {
    await db.query("update mirrors set next_check_at = now() where id = $1", [mirror.mirrorId]);
    // The end of an update wakes the dispatcher.
    await root.update(other.project, "pull");
  };
  // Nobody ever set one up: there is nothing to be missed.
  const first = await mirror.push();
  await poll();
  await mirror.has(first);
  assert.deepEqual((await mirror.read()).hook, {
    has_secret: true,
    received_at: null,
    missed_count: 0,
    missed_at: null,
    reliable: true,
  });

  const told = await mirror.push();
  await send(mirror.pull, fromGithub("push", githubPush(told), SECRET));
  await mirror.has(told);
  const { received_at, ...good } = (await mirror.read()).hook;
  assert.notEqual(received_at, null);
  assert.deepEqual(good, { has_secret: true, missed_count: 0, missed_at: null, reliable: true });

  const untold = await mirror.push();
  await poll();
  await mirror.has(untold);
  assert.equal((await mirror.read()).hook.reliable, true, "it may still come");
  assert.equal(await metric("mirrors_hook_missed"), 0);
  await db.query("update mirrors set hook_missed_at = hook_missed_at - interval '1 minute' where id = $1", [
    mirror.mirrorId,
  ]);
  const missed = (await mirror.read()).hook;
  assert.deepEqual([missed.reliable, missed.missed_count, missed.missed_at !== null], [false, 1, true]);
  assert.deepEqual([await metric("mirrors_hook_missed"), (await metric("mirrors_hooked")) > 0], [1, true]);

  const last = await mirror.push();
  await send(mirror.pull, fromGithub("push", githubPush(last), SECRET));
  await mirror.has(last);
  const again = (await mirror.read()).hook;
  assert.deepEqual([again.reliable, again.missed_count, again.missed_at], [true, 0, missed.missed_at]);

  // One that comes after polling was quicker has not been missed.
  const late = await mirror.push();
  await poll();
  await mirror.has(late);
  await send(mirror.pull, fromGithub("push", githubPush(late), SECRET));
  const kept = (await mirror.read()).hook;
  assert.deepEqual([kept.reliable, kept.missed_count, kept.missed_at], [true, 0, null]);
});

test("a hook secret is made or given, shown once, replaced and taken away", async () => {
  const mirror = await mirrored();
  const path = `${mirror.path}/mirrors/${mirror.mirrorId}/hook_secret`;
  const { secret, ...rest } = hookSecretSchema.parse(await root.post(path));
  assert.match(secret, /^[\w-]{43}$/);
  assert.equal(rest.mirror_id, mirror.mirrorId);
  const whole = JSON.stringify([
    await root.get(`${mirror.path}/mirrors`),
    await root.get("/audit_events?per_page=100"),
  ]);
  assert(!whole.includes(secret) && !whole.includes(SECRET));
  const pushed = await mirror.push();
  assert.equal(
    (await send(mirror.pull, fromGithub("push", githubPush(pushed), SECRET))).status,
    401,
    "the old one",
  );
  assert.equal((await send(mirror.pull, fromGithub("push", githubPush(pushed), secret))).status, 200);
  for (const [given, complaint] of [
    ["short", /too short/],
    ["x".repeat(256), /too long/],
    ["with spaces and more of them", /ASCII/],
    [`hlpat-${"x".repeat(30)}`, /access token/],
  ] as const) {
    const answer = await root.call("POST", path, { secret: given });
    assert.equal(answer.status, 400);
    assert.match(Object(Object(answer.body).message).secret[0], complaint);
  }
  await mirror.has(pushed);
  await root.delete(path);
  assert.deepEqual((await mirror.read()).hook, {
    has_secret: false,
    received_at: null,
    missed_count: 0,
    missed_at: null,
    reliable: true,
  });
  assert.equal((await root.call("DELETE", path)).status, 404);
  const later = await mirror.push();
  assert.equal((await send(mirror.pull, fromGithub("push", githubPush(later), secret))).status, 401);
  assert.equal((await send(mirror.pull, fromGithub("push", githubPush(later), ""))).status, 401);
  assert(!server.output().includes(secret) && !server.output().includes(SECRET), "nor is it in the log");
});

test("a long body is taken once it is signed, and one that is too long is refused", async () => {
  const mirror = await mirrored();
  const pushed = await mirror.push();
  const filled = (bytes: number) => ({ ...githubPush(pushed), filler: "x".repeat(bytes) });
  const answer = await send(mirror.pull, fromGithub("push", filled(3 * 1024 * 1024), SECRET));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  await mirror.has(pushed);
  assert.equal((await send(mirror.pull, fromGithub("push", filled(5 * 1024 * 1024), SECRET))).status, 413);
  assert.equal(
    (await send("/projects", fromGithub("push", filled(3 * 1024 * 1024), SECRET))).status,
    413,
    "it is for webhooks only",
  );
});

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/-/metrics`)).text();
  return Number(new RegExp(`^heliostat_${name} (\\d+)$`, "m").exec(text)?.[1]);
}
