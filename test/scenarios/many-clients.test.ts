import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createApi } from "../support/api.ts";
import { readMemory, resetPeak } from "../support/memory.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

/* More clients than the machine can serve at once: all get their turn, or are told to come again. */

const MB = 1024 * 1024;
const CLIENTS = 200;
/** Of the server itself, whatever the number of clients; each git that it starts has its own few megabytes. */
const GROWTH = 150 * MB;

const directory = await makeTempDir({ after });

function urlOf(server: TestServer, project: string): string {
  return withCredentials(`${server.url}/${project}.git`, "root", server.token);
}

describe("two hundred clients at the same time", () => {
  const root = join(directory, "many");
  let server: TestServer;
  let projectId: number;
  let mostGits = 0;

  before(async () => {
    await mkdir(root);
    server = await startServer({ env: { HELIOSTAT_LOG_LEVEL: "info" } });
    projectId = (await createApi(server).createProject("many")).id;
    const client = await makeRepository(join(root, "many.git"));
    for (let commit = 0; commit < 10; commit += 1) await makeCommit(client);
    await git(client, ["push", "-q", urlOf(server, "root/many"), "refs/heads/main"]);
  });
  after(() => server?.stop());

  async function atOnce(work: (index: number) => Promise<unknown>): Promise<readonly string[]> {
    mostGits = 0;
    const watch = setInterval(() => {
      mostGits = Math.max(mostGits, server.listGit().length);
    }, 500);
    const before = await readMemory(server.pid());
    await resetPeak(server.pid());
    const done = await Promise.allSettled(Array.from({ length: CLIENTS }, (_none, index) => work(index)));
    clearInterval(watch);
    const { peak } = await readMemory(server.pid());
    assert(peak - before.resident <= GROWTH, `grew by ${Math.round((peak - before.resident) / MB)} MB`);
    return done.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
  }

  test("clone, and none fails", async (t) => {
    const failures = await atOnce((index) =>
      git(root, ["clone", "-q", "--bare", urlOf(server, "root/many"), join(root, `clone-${index}.git`)]),
    );
    t.diagnostic(`at most ${mostGits} gits at the same time`);
    assert.deepEqual(failures, []);
    assert.deepEqual(await refsOf(join(root, "clone-199.git")), await refsOf(server.repositoryOf(projectId)));
    await server.assertNoGitLeft();
  });

  test("push a branch each, and none fails", async () => {
    const source = join(root, "many.git");
    const failures = await atOnce((index) =>
      git(source, ["push", "-q", urlOf(server, "root/many"), `refs/heads/main:refs/heads/branch-${index}`]),
    );
    assert.deepEqual(failures, []);
    assert.equal(Object.keys(await refsOf(server.repositoryOf(projectId))).length, CLIENTS + 1);
    await checkRepository(server.repositoryOf(projectId));
    await server.assertNoGitLeft();
  });
});

