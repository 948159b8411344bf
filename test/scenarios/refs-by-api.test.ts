import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectSchema } from "@heliostat/contract/api/projects.ts";
import { branchSchema, tagSchema } from "@heliostat/contract/api/repository-refs.ts";
import { type Api, createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import {
  git,
  makeCommit,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { storeMember } from "../support/stored-members.ts";
import { tryPush } from "../support/try-push.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

describe("branches and tags by API go by the rules of pushes", () => {
  let root: string;
  let database: TestDatabase;
  let server: TestServer;
  let api: Api;
  let dev: Api;
  let devId: number;
  let count = 0;

  before(async () => {
    root = await makeTempDir({ after });
    database = await createTestDatabase();
    server = await startServer({ database, dataDir: join(root, "data") });
    api = createApi(server);
    devId = await api.createUser("dev", "secret-of-the-developer");
    dev = api.as(await api.createToken(devId, ["api"]));
  });
  after(() => server?.stop());

  /** A project with `main` and the tag `v1`, and `dev` as a developer of it. */
  async function setUp() {
    count += 1;
    const { id } = await api.createProject(`p${count}`);
    await storeMember(database, { userId: devId, projectId: id, level: 30 });
    const client = await makeRepository(join(root, `client-${count}.git`));
    const first = await makeCommit(client);
    await makeTag(client, "v1", first);
    const url = withCredentials(`${server.url}/root/p${count}.git`, "root", server.token);
    const made = await tryPush(client, url, ["main", "v1"]);
    assert.ok(made.isOk, made.said);
    const at = `/projects/${id}`;
    return { id, at, repository: `${at}/repository`, client, first, url, path: server.repositoryOf(id) };
  }

  test("what a branch or tag says of itself is what its entries say", async () => {
    const { at, repository, path, first } = await setUp();
    await api.post(`${at}/protected_branches`, { name: "nobody", push_access_level: 0 });
    await api.post(`${at}/protected_branches`, {
      name: "devs/*",
      push_access_level: 40,
      merge_access_level: 30,
    });
    await api.post(`${at}/protected_branches`, { name: "devs/open", push_access_level: 30 });
    await api.post(`${at}/protected_branches`, { name: "mine", allowed_to_push: [{ user_id: devId }] });
    await api.post(`${at}/protected_tags`, { name: "v*", create_access_level: 0 });
    const names = ["devs/open", "devs/x", "free", "mine", "nobody"];
    for (const name of names) await setRef(path, `refs/heads/${name}`, first);
    const flags = async (by: Api) => {
      const branches = branchSchema.array().parse(await by.get(`${repository}/branches`));
      return Object.fromEntries(
        branches.map((branch) => [
          branch.name,
          [branch.protected, branch.can_push, branch.developers_can_push, branch.developers_can_merge],
        ]),
      );
    };
    assert.deepEqual(await flags(dev), {
      "devs/open": [true, true, true, true],
      "devs/x": [true, false, false, true],
      free: [false, true, false, false],
      main: [true, false, false, false],
      mine: [true, true, false, false],
      nobody: [true, false, false, false],
    });
    const { free, main, mine, nobody } = await flags(api);
    assert.deepEqual(
      [free, main, mine, nobody].map((branch) => branch?.[1]),
      [true, true, false, false],
      "an owner may do no more than an entry says",
    );
    const tags = tagSchema.array().parse(await dev.get(`${repository}/tags`));
    assert.deepEqual(
      tags.map((tag) => [tag.name, tag.protected]),
      [["v1", true]],
    );
  });

  test("creating goes by the entries, for owners too, and says which rule refused", async () => {
    const { at, repository, path, first } = await setUp();
    await api.post(`${at}/protected_branches`, { name: "nobody", push_access_level: 0 });
    await api.post(`${at}/protected_branches`, { name: "mine", allowed_to_push: [{ user_id: devId }] });
    await api.post(`${at}/protected_tags`, { name: "v*", create_access_level: 0 });
    const create = async (by: Api, branch: string) => {
      const { status, body } = await by.call("POST", `${repository}/branches`, { branch, ref: "main" });
      return status === 201 ? 201 : [status, JSON.stringify(body)];
    };
    const refused =
      "403 Forbidden - You are not allowed to create protected branches on this project. Choose a name that no rule of the project protects, or ask a maintainer to create it.";
    assert.deepEqual(await create(api, "nobody"), [403, JSON.stringify({ message: refused })]);
    assert.match(String(await create(api, "mine")), /^403,/);
    assert.equal(await create(dev, "mine"), 201);
    assert.match(String(await create(dev, first)), /^400,.*hexadecimal/);
    const tag = await api.call("POST", `${repository}/tags`, { tag_name: "v2", ref: "main" });
    assert.equal(tag.status, 403);
    assert.match(JSON.stringify(tag.body), /create this tag as it is protected/);
    await api.put(at, { archived: true });
    assert.match(String(await create(api, "late")), /^403,.*archived/);
    await api.put(at, { archived: false, max_refs: 3 });
    assert.match(String(await create(api, "late")), /^422,.*max_refs/);
    assert.deepEqual(Object.keys(await refsOf(path)), ["refs/heads/main", "refs/heads/mine", "refs/tags/v1"]);
  });

  test("maintainers delete what is protected, developers do not, and nobody the default branch", async () => {
    const { at, repository, client, url, path } = await setUp();
    await api.post(`${at}/protected_branches`, { name: "rel", push_access_level: 0 });
    await api.post(`${at}/protected_tags`, { name: "v*" });
    await setRef(path, "refs/heads/rel", "main");
    const pushed = await tryPush(client, url, [":rel", ":v1"]);
    assert.match(pushed.said, /Delete it by API: DELETE \/api\/v4\/projects\/:id\/repository\/branches/);
    for (const [by, ref, status] of [
      [dev, "branches/rel", 403],
      [dev, "tags/v1", 403],
      [api, "branches/main", 403],
      [api, "branches/rel", 204],
      [api, "tags/v1", 204],
    ] as const) {
      assert.equal((await by.call("DELETE", `${repository}/${ref}`)).status, status, ref);
    }
    assert.deepEqual(Object.keys(await refsOf(path)), ["refs/heads/main"]);
  });

  test("a branch that a pull mirror writes is let alone where pushes to it are refused", async () => {
    const { at, repository, path } = await setUp();
    const mirror = { enabled: true, url: "http://127.0.0.1/up.git", mirror_branch_regex: "^up/" };
    await api.put(`${at}/mirror/pull`, mirror);
    await setRef(path, "refs/heads/up/a", "main");
    const remove = async () => (await api.call("DELETE", `${repository}/branches/up%2Fa`)).status;
    await api.put(at, { pushes_to_mirrored_branches: "refuse" });
    const made = await api.call("POST", `${repository}/branches`, { branch: "up/b", ref: "main" });
    assert.deepEqual([made.status, await remove()], [403, 403]);
    assert.match(JSON.stringify(made.body), /follows an upstream repository/);
    await api.put(at, { pushes_to_mirrored_branches: "warn" });
    assert.equal(await remove(), 204);
  });

  test("what follows from a push follows from it: the activity feed, and push mirrors", async () => {
    const { id, at, repository, first } = await setUp();
    const target = await makeRepository(join(root, "target.git"));
    const peer = await startGitHttpPeer({ root });
    try {
      const mirror = await api.createPushMirror(id, `${peer.url}/target.git`);
      await api.update(id, mirror.id);
      await api.post(`${repository}/branches`, { branch: "made", ref: "main" });
      await waitFor(async () => (await refsOf(target))["refs/heads/made"] === first, {
        message: "the push mirror carries the branch on",
      });
      await waitFor(async () => JSON.stringify(await api.get(`${at}/events`)).includes('"ref":"made"'), {
        message: "the activity feed tells of the branch",
      });
    } finally {
      await peer.close();
    }
  });

  test("the first branch that comes becomes the default one, whatever its name, and is protected", async () => {
    const client = await makeRepository(join(root, "first.git"));
    const first = await makeCommit(client, { ref: "refs/heads/trunk" });
    const { id } = await api.createProject("first");
    const url = withCredentials(`${server.url}/root/first.git`, "root", server.token);
    const push = async (...refspecs: string[]) => {
      const pushed = await tryPush(client, url, refspecs);
      assert.ok(pushed.isOk, pushed.said);
    };
    const facts = async () => {
      const { default_branch } = projectSchema.parse(await api.get(`/projects/${id}`));
      const rules = (await api.get(`/projects/${id}/protected_branches`)) as { name: string }[];
      return [default_branch, rules.map(({ name }) => name).sort()];
    };
    await push(`${first}:refs/tags/v1`);
    assert.deepEqual(await facts(), [null, []]);
    await push("trunk", "trunk:master");
    assert.deepEqual(await facts(), ["master", ["master"]]);
    await push("trunk:main");
    assert.deepEqual(await facts(), ["master", ["master"]], "it does not move again by itself");
    const copy = join(root, "first-copy");
    await git(root, ["clone", "-q", url, copy]);
    assert.equal(await git(copy, ["symbolic-ref", "HEAD"]), "refs/heads/master");

    const change = async (by: Api, default_branch: string) => {
      const { status, body } = await by.call("PUT", `/projects/${id}`, { default_branch });
      return status === 200 ? 200 : [status, body];
    };
    await storeMember(database, { userId: devId, projectId: id, level: 30 });
    assert.equal(String(await change(dev, "main")).slice(0, 3), "403");
    const base = ["Could not change HEAD: branch 'none' does not exist"];
    assert.deepEqual(await change(api, "none"), [400, { message: { base } }]);
    assert.equal(await change(api, "main"), 200);
    assert.deepEqual(await facts(), ["main", ["master"]]);
    assert.match(
      JSON.stringify(await api.get("/audit_events")),
      /"default_branch":\{"to":"main","from":"master"\}/,
    );
  });

  test("two first pushes at once end with one default branch, which is the protected one", async () => {
    const client = await makeRepository(join(root, "race.git"));
    await makeCommit(client);
    for (let round = 0; round < 3; round += 1) {
      const { id } = await api.createProject(`race-${round}`);
      const url = withCredentials(`${server.url}/root/race-${round}.git`, "root", server.token);
      const names = ["a", "master", "b", "c"];
      await Promise.all(names.map((name) => tryPush(client, url, [`main:refs/heads/${name}`])));
      const { default_branch } = projectSchema.parse(await api.get(`/projects/${id}`));
      const rules = (await api.get(`/projects/${id}/protected_branches`)) as { name: string }[];
      assert.deepEqual(
        rules.map(({ name }) => name),
        [default_branch],
      );
    }
  });

  test("a pull that brings no branch of HEAD's name gives one that came", async () => {
    const upstream = await makeRepository(join(root, "up.git"));
    await makeCommit(upstream, { ref: "refs/heads/work" });
    await git(upstream, ["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    const peer = await startGitHttpPeer({ root });
    try {
      const { id } = await api.createProject("pulled");
      await api.createPullMirror(id, `${peer.url}/up.git`);
      await api.waitForMirror(id, "pull", "finished");
      assert.equal(projectSchema.parse(await api.get(`/projects/${id}`)).default_branch, "work");
      const rules = (await api.get(`/projects/${id}/protected_branches`)) as { name: string }[];
      assert.deepEqual(
        rules.map(({ name }) => name),
        ["work"],
      );
    } finally {
      await peer.close();
    }
  });
});
