import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after, describe } from "node:test";
import { type MirrorAnswer, mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { type Answer, createApi, idOf } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";

/* The API of mirrors of every direction with every option, and what happens when many change them at once. */

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const upstream = await makeRepository(join(directory, "peer/upstream.git"));
await makeCommit(upstream);
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });

let projects = 0;
async function newProject(): Promise<string> {
  projects += 1;
  return `/projects/${(await api.createProject(`project-${projects}`)).id}`;
}

function read(answer: unknown): MirrorAnswer {
  return mirrorSchema.parse(answer);
}

async function refused(answer: Promise<Answer>, status: number, body: unknown): Promise<void> {
  const { status: got, body: said } = await answer;
  assert.deepEqual([got, said], [status, body]);
}

describe("one API for mirrors of every direction", () => {
  test("a push mirror with every option: made, changed in part, run and removed", async () => {
    const path = `${await newProject()}/mirrors`;
    const made = read(
      await api.post(path, {
        direction: "push",
        url: "http://192.0.2.1/a.git",
        auth_user: "ada",
        auth_password: "pass:w%rd",
        enabled: "false",
        mirror_branch_regex: "^main$",
        keep_divergent_refs: true,
        mirror_tags: "^v",
        mirror_deletions: "always",
      }),
    );
    assert.deepEqual(
      {
        direction: made.direction,
        enabled: made.enabled,
        // What came beside the URL is not shown in it.
        url: made.url,
        regex: made.mirror_branch_regex,
        keep: made.keep_divergent_refs,
        tags: made.mirror_tags,
        deletions: made.mirror_deletions,
        next: made.next_update_at,
        paused: made.paused,
      },
      {
        direction: "push",
        enabled: false,
        url: "http://192.0.2.1/a.git",
        regex: "^main$",
        keep: true,
        tags: "^v",
        deletions: "always",
        next: null,
        paused: false,
      },
    );
    const one = `${path}/${made.id}`;
    assert.deepEqual(read(await api.get(one)), made);
    const changed = read(await api.put(one, { mirror_tags: null, mirror_branch_regex: "" }));
    assert.deepEqual(
      [changed.mirror_tags, changed.mirror_branch_regex, changed.mirror_deletions],
      ["all", null, "always"],
    );
    // The answer for a mirror can be sent back as it is, options of the other direction and all.
    const { url: _url, ...whole } = changed;
    assert.equal(read(await api.put(one, whole)).keep_divergent_refs, true);
    const { status } = await api.call("DELETE", one);
    assert.equal(status, 204);
    await refused(api.call("GET", one), 404, { message: "404 Not found" });
  });

  test("a pull mirror is on by itself, pulls at once, and says when it looks again", async () => {
    const project = await newProject();
    const path = `${project}/mirrors`;
    const made = read(
      await api.post(path, {
        direction: "pull",
        url: peer.urlOf("upstream.git"),
        overwrites_diverged_branches: true,
        trigger_builds: true,
        follow_default_branch: true,
        interval_seconds: 120,
        adaptive_interval: true,
        mirror_deletions: "never",
        mirror_tags: "none",
      }),
    );
    assert.deepEqual(
      [made.enabled, made.overwrites_diverged_branches, made.trigger_builds, made.follow_default_branch],
      [true, true, true, true],
    );
    assert.deepEqual(
      [made.interval_seconds, made.adaptive_interval, made.mirror_deletions, made.mirror_tags],
      [120, true, "never", "none"],
    );
    const id = Number(project.split("/").at(-1));
    await api.waitForMirror(id, "pull", "finished");
    const after = read(await api.get(`${path}/${made.id}`));
    assert.equal(after.next_update_at, after.next_check_at);
    assert.ok(after.next_update_at !== null && Date.parse(after.next_update_at) > Date.now());
    assert.equal(
      read(await api.put(`${path}/${made.id}`, { interval_seconds: null })).interval_seconds,
      null,
    );
    // GitLab's view of the same row has exactly GitLab's keys.
    assert.ok(!("mirror_tags" in Object(await api.get(`${project}/mirror/pull`))));
    await refused(api.call("POST", path, { direction: "pull", url: peer.urlOf("other.git") }), 400, {
      message: { base: ["The project has a pull mirror already."] },
    });
  });

  test("a start answers 202 with the time; a mirror that is off says so", async () => {
    const path = `${await newProject()}/mirrors`;
    const url = peer.urlOf("upstream.git");
    const { id } = read(await api.post(path, { direction: "pull", url }));
    const started = await api.call("POST", `${path}/${id}/sync`);
    assert.equal(started.status, 202);
    assert.ok(["queued", "running"].includes(Object(started.body).status), JSON.stringify(started.body));
    assert.equal((await api.call("POST", `${path}/${id}/cancel`)).status, 202);
    await api.put(`${path}/${id}`, { enabled: false });
    await refused(api.call("POST", `${path}/${id}/sync`), 400, {
      message: "The mirror is disabled and will not sync.",
    });
    const push = read(await api.post(path, { direction: "push", url: `${url}-x`, enabled: false }));
    await refused(api.call("POST", `${path}/${push.id}/sync`), 400, {
      message: "Cannot proceed with the push mirroring. Please verify your mirror configuration.",
    });
  });

  test("what cannot be is refused with the reason, and nothing is made of it", async () => {
    const path = `${await newProject()}/mirrors`;
    const url = "http://192.0.2.1/a.git";
    const push = { direction: "push", url };
    const pull = { direction: "pull", url };
    await api.put("/application/settings", { pull_mirror_min_interval_seconds: 60 });
    const refusals: readonly [object, unknown][] = [
      [{ url }, { error: "direction is missing" }],
      [{ direction: "both", url }, { error: "direction does not have a valid value" }],
      [{ direction: "pull" }, { error: "url is missing" }],
      [{ ...push, url: "ftp://x.example/a" }, blocked("Only allowed schemes are http, https, ssh, git")],
      [{ ...push, mirror_deletions: "some" }, { error: "mirror_deletions does not have a valid value" }],
      [
        { ...push, mirror_tags: "(" },
        { message: { mirror_tags: ["not valid RE2 syntax: missing closing ): ("] } },
      ],
      [
        { ...push, only_protected_branches: true, mirror_branch_regex: "x" },
        { message: { mirror_branch_regex: ["must be blank"] } },
      ],
      [
        { ...push, follow_default_branch: true, interval_seconds: 600, adaptive_interval: true },
        {
          message: {
            follow_default_branch: ["is an option of pull mirrors"],
            interval_seconds: ["is an option of pull mirrors"],
            adaptive_interval: ["is an option of pull mirrors"],
          },
        },
      ],
      [
        { ...pull, keep_divergent_refs: true },
        { message: { keep_divergent_refs: ["is an option of push mirrors"] } },
      ],
      [
        { ...pull, interval_seconds: 59 },
        { message: { interval_seconds: ["must be greater than or equal to 60"] } },
      ],
      [
        { ...push, auth_password: "x".repeat(4097) },
        { message: { auth_password: ["is too long (maximum is 4096 characters)"] } },
      ],
      [
        { ...pull, url: `http://${"x".repeat(4097)}:pw@192.0.2.1/a.git` },
        { message: { auth_user: ["is too long (maximum is 4096 characters)"] } },
      ],
      [{ ...pull, interval_seconds: "soon" }, { error: "interval_seconds is invalid" }],
    ];
    for (const [body, expected] of refusals) {
      await refused(api.call("POST", path, { ...body }), 400, expected);
    }
    const id = { error: "mirror_id is invalid" };
    for (const odd of ["1%0a", "%201", "1%20"])
      await refused(api.call("POST", `${path}/${odd}/sync`), 400, id);
    assert.deepEqual(await api.get(path), []);
    await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
  });

  test("GitLab's endpoints take our options too, and answer with GitLab's keys alone", async () => {
    const project = await newProject();
    const url = "http://192.0.2.1/a.git";
    const push = idOf(
      await api.post(`${project}/remote_mirrors`, { url, mirror_tags: "none", mirror_deletions: "never" }),
    );
    const seen = read(await api.get(`${project}/mirrors/${push}`));
    assert.deepEqual([seen.mirror_tags, seen.mirror_deletions], ["none", "never"]);
    await refused(
      api.call("PUT", `${project}/remote_mirrors/${push}`, { follow_default_branch: true }),
      400,
      {
        message: { follow_default_branch: ["is an option of pull mirrors"] },
      },
    );
    const pull = await api.put(`${project}/mirror/pull`, {
      url: peer.urlOf("upstream.git"),
      enabled: true,
      follow_default_branch: "1",
      mirror_deletions: "always",
    });
    assert.ok(!("follow_default_branch" in Object(pull)));
    const pulled = read(await api.get(`${project}/mirrors/${idOf(pull)}`));
    assert.deepEqual([pulled.follow_default_branch, pulled.mirror_deletions], [true, "always"]);
  });

  test("a new host takes the stored secret away, the same host keeps it", async () => {
    const path = `${await newProject()}/mirrors`;
    const url = "http://ada:s3cret@192.0.2.1/a.git";
    const { id } = read(await api.post(path, { direction: "push", url, enabled: false }));
    const masked = async (changes: object) => read(await api.put(`${path}/${id}`, { ...changes })).url;
    assert.equal(await masked({}), "http://*****:*****@192.0.2.1/a.git");
    assert.equal(await masked({ url: "http://bob@192.0.2.1/b.git" }), "http://*****@192.0.2.1/b.git");
    assert.equal(await masked({ url: "http://ada:x@192.0.2.1/b.git" }), "http://*****:*****@192.0.2.1/b.git");
    assert.equal(await masked({ url: "http://192.0.2.2/b.git" }), "http://192.0.2.2/b.git");
  });
});

