import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { type Api, createApi, idOf, projectPath } from "../support/api.ts";
import { type GitHttpPeer, type PeerExchange, startGitHttpPeer } from "../support/git-http-peer.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

/** How long everything races. */
const STRESS_MS = 30_000;

/** A dead node's runs are taken up within 30 s, and then have to run. */
const IN_STEP_MS = 90_000;

/** A run reads the clock before it asks for the lease, and a peer hears of the end of an answer a little late. */
const TOLERANCE_MS = 100;

const PROJECTS = 3;

interface Racing {
  readonly name: string;
  readonly upstream: string;
  readonly downstream: string;
  readonly pushMirror: number;
  readonly pullMirror: number;
}

/**
 * Two nodes on one database and one data directory. Upstreams change, the schedule looks every second, people start
 * updates at both doors, and a node is stopped or killed and started again, all at once and at random.
 */
test("two updates of one mirror never overlap, whatever triggers, schedules, restarts and nodes do", async () => {
  const root = await makeTempDir({ after });
  // Slow enough that what may not overlap would.
  const peer = await startGitHttpPeer({ root, delayMs: () => Math.random() * 400 });
  const database = await createTestDatabase();
  const options = { database, dataDir: join(root, "data") };
  const first = await startServer(options);
  const second = await startServer(options);
  after(async () => {
    await Promise.all([first.stop(), second.stop()]);
    await peer.close();
    await database.drop();
  });
  const doors = [createApi(first), createApi(second)];
  const [api = assert.fail()] = doors;
  await api.put("/application/settings", {
    pull_mirror_interval_seconds: 1,
    pull_mirror_min_interval_seconds: 0,
    push_mirror_min_interval_seconds: 0,
  });
  const racing: Racing[] = [];
  for (let i = 0; i < PROJECTS; i += 1) racing.push(await prepare(api, peer, root, `p${i}`));

  const end = performance.now() + STRESS_MS;
  const isOver = () => performance.now() > end;
  const nodes = [first, second];
  await Promise.all([
    ...racing.map(({ upstream }) => changeUpstream(upstream, isOver)),
    ...doors.map((door) => startUpdates(door, racing, isOver)),
    pushAsClient(first, racing, root, isOver),
    restartNodes(nodes, isOver),
  ]);

  for (const one of racing) {
    await makeCommit(one.upstream);
    await api.post(`${projectPath(`root/${one.name}`)}/mirror/pull`, { force: true });
  }
  for (const one of racing) await expectInStep(one, database);
  expectExchangesApart(peer);
  await expectNothingOverlaps(database);
});

test("a URL that is changed through the other node starts no second run beside the first", async () => {
  const root = await makeTempDir({ after });
  const peer = await startGitHttpPeer({ root });
  const database = await createTestDatabase();
  const options = { database, dataDir: join(root, "data") };
  const first = await startServer(options);
  after(async () => {
    await first.stop();
    await peer.close();
    await database.drop();
  });
  await makeRepository(join(root, "old.git"));
  await makeCommit(await makeRepository(join(root, "new.git")));
  peer.setFault("hang", "old.git");
  const { id } = await createApi(first).createProject("moved", {
    mirror: true,
    import_url: peer.urlOf("old.git"),
  });
  await waitFor(async () => (await createApi(first).listUpdates(id, "pull")).length > 0, {
    message: "the first node is at it",
  });
  // Started afterwards, so that it is not this one that runs the update.
  const second = await startServer(options);
  after(() => second.stop());
  await createApi(second).put(`/projects/${id}/mirror/pull`, { url: peer.urlOf("new.git") });
  await createApi(second).waitForMirror(id, "pull", "finished");

  const [newer, older] = await createApi(second).listUpdates(id, "pull");
  assert.deepEqual([older?.status, older?.error], ["cancelled", "The mirror's URL was changed."]);
  const askedNew = peer.exchanges.filter(({ url }) => url.startsWith("/new.git"));
  const askedOld = peer.exchanges.filter(({ url }) => url.startsWith("/old.git"));
  assert.ok(askedNew.length > 0 && askedOld.length > 0);
  const end = Math.max(...askedOld.map(({ to }) => to));
  assert.deepEqual(
    askedNew.filter(({ from }) => from < end - TOLERANCE_MS),
    [],
  );
  assert.ok((newer?.started_at ?? "") >= (older?.finished_at ?? assert.fail()));
});

async function prepare(api: Api, peer: GitHttpPeer, root: string, name: string): Promise<Racing> {
  const upstream = await makeRepository(join(root, `${name}-up.git`));
  await makeCommit(upstream);
  const downstream = await makeRepository(join(root, `${name}-down.git`));
  await git(downstream, ["config", "http.receivepack", "true"]);
  await api.createProject(name, { mirror: true, import_url: peer.urlOf(`${name}-up.git`) });
  await api.waitForMirror(`root/${name}`, "pull", "finished");
  const pushMirror = await api.createPushMirror(`root/${name}`, peer.urlOf(`${name}-down.git`));
  const pullMirror = idOf(await api.get(`${projectPath(`root/${name}`)}/mirror/pull`));
  return { name, upstream, downstream, pushMirror: pushMirror.id, pullMirror };
}

async function changeUpstream(upstream: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await makeCommit(upstream, { ref: `refs/heads/${Math.random() < 0.5 ? "main" : "other"}` });
    await sleep(Math.random() * 500);
  }
}

