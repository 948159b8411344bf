import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { type EventAnswer, eventSchema } from "@heliostat/contract/api/events.ts";
import { projectSchema } from "@heliostat/contract/api/projects.ts";
import { createApi, idOf, projectPath } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import {
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  setRef,
} from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { cloneWorkingCopy, withCredentials } from "../support/working-copy.ts";

/* The activity feed: what clients push, and what pull mirrors bring, as `GET /projects/:id/events` tells it. */

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
const userId = await api.createUser("ada", "correct horse battery");
const ada = api.as(await api.createToken(userId, ["api"]));

/** Every answer has exactly the keys of the contract. */
const exactly = eventSchema.strict().array();

async function listEvents(project: string, query = ""): Promise<readonly EventAnswer[]> {
  return exactly.parse(await api.get(`${projectPath(project)}/events${query}`));
}

/** The newest so many events, once there are `total`: they are recorded behind the back of a push. */
async function nextEvents(project: string, total: number, newest: number): Promise<readonly EventAnswer[]> {
  const events = await waitFor(
    async () => {
      const all = await listEvents(project, "?per_page=100");
      return all.length >= total && all;
    },
    { message: async () => `${total} events: ${JSON.stringify(await listEvents(project, "?per_page=100"))}` },
  );
  assert.equal(events.length, total);
  return events.slice(0, newest);
}

function summaryOf({ action_name, push_data, author_username }: EventAnswer) {
  const { ref_type, ref, commit_count, commit_title, ref_count } = push_data;
  return [action_name, ref_type, ref, commit_count, commit_title, ref_count, author_username];
}

test("a client's pushes, from the first one to the removal of the branch", async () => {
  const { id } = await api.createProject("pushed", { namespace_id: await namespaceOf("ada") });
  const url = withCredentials(`${server.url}/ada/pushed.git`, "ada", await adaToken());
  const work = await cloneWorkingCopy(url, join(directory, "work"));
  const first = await work.commit("main", "first");
  const second = await work.commit("main", "second line\nof one title");
  await work.push("main");
  const [created] = await nextEvents("ada/pushed", 1, 1);
  assert.deepEqual(
    { ...created, id: 0, created_at: "", author: created?.author?.username },
    {
      id: 0,
      project_id: id,
      action_name: "pushed new",
      target_id: null,
      target_iid: null,
      target_type: null,
      target_title: null,
      author_id: userId,
      author: "ada",
      author_username: "ada",
      created_at: "",
      imported: false,
      imported_from: "none",
      push_data: {
        commit_count: 2,
        action: "created",
        ref_type: "branch",
        commit_from: null,
        commit_to: second,
        ref: "main",
        commit_title: "second line",
        ref_count: null,
      },
    },
  );

  const third = await work.commit("main", "third");
  await work.push("main");
  const [pushed] = await nextEvents("ada/pushed", 2, 1);
  assert.deepEqual(pushed && summaryOf(pushed), ["pushed to", "branch", "main", 1, "third", null, "ada"]);
  assert.deepEqual([pushed?.push_data.commit_from, pushed?.push_data.commit_to], [second, third]);

  await git(work.path, ["reset", "-q", "--hard", first]);
  const other = await work.commit("main", "another second");
  await git(work.path, ["tag", "v1"]);
  await ada.call("PATCH", `/projects/${id}/protected_branches/main`, { allow_force_push: true });
  await work.push("--force", "main", "main:topic", "v1");
  const three = await nextEvents("ada/pushed", 5, 3);
  assert.deepEqual(three.map(summaryOf).toSorted(), [
    ["pushed new", "branch", "topic", 0, null, null, "ada"],
    ["pushed new", "tag", "v1", 1, "another second", null, "ada"],
    ["pushed to", "branch", "main", 1, "another second", null, "ada"],
  ]);
  const forced = three.find(({ action_name }) => action_name === "pushed to");
  assert.deepEqual([forced?.push_data.commit_from, forced?.push_data.commit_to], [third, other]);

  await work.push("--delete", "topic", "v1");
  const two = await nextEvents("ada/pushed", 7, 2);
  assert.deepEqual(two.map(summaryOf).toSorted(), [
    ["deleted", "branch", "topic", 0, null, null, "ada"],
    ["deleted", "tag", "v1", 0, null, null, "ada"],
  ]);
  for (const { push_data } of two)
    assert.deepEqual([push_data.commit_from, push_data.commit_to], [other, null]);
});

