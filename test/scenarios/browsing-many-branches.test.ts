import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import test, { after } from "node:test";
import { branchSchema } from "@heliostat/contract/api/repository-refs.ts";
import { createApi } from "../support/api.ts";
import { git, setRef } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";

/* The pages of ten thousand branches: each costs what stands on it. */

const COUNT = 10_000;
/** `contents`, the id of an object, and a line end. */
const QUESTION_BYTES = 50;
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
const { id } = await api.createProject("many");
const repository = server.repositoryOf(id);
const AT = `/projects/${id}/repository/branches`;
const oids = await makeBranches();
const inOrder = [...oids.keys()].sort();
// The process that reads objects is there, and has opened its pack.
await api.get(`${AT}/topic%2F1234`);

/** Each with a commit of its own, the later in its name the newer. */
async function makeBranches(): Promise<ReadonlyMap<string, string>> {
  const commit = (name: string, seconds: number, from: string) =>
    `commit refs/heads/${name}\ncommitter C <c@example.com> ${seconds} +0000\ndata 1\nm\n${from}`;
  const parts = [`${commit("main", 1_600_000_000, "")}M 100644 inline file\ndata 1\nf\n`];
  for (let i = 1; i < COUNT; i += 1) {
    parts.push(commit(`topic/${i}`, 1_600_000_000 + i, "from refs/heads/main\n"));
  }
  await git(repository, ["fast-import", "--quiet"], { input: parts.join("") });
  await git(repository, ["pack-refs", "--all"]);
  const listed = await git(repository, ["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)"]);
  return new Map(
    listed.split("\n").map((line): [string, string] => [line.split(" ")[0] ?? "", line.slice(-40)]),
  );
}

/** What the processes that read objects were asked so far: they read nothing else, for packs are mapped. */
async function countBytesAsked(): Promise<number> {
  let sum = 0;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!commandLine.includes(repository) || !commandLine.includes("cat-file")) continue;
    sum += Number(/^rchar: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, "utf8"))?.[1]);
  }
  return sum;
}

/** A page, and of how many objects git was asked for it. */
async function read(query: string) {
  const before = await countBytesAsked();
  const { status, headers, body } = await api.call("GET", `${AT}?${query}`);
  assert.equal(status, 200, query);
  const objects = Math.floor(((await countBytesAsked()) - before) / QUESTION_BYTES);
  return { headers, objects, branches: branchSchema.array().parse(body) };
}

const namesOf = (branches: readonly { readonly name: string }[]) => branches.map(({ name }) => name);
const oidsOf = (names: readonly string[]) => names.map((name) => oids.get(name));

test("a page has what stands on it, says how many there are, and reads no more than that", async () => {
  const first = await read("");
  assert.deepEqual(namesOf(first.branches), inOrder.slice(0, 20));
  assert.deepEqual(
    first.branches.map(({ commit }) => commit.id),
    oidsOf(inOrder.slice(0, 20)),
  );
  assert.equal(first.objects, 20);
  assert.deepEqual(
    ["x-total", "x-total-pages", "x-page", "x-next-page", "x-prev-page"].map((name) =>
      first.headers.get(name),
    ),
    ["10000", "500", "1", "2", ""],
  );
  assert.match(first.headers.get("link") ?? "", /[?&]page=500[^>]*>; rel="last"/);

  const last = await read("page=100&per_page=100");
  assert.deepEqual(namesOf(last.branches), inOrder.slice(-100));
  assert.equal(last.objects, 100);
  assert.equal(last.headers.get("x-next-page"), "");
  assert.doesNotMatch(last.headers.get("link") ?? "", /rel="next"/);

  const behind = await read("page=101&per_page=100");
  assert.deepEqual([behind.branches, behind.objects, behind.headers.get("x-total")], [[], 0, "10000"]);

  const again = await read("");
  assert.deepEqual([again.branches, again.objects], [first.branches, 0]);
});

test("a search pages what it found, and reads no more than that", async () => {
  const wanted = inOrder.filter((name) => name.endsWith("77"));
  const { branches, objects, headers } = await read("search=77$&page=3&per_page=10");
  assert.deepEqual(namesOf(branches), wanted.slice(20, 30));
  assert.equal(objects, 10);
  assert.equal(headers.get("x-total"), String(wanted.length));
  assert.equal(headers.get("x-total-pages"), String(Math.ceil(wanted.length / 10)));
});

test("by time, too, a page asks for its own objects only", async () => {
  const newest = Array.from({ length: COUNT - 1 }, (_none, index) => `topic/${COUNT - 1 - index}`);
  const first = await read("sort=updated_desc&per_page=5&page=1000");
  assert.deepEqual(namesOf(first.branches), newest.slice(4995, 5000));
  const second = await read("sort=updated_desc&per_page=5&page=1001");
  assert.deepEqual(namesOf(second.branches), newest.slice(5000, 5005));
  assert.deepEqual([first.objects, second.objects], [5, 5]);
});

test("by keyset all of them come, once each, and none is counted", async () => {
  const names: string[] = [];
  let query: string | undefined = "pagination=keyset&per_page=100";
  while (query !== undefined) {
    const { branches, headers } = await read(query);
    names.push(...namesOf(branches));
    assert.equal(headers.get("x-total"), null);
    query = /\?([^>]*)>; rel="next"/.exec(headers.get("link") ?? "")?.[1];
  }
  assert.deepEqual(names, inOrder);
});

test("a list goes on behind a branch that is gone; one by time says that it cannot", async () => {
  await setRef(repository, "refs/heads/topic/5000", null);
  const index = inOrder.indexOf("topic/5000");
  const { branches } = await read("pagination=keyset&page_token=topic/5000&per_page=2");
  assert.deepEqual(namesOf(branches), inOrder.slice(index + 1, index + 3));
  const query = "pagination=keyset&page_token=topic/5000&sort=updated_asc";
  assert.equal((await api.call("GET", `${AT}?${query}`)).status, 400);
  const { headers } = await read("per_page=1");
  assert.equal(headers.get("x-total"), String(COUNT - 1));
  await setRef(repository, "refs/heads/a-new-one", oids.get("main") ?? "");
  const { branches: one } = await read("per_page=1");
  assert.deepEqual(namesOf(one), ["a-new-one"]);
});