/** The door may be closed at this moment: its node is being restarted. */
async function startUpdates(api: Api, racing: readonly Racing[], isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const one = racing[Math.floor(Math.random() * racing.length)] ?? assert.fail();
    const path = projectPath(`root/${one.name}`);
    const start =
      Math.random() < 0.5 ? `${path}/mirror/pull` : `${path}/remote_mirrors/${one.pushMirror}/sync`;
    await Promise.all([api.call("POST", start).catch(() => null), api.call("POST", start).catch(() => null)]);
    await sleep(Math.random() * 200);
  }
}

/** A branch of its own in each project: what it pushes upstream does not have, and the pull leaves it alone. */
async function pushAsClient(
  server: TestServer,
  racing: readonly Racing[],
  root: string,
  isOver: () => boolean,
): Promise<void> {
  const client = await makeRepository(join(root, "client.git"));
  const base = server.url.replace("http://", `http://root:${server.token}@`);
  while (!isOver()) {
    const one = racing[Math.floor(Math.random() * racing.length)] ?? assert.fail();
    await makeCommit(client, { ref: "refs/heads/of-a-client" });
    await git(client, ["push", "--quiet", `${base}/root/${one.name}.git`, "refs/heads/of-a-client"]).catch(
      () => null,
    );
    await sleep(Math.random() * 300);
  }
}

async function restartNodes(nodes: readonly TestServer[], isOver: () => boolean): Promise<void> {
  for (let round = 0; !isOver(); round += 1) {
    await sleep(1_000 + Math.random() * 2_000);
    const node = nodes[round % nodes.length] ?? assert.fail();
    await node.kill(round % 4 < 2 ? "SIGKILL" : "SIGTERM");
    await sleep(Math.random() * 500);
    await node.restart();
  }
}

async function expectInStep(one: Racing, database: TestDatabase): Promise<void> {
  const seen = async () => ({ up: await refsOf(one.upstream), down: await refsOf(one.downstream) });
  await waitFor(
    async () => {
      const { up, down } = await seen();
      return Object.entries(up).every(([ref, oid]) => down[ref] === oid);
    },
    { timeoutMs: IN_STEP_MS, message: async () => `${one.name} in step: ${JSON.stringify(await seen())}` },
  );
  const states = () =>
    query<{ id: number; update_status: string; last_error: string | null; is_running: boolean }>(
      database,
      `select id, update_status, last_error, lease_token is not null or requested_at is not null as is_running
        from mirrors where id in (${one.pullMirror}, ${one.pushMirror})`,
    );
  await waitFor(
    async () =>
      (await states()).every(({ update_status, is_running }) => update_status === "finished" && !is_running),
    { timeoutMs: IN_STEP_MS, message: async () => `${one.name} at rest: ${JSON.stringify(await states())}` },
  );
  const started = await query(
    database,
    `select id from mirror_updates where mirror_id in (${one.pullMirror}, ${one.pushMirror}) and status = 'started'
      and started_at < now() - interval '30 s'`,
  );
  assert.deepEqual(started, []);
}

/** By the record of updates: of each mirror, one begins when the one before has ended. */
async function expectNothingOverlaps(database: TestDatabase): Promise<void> {
  const rows = await query<{
    id: number;
    mirror_id: number;
    trigger: string;
    started_at: Date;
    finished_at: Date | null;
  }>(
    database,
    "select id, mirror_id, trigger, started_at, finished_at from mirror_updates order by mirror_id, started_at, id",
  );
  const overlaps = rows.filter((row, index) => {
    const before = rows[index - 1];
    if (before?.mirror_id !== row.mirror_id) return false;
    const ended = before.finished_at?.getTime() ?? Number.POSITIVE_INFINITY;
    return row.started_at.getTime() < ended - TOLERANCE_MS;
  });
  assert.deepEqual(overlaps, []);
  assert.ok(rows.length > 10 * PROJECTS, `only ${rows.length} updates raced`);
  const triggers = new Set(rows.map(({ trigger }) => trigger));
  assert.ok(triggers.has("manual") && triggers.has("recovery") && triggers.size >= 4, [...triggers].join());
}

/**
 * By what the other end saw: git speaks to an upstream only in an update (checks do not need it), and a push to a
 * downstream is part of one too.
 */
function expectExchangesApart(peer: GitHttpPeer): void {
  const isOfUpdate = ({ method, url, headers }: PeerExchange): boolean =>
    /git-receive-pack/.test(url) ||
    (method === "POST" && !String(headers["user-agent"]).toLowerCase().includes("heliostat"));
  const byRepository = Map.groupBy(peer.exchanges.filter(isOfUpdate), ({ url }) => url.split("/")[1] ?? "");
  assert.equal(byRepository.size, 2 * PROJECTS);
  for (const [repository, exchanges] of byRepository) {
    const inOrder = exchanges.toSorted((a, b) => a.from - b.from);
    const overlaps = inOrder.filter(({ from }, index) => {
      const before = inOrder.slice(0, index);
      return before.some(({ to }) => from < to - TOLERANCE_MS);
    });
    assert.deepEqual(overlaps, [], repository);
  }
}

async function query<T extends object>(database: TestDatabase, text: string): Promise<T[]> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}
