import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { type Api, createApi, idOf, projectPath } from "../support/api.ts";
import { startGatedProxy } from "../support/gated-proxy.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

const MIRRORS = 12;

/** A host that takes connections and closes them at once, until it is there again: then it is another one's door. */
async function startFlakyHost(target: { readonly port: number }) {
  let connections = 0;
  let isThere = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    if (isThere) forward(socket, target.port, sockets);
    else socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    connections: () => connections,
    comeBack: () => {
      isThere = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(socket: Socket, port: number, sockets: Set<Socket>): void {
  const other = connect(port, "127.0.0.1");
  sockets.add(other);
  other.on("close", () => sockets.delete(other)).on("error", () => socket.destroy());
  socket.pipe(other).pipe(socket);
}

describe("mirrors that cannot go on", () => {
  let root: string;
  let peer: GitHttpPeer;
  let server: TestServer;
  let api: Api;

  before(async () => {
    root = await makeTempDir({ after });
    peer = await startGitHttpPeer({ root });
    server = await startServer();
    api = createApi(server);
    await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
  });
  after(async () => {
    await server?.stop();
    await peer?.close();
  });

  async function readMirror(name: string) {
    const { id } = await api.readPullMirror(`root/${name}`);
    return mirrorSchema.parse(await api.get(`${projectPath(`root/${name}`)}/mirrors/${id}`));
  }

  test("a dead host is asked a few times, not once a mirror, and what waits goes on when it is back", async (t) => {
    const flaky = await startFlakyHost(peer);
    t.after(() => flaky.close());
    const upstream = await makeRepository(join(root, "flaky.git"));
    await makeCommit(upstream);
    for (let i = 0; i < MIRRORS; i += 1) {
      const import_url = `http://${flaky.host}/flaky.git`;
      await api.createProject(`waits-${i}`, { mirror: true, import_url });
    }
    const last = `waits-${MIRRORS - 1}`;
    const paused = await waitFor(async () => (await readMirror(last)).host_paused_until, {
      message: "its host is paused",
    });
    assert.ok(new Date(paused).getTime() > Date.now());
    const [host, ...others] = (await api.get("/mirrors/hosts")) as { host: string; failures: number }[];
    assert.deepEqual([host?.host, host?.failures, others], [flaky.host, 3, []]);
    assert.equal((await readMirror(last)).retry_count, 0, "it waits, it did not fail");
    const asked = flaky.connections();
    assert.ok(asked < MIRRORS, `${asked} connections`);

    flaky.comeBack();
    await api.post(`${projectPath("root/waits-0")}/mirror/pull`);
    for (let i = 0; i < MIRRORS; i += 1) await api.waitForMirror(`root/waits-${i}`, "pull", "finished");
    assert.deepEqual(await api.get("/mirrors/hosts"), []);
    assert.equal((await readMirror(last)).host_paused_until, null);
  });

  test("a host that lists its refs and then refuses each transfer as too busy is paused, too", async (t) => {
    const busy = createHttpServer((asked, answer) => {
      const chunks: Buffer[] = [];
      asked.on("data", (chunk: Buffer) => chunks.push(chunk));
      asked.on("end", () => {
        const body = Buffer.concat(chunks);
        if (body.includes("command=fetch")) {
          answer.writeHead(429, { "Retry-After": "600" }).end("slow down");
          return;
        }
        const { url: path, method, headers } = asked;
        request({ host: "127.0.0.1", port: peer.port, path, method, headers }, (from) => {
          answer.writeHead(from.statusCode ?? 500, from.headers);
          from.pipe(answer);
        }).end(body);
      });
    });
    busy.listen(0, "127.0.0.1");
    await once(busy, "listening");
    t.after(() => busy.close());
    const host = `127.0.0.1:${(busy.address() as AddressInfo).port}`;
    await makeCommit(await makeRepository(join(root, "busy.git")));
    for (let i = 0; i < 3; i += 1) {
      await api.createProject(`busy-${i}`, { mirror: true, import_url: `http://${host}/busy.git` });
      await waitFor(async () => (await api.listUpdates(`root/busy-${i}`, "pull"))[0]?.finished_at, {
        message: "its update has ended",
      });
    }
    const known = (await api.get("/mirrors/hosts")) as {
      host: string;
      failures: number;
      paused_until: string | null;
    }[];
    const [found] = known.filter((each) => each.host === host);
    assert.equal(found?.failures, 3);
    assert.notEqual(found?.paused_until, null);
  });

  test("one that was refused twice is paused, and goes on with all others that a person resumes", async (t) => {
    const locked = await startGitHttpPeer({ root, auth: { username: "ada", password: "right" } });
    t.after(() => locked.close());
    await makeCommit(await makeRepository(join(root, "locked.git")));
    const url = withCredentials(locked.urlOf("locked.git"), "ada", "wrong");
    await api.createProject("locked", { mirror: true, import_url: url });
    await api.waitForMirror("root/locked", "pull", "failed");
    assert.equal((await readMirror("locked")).paused, false);
    await api.update("root/locked", "pull");
    const { paused, next_update_at } = await readMirror("locked");
    assert.deepEqual([paused, next_update_at], [true, null]);
    assert.equal((await api.call("POST", `${projectPath("root/locked")}/mirror/pull`)).status, 403);

    const stranger = await api.createUser("stranger", "a long password");
    const other = api.as(await api.createToken(stranger, ["api"]));
    assert.deepEqual(await other.post("/mirrors/resume"), { resumed: 0 });
    assert.deepEqual(await api.post("/mirrors/resume", { host: "example.com" }), { resumed: 0 });
    const before = (await api.listUpdates("root/locked", "pull")).length;
    assert.deepEqual(await api.post("/mirrors/resume", { host: "127.0.0.1" }), { resumed: 1 });
    await waitFor(async () => (await api.listUpdates("root/locked", "pull")).length > before, {
      message: "it is tried again",
    });
    await api.waitForMirror("root/locked", "pull", "failed");
    assert.equal((await readMirror("locked")).paused, false, "its failures count from the beginning");
  });

  test("an update that is cancelled ends with its git, says by whom, and can be started again", async (t) => {
    const proxy = await startGatedProxy(peer);
    t.after(() => proxy.close());
    const upstream = await makeRepository(join(root, "long.git"));
    await makeNoise(upstream, 2 * 1024 * 1024);
    const held = proxy.hold("from-target", 1024 * 1024);
    const project = await api.createProject("long", { mirror: true, import_url: proxy.urlOf("long.git") });
    await held;
    const id = idOf(await api.get(`${projectPath("root/long")}/mirror/pull`));
    const cancel = await api.call("POST", `/projects/${project.id}/mirrors/${id}/cancel`);
    assert.equal(cancel.status, 202);
    await server.assertNoGitLeft();
    const update = await api.waitForMirror("root/long", "pull", "failed");
    assert.deepEqual(
      [update.status, update.error],
      ["cancelled", "The update was cancelled by Administrator."],
    );
    const mirror = await readMirror("long");
    assert.deepEqual([mirror.retry_count, mirror.paused, mirror.next_update_at !== null], [0, false, true]);
    proxy.open();
    assert.equal((await api.update("root/long", "pull")).status, "finished");
    assert.ok(Object.keys(await refsOf(upstream)).length > 0);
  });
});
