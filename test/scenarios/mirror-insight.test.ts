import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";
import { mirrorExplanationSchema } from "@heliostat/contract/api/mirror-explanation.ts";
import { mirrorOverviewSchema } from "@heliostat/contract/api/mirror-overview.ts";
import { mirrorPreviewSchema } from "@heliostat/contract/api/mirrors.ts";
import { z } from "zod";
import { createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf, setRef } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";

/* What people want to know of mirrors beyond their settings and history. */

const server = await startServer();
after(() => server.stop());
const api = createApi(server);
const directory = await makeTempDir({ after });
const peer = await startGitHttpPeer({ root: directory });
after(() => peer.close());
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0, default_branch_protection: 0 });

async function mirrorId(project: number): Promise<number> {
  const [mirror] = (await api.get(`/projects/${project}/mirrors`)) as { id: number }[];
  assert(mirror);
  return mirror.id;
}

async function explain(project: number) {
  const path = `/projects/${project}/mirrors/${await mirrorId(project)}/explanation`;
  return mirrorExplanationSchema.strict().parse(await api.get(path));
}

async function preview(project: number, options: Record<string, unknown> = {}) {
  const path = `/projects/${project}/mirrors/${await mirrorId(project)}/preview`;
  const { status, body } = await api.call("POST", path, options);
  assert.equal(status, 200, JSON.stringify(body));
  const answer = mirrorPreviewSchema.strict().parse(body);
  return { ...answer, refs: answer.refs.map(({ ref, outcome }) => `${outcome} ${ref}`) };
}

test("a preview says what a pull would do, and does none of it", async () => {
  const upstream = await makeRepository(join(directory, "upstream.git"));
  const first = await makeCommit(upstream);
  for (const name of ["moves", "parts"]) await setRef(upstream, `refs/heads/${name}`, first);
  const { id } = await api.createProject("pulled", {
    mirror: true,
    import_url: `${peer.url}/upstream.git`,
  });
  await api.waitForMirror(id, "pull", "finished");
  const ours = server.repositoryOf(id);
  await makeCommit(ours, { ref: "refs/heads/parts", parents: [first] });
  await makeCommit(upstream, { ref: "refs/heads/parts" });
  await makeCommit(upstream, { ref: "refs/heads/moves" });
  await setRef(upstream, "refs/heads/new", first);
  await setRef(upstream, "refs/tags/v1", first);
  const before = await refsOf(ours);
  const updates = (await api.listUpdates(id, "pull")).length;

  const planned = await preview(id);
  assert.deepEqual(planned.refs.sort(), [
    "created refs/heads/new",
    "created refs/tags/v1",
    "diverged refs/heads/parts",
    "fast-forward refs/heads/moves",
  ]);
  assert.deepEqual([planned.counts["up-to-date"], planned.counts.created, planned.failures], [1, 2, []]);
  const overwriting = await preview(id, { overwrites_diverged_branches: true, mirror_tags: "none" });
  assert.deepEqual(overwriting.refs.sort(), [
    "created refs/heads/new",
    "fast-forward refs/heads/moves",
    "forced refs/heads/parts",
  ]);
  assert.deepEqual(await refsOf(ours), before, "no ref has changed");
  assert.equal((await api.listUpdates(id, "pull")).length, updates, "and no update is in the history");

  await api.update(id, "pull");
  assert.deepEqual((await preview(id)).refs, ["diverged refs/heads/parts"]);
});

test("a preview says what a push would do, and does none of it", async () => {
  const downstream = await makeRepository(join(directory, "downstream.git"));
  const { id } = await api.createProject("pushed");
  const ours = server.repositoryOf(id);
  const tip = await makeCommit(ours);
  await setRef(downstream, "refs/heads/topic", await makeCommit(downstream, { ref: "refs/heads/other" }));
  await setRef(ours, "refs/heads/topic", tip);
  await api.createPushMirror(id, `${peer.url}/downstream.git`, { enabled: false });
  const before = await refsOf(downstream);
  assert.deepEqual((await preview(id)).refs.sort(), ["created refs/heads/main", "forced refs/heads/topic"]);
  const keeping = await preview(id, { keep_divergent_refs: true });
  assert.deepEqual(keeping.refs.sort(), ["created refs/heads/main", "diverged refs/heads/topic"]);
  assert.equal(keeping.failures.length, 1);
  assert.deepEqual(await refsOf(downstream), before);
});

test("a preview of a remote that does not answer says why, and one with options of the other direction is refused", async () => {
  const { id } = await api.createProject("unreachable");
  await api.createPushMirror(id, "http://127.0.0.1:9/x.git", { enabled: false });
  const path = `/projects/${id}/mirrors/${await mirrorId(id)}/preview`;
  const unreachable = await api.call("POST", path);
  assert.equal(unreachable.status, 422);
  assert.match(JSON.stringify(unreachable.body), /refused|reach/i);
  const wrong = await api.call("POST", path, { overwrites_diverged_branches: true });
  assert.equal(wrong.status, 400);
  assert.match(JSON.stringify(wrong.body), /is an option of pull mirrors/);
});

test("a mirror says what it waits for", async () => {
  const { id } = await api.createProject("explained", {
    mirror: true,
    import_url: `${peer.url}/upstream.git`,
  });
  await api.waitForMirror(id, "pull", "finished");
  const waiting = await explain(id);
  assert.equal(waiting.waiting_for, "time");
  assert.ok(Date.parse(waiting.until ?? "") > Date.now(), String(waiting.until));
  assert.equal(waiting.last_updates[0]?.status, "finished");
  await api.put("/application/settings", { silent_mode_enabled: true });
  assert.equal((await explain(id)).waiting_for, "silent-mode");
  await api.put("/application/settings", { silent_mode_enabled: false });
  await api.put(`/projects/${id}/mirrors/${await mirrorId(id)}`, { enabled: false });
  const off = await explain(id);
  assert.deepEqual([off.waiting_for, off.fix], ["disabled", "Switch it on."]);
});

test("the overview counts what one may see", async () => {
  const overview = mirrorOverviewSchema.strict().parse(await api.get("/mirrors/overview"));
  const [pulls, pushes] = overview.mirrors;
  assert.deepEqual(
    [pulls?.direction, pulls?.total, pulls?.enabled, pushes?.direction, pushes?.enabled],
    ["pull", 2, 1, "push", 0],
  );
  assert.ok(overview.last_hour.finished >= 3, JSON.stringify(overview.last_hour));
  assert.equal(overview.hosts_paused, 0);
  const password = "a sentence nobody guesses";
  const stranger = await api.createUser("stranger", password);
  const made = await api.post(`/users/${stranger}/personal_access_tokens`, { name: "t", scopes: ["api"] });
  const { token } = z.object({ token: z.string() }).parse(made);
  const theirs = mirrorOverviewSchema.parse(await api.as(token).get("/mirrors/overview"));
  assert.deepEqual([theirs.mirrors, theirs.hosts_paused], [[], null]);
});