describe("at the same time", () => {
  const many = <T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => act(index)));
  const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort();

  test("changes of different options all hold", async () => {
    const path = `${await newProject()}/mirrors`;
    const { id } = read(
      await api.post(path, { direction: "push", url: peer.urlOf("none.git"), enabled: false }),
    );
    const changes = [
      { keep_divergent_refs: true },
      { mirror_tags: "none" },
      { mirror_deletions: "never" },
      { mirror_branch_regex: "^x" },
      { enabled: true },
    ];
    const answers = await many(changes.length, (index) => api.call("PUT", `${path}/${id}`, changes[index]));
    assert.deepEqual(statuses(answers), [200, 200, 200, 200, 200]);
    const now = read(await api.get(`${path}/${id}`));
    assert.deepEqual(
      [now.keep_divergent_refs, now.mirror_tags, now.mirror_deletions, now.mirror_branch_regex, now.enabled],
      [true, "none", "never", "^x", true],
    );
  });

  test("two filters that exclude each other do not both get in", async () => {
    const path = `${await newProject()}/mirrors`;
    const { id } = read(
      await api.post(path, { direction: "push", url: "http://192.0.2.1/a.git", enabled: false }),
    );
    const filters = [{ only_protected_branches: true }, { mirror_branch_regex: "x" }];
    const answers = await many(2, (index) => api.call("PUT", `${path}/${id}`, filters[index]));
    assert.deepEqual(statuses(answers), [200, 400]);
  });

  test("one URL makes one push mirror, and the others are told so", async () => {
    const project = await newProject();
    const url = "http://192.0.2.1/a.git";
    const answers = await many(6, () => api.call("POST", `${project}/remote_mirrors`, { url }));
    assert.deepEqual(statuses(answers), [201, 400, 400, 400, 400, 400]);
    for (const { status, body } of answers) {
      if (status === 400) assert.deepEqual(body, { message: { url: ["has already been taken"] } });
    }
    assert.equal(Object(await api.get(`${project}/mirrors`)).length, 1);
  });

  test("ten push mirrors get in, whoever else asks", async () => {
    const project = await newProject();
    const answers = await many(13, (index) =>
      api.call("POST", `${project}/remote_mirrors`, { url: `${peer.url}/none-${index}.git`, enabled: true }),
    );
    assert.equal(answers.filter(({ status }) => status === 201).length, 10);
    for (const { status, body } of answers) {
      if (status === 201) continue;
      const message = "Maximum number of push mirrors (10) exceeded for this project.";
      assert.deepEqual([status, body], [400, { message: { base: [message] } }]);
    }
    for (const { id } of Object(await api.get(`${project}/mirrors`)))
      await api.delete(`${project}/mirrors/${id}`);
  });

  test("the first pull mirror is one, and the last word counts", async () => {
    const project = await newProject();
    const url = peer.urlOf("upstream.git");
    const answers = await many(5, () => api.call("PUT", `${project}/mirror/pull`, { url, enabled: true }));
    assert.deepEqual(statuses(answers), [200, 200, 200, 200, 200]);
    assert.equal(new Set(answers.map(({ body }) => idOf(body))).size, 1);
    assert.equal(Object(await api.get(`${project}/mirrors`)).length, 1);
  });
});