describe("a server for one client at a time, with room for one more", () => {
  const root = join(directory, "few");
  let server: TestServer;

  before(async () => {
    await mkdir(root);
    server = await startServer({ env: { HELIOSTAT_GIT_CLIENTS: "1", HELIOSTAT_GIT_QUEUE: "1" } });
    await createApi(server).createProject("small");
    const client = await makeRepository(join(root, "small.git"));
    await makeCommit(client);
    await git(client, ["push", "-q", urlOf(server, "root/small"), "refs/heads/main"]);
  });
  after(() => server?.stop());

  interface Client {
    readonly call: ClientRequest;
    /** Settles with the answer's head, or rejects when the connection is lost. */
    readonly answer: Promise<IncomingMessage>;
  }

  /** Asks git for a service, with a body that goes on until it is ended. */
  function ask(service: "upload-pack" | "receive-pack"): Client {
    const call = request(`${server.url}/root/small.git/git-${service}`, {
      method: "POST",
      agent: false,
      headers: {
        authorization: `Bearer ${server.token}`,
        "content-type": `application/x-git-${service}-request`,
        "git-protocol": "version=2",
        "transfer-encoding": "chunked",
      },
    });
    const answer = once(call, "response").then(([response]: IncomingMessage[]) => {
      assert(response);
      return response;
    });
    answer.catch(() => undefined);
    call.on("error", () => undefined);
    call.flushHeaders();
    return { call, answer };
  }

  /** What a fetch asks first; the end of the body is left to the caller. */
  const LS_REFS = "0014command=ls-refs\n0000";

  async function holdThePlace(): Promise<Client> {
    const holder = ask("upload-pack");
    holder.call.write("0014command=ls");
    await waitFor(() => server.listGit().some((line) => line.includes("upload-pack")), {
      message: "a git waits for the rest of the request",
    });
    return holder;
  }

  /** Whether a client is in line yet, or no longer, shows nowhere else from outside. */
  async function untilWaiting(clients: number): Promise<void> {
    const line = `heliostat_git_clients_waiting{work="packs"} ${clients}\n`;
    await waitFor(async () => (await (await fetch(`${server.url}/-/metrics`)).text()).includes(line), {
      message: `${clients} wait for a place`,
    });
  }

  test("archives stand in the same line, and give their place back", async () => {
    const url = `${server.url}/api/v4/projects/root%2Fsmall/repository/archive.tar`;
    const download = () => fetch(url, { headers: { authorization: `Bearer ${server.token}` } });
    const holder = await holdThePlace();
    const both = [download(), download()];
    // One of the two waits for as long as the place is held.
    const refused = await Promise.race(both);
    assert.equal(refused.status, 503);
    assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
    assert.match(JSON.stringify(await refused.json()), /busy/);
    holder.call.destroy();
    const statuses = (await Promise.all(both)).map(async (answer) => {
      if (!answer.bodyUsed) await answer.arrayBuffer();
      return answer.status;
    });
    assert.deepEqual((await Promise.all(statuses)).sort(), [200, 503]);
    const again = await download();
    assert.equal(again.status, 200);
    assert.ok((await again.arrayBuffer()).byteLength > 0);
  });

  test("tells whoever is too much to come again, and serves those that wait", async () => {
    const holder = await holdThePlace();
    const second = ask("upload-pack");
    second.call.end(LS_REFS);
    await untilWaiting(1);
    const third = ask("upload-pack");
    third.call.end(LS_REFS);
    const refused = await third.answer;
    assert.equal(refused.statusCode, 503);
    assert.match(refused.headers["retry-after"] ?? "", /^\d+$/);
    assert.match(await readText(refused), /busy/);

    await assert.rejects(
      git(root, ["clone", "-q", urlOf(server, "root/small"), join(root, "refused")]),
      /503/,
      "git says why",
    );
    const refs = await fetch(`${server.url}/root/small.git/info/refs?service=git-upload-pack`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    assert.equal(refs.status, 200, "what is quick does not wait");

    holder.call.destroy();
    const served = await second.answer;
    assert.equal(served.statusCode, 200);
    assert.match(await readText(served), /refs\/heads\/main/);
    await git(root, ["clone", "-q", urlOf(server, "root/small"), join(root, "served")]);
    await server.assertNoGitLeft();
  });

  test("keeps no place for a client that went away while it waited", async () => {
    const holder = await holdThePlace();
    for (let round = 0; round < 5; round += 1) {
      // Whole, so that nothing but the lost connection says that nobody waits any more.
      const waits = ask("receive-pack");
      waits.call.end("0000");
      await untilWaiting(1);
      waits.call.destroy();
      await untilWaiting(0);
    }
    holder.call.destroy();
    await server.assertNoGitLeft();
    await git(root, ["clone", "-q", urlOf(server, "root/small"), join(root, "after")]);
  });
});

async function readText(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return text;
}