test("many changes of a kind in one push make one event", async () => {
  await api.createProject("many");
  const url = withCredentials(`${server.url}/root/many.git`, "root", server.token);
  const work = await cloneWorkingCopy(url, join(directory, "many"));
  await work.commit("main", "first");
  await work.push("main", "main:one", "main:two");
  assert.equal((await nextEvents("root/many", 3, 3)).length, 3);
  await work.push("main:a", "main:b", "main:c", "main:d");
  const [bulk] = await nextEvents("root/many", 4, 1);
  assert.deepEqual(bulk && summaryOf(bulk), ["pushed new", "branch", null, 0, null, 4, "root"]);
  assert.deepEqual([bulk?.push_data.commit_from, bulk?.push_data.commit_to], [null, null]);
});

test("an update of a pull mirror is one push by its mirror user", async () => {
  const upstream = await makeRepository(join(directory, "peer/up.git"));
  const [first = ""] = await makeCommits(upstream, 5);
  for (let index = 0; index < 200; index += 1) await git(upstream, ["branch", `topic-${index}`, first]);
  await makeTag(upstream, "v1", first);
  await api.createProject("pulled");
  await api.createPullMirror("root/pulled", peer.urlOf("up.git"));
  await api.waitForMirror("root/pulled", "pull", "finished");
  const initial = await nextEvents("root/pulled", 2, 2);
  assert.deepEqual(
    initial.map(({ push_data }) => [push_data.ref_type, push_data.ref_count, push_data.ref]).toSorted(),
    [
      ["branch", 201, null],
      ["tag", null, "v1"],
    ],
  );

  const tip = await makeCommit(upstream, { message: "from upstream" });
  await makeCommit(upstream, { ref: "refs/heads/topic-1", parents: [first], message: "a topic" });
  await api.update("root/pulled", "pull");
  const next = await nextEvents("root/pulled", 4, 2);
  assert.deepEqual(next.map(summaryOf).toSorted(), [
    ["pushed to", "branch", "main", 1, "from upstream", null, "root"],
    ["pushed to", "branch", "topic-1", 1, "a topic", null, "root"],
  ]);
  assert(next.some(({ push_data }) => push_data.commit_to === tip));

  const { last_activity_at } = projectSchema.parse(await api.get(projectPath("root/pulled")));
  assert.equal(last_activity_at, next[0]?.created_at, "what a pull brings is activity");

  await setRef(upstream, "refs/heads/topic-1", null);
  await api.update("root/pulled", "pull");
  await nextEvents("root/pulled", 4, 0);
});

test("filters, pages and refusals are GitLab's", async () => {
  const path = `${projectPath("ada/pushed")}/events`;
  const refs = async (query: string) => (await listEvents("ada/pushed", query)).map(({ id }) => id);
  const all = await refs("");
  assert.equal(all.length, 7);
  assert.deepEqual(await refs("?sort=asc"), all.toReversed());
  assert.deepEqual(await refs("?action=pushed"), all);
  assert.deepEqual(await refs("?action=created"), []);
  assert.deepEqual(await refs("?target_type=issue"), []);
  assert.deepEqual(await refs("?after=2020-01-01"), all);
  assert.deepEqual(await refs("?before=2020-01-01"), []);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  assert.deepEqual(await refs(`?after=${tomorrow}`), []);
  assert.deepEqual(await refs(`?before=${tomorrow}&action=&after=`), all);

  const { headers, body } = await api.call("GET", `${path}?per_page=3&page=2`);
  assert.deepEqual(
    exactly.parse(body).map(({ id }) => id),
    all.slice(3, 6),
  );
  assert.deepEqual(
    ["x-total", "x-total-pages", "x-page", "x-next-page", "x-prev-page"].map((name) => headers.get(name)),
    ["7", "3", "2", "3", "1"],
  );

  const refused: readonly (readonly [string, string])[] = [
    ["action=dance", "action does not have a valid value"],
    ["target_type=car", "target_type does not have a valid value"],
    ["sort=up", "sort does not have a valid value"],
    ["before=yesterday", "before is invalid"],
    ["after=2026-02-30", "after is invalid"],
  ];
  for (const [query, error] of refused) {
    const answer = await api.call("GET", `${path}?${query}`);
    assert.deepEqual([answer.status, answer.body], [400, { error }], query);
  }
});

test("events are seen by those who may see the project, and by nobody else", async () => {
  const path = `${projectPath("root/many")}/events`;
  assert.equal((await api.call("GET", path)).status, 200);
  assert.equal((await ada.call("GET", path)).status, 404);
  assert.equal((await api.as(null).call("GET", path)).status, 404);
  await api.put(projectPath("root/many"), { visibility: "public" });
  const { status, body } = await api.as(null).call("GET", path);
  assert.equal(status, 200);
  const [event] = exactly.parse(body);
  assert.equal(event?.author?.username, "root");
  assert(!JSON.stringify(body).includes("@"), "no mail address is given away");
});

async function namespaceOf(username: string): Promise<number> {
  return idOf(await api.get(`/namespaces/${username}`));
}

async function adaToken(): Promise<string> {
  return await api.createToken(userId, ["write_repository"]);
}