test("a list of projects shows the pull mirror of each", async () => {
  const mirrored = await newProject();
  await api.put(`${mirrored}/mirror/pull`, { url: peer.urlOf("upstream.git"), enabled: true });
  const plain = await newProject();
  const listed: { id: number; mirror: boolean; import_url: string | null }[] = Object(
    await api.get("/projects?per_page=100"),
  );
  const of = (path: string) => listed.find(({ id }) => path === `/projects/${id}`);
  assert.deepEqual(
    [of(mirrored)?.mirror, of(mirrored)?.import_url, of(plain)?.mirror, of(plain)?.import_url],
    [true, peer.urlOf("upstream.git"), false, null],
  );
});

test("attributes of a project: nothing to mirror is no error, a regex takes the place of protected branches", async () => {
  const project = await newProject();
  assert.equal(Object(await api.put(project, { mirror: false })).mirror, false);
  await api.put(project, {
    import_url: peer.urlOf("upstream.git"),
    mirror: true,
    only_mirror_protected_branches: true,
  });
  await api.put(project, { mirror_branch_regex: "^main$" });
  const pull = Object(await api.get(`${project}/mirror/pull`));
  assert.deepEqual([pull.only_mirror_protected_branches, pull.mirror_branch_regex], [false, "^main$"]);
  assert.notDeepEqual(await refsOf(upstream), {});
});

function blocked(reason: string): object {
  return { message: { url: [`is blocked: ${reason}`] } };
}
