import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Client } from "pg";
import { type Api, createApi } from "../support/api.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { checkRepository, makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { storeMember } from "../support/stored-members.ts";
import { tryPush } from "../support/try-push.ts";
import { withCredentials } from "../support/working-copy.ts";

/** Beside a ref of a refused push that no rule refuses. */
const WITH_OTHERS = "! [remote rejected] (not pushed: another ref of this push was refused)";

describe("protected branches and tags, at the door of HTTP", () => {
  let root: string;
  let database: TestDatabase;
  let server: TestServer;
  let api: Api;
  let dev: { readonly id: number; readonly token: string };
  let count = 0;

  before(async () => {
    root = await makeTempDir({ after });
    database = await createTestDatabase();
    server = await startServer({ database, dataDir: join(root, "data") });
    api = createApi(server);
    const id = await api.createUser("dev", "secret-of-the-developer");
    dev = { id, token: await api.createToken(id, ["api", "write_repository"]) };
  });
  after(() => server?.stop());

  /** A project with a first push, a client's repository, and the URL for its owner and for a developer. */
  async function setUp(options: { readonly isEmpty?: boolean } = {}) {
    count += 1;
    const { id } = await api.createProject(`p${count}`);
    await storeMember(database, { userId: dev.id, projectId: id, level: 30 });
    const client = await makeRepository(join(root, `client-${count}.git`));
    const plain = `${server.url}/root/p${count}.git`;
    const owner = withCredentials(plain, "root", server.token);
    const developer = withCredentials(plain, "dev", dev.token);
    const first = await makeCommit(client);
    if (options.isEmpty !== true) {
      const made = await tryPush(client, owner, ["main"]);
      assert.ok(made.isOk, made.said);
    }
    const path = server.repositoryOf(id);
    return { id, client, owner, developer, first, path, rules: `/projects/${id}/protected_branches` };
  }

  test("the default branch of a new project is protected once, as the instance says", async () => {
    const { rules, client, owner, developer, path, first } = await setUp({ isEmpty: true });
    const early = await tryPush(client, developer, ["main"]);
    assert.deepEqual(early.refs, {
      main: "! [remote rejected] (protected branch: a maintainer makes the first push)",
    });
    assert.match(early.said, /remote: A default branch does not yet exist/);
    assert.deepEqual(await refsOf(path), {});
    assert.ok((await tryPush(client, owner, ["main"])).isOk);
    assert.deepEqual(await refsOf(path), { "refs/heads/main": first });
    const [rule, ...others] = (await api.get(rules)) as { name: string; push_access_levels: object[] }[];
    assert.deepEqual(others, []);
    assert.equal(rule?.name, "main");
    assert.match(JSON.stringify(rule.push_access_levels), /"access_level":40/);

    await makeCommit(client);
    const refused = await tryPush(client, developer, ["main"]);
    assert.deepEqual(refused.refs, {
      main: "! [remote rejected] (protected branch: you are not allowed to push to it)",
    });
    assert.match(
      refused.said,
      /remote: You are not allowed to push code to protected branches on this project\./,
    );
    assert.match(refused.said, /remote: {3}Push to another branch, or ask a maintainer/);

    await api.delete(`${rules}/main`);
    assert.ok((await tryPush(client, developer, ["main"])).isOk);
    assert.deepEqual(await api.get(rules), [], "a rule that was removed does not come back");
  });

  test("a first push whose rule is not noted yet is judged by it all the same", async () => {
    const { id, rules, client, developer, owner } = await setUp();
    await api.delete(`${rules}/main`);
    // As it is between the push and what follows from it, or when that has failed.
    const writer = new Client(database.connection);
    await writer.connect();
    await writer.query("update projects set default_branch_was_protected = false where id = $1", [id]);
    await writer.end();
    await makeCommit(client);
    assert.deepEqual((await tryPush(client, developer, ["main"])).refs, {
      main: "! [remote rejected] (protected branch: you are not allowed to push to it)",
    });
    assert.deepEqual(await api.get(rules), [], "what is refused by name changes nothing");
    assert.ok((await tryPush(client, developer, ["main:topic"])).isOk, "the rule is of the default branch");
    assert.equal(JSON.stringify(await api.get(rules)).match(/"name":"main"/g)?.length, 1, "then it is noted");
    assert.ok((await tryPush(client, owner, ["main"])).isOk);
  });

  test("a developer who names one protected branch pushes nothing at all, and reads why for each ref", async () => {
    const { client, developer, path, first } = await setUp();
    const before = await refsOf(path);
    await makeCommit(client);
    for (const flags of [[], ["--atomic"], ["--quiet"], ["-o", "ci.skip"]]) {
      const refused = await tryPush(client, developer, ["main", "main:topic", `${first}:refs/tags/v1`], {
        flags,
      });
      assert.deepEqual(refused.refs, {
        main: "! [remote rejected] (protected branch: you are not allowed to push to it)",
        topic: WITH_OTHERS,
        v1: WITH_OTHERS,
      });
    }
    assert.deepEqual(await refsOf(path), before);
    assert.ok((await tryPush(client, developer, ["main:topic"])).isOk);
  });

  test("nobody forces or deletes a protected branch by a push, and a rule that allows force is heeded", async () => {
    const { client, owner, developer, path, rules, first } = await setUp();
    const main = await makeCommit(client);
    assert.ok((await tryPush(client, owner, ["main"])).isOk);
    const other = await makeCommit(client, { ref: "refs/heads/other", parents: [first] });
    const forced = await tryPush(client, owner, ["+other:main", "main:side"]);
    assert.deepEqual(forced.refs, {
      main: "! [remote rejected] (protected branch: no force push)",
      side: WITH_OTHERS,
    });
    assert.match(forced.said, /remote: You are not allowed to force push code to a protected branch/);
    const deletions = async () => [
      (await tryPush(client, owner, [":main"])).refs,
      (await tryPush(client, developer, [":rel"])).refs,
      (await tryPush(client, owner, [":rel"])).refs,
    ];
    assert.ok((await tryPush(client, owner, ["main:rel"])).isOk);
    await api.post(rules, { name: "re*" });
    assert.deepEqual(await deletions(), [
      { main: "! [remote rejected] (default branch: it cannot be deleted)" },
      { rel: "! [remote rejected] (protected branch: you are not allowed to delete it)" },
      { rel: "! [remote rejected] (protected branch: a push cannot delete it)" },
    ]);
    assert.deepEqual(await refsOf(path), { "refs/heads/main": main, "refs/heads/rel": main });

    await api.call("PATCH", `${rules}/main`, { allow_force_push: true });
    assert.ok((await tryPush(client, owner, ["+other:main"])).isOk);
    assert.equal((await refsOf(path))["refs/heads/main"], other);
    await api.delete(`${rules}/re*`);
    assert.ok((await tryPush(client, developer, [":rel"])).isOk);
    await checkRepository(path);
  });

  test("a rule names roles and users; no one means the owner too; strangers are refused as in GitLab", async () => {
    const { id, client, owner, developer, rules } = await setUp();
    await api.post(rules, { name: "none/*", push_access_level: 0 });
    await api.post(rules, { name: "devs/*", push_access_level: "30" });
    const mine = await api.post(rules, { name: "mine", allowed_to_push: [{ user_id: dev.id }] });
    await api.post(rules, { name: "admins", push_access_level: 60 });
    const no = "! [remote rejected] (protected branch: you are not allowed to create it)";
    const yes = "* [new branch]";
    const full = async (url: string, name: string) =>
      (await tryPush(client, url, [`main:refs/heads/${name}`])).refs[name];
    assert.equal(await full(owner, "none/b"), no);
    assert.equal(await full(developer, "devs/b"), yes);
    assert.equal(await full(developer, "mine"), yes);
    assert.equal(await full(owner, "admins"), yes);
    assert.equal((await tryPush(client, developer, ["main:refs/heads/admins"])).isOk, true, "nothing to do");
    assert.match(JSON.stringify(mine), /"access_level_description":"dev","deploy_key_id":null,"user_id":/);

    const stranger = await api.createUser(`eve${id}`, "secret-of-a-stranger");
    const refused = await api.call("POST", rules, { name: "x", allowed_to_push: [{ user_id: stranger }] });
    assert.deepEqual(
      [refused.status, refused.body],
      [422, { message: ["Push access levels user is not a member of the project"] }],
    );
    const group = await api.call("POST", rules, { name: "x", allowed_to_merge: [{ group_id: 999_999 }] });
    assert.deepEqual(group.body, {
      message: ["Merge access levels group does not have access to the project"],
    });
    const key = await api.call("POST", rules, { name: "x", allowed_to_push: [{ deploy_key_id: 1 }] });
    assert.deepEqual(key.body, {
      message: ["Push access levels deploy key is not enabled for this project"],
    });
    assert.equal((await api.call("POST", rules, { name: "mine" })).status, 409);
    assert.equal((await api.call("PATCH", `${rules}/nothing`, {})).status, 404);
    assert.equal((await api.as(dev.token).call("POST", rules, { name: "x" })).status, 403);
  });

  test("protected tags are created by those who may, and never moved or deleted by a push", async () => {
    const { id, client, owner, developer, path } = await setUp();
    await api.post(`/projects/${id}/protected_tags`, { name: "v*" });
    const no = (why: string) => `! [remote rejected] (protected tag: ${why})`;
    const tag = (name: string) => `main:refs/tags/${name}`;
    const early = await tryPush(client, developer, [tag("v1"), tag("w1")]);
    assert.deepEqual(early.refs, { v1: no("you are not allowed to create it"), w1: WITH_OTHERS });
    assert.ok((await tryPush(client, owner, [tag("v1")])).isOk);
    await makeCommit(client);
    assert.deepEqual((await tryPush(client, owner, [`+${tag("v1")}`])).refs, {
      v1: no("it cannot be changed"),
    });
    assert.deepEqual((await tryPush(client, owner, [":v1"])).refs, { v1: no("a push cannot delete it") });
    assert.deepEqual((await tryPush(client, developer, [":v1"])).refs, {
      v1: no("you are not allowed to delete it"),
    });
    const rights = [{ user_id: dev.id }];
    await api.delete(`/projects/${id}/protected_tags/v*`);
    await api.post(`/projects/${id}/protected_tags`, { name: "v*", allowed_to_create: rights });
    assert.deepEqual((await tryPush(client, owner, [tag("v2")])).refs, {
      v2: no("you are not allowed to create it"),
    });
    assert.ok((await tryPush(client, developer, [tag("v2")])).isOk);
    assert.deepEqual(
      Object.keys(await refsOf(path)).filter((ref) => ref.startsWith("refs/tags/")),
      ["refs/tags/v1", "refs/tags/v2"],
    );
  });

  test("names that are options, objects or the server's own are refused", async () => {
    const { client, owner, path } = await setUp();
    const before = await refsOf(path);
    const reasons: Record<string, string | undefined> = {};
    for (const name of ["a".repeat(40), `${"0".repeat(40)}/x`, "HEAD"]) {
      reasons[name] = (await tryPush(client, owner, [`main:refs/heads/${name}`])).refs[name];
    }
    const hidden = "refs/heliostat/mine";
    reasons[hidden] = (await tryPush(client, owner, [`main:${hidden}`, "main:refs/heads/y"])).refs[hidden];
    for (const name of ["refs/tags/-x", "refs/tags/HEAD", "refs/replace/x", "refs/worktree/x"]) {
      reasons[name] = (await tryPush(client, owner, [`main:${name}`])).refs[name.replace("refs/tags/", "")];
    }
    const hex = "! [remote rejected] (invalid branch name: it looks like an object id)";
    assert.deepEqual(reasons, {
      ["a".repeat(40)]: hex,
      [`${"0".repeat(40)}/x`]: hex,
      HEAD: "! [remote rejected] (invalid branch name)",
      [hidden]: "! [remote rejected] (hidden ref)",
      "refs/tags/-x": "! [remote rejected] (invalid tag name)",
      "refs/tags/HEAD": "! [remote rejected] (invalid tag name)",
      "refs/replace/x": "! [remote rejected] (ref of git's own)",
      "refs/worktree/x": "! [remote rejected] (ref of git's own)",
    });
    assert.deepEqual(await refsOf(path), before);
    assert.ok((await tryPush(client, owner, ["main:refs/notes/commits"])).isOk, "other refs are as before");
  });

  test("who is no longer a member when the push arrives is refused, and changes of rules are in the audit log", async () => {
    const { id, client, developer, rules } = await setUp();
    await storeMember(database, { userId: dev.id, projectId: id, level: 20 });
    assert.match((await tryPush(client, developer, ["main:refs/heads/t"])).said, /403/);
    await api.post(rules, { name: "audited" });
    await api.delete(`${rules}/audited`);
    const reader = new Client(database.connection);
    await reader.connect();
    const { rows } = await reader.query(
      "select action, author_name, target_details, details->'push' as push from audit_events where entity_id = $1 and target_details = 'audited' order by id",
      [id],
    );
    const { rows: byItself } = await reader.query(
      "select action, target_details, door from audit_events where entity_id = $1 and author_name = '(default branch protection)'",
      [id],
    );
    await reader.end();
    const event = { author_name: "root", target_details: "audited", push: ["40"] };
    assert.deepEqual(rows, [
      { action: "protected-branch-created", ...event },
      { action: "protected-branch-removed", ...event },
    ]);
    assert.deepEqual(byItself, [
      { action: "protected-branch-created", target_details: "main", door: "internal" },
    ]);
  });
});
