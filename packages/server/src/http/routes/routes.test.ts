import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessTokenSchema, createdAccessTokenSchema } from "@heliostat/contract/api/access-tokens.ts";
import { applicationSettingsSchema } from "@heliostat/contract/api/application-settings.ts";
import { eventSchema } from "@heliostat/contract/api/events.ts";
import { groupSchema } from "@heliostat/contract/api/groups.ts";
import { metadataSchema, versionSchema } from "@heliostat/contract/api/instance.ts";
import { memberSchema } from "@heliostat/contract/api/members.ts";
import { failingHostSchema, resumedMirrorsSchema } from "@heliostat/contract/api/mirror-hosts.ts";
import { mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { namespaceSchema } from "@heliostat/contract/api/namespaces.ts";
import { importSchema, projectSchema } from "@heliostat/contract/api/projects.ts";
import { protectedBranchSchema } from "@heliostat/contract/api/protected-branches.ts";
import { protectedTagSchema } from "@heliostat/contract/api/protected-tags.ts";
import { pullMirrorSchema } from "@heliostat/contract/api/pull-mirror.ts";
import { remoteMirrorSchema } from "@heliostat/contract/api/remote-mirrors.ts";
import { fullUserSchema, publicUserSchema } from "@heliostat/contract/api/users.ts";
import { z } from "zod";
import { HeliostatError } from "../../domain/errors.ts";
import { createInMemoryUseCases, SECRETS } from "../test-support/in-memory-use-cases.ts";
import { type Answer, type RunningServer, startServer } from "../test-support/start-server.ts";

const API = "/api/v4";

describe("resources of the API", () => {
  let server: RunningServer;
  let project: number;

  before(async () => {
    server = await startServer(createInMemoryUseCases());
  });
  after(async () => await server[Symbol.asyncDispose]());

  async function ask(
    method: string,
    path: string,
    body?: unknown,
    token: string | null = SECRETS.api,
  ): Promise<Answer> {
    return await server.ask(method, API + path, {
      ...(token === null ? {} : { token }),
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  }

  /** The answer has exactly the keys that the contract gives it. */
  function fits<S extends z.ZodObject>(schema: S, answer: Answer, status = 200): z.output<S> {
    assert.equal(answer.status, status, answer.text);
    return z.strictObject(schema.shape).parse(answer.json()) as z.output<S>;
  }

  function fitsAll<S extends z.ZodObject>(schema: S, answer: Answer): z.output<S>[] {
    assert.equal(answer.status, 200, answer.text);
    const items = answer.json<unknown[]>();
    assert.ok(items.length > 0);
    return items.map((item) => z.strictObject(schema.shape).parse(item) as z.output<S>);
  }

  test("hosts that do not answer are listed for admins, and what is paused is resumed, for one host or all", async () => {
    const [host] = fitsAll(failingHostSchema, await ask("GET", "/mirrors/hosts"));
    assert.equal(host?.host, "example.org:443");
    assert.equal((await ask("GET", "/mirrors/hosts", undefined, SECRETS.stranger)).status, 403);
    assert.deepEqual(fits(resumedMirrorsSchema, await ask("POST", "/mirrors/resume")), { resumed: 2 });
    const ofOne = await ask("POST", "/mirrors/resume?host=example.org");
    assert.deepEqual(fits(resumedMirrorsSchema, ofOne), { resumed: 1 });
  });

  test("instance, users, tokens, namespaces and groups answer in the contract's form", async () => {
    fits(versionSchema, await ask("GET", "/version"));
    assert.equal(fits(metadataSchema, await ask("GET", "/metadata")).enterprise, true);
    fits(applicationSettingsSchema, await ask("GET", "/application/settings"));
    const changed = await ask("PUT", "/application/settings", {
      mirror_available: "0",
      pull_mirror_interval_seconds: "600",
    });
    const settings = fits(applicationSettingsSchema, changed);
    assert.deepEqual([settings.mirror_available, settings.pull_mirror_interval_seconds], [false, 600]);

    const me = fits(fullUserSchema, await ask("GET", "/user"));
    assert.deepEqual(
      [me.web_url, me.created_at],
      ["https://git.example.org/root", "2026-01-02T03:04:05.678Z"],
    );
    assert.deepEqual(
      fitsAll(fullUserSchema, await ask("GET", "/users?username=reader")).map(({ id }) => id),
      [2],
    );
    fits(publicUserSchema, await ask("GET", "/users/1", undefined, SECRETS.stranger));
    const draft = {
      username: "new",
      name: "New",
      email: "n@example.org",
      password: "long enough",
      admin: "no",
    };
    assert.equal(fits(fullUserSchema, await ask("POST", "/users", draft), 201).is_admin, false);
    assert.deepEqual((await ask("POST", "/users", { username: " " })).json(), {
      error: "username is empty, name is missing, email is missing",
    });

    const wish = { name: "ci", scopes: "api,read_api", expires_at: "2030-01-31" };
    const token = fits(
      createdAccessTokenSchema,
      await ask("POST", "/user/personal_access_tokens", wish),
      201,
    );
    assert.deepEqual([token.scopes, token.expires_at], [["api", "read_api"], "2030-01-31"]);
    fits(
      createdAccessTokenSchema,
      await ask("POST", "/users/2/personal_access_tokens?scopes[]=api&name=q"),
      201,
    );
    fits(accessTokenSchema, await ask("GET", `/personal_access_tokens/${token.id}`));
    fitsAll(accessTokenSchema, await ask("GET", "/personal_access_tokens?user_id=1"));
    fits(accessTokenSchema, await ask("GET", "/personal_access_tokens/self", undefined, token.token));
    const revoked = await ask("DELETE", "/personal_access_tokens/self", {}, token.token);
    assert.equal(revoked.status, 204);
    assert.equal((await ask("GET", "/user", undefined, token.token)).status, 401);
    const renewed = fits(
      createdAccessTokenSchema,
      await ask("POST", "/user/personal_access_tokens", wish),
      201,
    );
    fits(createdAccessTokenSchema, await ask("POST", `/personal_access_tokens/${renewed.id}/rotate`));
    const badTokens: [object, string][] = [
      [{ name: "x", scopes: [] }, "scopes is empty"],
      [{ name: "x", scopes: ["root"] }, "scopes does not have a valid value"],
      [{ name: "x", scopes: ["api"], expires_at: "2030-02-30" }, "expires_at is invalid"],
    ];
    for (const [body, error] of badTokens) {
      assert.deepEqual((await ask("POST", "/user/personal_access_tokens", body)).json(), { error });
    }

    fitsAll(namespaceSchema, await ask("GET", "/namespaces"));
    fits(namespaceSchema, await ask("GET", "/namespaces/grp%2Fsub.x"));
    fitsAll(groupSchema, await ask("GET", "/groups"));
    fits(groupSchema, await ask("POST", "/groups", { name: "G", path: "g", parent_id: null }), 201);
    const none = await ask("GET", "/groups/none");
    assert.deepEqual([none.status, none.json()], [404, { message: "404 Group Not Found" }]);
  });

  test("groups and members", async () => {
    const draft = { name: "G", path: "g", visibility: "internal", description: "Ours" };
    const group = fits(groupSchema, await ask("POST", "/groups", draft), 201);
    assert.deepEqual([group.visibility, group.description], ["internal", "Ours"]);
    const changed = fits(groupSchema, await ask("PUT", "/groups/5", { name: "H", visibility: "" }));
    assert.deepEqual([changed.name, changed.visibility], ["H", "public"]);
    for (const path of [
      "/groups/5/subgroups",
      "/groups/5/descendant_groups",
      "/groups?order_by=similarity",
    ]) {
      fitsAll(groupSchema, await ask("GET", path, undefined, null));
    }
    assert.equal((await ask("DELETE", "/groups/5")).status, 202);
    const bad = await ask("GET", "/groups?order_by=size");
    assert.deepEqual([bad.status, bad.json()], [400, { error: "order_by does not have a valid value" }]);

    for (const place of ["/projects/1", "/groups/grp%2Fsub.x"]) {
      for (const path of ["members", "members/all", "members?user_ids=1,2"]) {
        const [member] = fitsAll(memberSchema, await ask("GET", `${place}/${path}`, undefined, null));
        assert.equal(member?.expires_at, "2030-01-31");
      }
      for (const path of ["members/2", "members/all/2"]) {
        fits(memberSchema, await ask("GET", `${place}/${path}`, undefined, null));
      }
      const post = (body: object) => ask("POST", `${place}/members`, body);
      // One client library sends numbers as texts, one always sends the day.
      const one = fits(memberSchema, await post({ user_id: "7", access_level: "40", expires_at: null }), 201);
      assert.deepEqual([one.access_level, one.expires_at, "email" in one], [40, null, false]);
      fits(memberSchema, await post({ user_id: [7], access_level: 30 }), 201);
      fits(memberSchema, await post({ username: "reader", access_level: 30, expires_at: "2031-05-06" }), 201);
      const taken = await post({ user_id: 2, access_level: 30 });
      assert.deepEqual([taken.status, taken.json()], [409, { message: "Member already exists" }]);
      const many = await post({ user_id: "2,7", access_level: 30 });
      const message = { 2: "Member already exists" };
      assert.deepEqual([many.status, many.json()], [201, { status: "error", message }]);
      const all = await post({ user_id: [7, 8], access_level: 30 });
      assert.deepEqual(all.json(), { status: "success" });
      for (const [body, error] of [
        [{ access_level: 30 }, "user_id, username are missing, exactly one parameter must be provided"],
        [{ user_id: 7, username: "x", access_level: 30 }, "user_id, username are mutually exclusive"],
        [{ user_id: 7 }, "access_level is missing"],
        [{ user_id: "seven", access_level: 30 }, "user_id is invalid"],
        [{ user_id: 7, access_level: 30, expires_at: "soon" }, "expires_at is invalid"],
      ] as const) {
        const answer = await post(body);
        assert.deepEqual([answer.status, answer.json()], [400, { error }]);
      }
      const put = await ask("PUT", `${place}/members/2`, { access_level: 20 });
      assert.equal(fits(memberSchema, put).access_level, 20);
      assert.equal((await ask("DELETE", `${place}/members/2`)).status, 204);
      assert.equal((await ask("DELETE", `${place}/members/2`, undefined, null)).status, 401);
    }
  });

  test("a project says none of an import it has not, and where it is", async () => {
    const made = await ask("POST", "/projects", {
      name: "mir",
      visibility: "public",
      wall_enabled: "false",
      namespace_id: "5",
    });
    const answer = fits(projectSchema, made, 201);
    project = answer.id;
    assert.equal(answer.import_status, "none");
    assert.equal(answer.default_branch, null);
    assert.equal(answer.empty_repo, true);
    assert.equal(answer.http_url_to_repo, "https://git.example.org/grp/sub.x/mir.git");
    assert.equal(answer.web_url, "https://git.example.org/grp/sub.x/mir");
    assert.equal(fits(importSchema, await ask("GET", `/projects/${project}/import`)).import_status, "none");
    assert.equal(
      fits(projectSchema, await ask("PUT", `/projects/${project}`, { description: "d" })).description,
      "d",
    );
    assert.equal(
      fits(projectSchema, await ask("PUT", `/projects/${project}`, { description: null })).description,
      null,
    );
    assert.equal(fits(projectSchema, await ask("POST", `/projects/${project}/archive`), 201).archived, true);
    assert.deepEqual((await ask("POST", "/projects", {})).json(), {
      error: "name, path are missing, at least one parameter must be provided",
    });
    assert.deepEqual((await ask("POST", "/projects", { name: "x", visibility: "secret" })).json(), {
      error: "visibility does not have a valid value",
    });
    const other = fits(projectSchema, await ask("POST", "/projects", { name: "gone" }), 201);
    const removed = await ask("DELETE", `/projects/${other.id}`, {});
    assert.deepEqual([removed.status, removed.json()], [202, { message: "202 Accepted" }]);
    assert.equal((await ask("GET", `/projects/${other.id}`)).status, 404);
  });

  test("the activity feed answers events in the contract's form, and knows GitLab's words only", async () => {
    const [event] = fitsAll(eventSchema, await ask("GET", `/projects/${project}/events?per_page=1`));
    assert.deepEqual([event?.action_name, event?.push_data.ref], ["pushed to", "main"]);
    assert.equal(event?.author?.web_url, "https://git.example.org/root");
    const none = await ask("GET", `/projects/${project}/events?action=created`);
    assert.deepEqual([none.json(), none.headers["x-total"]], [[], "0"]);
    const bad = await ask("GET", `/projects/${project}/events?action=x&sort=y&before=z`);
    assert.deepEqual(
      [bad.status, bad.json()],
      [
        400,
        {
          error: "action does not have a valid value, before is invalid, sort does not have a valid value",
        },
      ],
    );
  });

  test("the deprecated way: attributes of a project make its pull mirror", async () => {
    const attributes = { import_url: "https://u:secret@example.org/up.git", mirror: "true" };
    const made = fits(projectSchema, await ask("POST", "/projects", { name: "old", ...attributes }), 201);
    assert.equal(made.mirror, true);
    assert.equal(made.import_url, "https://*****:*****@example.org/up.git");
    assert.equal(made.import_status, "scheduled");
    const off = fits(projectSchema, await ask("PUT", `/projects/${made.id}`, { mirror: false }));
    assert.deepEqual([off.mirror, "mirror_trigger_builds" in off], [false, false]);
    const both = { only_mirror_protected_branches: false, mirror_branch_regex: "x" };
    assert.deepEqual((await ask("PUT", `/projects/${made.id}`, both)).json(), {
      error: "only_mirror_protected_branches, mirror_branch_regex are mutually exclusive",
    });
  });

  test("push mirrors are made, read, changed both ways, run and removed", async () => {
    const list = `/projects/${project}/remote_mirrors`;
    const made = fits(
      remoteMirrorSchema,
      await ask("POST", list, {
        url: "https://user:pa%40ss@Example.org:8443/a/B.git",
        enabled: "1",
        keep_divergent_refs: true,
      }),
      201,
    );
    assert.deepEqual(
      [made.url, made.enabled, made.keep_divergent_refs, made.host_keys, made.auth_method],
      ["https://*****:*****@Example.org:8443/a/B.git", true, true, [], "password"],
    );
    const one = `${list}/${made.id}`;
    fits(remoteMirrorSchema, await ask("GET", one));
    fitsAll(remoteMirrorSchema, await ask("GET", list));
    const put = fits(
      remoteMirrorSchema,
      await ask("PUT", one, { only_protected_branches: "true", url: "ignored" }),
    );
    assert.deepEqual([put.only_protected_branches, put.url], [true, made.url]);
    const posted = fits(remoteMirrorSchema, await ask("POST", one, { enabled: false }));
    assert.deepEqual([posted.enabled, posted.only_protected_branches], [false, true]);
    const sync = await ask("POST", `${one}/sync`);
    assert.deepEqual(
      [sync.status, sync.json()],
      [400, { message: "Cannot proceed with the push mirroring. Please verify your mirror configuration." }],
    );
    await ask("PUT", one, { enabled: true });
    assert.equal((await ask("POST", `${one}/sync`, null)).status, 204);
    const key = await ask("GET", `${one}/public_key`);
    assert.deepEqual([key.status, key.json()], [404, { message: "404 Not found" }]);
    fits(mirrorSchema, await ask("GET", `/projects/${project}/mirrors/${made.id}`));
    fitsAll(mirrorSchema, await ask("GET", `/projects/${project}/mirrors`));
    assert.equal((await ask("DELETE", one, {})).status, 204);
    const gone = await ask("GET", one);
    assert.deepEqual([gone.status, gone.json()], [404, { message: "404 Not found" }]);
  });

  test("push mirrors refuse what GitLab refuses, in its words", async () => {
    const list = `/projects/${project}/remote_mirrors`;
    const url = "https://example.org/r.git";
    const made = fits(remoteMirrorSchema, await ask("POST", list, { url }), 201);
    const one = `${list}/${made.id}`;
    const refusals: [string, string, object, object][] = [
      ["POST", list, {}, { error: "url is missing" }],
      ["POST", list, { url, auth_method: "x" }, { error: "auth_method does not have a valid value" }],
      ["PUT", one, { auth_method: "x" }, { message: { auth_method: ["is not included in the list"] } }],
      ["POST", list, { url, enabled: "perhaps" }, { error: "enabled is invalid" }],
      [
        "POST",
        list,
        { url, only_protected_branches: null },
        { message: { only_protected_branches: ["can't be blank"] } },
      ],
      [
        "PUT",
        one,
        { only_protected_branches: false, mirror_branch_regex: "" },
        { error: "only_protected_branches, mirror_branch_regex are mutually exclusive" },
      ],
      [
        "POST",
        list,
        { url: "ftp://example.org/r.git" },
        { message: { url: ["is blocked: Only allowed schemes are http, https, ssh, git"] } },
      ],
      ["GET", `${list}/abc`, {}, { error: "mirror_id is invalid" }],
    ];
    for (const [method, path, body, expected] of refusals) {
      const answer = await ask(method, path, method === "GET" ? undefined : body);
      assert.deepEqual([answer.status, answer.json()], [400, expected]);
    }
  });

  test("a pull mirror is configured, started and read; without one all of it says so", async () => {
    const path = `/projects/${project}/mirror/pull`;
    const notMirrored = { message: "The project is not mirrored" };
    for (const method of ["GET", "POST"]) {
      const answer = await ask(method, path);
      assert.deepEqual([answer.status, answer.json()], [400, notMirrored]);
    }
    const empty = await ask("PUT", path, {});
    assert.match(
      String(empty.json()["error"]),
      /^enabled, url, .* are missing, at least one parameter must be provided$/,
    );
    assert.deepEqual((await ask("PUT", path, { enabled: true })).json(), {
      message: { url: ["is missing"] },
    });
    assert.deepEqual((await ask("PUT", path, { enabled: true, url: "ftp://x.example/r" })).json(), {
      message: { unsafe_import_url: ["is blocked: Only allowed schemes are http, https, ssh, git"] },
    });
    const settings = {
      enabled: true,
      url: "https://example.org/up.git",
      auth_user: "u",
      auth_password: "p@ss",
    };
    const put = fits(pullMirrorSchema, await ask("PUT", path, settings));
    assert.deepEqual([put.enabled, put.url], [true, "https://example.org/up.git"]);
    fits(pullMirrorSchema, await ask("GET", path));
    const started = await ask("POST", path);
    assert.deepEqual(
      [started.status, started.json()],
      [200, { message: "200 OK", next_update_at: "2026-01-02T03:04:05.678Z" }],
    );
    fits(pullMirrorSchema, await ask("PUT", path, { enabled: "false" }));
    assert.deepEqual((await ask("GET", path)).json(), notMirrored);
    const byPost = fits(projectSchema, await ask("POST", "/projects", { name: "by-post" }), 201);
    const configured = await ask("POST", `/projects/${byPost.id}/mirror/pull`, {
      import_url: "https://example.org/up2.git",
      mirror: true,
    });
    assert.equal(configured.status, 200);
    assert.equal(
      fits(pullMirrorSchema, await ask("GET", `/projects/${byPost.id}/mirror/pull`)).url,
      "https://example.org/up2.git",
    );
  });

  test("a mirror on pause is 403 in GitLab's words", async () => {
    await using paused = await startServer(
      createInMemoryUseCases({
        startPullMirror: async () => ({ kind: "started", start: { status: "on-pause", nextUpdateAt: null } }),
      }),
    );
    const answer = await paused.ask("POST", `${API}/projects/1/mirror/pull`, { token: SECRETS.api });
    assert.deepEqual(
      [answer.status, answer.json()],
      [403, { message: "Mirroring for the project is on pause" }],
    );
  });

  test("protected branches take their parameters from the query too", async () => {
    const list = `/projects/${project}/protected_branches`;
    const query =
      "?name=rel%2F*&push_access_level=40&allowed_to_push[][access_level]=40&allowed_to_push[][user_id]=3";
    const made = fits(protectedBranchSchema, await ask("POST", list + query, {}), 201);
    assert.deepEqual(
      [made.name, made.push_access_levels.map((entry) => [entry.access_level, entry.user_id])],
      [
        "rel/*",
        [
          [40, null],
          [40, null],
          [null, 3],
        ],
      ],
    );
    const again = await ask("POST", list, { name: "rel/*" });
    assert.deepEqual(
      [again.status, again.json()],
      [409, { message: "Protected branch 'rel/*' already exists" }],
    );
    fitsAll(protectedBranchSchema, await ask("GET", list));
    fits(protectedBranchSchema, await ask("GET", `${list}/rel%2F%2A`));
    const [first, second, third] = made.push_access_levels;
    const changes = {
      name: "rel/*",
      allow_force_push: "true",
      allowed_to_push: [
        { id: second?.id, _destroy: true },
        { id: first?.id, access_level: "0" },
        { group_id: 7 },
        { deploy_key_id: 9 },
      ],
    };
    const changed = fits(protectedBranchSchema, await ask("PATCH", `${list}/rel%2F%2A`, changes));
    assert.equal(changed.allow_force_push, true);
    assert.deepEqual(
      changed.push_access_levels.map((entry) => [entry.access_level_description, entry.access_level]),
      [
        ["No one", 0],
        ["user 3", null],
        ["group 7", null],
        ["deploy-key 9", null],
      ],
    );
    assert.deepEqual(
      changed.push_access_levels.slice(0, 2).map(({ id }) => id),
      [first?.id, third?.id],
    );
    assert.equal((await ask("DELETE", `${list}/rel%2F%2A`)).status, 204);
    assert.equal((await ask("GET", `${list}/rel%2F%2A`)).status, 404);
  });

  test("protected tags say who may create them: maintainers, unless told otherwise", async () => {
    const list = `/projects/${project}/protected_tags`;
    const made = fits(protectedTagSchema, await ask("POST", `${list}?name=v%2A`, {}), 201);
    const [level] = made.create_access_levels;
    assert.deepEqual(
      [made.name, level?.access_level, level?.access_level_description],
      ["v*", 40, "Maintainers"],
    );
    for (const [given, description] of [
      ["0", "No one"],
      [30, "Developers + Maintainers"],
    ] as const) {
      const body = { name: `at-${given}`, create_access_level: given };
      const [created] = fits(protectedTagSchema, await ask("POST", list, body), 201).create_access_levels;
      assert.deepEqual(
        [created?.access_level, created?.access_level_description],
        [Number(given), description],
      );
    }
    const again = await ask("POST", list, { name: "v*" });
    assert.deepEqual([again.status, again.json()], [409, { message: "Protected tag 'v*' already exists" }]);
    const wrong = await ask("POST", list, { name: "x", create_access_level: 20 });
    assert.deepEqual(
      [wrong.status, wrong.json()],
      [400, { error: "create_access_level does not have a valid value" }],
    );
    assert.equal(fitsAll(protectedTagSchema, await ask("GET", list)).length, 3);
    fits(protectedTagSchema, await ask("GET", `${list}/v%2A`));
    assert.equal((await ask("DELETE", `${list}/v%2A`)).status, 204);
    assert.equal((await ask("GET", `${list}/v%2A`)).status, 404);
  });

  test("metrics are open to all, in Prometheus' text form", async () => {
    const { status, headers, text } = await server.ask("GET", "/-/metrics");
    assert.deepEqual([status, headers["content-type"]], [200, "text/plain; version=0.0.4; charset=utf-8"]);
    const expired = "heliostat_credentials_expired";
    const waiting = "heliostat_git_clients_waiting";
    const lines = [
      ...[`# HELP ${expired} Those that have expired.`, `# TYPE ${expired} gauge`, `${expired} 2`],
      ...[`# HELP ${waiting} Those in line.`, `# TYPE ${waiting} gauge`, `${waiting}{work="refs"} 1`],
    ];
    assert.equal(text, lines.map((line) => `${line}\n`).join(""));
  });

  test("readiness tells which part fails, but its reason only to the log", async () => {
    const checks = { database: { ok: true }, queue: { ok: false, message: "at 10.0.0.7" } };
    await using sick = await startServer(
      createInMemoryUseCases({ checkReadiness: async () => ({ ok: false, checks }) }),
    );
    const answer = await sick.ask("GET", "/-/readiness");
    assert.deepEqual(
      [answer.status, answer.json()],
      [503, { status: "failed", checks: { database: { status: "ok" }, queue: { status: "failed" } } }],
    );
    assert.ok(sick.log.some(({ fields }) => fields["reason"] === "at 10.0.0.7"));
    for (const path of ["/-/health", "/-/liveness"]) assert.equal((await sick.ask("GET", path)).status, 200);
  });

  test("an error of a use case that is none of ours is a fault, with nothing of it in the answer", async () => {
    const error = new HeliostatError("bug", "select * from users");
    await using broken = await startServer(
      createInMemoryUseCases({
        readVersion: () => {
          throw error;
        },
      }),
    );
    const answer = await broken.ask("GET", `${API}/version`, { token: SECRETS.api });
    assert.deepEqual([answer.status, answer.json()], [500, { message: "500 Internal Server Error" }]);
  });
});
