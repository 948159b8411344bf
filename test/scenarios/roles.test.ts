import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { groupSchema } from "@heliostat/contract/api/groups.ts";
import { memberSchema } from "@heliostat/contract/api/members.ts";
import { mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { projectSchema } from "@heliostat/contract/api/projects.ts";
import { Client } from "pg";
import { type Answer, type Api, createApi, idOf, projectPath } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { allRefsAt, withCredentials } from "../support/working-copy.ts";

/* One project, `acme/tools/widget`, and people of every role: through the API and with real git. */

const LEVELS = { guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 } as const;
type Role = keyof typeof LEVELS;
const ROLES = Object.keys(LEVELS) as Role[];
const PASSWORD = "correct horse battery";

const directory = await makeTempDir({ after });
const database = await createTestDatabase();
const server = await startServer({ database, dataDir: join(directory, "data") });
after(() => server.stop());
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const root = createApi(server);
await root.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

interface Person {
  readonly id: number;
  readonly name: string;
  readonly token: string;
  readonly api: Api;
}

async function makePerson(name: string): Promise<Person> {
  const id = await root.createUser(name, PASSWORD);
  const token = await root.createToken(id, ["api"]);
  return { id, name, token, api: root.as(token) };
}

const boss = await makePerson("boss");
const stranger = await makePerson("stranger");
const acme = idOf(await boss.api.post("/groups", { name: "Acme", path: "acme" }));
const tools = idOf(await boss.api.post("/groups", { name: "Tools", path: "tools", parent_id: acme }));
const WIDGET = "acme/tools/widget";
const widget = (await boss.api.createProject("widget", { namespace_id: tools })).id;
const local = await makeRepository(join(directory, "local.git"));
const tip = await makeCommit(local);
await push(boss, `${tip}:refs/heads/main`);
const seat = await makePerson("seat");
await boss.api.post(`/projects/${widget}/members`, { user_id: seat.id, access_level: 10 });

/** What a role may do with a private project; statuses of the API, and of git. */
const EXPECTED: Readonly<Record<Role | "stranger", Readonly<Record<string, number>>>> = {
  stranger: { see: 404, fetch: 404, push: 404, mirrors: 404, settings: 404, give: 404, archive: 404 },
  guest: { see: 200, fetch: 403, push: 403, mirrors: 403, settings: 403, give: 403, archive: 403 },
  reporter: { see: 200, fetch: 200, push: 403, mirrors: 403, settings: 403, give: 403, archive: 403 },
  developer: { see: 200, fetch: 200, push: 200, mirrors: 403, settings: 403, give: 403, archive: 403 },
  maintainer: { see: 200, fetch: 200, push: 200, mirrors: 200, settings: 200, give: 409, archive: 403 },
  owner: { see: 200, fetch: 200, push: 200, mirrors: 200, settings: 200, give: 409, archive: 201 },
};

for (const by of ["the project", "its group", "the group at the top"] as const) {
  test(`what each role may, by a membership of ${by}`, async () => {
    const place = { "the project": `/projects/${widget}`, "its group": `/groups/${tools}` }[by as string];
    const members = `${place ?? `/groups/${acme}`}/members`;
    for (const role of ["stranger", ...ROLES] as const) {
      const who = role === "stranger" ? stranger : await makePerson(`${role}-${by.replaceAll(/\W/g, "")}`);
      if (role !== "stranger") {
        const member = { user_id: who.id, access_level: LEVELS[role] };
        memberSchema.parse(await boss.api.post(members, member));
      }
      assert.deepEqual(await tried(who), EXPECTED[role], role);
      const listed = await paths(who.api, "/projects?membership=true");
      assert.equal(listed.includes(WIDGET), role !== "stranger", "the list says the same");
      const seen = (await paths(who.api, "/groups", "full_path")).includes("acme");
      assert.equal(seen, role !== "stranger", "who is a member below sees the group");
    }
  });
}

test("a membership ends when it is taken away, for the API, git and lists alike", async () => {
  const dev = await makePerson("leaving");
  await boss.api.post(`/projects/${widget}/members`, { username: "leaving", access_level: 30 });
  await push(dev, `${tip}:refs/heads/leaving`);
  await boss.api.put(`/projects/${widget}/members/${dev.id}`, { access_level: 20 });
  await assert.rejects(push(dev, `${tip}:refs/heads/leaving-2`), /403/);
  assert.equal((await allRefsAt(urlOf(WIDGET, dev)))["refs/heads/main"], tip);
  // Everybody may leave.
  assert.equal((await dev.api.call("DELETE", `/projects/${widget}/members/${dev.id}`)).status, 204);
  await assert.rejects(allRefsAt(urlOf(WIDGET, dev)), /not found/);
  assert.equal((await dev.api.call("GET", `/projects/${widget}`)).status, 404);
  assert.deepEqual(await paths(dev.api, "/projects"), []);
});

test("a membership ends on its day", async () => {
  const temp = await makePerson("temp");
  const members = `/projects/${widget}/members`;
  const member = { user_id: temp.id, access_level: 30, expires_at: dayIn(2) };
  assert.equal(Object(await boss.api.post(members, member)).expires_at, dayIn(2));
  assert.equal((await temp.api.call("GET", `/projects/${widget}`)).status, 200);
  // Two days later.
  await query("update members set expires_at = expires_at - 2 where user_id = $1", temp.id);
  assert.equal((await temp.api.call("GET", `/projects/${widget}`)).status, 404);
  await assert.rejects(allRefsAt(urlOf(WIDGET, temp)), /not found/);
  assert.deepEqual(await paths(temp.api, "/projects?membership=true"), []);
  assert.equal((await boss.api.call("GET", `${members}/${temp.id}`)).status, 404);
  // And is not in the way of the next one.
  assert.equal((await boss.api.call("POST", members, { ...member, expires_at: null })).status, 201);
  assert.equal((await temp.api.call("GET", `/projects/${widget}`)).status, 200);
  const past = await boss.api.call("PUT", `${members}/${temp.id}`, {
    ...{ access_level: 30, expires_at: dayIn(0) },
  });
  assert.deepEqual(said(past), [400, { message: { expires_at: ["must be in the future"] } }]);
});

test("members are listed, found, added one by one and many at once", async () => {
  const [one, two, three] = [await makePerson("one"), await makePerson("two"), await makePerson("three")];
  const members = `/projects/${widget}/members`;
  const added = Object(await boss.api.post(members, { user_id: String(one.id), access_level: "30" }));
  assert.deepEqual(Object.keys(added).sort(), [
    ...["access_level", "avatar_url", "created_at", "created_by", "expires_at", "id", "locked"],
    ...["membership_state", "name", "state", "username", "web_url"],
  ]);
  assert.deepEqual(
    [added.id, added.username, added.access_level, added.expires_at, added.created_by.id],
    [...[one.id, "one", 30, null, boss.id]],
  );
  const again = await boss.api.call("POST", members, { user_id: one.id, access_level: 30 });
  assert.deepEqual(said(again), [409, { message: "Member already exists" }]);
  const many = { user_id: `${one.id},${two.id}`, access_level: 20 };
  assert.deepEqual(await boss.api.post(members, many), {
    ...{ status: "error", message: { [one.id]: "Member already exists" } },
  });
  const rest = { username: "three,two", access_level: 20 };
  assert.deepEqual(Object(await boss.api.post(members, rest)).message, { two: "Member already exists" });
  assert.equal(Object(await boss.api.get(`${members}/${three.id}`)).access_level, 20);
  const unknown = await boss.api.call("POST", members, { user_id: 99_999, access_level: 30 });
  assert.deepEqual(said(unknown), [404, { message: "404 User Not Found" }]);
  const odd = await boss.api.call("POST", members, { user_id: stranger.id, access_level: 35 });
  assert.deepEqual(said(odd), [400, { message: { access_level: ["is not included in the list"] } }]);
  const nobody = await boss.api.call("POST", members, { access_level: 30 });
  assert.equal(nobody.status, 400);

  assert.deepEqual(await paths(boss.api, `${members}?query=thre`, "username"), ["three"]);
  assert.deepEqual(
    await paths(boss.api, `${members}?user_ids[]=${one.id}&user_ids[]=${two.id}`, "username"),
    [...["one", "two"]],
  );
  assert(!(await paths(boss.api, `${members}?per_page=100`, "username")).includes("boss"));
  assert((await paths(boss.api, `${members}/all?per_page=100`, "username")).includes("boss"));
  assert.equal(
    (await boss.api.call("GET", `${members}/${boss.id}`)).status,
    404,
    "not of the project itself",
  );
  assert.equal(Object(await boss.api.get(`${members}/all/${boss.id}`)).access_level, 50);
  for (const path of [members, `${members}/all`, `/groups/${tools}/members`]) {
    assert.equal((await stranger.api.call("GET", path)).status, 404, path);
    assert.equal((await root.as(null).call("GET", path)).status, 404, path);
    assert.equal((await two.api.call("GET", path)).status, 200, path);
  }
});

test("nobody is less by the project than by the groups above, and the highest counts", async () => {
  const dev = await makePerson("above");
  await boss.api.post(`/groups/${acme}/members`, { user_id: dev.id, access_level: 30 });
  const less = await boss.api.call("POST", `/projects/${widget}/members`, {
    ...{ user_id: dev.id, access_level: 20 },
  });
  const complaint = "should be greater than or equal to Developer inherited membership from group Acme";
  assert.deepEqual(said(less), [400, { message: { access_level: [complaint] } }]);
  await boss.api.post(`/projects/${widget}/members`, { user_id: dev.id, access_level: 40 });
  const down = await boss.api.call("PUT", `/projects/${widget}/members/${dev.id}`, { access_level: 10 });
  assert.deepEqual(said(down), [400, { message: { access_level: [complaint] } }]);
  assert.equal(Object(await dev.api.get(`/projects/${widget}/members/all/${dev.id}`)).access_level, 40);
  const { permissions } = projectSchema.parse(await dev.api.get(`/projects/${widget}`));
  assert.equal(permissions.project_access?.access_level, 40);
  assert.equal(permissions.group_access?.access_level, 30);
  const ofRoot = projectSchema.parse(await root.get(`/projects/${widget}`));
  assert.deepEqual(ofRoot.permissions, { project_access: null, group_access: null });
});

test("a maintainer gives roles up to their own, and takes none away that are higher", async () => {
  const maintainer = await makePerson("keeper");
  const other = await makePerson("other");
  const members = `/projects/${widget}/members`;
  await boss.api.post(members, { user_id: maintainer.id, access_level: 40 });
  const owner = await maintainer.api.call("POST", members, { user_id: other.id, access_level: 50 });
  assert.equal(owner.status, 403);
  await maintainer.api.post(members, { user_id: other.id, access_level: 40 });
  assert.equal(
    (await maintainer.api.call("PUT", `${members}/${other.id}`, { access_level: 50 })).status,
    403,
  );
  await boss.api.put(`${members}/${other.id}`, { access_level: 50 });
  assert.equal(
    (await maintainer.api.call("PUT", `${members}/${other.id}`, { access_level: 10 })).status,
    403,
  );
  assert.equal((await maintainer.api.call("DELETE", `${members}/${other.id}`)).status, 403);
  await boss.api.delete(`${members}/${other.id}`);
  // A group is its owners' to open, whatever somebody is below it.
  const group = `/groups/${tools}/members`;
  assert.equal(
    (await maintainer.api.call("POST", group, { user_id: other.id, access_level: 10 })).status,
    403,
  );
});

test("the last owner of a group stays", async () => {
  const heir = await makePerson("heir");
  const members = `/groups/${acme}/members`;
  const owners = (await list(boss.api, `${members}?per_page=100`)).filter(
    (each) => each["access_level"] === 50,
  );
  for (const { id } of owners) if (id !== boss.id) await boss.api.delete(`${members}/${id}`);
  for (const [method, parameters] of [
    ["DELETE", undefined],
    ["PUT", { access_level: 40 }],
    ["PUT", { access_level: 50, expires_at: dayIn(2) }],
  ] as const) {
    for (const api of [boss.api, root]) {
      assert.equal((await api.call(method, `${members}/${boss.id}`, parameters)).status, 403, method);
    }
  }
  // Somebody who is blocked is no owner.
  await boss.api.post(members, { user_id: heir.id, access_level: 50 });
  await root.post(`/users/${heir.id}/block`);
  assert.equal((await boss.api.call("DELETE", `${members}/${boss.id}`)).status, 403);
  await root.post(`/users/${heir.id}/unblock`);

  // Of two who take it from each other at the same moment, one stays.
  const both = await Promise.all([
    boss.api.call("PUT", `${members}/${heir.id}`, { access_level: 40 }),
    heir.api.call("PUT", `${members}/${boss.id}`, { access_level: 40 }),
  ]);
  const after = await list(root, `${members}?per_page=100`);
  assert(
    after.some((each) => each["access_level"] === 50),
    JSON.stringify(both.map(said)),
  );
  await root.put(`${members}/${boss.id}`, { access_level: 50 });
  await root.delete(`${members}/${heir.id}`);
});

test("who leaves a group leaves what is below it, unless told otherwise", async () => {
  const dev = await makePerson("both");
  const members = `/groups/${acme}/members`;
  const below = `/projects/${widget}/members`;
  for (const skip_subresources of [true, false]) {
    await boss.api.post(members, { user_id: dev.id, access_level: 20 });
    await boss.api.call("POST", below, { user_id: dev.id, access_level: 30 });
    await boss.api.delete(`${members}/${dev.id}?skip_subresources=${skip_subresources}`);
    const answer = await dev.api.call("GET", `/projects/${widget}`);
    assert.equal(answer.status, skip_subresources ? 200 : 404);
  }
});

test("a group has a life: made, found, changed, moved into, and removed when it is empty", async () => {
  const made = groupSchema.parse(
    await stranger.api.post("/groups", {
      name: "Own",
      path: "own",
      visibility: "internal",
      description: "Mine",
    }),
  );
  assert.deepEqual([made.visibility, made.description, made.full_path], ["internal", "Mine", "own"]);
  assert.equal(Object(await stranger.api.get(`/groups/${made.id}/members/${stranger.id}`)).access_level, 50);
  const sub = groupSchema.parse(
    await stranger.api.post("/groups", { name: "Sub", path: "sub", parent_id: made.id }),
  );
  const deep = groupSchema.parse(
    await stranger.api.post("/groups", { name: "Deep", path: "deep", parent_id: sub.id }),
  );
  const secret = await boss.api.call("POST", "/groups", { name: "x", path: "x", parent_id: sub.id });
  assert.equal(secret.status, 404);
  const internal = await boss.api.call("POST", "/groups", { name: "x", path: "x", parent_id: made.id });
  assert.equal(internal.status, 403);
  const taken = await boss.api.call("POST", "/groups", { name: "x", path: "OWN" });
  assert.deepEqual(said(taken), [400, { message: { path: ["has already been taken"] } }]);

  const at = (path: string, api = stranger.api) => paths(api, `/groups/${made.id}/${path}`, "full_path");
  assert.deepEqual(await at("subgroups"), ["own/sub"]);
  assert.deepEqual(await at("descendant_groups?order_by=path"), ["own/sub/deep", "own/sub"]);
  assert.deepEqual(await at("descendant_groups", boss.api), [], "what is private is not listed");
  const tops = await paths(boss.api, "/groups?top_level_only=true&per_page=100", "full_path");
  assert(tops.includes("own") && tops.every((path) => !path.includes("/")), tops.join());
  assert(!(await paths(boss.api, "/groups?owned=true&per_page=100", "full_path")).includes("own"));
  assert.deepEqual(await paths(root.as(null), "/groups", "full_path"), [], "nothing is public");

  // A project moves with all that it has; clone URLs follow.
  const { id } = await stranger.api.createProject("thing", { visibility: "public" });
  await push(stranger, `${tip}:refs/heads/main`, "stranger/thing");
  const moved = projectSchema.parse(
    await stranger.api.put(`/projects/${id}/transfer`, { namespace: deep.id }),
  );
  assert.deepEqual([moved.path_with_namespace, moved.visibility], ["own/sub/deep/thing", "private"]);
  assert.equal((await allRefsAt(urlOf("own/sub/deep/thing", stranger)))["refs/heads/main"], tip);
  await assert.rejects(allRefsAt(urlOf("stranger/thing", stranger)), /not found/);
  const twice = await stranger.api.call("PUT", `/projects/${id}/transfer`, { namespace: "own/sub/deep" });
  assert.deepEqual(said(twice), [400, { message: "Project is already in this namespace." }]);
  assert.deepEqual(await paths(stranger.api, `/groups/${made.id}/projects`), []);
  assert.deepEqual(await paths(stranger.api, `/groups/${made.id}/projects?include_subgroups=1`), [
    ...["own/sub/deep/thing"],
  ]);
  assert.deepEqual(await paths(boss.api, `/groups/${made.id}/projects?include_subgroups=1`), []);

  const renamed = groupSchema.parse(
    await stranger.api.put(`/groups/${made.id}`, { path: "mine", name: "Mine" }),
  );
  assert.deepEqual([renamed.full_path, renamed.name], ["mine", "Mine"]);
  assert.equal(groupSchema.parse(await stranger.api.get(`/groups/${deep.id}`)).full_path, "mine/sub/deep");
  assert.equal((await allRefsAt(urlOf("mine/sub/deep/thing", stranger)))["refs/heads/main"], tip);
  await assert.rejects(allRefsAt(urlOf("own/sub/deep/thing", stranger)), /not found/);
  const clash = await stranger.api.call("PUT", `/groups/${made.id}`, { path: "acme" });
  assert.deepEqual(said(clash), [400, { message: { path: ["has already been taken"] } }]);
  assert.equal(groupSchema.parse(await stranger.api.get(`/groups/${deep.id}`)).full_path, "mine/sub/deep");

  // Not while there is anything in it.
  for (const group of [made.id, deep.id]) {
    assert.equal((await stranger.api.call("DELETE", `/groups/${group}`)).status, 409);
  }
  await stranger.api.post(`/groups/${made.id}/projects/${id}`);
  for (const group of [deep.id, sub.id]) {
    assert.equal((await stranger.api.call("DELETE", `/groups/${group}`)).status, 202);
  }
  assert.equal((await boss.api.call("DELETE", `/groups/${made.id}`)).status, 403);
  await stranger.api.delete(`/projects/${id}`);
  assert.equal((await stranger.api.call("DELETE", `/groups/${made.id}`)).status, 202);
  assert.equal((await root.call("GET", `/groups/${made.id}`)).status, 404);
});

test("a project moves only where its owner may bring projects", async () => {
  const dev = await makePerson("mover");
  const { id } = await dev.api.createProject("luggage");
  const transfer = (to: number | string, api = dev.api) =>
    api.call("PUT", `/projects/${id}/transfer`, { namespace: to });
  assert.equal((await transfer(tools)).status, 404);
  await boss.api.post(`/groups/${tools}/members`, { user_id: dev.id, access_level: 30 });
  assert.equal((await transfer(tools)).status, 403, "developers make projects, and bring none");
  await boss.api.put(`/groups/${tools}/members/${dev.id}`, { access_level: 40 });
  await dev.api.post(`/projects/${id}/members`, { user_id: boss.id, access_level: 40 });
  assert.equal((await transfer(tools, boss.api)).status, 403, "a maintainer takes no project away");
  assert.equal((await transfer(tools)).status, 200);
  assert.equal((await transfer("mover")).status, 403, "now the group's owners decide");
  await boss.api.delete(`/projects/${id}`);
});

test("a group and a project side by side have no path in common", async () => {
  const taken = { path: ["has already been taken"] };
  const both = { ...taken, name: taken.path };
  const group = { name: "Widget", path: "Widget", parent_id: tools };
  assert.deepEqual(said(await boss.api.call("POST", "/groups", group)), [400, { message: taken }]);
  const beside = idOf(await boss.api.post("/groups", { ...group, path: "beside" }));
  const renamed = await boss.api.call("PUT", `/groups/${beside}`, { path: "widget" });
  assert.deepEqual(said(renamed), [400, { message: taken }]);
  const draft = { name: "beside", namespace_id: tools };
  assert.deepEqual(said(await boss.api.call("POST", "/projects", draft)), [400, { message: both }]);
  const { id } = await boss.api.createProject("beside");
  const moved = await boss.api.call("PUT", `/projects/${id}/transfer`, { namespace: tools });
  assert.deepEqual(said(moved), [400, { message: both }]);
  const other = await boss.api.call("PUT", `/projects/${widget}`, { path: "beside" });
  assert.deepEqual(said(other), [400, { message: both }]);
  await boss.api.delete(`/projects/${id}`);
  await boss.api.delete(`/groups/${beside}`);
});

test("nothing is more visible than the group that it is in", async () => {
  const shown = async (answer: Promise<Answer>) => said(await answer);
  const message = (text: string) => [400, { message: { visibility_level: [text] } }];
  const inPrivate = "internal is not allowed in a private group.";
  assert.deepEqual(
    await shown(boss.api.call("PUT", `/projects/${widget}`, { visibility: "internal" })),
    message(inPrivate),
  );
  const draft = { name: "loud", namespace_id: tools, visibility: "internal" };
  assert.deepEqual(await shown(boss.api.call("POST", "/projects", draft)), message(inPrivate));
  assert.deepEqual(
    await shown(boss.api.call("PUT", `/groups/${tools}`, { visibility: "public" })),
    message("public is not allowed since the parent group has a private visibility."),
  );
  await boss.api.put(`/groups/${acme}`, { visibility: "public" });
  await boss.api.put(`/groups/${tools}`, { visibility: "public" });
  await boss.api.put(`/projects/${widget}`, { visibility: "public" });
  // From now on everybody sees it, and still nobody else pushes.
  assert.equal((await root.as(null).call("GET", `/groups/${tools}/members`)).status, 200);
  assert.equal((await allRefsAt(urlOf(WIDGET)))["refs/heads/main"], tip);
  await assert.rejects(push(stranger, `${tip}:refs/heads/x`), /403/);
  assert.deepEqual(
    await shown(boss.api.call("PUT", `/groups/${tools}`, { visibility: "internal" })),
    message("internal is not allowed since this group contains projects with higher visibility."),
  );
  await boss.api.put(`/projects/${widget}`, { visibility: "private" });
  assert.deepEqual(
    await shown(boss.api.call("PUT", `/groups/${acme}`, { visibility: "private" })),
    message("private is not allowed since there are sub-groups with higher visibility."),
  );
  await boss.api.put(`/groups/${tools}`, { visibility: "private" });
  await boss.api.put(`/groups/${acme}`, { visibility: "private" });
  assert.equal((await root.as(null).call("GET", `/groups/${tools}`)).status, 404);
});

test("lists of projects: by role, visibility, state and name, in the order that is asked for", async () => {
  const who = await makePerson("lister");
  for (const [name, visibility] of [
    ["b-own", "private"],
    ["a-own", "public"],
  ] as const) {
    await who.api.createProject(name, { visibility });
  }
  await boss.api.post(`/projects/${widget}/members`, { user_id: who.id, access_level: 20 });
  const at = (query: string, api = who.api) => paths(api, `/projects?${query}`);
  assert.deepEqual(await at("membership=true&order_by=path&sort=asc"), [
    ...["lister/a-own", "lister/b-own", WIDGET],
  ]);
  assert.deepEqual(await at("owned=true"), ["lister/a-own", "lister/b-own"]);
  assert.deepEqual(await at("min_access_level=20&visibility=private"), ["lister/b-own", WIDGET]);
  assert.deepEqual(await at("min_access_level=30&search=own&sort=asc"), ["lister/b-own", "lister/a-own"]);
  assert.deepEqual(await at("owned=true", root), [], "an admin owns no more than others by being one");
  assert((await at("per_page=100", root)).includes("lister/b-own"));
  await who.api.post(`${projectPath("lister/a-own")}/archive`);
  assert.deepEqual(await at("owned=true&archived=true"), ["lister/a-own"]);
  assert.deepEqual(await at("owned=true&archived=false"), ["lister/b-own"]);
  const [first] = await list(who.api, "/projects?owned=true&sort=asc&simple=true");
  assert.equal(first?.["path_with_namespace"], "lister/b-own");
  assert(first !== undefined && !("permissions" in first) && "http_url_to_repo" in first);
  assert.deepEqual(await at(`owned=true&sort=asc&id_after=${first?.["id"]}`), ["lister/a-own"]);
  for (const name of ["lister", who.id]) {
    assert.deepEqual(await paths(stranger.api, `/users/${name}/projects`), ["lister/a-own"]);
  }
  assert.equal((await who.api.call("GET", "/users/nobody/projects")).status, 404);
});

test("users: an admin changes them, their addresses are nobody else's to see", async () => {
  const who = await makePerson("before");
  await who.api.createProject("kept");
  await push(who, `${tip}:refs/heads/main`, "before/kept");
  const user = `/users/${who.id}`;
  for (const { api, shows } of [
    { api: root, shows: true },
    { api: who.api, shows: true },
    { api: stranger.api, shows: false },
    { api: root.as(await root.createToken(1, ["api"])), shows: false },
  ]) {
    assert.equal("email" in Object(await api.get(user)), shows);
    assert.equal(JSON.stringify(await api.get("/users?username=before")).includes("@example.com"), shows);
  }
  assert.equal((await stranger.api.call("PUT", user, { name: "x" })).status, 403);
  // One client library sends this as multipart.
  const form = new FormData();
  for (const [name, value] of Object.entries({ username: "afterwards", name: "After", admin: "true" })) {
    form.set(name, value);
  }
  const answer = await fetch(`${server.url}/api/v4${user}`, {
    ...{ method: "PUT", body: form, headers: { "PRIVATE-TOKEN": server.token } },
  });
  const changed = Object(await answer.json());
  assert.deepEqual(
    [answer.status, changed.username, changed.name, changed.is_admin],
    [...[200, "afterwards", "After", true]],
  );
  assert.equal((await allRefsAt(urlOf("afterwards/kept", who)))["refs/heads/main"], tip);
  await assert.rejects(allRefsAt(urlOf("before/kept", who)), /not found/);
  const taken = await root.call("PUT", user, { username: "acme" });
  assert.deepEqual(said(taken), [400, { message: { username: ["has already been taken"] } }]);
  const address = await root.call("PUT", user, { email: "boss@example.com" });
  assert.deepEqual(said(address), [400, { message: { email: ["has already been taken"] } }]);
  assert.equal((await root.call("PUT", "/users/1", { admin: false })).status, 403, "not oneself");
  await root.put(user, { admin: false });

  const found = (query: string, api = stranger.api) => paths(api, `/users?${query}`, "username");
  assert.deepEqual(await found("search=Afte"), ["afterwards"]);
  assert.deepEqual(await found("search=before@example.com"), [], "an address finds nobody");
  assert.deepEqual(await found("search=before@example.com", root), ["afterwards"]);
  await root.post(`${user}/block`);
  assert.deepEqual(await found("search=afterwards&active=true"), []);
  assert.deepEqual(await found("blocked=true"), ["afterwards"]);
  // Whoever is blocked has no door left.
  assert.equal((await who.api.call("GET", "/user")).status, 401);
  assert.equal((await who.api.call("GET", "/projects")).status, 401);
  for (const password of [who.token, PASSWORD]) {
    const url = withCredentials(`${server.url}/afterwards/kept.git`, "afterwards", password);
    await assert.rejects(allRefsAt(url), /blocked|403|Authentication failed/);
  }
});

test("a mirror goes on in the project's own identity when its user is no maintainer any more", async () => {
  const keeper = await makePerson("mirrorer");
  const upstream = await makeRepository(join(directory, "peer/up.git"));
  await makeCommit(upstream);
  const { id } = await boss.api.createProject("mirrored", { namespace_id: tools });
  const path = "acme/tools/mirrored";
  await boss.api.post(`/projects/${id}/members`, { user_id: keeper.id, access_level: 30 });
  const choose = () => root.call("PUT", `/projects/${id}`, { mirror_user_id: keeper.id, mirror: true });
  await boss.api.createPullMirror(path, peer.urlOf("up.git"));
  await boss.api.waitForMirror(path, "pull", "finished");
  assert.deepEqual(said(await choose()), [400, { message: { mirror_user_id: ["is invalid"] } }]);
  await boss.api.put(`/projects/${id}/members/${keeper.id}`, { access_level: 40 });
  assert.equal((await choose()).status, 200);
  assert.deepEqual((await boss.api.update(path, "pull")).notes, []);
  await boss.api.put(`/projects/${id}/members/${keeper.id}`, { access_level: 30 });
  await makeCommit(upstream);
  const update = await boss.api.update(path, "pull");
  assert.equal(update.status, "finished");
  assert.deepEqual(update.notes, [
    `The mirror user, @mirrorer, is no maintainer of the project any more: the update ran as @project_${id}_bot.`,
  ]);
  await boss.api.delete(`/groups/${acme}/members/${keeper.id}`).catch(() => null);
});

test("credentials of a group: its owners handle them, its maintainers use them", async () => {
  const people = { maintainer: await makePerson("uses"), developer: await makePerson("lacks") };
  for (const [role, who] of Object.entries(people)) {
    const member = { user_id: who.id, access_level: LEVELS[role === "maintainer" ? role : "developer"] };
    await boss.api.post(`/groups/${acme}/members`, member);
  }
  const { maintainer, developer } = people;
  const draft = { name: "robot", namespace_id: acme, username: "robot", password: "p1anted" };
  assert.equal((await maintainer.api.call("POST", "/credentials", draft)).status, 404);
  const { id } = Object(await boss.api.post("/credentials", draft));
  const statuses = async (api: Api) => [
    (await api.call("GET", `/credentials/${id}`)).status,
    (await paths(api, "/credentials", "name")).length,
    (await api.call("POST", `/credentials/${id}/rotate`, { password: "other" })).status,
    (await api.call("PUT", `/credentials/${id}`, { name: "robot" })).status,
  ];
  assert.deepEqual(await statuses(boss.api), [200, 1, 200, 200]);
  assert.deepEqual(await statuses(maintainer.api), [200, 1, 404, 404]);
  assert.deepEqual(await statuses(developer.api), [404, 0, 404, 404]);
  // To use it is to have a mirror show it to a remote.
  const mirror = { direction: "push", url: peer.urlOf("down.git"), credential_id: id };
  const used = mirrorSchema.parse(await maintainer.api.post(`/projects/${widget}/mirrors`, mirror));
  assert.deepEqual(used.credential, { id, name: "robot" });
  const { id: own } = await developer.api.createProject("own");
  const refused = await developer.api.call("POST", `/projects/${own}/mirrors`, mirror);
  assert.deepEqual(said(refused), [400, { message: { credential_id: ["does not exist"] } }]);
  await boss.api.delete(`/projects/${widget}/mirrors/${used.id}`);
});

test("every change of access is in the audit log, with who made it and from where", async () => {
  const who = await makePerson("noted");
  const members = `/projects/${widget}/members`;
  await boss.api.post(members, { user_id: who.id, access_level: 30 });
  await boss.api.put(`${members}/${who.id}`, { access_level: 40 });
  await boss.api.delete(`${members}/${who.id}`);
  const rows = await query(
    `select action, author_name, door, entity_type, entity_path, target_details, details
      from audit_events where target_type = 'User' and target_id = $1 order by id`,
    who.id,
  );
  const common = {
    ...{ author_name: "boss", door: "http", entity_type: "Project", entity_path: WIDGET },
    target_details: "noted",
  };
  const never = { from: null, to: null };
  assert.deepEqual(rows, [
    { ...common, action: "member-added", details: { access_level: 30, expires_at: null } },
    {
      ...common,
      ...{ action: "member-changed", details: { access_level: { from: 30, to: 40 }, expires_at: never } },
    },
    { ...common, action: "member-removed", details: { access_level: 40 } },
  ]);
  const actions = await query("select distinct action from audit_events");
  const known = new Set(actions.map((row) => row["action"]));
  for (const action of [
    ...["group-created", "group-changed", "group-removed", "project-created", "project-changed"],
    ...["project-transferred", "project-removed", "user-created", "user-changed", "user-blocked"],
  ]) {
    assert(known.has(action), action);
  }
  const [leak] = await query(
    "select 1 from audit_events where details::text like '%' || $1 || '%'",
    PASSWORD,
  );
  assert.equal(leak, undefined);
});

/** What somebody gets who tries everything with the project. */
async function tried(who: Person): Promise<Record<string, number>> {
  const at = `/projects/${widget}`;
  const status = async (answer: Promise<Answer>) => (await answer).status;
  const result = {
    see: await status(who.api.call("GET", at)),
    fetch: await gitStatus(who, "git-upload-pack"),
    push: await gitStatus(who, "git-receive-pack"),
    mirrors: await status(who.api.call("GET", `${at}/mirrors`)),
    settings: await status(who.api.call("PUT", at, { description: `by ${who.name}` })),
    // This one is a member already, which is said to those only who could make them one.
    give: await status(who.api.call("POST", `${at}/members`, { username: "seat", access_level: 10 })),
    archive: await status(who.api.call("POST", `${at}/archive`)),
  };
  if (result.archive === 201) await boss.api.post(`${at}/unarchive`);
  if (result.fetch === 200) assert.equal((await allRefsAt(urlOf(WIDGET, who)))["refs/heads/main"], tip);
  else await assert.rejects(allRefsAt(urlOf(WIDGET, who)));
  const branch = `refs/heads/by-${who.name}`;
  if (result.push === 200) await push(who, `${tip}:${branch}`);
  else await assert.rejects(push(who, `${tip}:${branch}`));
  assert.equal(branch in (await allRefsAt(urlOf(WIDGET, boss))), result.push === 200);
  return result;
}

function urlOf(path: string, who?: Person): string {
  const url = `${server.url}/${path}.git`;
  return who === undefined ? url : withCredentials(url, who.name, who.token);
}

async function push(who: Person, refspec: string, path = WIDGET): Promise<void> {
  await git(local, ["push", "-q", urlOf(path, who), refspec]);
}

async function gitStatus(who: Person, service: string): Promise<number> {
  const answer = await fetch(`${server.url}/${WIDGET}.git/info/refs?service=${service}`, {
    headers: { Authorization: `Basic ${Buffer.from(`${who.name}:${who.token}`).toString("base64")}` },
  });
  await answer.arrayBuffer();
  return answer.status;
}

function said({ status, body }: Answer): readonly [number, unknown] {
  return [status, body];
}

async function list(api: Api, path: string): Promise<readonly Record<string, unknown>[]> {
  const body = await api.get(path);
  assert(Array.isArray(body));
  return body;
}

async function paths(api: Api, path: string, key = "path_with_namespace"): Promise<readonly string[]> {
  return (await list(api, path)).map((each) => String(each[key]));
}

/** A day from now, as the API has it. */
function dayIn(days: number): string {
  return new Date(Date.now() + days * 24 * 3600_000).toISOString().slice(0, 10);
}

async function query(
  text: string,
  ...values: readonly unknown[]
): Promise<readonly Record<string, unknown>[]> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
