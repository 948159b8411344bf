import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { startGatedProxy } from "../support/gated-proxy.ts";
import { makeNoise, SEND_AS_IS } from "../support/incompressible.ts";
import { readMemory, resetPeak } from "../support/memory.ts";
import {
  checkRepository,
  GIT_ENV,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const MB = 1024 * 1024;

/** However much is pushed, the server's own memory may grow by no more. `npm run bench` does this with 2 GiB. */
const GROWTH = 64 * MB;

describe("large pushes, and many clones", () => {
  let root: string;
  let server: TestServer;
  let api: Api;

  before(async () => {
    root = await makeTempDir({ after });
    server = await startServer({ env: { HELIOSTAT_LOG_LEVEL: "info" } });
    api = createApi(server);
  });
  after(() => server?.stop());

  function repositoryOf(projectId: number): string {
    return join(server.dataDir, "repositories", String(Math.floor(projectId / 1000)), `${projectId}.git`);
  }

  function gitUrl(project: string, base = server.url): string {
    return `${base.replace("http://", `http://root:${server.token}@`)}/${project}.git`;
  }

  test("a push of 256 MiB does not go through the server's memory", async (t) => {
    const { id } = await api.createProject("large");
    const client = await makeRepository(join(root, "large.git"));
    // One small push first: what any push loads is no growth.
    await makeCommit(client);
    await git(client, ["push", "--quiet", gitUrl("root/large"), "refs/heads/main"]);
    const tip = await makeNoise(client, 256 * MB);
    await resetPeak(server.pid());
    const before = await readMemory(server.pid());
    await git(client, [...SEND_AS_IS, "push", "--quiet", gitUrl("root/large"), "refs/heads/main"]);
    const { peak } = await readMemory(server.pid());

    t.diagnostic(
      `resident ${Math.round(before.resident / MB)} MB before, ${Math.round(peak / MB)} MB at most`,
    );
    assert(peak - before.resident <= GROWTH, `grew by ${Math.round((peak - before.resident) / MB)} MB`);
    assert.deepEqual(await refsOf(repositoryOf(id)), { "refs/heads/main": tip });
  });

  test("fifty clones at the same time", async (t) => {
    const { id } = await api.createProject("many");
    const client = await makeRepository(join(root, "many.git"));
    for (let i = 0; i < 20; i += 1) await makeCommit(client);
    await makeNoise(client, 2 * MB);
    await git(client, ["push", "--quiet", gitUrl("root/many"), "refs/heads/main"]);
    const before = await readMemory(server.pid());
    await resetPeak(server.pid());
    const clones = Array.from({ length: 50 }, (_, i) => join(root, `many-${i}.git`));
    await Promise.all(
      clones.map((clone) => git(root, ["clone", "--quiet", "--bare", gitUrl("root/many"), clone])),
    );
    const { peak } = await readMemory(server.pid());
    t.diagnostic(
      `resident ${Math.round(before.resident / MB)} MB before, ${Math.round(peak / MB)} MB at most`,
    );
    assert(peak - before.resident <= GROWTH, `grew by ${Math.round((peak - before.resident) / MB)} MB`);

    const refs = await refsOf(repositoryOf(id));
    for (const clone of clones) assert.deepEqual(await refsOf(clone), refs);
    await server.assertNoGitLeft();
  });

  /** What git sends with each setting, as its trace of the headers shows it. */
  const bodies = [
    { name: "in chunks, after a probe", postBuffer: 65_536, sends: /Transfer-Encoding: chunked/ },
    { name: "with its length", postBuffer: 16 * MB, sends: /Content-Length: [0-9]{7}/ },
  ];
  for (const { name, postBuffer, sends } of bodies) {
    test(`a push whose body comes ${name}`, async () => {
      const project = `body-${postBuffer}`;
      const { id } = await api.createProject(project);
      const client = await makeRepository(join(root, `${project}.git`));
      const tip = await makeNoise(client, 3 * MB);
      const args = [
        "-c",
        `http.postBuffer=${postBuffer}`,
        "push",
        gitUrl(`root/${project}`),
        "refs/heads/main",
      ];
      assert.match(await traced(client, args), sends);
      assert.deepEqual(await refsOf(repositoryOf(id)), { "refs/heads/main": tip });
      await checkRepository(repositoryOf(id));
    });
  }

  for (const version of [0, 2]) {
    test(`a fetch by protocol ${version} whose request is compressed`, async () => {
      const project = `gzip-${version}`;
      await api.createProject(project);
      const client = await makeRepository(join(root, `${project}.git`));
      // Many wants make a long request, which git compresses.
      for (let i = 0; i < 40; i += 1)
        await makeCommit(client, { ref: `refs/heads/branch-${i}`, parents: [] });
      await git(client, ["push", "--quiet", gitUrl(`root/${project}`), "refs/heads/*:refs/heads/*"]);
      const clone = join(root, `${project}-clone.git`);
      const args = [
        "-c",
        `protocol.version=${version}`,
        "clone",
        "--mirror",
        gitUrl(`root/${project}`),
        clone,
      ];
      assert.match(await traced(root, args), /Content-Encoding: gzip/);
      assert.deepEqual(await refsOf(clone), await refsOf(client));
    });
  }

  test("a client that is killed in the middle of its push leaves no git, no ref and no object", async () => {
    const { id } = await api.createProject("killed");
    const client = await makeRepository(join(root, "killed.git"));
    await makeNoise(client, 4 * MB);
    const door = await startGatedProxy({ port: Number(new URL(server.url).port) });
    try {
      const held = door.hold("to-target", 2 * MB);
      const push = ["push", "--quiet", gitUrl("root/killed", door.url), "refs/heads/main"];
      const child = spawn("git", push, { cwd: client, env: GIT_ENV, stdio: "ignore", detached: true });
      const ended = once(child, "close");
      await held;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await ended;
    } finally {
      await door.close();
    }
    await server.assertNoGitLeft();
    assert.deepEqual(await refsOf(repositoryOf(id)), {});
    const leftovers = async (): Promise<string[]> =>
      (await readdir(repositoryOf(id), { recursive: true })).filter((entry) =>
        /tmp_|incoming-|\.pack$/.test(entry),
      );
    await waitFor(async () => (await leftovers()).length === 0, {
      message: async () => `no object of the broken push is left, but ${await leftovers()}`,
    });
    await git(client, ["push", "--quiet", gitUrl("root/killed"), "refs/heads/main"]);
    assert.deepEqual(await refsOf(repositoryOf(id)), await refsOf(client));
  });

  /** Runs git and answers its trace of the requests that it made. */
  async function traced(cwd: string, args: readonly string[]): Promise<string> {
    const trace = join(root, "trace");
    await rm(trace, { force: true });
    await git(cwd, args, { env: { GIT_TRACE_CURL: trace, GIT_TRACE_CURL_NO_DATA: "1" } });
    return readFile(trace, "utf8");
  }
});
