import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { openDatabase } from "../../packages/server/src/db/pool.ts";
import { createApi, projectPath } from "../support/api.ts";
import { startGatedProxy } from "../support/gated-proxy.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { readMemory } from "../support/memory.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const MB = 1024 * 1024;

/** Resident memory of the server's own process when it has nothing to do. */
const IDLE = 150 * MB;

/** The promise is 2 s on a machine with nothing else to do; a test machine has much to do. */
const READY_AGAIN_MS = 10_000;

// Most of the time is waiting.
describe("a server starts and stops", { concurrency: 3 }, () => {
  let root: string;
  let peer: GitHttpPeer;

  before(async () => {
    root = await makeTempDir({ after });
    peer = await startGitHttpPeer({ root });
  });
  after(() => peer?.close());

  test("idle, it is small, also after it has worked; the second start is quick", async (t) => {
    const upstream = await makeRepository(join(root, "idle.git"));
    for (let i = 0; i < 5; i += 1) await makeCommit(upstream, { ref: `refs/heads/branch-${i}` });
    const downstream = await makeRepository(join(root, "idle-copy.git"));
    // What a person who sets nothing gets, SSH among it.
    const server = await startServer({
      database: "embedded",
      env: { HELIOSTAT_LOG_LEVEL: "info", HELIOSTAT_SSH_LISTEN: "127.0.0.1:0" },
    });
    try {
      await sleep(2_000);
      const fresh = await readMemory(server.pid());
      t.diagnostic(`resident ${Math.round(fresh.resident / MB)} MB after the start`);
      assert(fresh.resident <= IDLE, `${Math.round(fresh.resident / MB)} MB after the start`);

      const api = createApi(server);
      await api.createProject("idle", { mirror: true, import_url: peer.urlOf("idle.git") });
      await api.waitForMirror("root/idle", "pull", "finished");
      const { id } = await api.createPushMirror("root/idle", peer.urlOf("idle-copy.git"));
      await api.waitForMirror("root/idle", id, "finished");
      assert.deepEqual(await refsOf(downstream), await refsOf(upstream));
      // Six wrong passwords at once left 100 MB with the process: hashing takes memory on purpose.
      const guesses = Array.from({ length: 6 }, (_, i) => {
        const headers = { authorization: `Basic ${Buffer.from(`root:guess-${i}`).toString("base64")}` };
        return fetch(`${server.url}/root/idle.git/info/refs?service=git-upload-pack`, { headers });
      });
      for (const answer of await Promise.all(guesses)) assert.equal(answer.status, 401);
      // At rest is when what the work left behind has gone; how soon that is depends on what else the machine does.
      let resident = Number.POSITIVE_INFINITY;
      for (let seconds = 0; seconds < 60 && resident > IDLE; seconds += 5) {
        await sleep(5_000);
        resident = Math.min(resident, (await readMemory(server.pid())).resident);
      }
      t.diagnostic(`resident ${Math.round(resident / MB)} MB after work, at rest`);
      assert(resident <= IDLE, `${Math.round(resident / MB)} MB after work`);

      assert.equal(await server.kill("SIGTERM"), 0);
      const started = performance.now();
      await server.restart();
      const ready = performance.now() - started;
      t.diagnostic(`ready ${Math.round(ready)} ms after the second start`);
      assert(ready <= READY_AGAIN_MS, `ready after ${Math.round(ready)} ms`);
      assert.deepEqual(
        (await api.listUpdates("root/idle", "pull")).map(({ status }) => status),
        ["finished"],
      );
    } finally {
      await server.stop();
    }
  });

  test("at SIGTERM it lets a running update finish, takes nothing new, and leaves no process behind", async () => {
    const upstream = await makeRepository(join(root, "drain.git"));
    await makeNoise(upstream, 2 * MB);
    const proxy = await startGatedProxy(peer);
    const server = await startServer();
    try {
      const api = createApi(server);
      const held = proxy.hold("from-target", MB);
      await api.createProject("drain", { mirror: true, import_url: proxy.urlOf("drain.git") });
      await held;
      const ended = server.kill("SIGTERM");
      await waitFor(async () => (await fetch(`${server.url}/-/liveness`).catch(() => null)) === null, {
        message: "no new connection is taken",
      });
      proxy.open();
      assert.equal(await ended, 0);
      await server.assertNoGitLeft();

      await server.restart();
      const updates = await api.listUpdates("root/drain", "pull");
      assert.deepEqual(
        updates.map(({ status }) => status),
        ["finished"],
      );
    } finally {
      proxy.open();
      await server.stop();
      await proxy.close();
    }
  });

  test("at SIGTERM an update that does not end in 30 s is given up, and taken up at the next start", async () => {
    const upstream = await makeRepository(join(root, "give-up.git"));
    await makeNoise(upstream, 2 * MB);
    const proxy = await startGatedProxy(peer);
    const server = await startServer();
    try {
      const api = createApi(server);
      const held = proxy.hold("from-target", MB);
      const { id } = await api.createProject("give-up", {
        mirror: true,
        import_url: proxy.urlOf("give-up.git"),
      });
      await held;
      assert.equal(await server.kill("SIGTERM"), 0);
      await server.assertNoGitLeft();
      proxy.open();

      await server.restart();
      await api.waitForMirror(`root/give-up`, "pull", "finished");
      const statuses = (await api.listUpdates("root/give-up", "pull")).map(({ status }) => status);
      assert.deepEqual(statuses, ["finished", "cancelled"]);
      assert.deepEqual(
        await refsOf(join(server.dataDir, `repositories/0/${id}.git`)),
        await refsOf(upstream),
      );
    } finally {
      proxy.open();
      await server.stop();
      await proxy.close();
    }
  });

  test("with a database of one's own it starts none", async () => {
    const server = await startServer({ database: "test" });
    try {
      assert(!(await readdir(server.dataDir)).some((name) => /postgres/.test(name)));
      assert.equal((await fetch(`${server.url}/-/readiness`)).status, 200);
      const api = createApi(server);
      await api.createProject("there");
      await server.restart();
      assert.equal((await api.call("GET", projectPath("root/there"))).status, 200);
    } finally {
      await server.stop();
    }
  });

  test("a lost database connection is told by code and message, without what hangs on the error", async () => {
    const database = await createTestDatabase();
    const db = openDatabase(database.connection, { onIdleError: () => undefined });
    const server = await startServer({ env: { HELIOSTAT_DATABASE_URL: database.url } });
    try {
      const line = await waitFor(
        async () => {
          // Again and again: of one that is lost in the midst of a statement, the statement tells.
          await sql`
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()`.execute(db);
          // Now and then the socket ends before what PostgreSQL said of it was read: then there is no code.
          return /^.*"57P01".*a database connection was lost.*$/m.exec(server.output())?.[0];
        },
        { message: "the log tells of the lost connection" },
      );
      const { level: _level, time: _time, msg: _msg, ...rest } = JSON.parse(line);
      assert.equal(rest.code, "57P01");
      assert.deepEqual(Object.keys(rest).sort(), ["code", "reason"]);
    } finally {
      await server.stop();
      await db.destroy();
      await database.drop();
    }
  });

  test("the file with the made-up secrets is named at every start, until it is deleted", async () => {
    const server = await startServer({
      env: { HELIOSTAT_ADMIN_PASSWORD: undefined, HELIOSTAT_ADMIN_TOKEN: undefined },
    });
    try {
      const path = join(server.dataDir, "initial-root-secrets");
      const line = `root; password and API token are in ${path}\n`;
      const named = () => server.output().split(line).length - 1;
      await waitFor(() => named() === 1, { message: "the first start names it" });
      await server.restart();
      await waitFor(() => named() === 2, { message: "the second start names it" });
      await rm(path);
      await server.restart();
      await waitFor(() => / {2}User {6}root\n/.test(server.output()), { message: "the third says root" });
      assert.equal(named(), 2);
    } finally {
      await server.stop();
    }
  });

  test("a second server on the same data directory says so and ends; the first goes on", async () => {
    const server = await startServer({ database: "embedded" });
    try {
      const second = await runHeliostat(["serve"], {
        HELIOSTAT_DATA_DIR: server.dataDir,
        HELIOSTAT_HTTP_LISTEN: "127.0.0.1:0",
        HELIOSTAT_SSH_LISTEN: "off",
      });
      assert.equal(second.exitCode, 1, second.stderr);
      assert.match(second.stderr, new RegExp(literally(server.dataDir)));
      assert.match(second.stderr, /another|already/i);
      assertNoStack(second.stderr);
      assert.equal((await fetch(`${server.url}/-/readiness`)).status, 200);
    } finally {
      await server.stop();
    }
  });

  test("a port that is taken: one line that names it", async () => {
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const database = await createTestDatabase();
    try {
      const run = await runHeliostat(["serve"], {
        HELIOSTAT_DATA_DIR: join(root, "port-taken"),
        HELIOSTAT_DATABASE_URL: database.url,
        HELIOSTAT_HTTP_LISTEN: `127.0.0.1:${port}`,
        HELIOSTAT_SSH_LISTEN: "off",
      });
      assert.equal(run.exitCode, 1, run.stderr);
      assert.match(lastLine(run.stderr), new RegExp(`127\\.0\\.0\\.1:${port}.*(in use|taken)`));
      assertNoStack(run.stderr);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
      await database.drop();
    }
  });

  test("a database that does not answer: one line that names it, without its password", async () => {
    const run = await runHeliostat(["serve"], {
      HELIOSTAT_DATA_DIR: join(root, "no-database"),
      HELIOSTAT_DATABASE_URL: "postgres://heliostat:s3cret-of-db@127.0.0.1:1/heliostat",
      HELIOSTAT_HTTP_LISTEN: "127.0.0.1:0",
      HELIOSTAT_SSH_LISTEN: "off",
    });
    assert.equal(run.exitCode, 1, run.stderr);
    assert.match(lastLine(run.stderr), /database/i);
    assert(!`${run.stdout}${run.stderr}`.includes("s3cret-of-db"));
    assertNoStack(run.stderr);
  });

  const bad: readonly [title: string, env: Record<string, string>, says: RegExp][] = [
    ["an unknown variable", { HELIOSTAT_DATA_DRI: "/tmp/x" }, /HELIOSTAT_DATA_DRI/],
    ["an address without a port", { HELIOSTAT_HTTP_LISTEN: "localhost" }, /HELIOSTAT_HTTP_LISTEN/],
    ["a port that is none", { HELIOSTAT_HTTP_LISTEN: "127.0.0.1:66000" }, /HELIOSTAT_HTTP_LISTEN/],
    ["a log level that is none", { HELIOSTAT_LOG_LEVEL: "loud" }, /HELIOSTAT_LOG_LEVEL/],
    ["a flag that is none", { HELIOSTAT_ALLOW_LOCAL_REMOTES: "perhaps" }, /HELIOSTAT_ALLOW_LOCAL_REMOTES/],
    ["a URL that is none", { HELIOSTAT_EXTERNAL_URL: "example.com" }, /HELIOSTAT_EXTERNAL_URL/],
    [
      "a database that is none of ours",
      { HELIOSTAT_DATABASE_URL: "mysql://u:p4ssw0rd@h/d" },
      /HELIOSTAT_DATABASE_URL/,
    ],
  ];
  for (const [title, env, says] of bad) {
    test(`${title} in the configuration: one line, exit code 2`, async () => {
      const dataDir = join(root, "never-made");
      for (const command of ["serve", "config"]) {
        const run = await runHeliostat([command], { HELIOSTAT_DATA_DIR: dataDir, ...env });
        assert.equal(run.exitCode, 2, `${command}: ${run.stderr}`);
        assert.equal(run.stdout, "");
        assert.equal(run.stderr.trim().split("\n").length, 1, run.stderr);
        assert.match(run.stderr, says);
        assert(!run.stderr.includes("p4ssw0rd"));
      }
      assert(!(await readdir(root)).includes("never-made"));
    });
  }

  test("a package that is missing: one line that names it and the way out", async () => {
    const damaged = join(root, "damaged");
    const source = join(CHECKOUT, "packages/server");
    await cp(join(source, "src"), join(damaged, "packages/server/src"), { recursive: true });
    await cp(join(source, "package.json"), join(damaged, "packages/server/package.json"));
    await mkdir(join(damaged, "node_modules"));
    for (const name of await readdir(join(CHECKOUT, "node_modules"))) {
      if (name === "fastify" || name.startsWith(".")) continue;
      await symlink(join(CHECKOUT, "node_modules", name), join(damaged, "node_modules", name));
    }
    const run = await runHeliostat(["serve"], {}, { main: join(damaged, "packages/server/src/cli/main.ts") });
    assert.equal(run.exitCode, 1, run.stderr);
    assert.equal(
      run.stderr,
      "heliostat: the package fastify is missing. Run: rm -rf node_modules && npm start\n",
    );
  });

  test("config prints what is in force, with secrets masked", async () => {
    const env = {
      HELIOSTAT_DATA_DIR: join(root, "shown"),
      HELIOSTAT_HTTP_LISTEN: "127.0.0.1:8123",
      HELIOSTAT_ADMIN_PASSWORD: "the-password-of-root",
      HELIOSTAT_ADMIN_TOKEN: "hlpat-the-token-of-root",
      HELIOSTAT_DATABASE_URL: "postgres://heliostat:the-password-of-db@db.example.com/heliostat",
      HELIOSTAT_SMTP_URL: "smtp://mailer:the-password-of-mail@mail.example.com",
    };
    for (const args of [["config"], ["config", "--json"]]) {
      const run = await runHeliostat(args, env);
      assert.equal(run.exitCode, 0, run.stderr);
      for (const name of Object.keys(env)) assert(run.stdout.includes(name) || args.length > 1, name);
      assert(run.stdout.includes("127.0.0.1:8123"));
      assert(run.stdout.includes("db.example.com"));
      assert.doesNotMatch(`${run.stdout}${run.stderr}`, /the-password-of|the-token-of/);
    }
  });
});

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function assertNoStack(text: string): void {
  assert.doesNotMatch(text, /^\s+at .+:\d+:\d+\)?$/m, "an expected trouble shows no stack");
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
