import assert from "node:assert/strict";
import { once } from "node:events";
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import {
  clusterRoot,
  copyCachedCluster,
  findProcessesOf,
  sweepDirectory,
} from "../../../../../test/support/postgres.ts";
import {
  type EmbeddedProcess,
  startEmbeddedProcess,
} from "../../../../../test/support/start-embedded-process.ts";
import { runCommand } from "../../exec/daemon.ts";
import { socketDirectoryFor } from "./prepare-socket-directory.ts";
import {
  type EmbeddedConnection,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "./start-embedded-postgres.ts";

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const isRoot = process.getuid?.() === 0;
const SKIP_UNLESS_ROOT = isRoot ? false : "needs root";

/** An empty data directory; whatever runs in it ends with the test, passed or not. */
async function makeDataDir(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(clusterRoot, "heliostat-embedded-"));
  t.after(() => sweepDirectory(parent));
  const dataDir = join(parent, "data");
  await mkdir(dataDir, { mode: 0o700 });
  return dataDir;
}

/** A data directory with a finished cluster. */
async function makeFilledDataDir(t: TestContext): Promise<string> {
  const dataDir = await makeDataDir(t);
  await copyCachedCluster(dataDir);
  return dataDir;
}

async function start(t: TestContext, dataDir: string): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ dataDir, log });
  t.after(() => database.stop());
  return database;
}

async function query(connection: EmbeddedConnection, sql: string): Promise<readonly unknown[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function pidOf(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, "postgres/postmaster.pid"), "utf8")).split("\n")[0]);
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isSo())) {
    assert(performance.now() < deadline, `not within 10 s: ${what}`);
    await sleep(10);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const noneRuns = (dataDir: string) => until(() => findProcessesOf(dataDir).length === 0, "all processes end");

test("a first start makes a small, private, durable database, and a second start finds it", async (t) => {
  const dataDir = join(await makeDataDir(t), "new");
  const first = await start(t, dataDir);
  assert.equal(first.isAdopted, false);
  const names =
    "fsync full_page_writes data_checksums listen_addresses server_encoding max_connections jit".split(" ");
  const settings = await query(
    first.connection,
    `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join(", ")},
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
            current_setting('server_version') AS version`,
  );
  assert.deepEqual(settings, [
    {
      fsync: "on",
      full_page_writes: "on",
      data_checksums: "on",
      listen_addresses: "",
      server_encoding: "UTF8",
      max_connections: "40",
      jit: "off",
      is_superuser: false,
      version: first.version,
    },
  ]);
  assert.equal((await stat(first.connection.host)).mode & 0o777, 0o700);
  await query(first.connection, "CREATE TABLE kept (id int)");
  await Promise.all([first.stop(), first.stop()]);
  await first.stop();
  await first.ended;
  assert.deepEqual(findProcessesOf(dataDir), []);

  const second = await start(t, dataDir);
  assert.deepEqual(await query(second.connection, "SELECT count(*)::int AS count FROM kept"), [{ count: 0 }]);
});

test("the database that a killed server leaves is adopted, and stopped by the server that adopted it", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const server = startEmbeddedProcess(dataDir);
  await query((await server.outcome).connection, "CREATE TABLE kept (id int)");
  const pid = await pidOf(dataDir);
  await server.killHard();

  const database = await start(t, dataDir);
  assert.equal(database.isAdopted, true);
  assert.equal(await pidOf(dataDir), pid);
  assert.deepEqual(await query(database.connection, "SELECT count(*)::int AS count FROM kept"), [
    { count: 0 },
  ]);
  await database.stop();
  assert.deepEqual(findProcessesOf(dataDir), []);
});

test("an orphan that is not as it should be is stopped before another is started", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const server = startEmbeddedProcess(dataDir);
  await server.outcome;
  const pid = await pidOf(dataDir);
  await server.killHard();
  // The orphan listens where the data directory was.
  await rename(dataDir, `${dataDir}-moved`);

  const database = await start(t, `${dataDir}-moved`);
  assert.equal(database.isAdopted, false);
  assert.notEqual(await pidOf(`${dataDir}-moved`), pid);
  assert.equal(findProcessesOf(dataDir).includes(pid), false);
});

test("a server and its database killed together leave nothing that hinders the next start", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const server = startEmbeddedProcess(dataDir);
  const { connection } = await server.outcome;
  // A backend that is busy, so that it notices late that its postmaster is gone.
  const client = new Client(connection);
  client.on("error", () => {});
  await client.connect();
  const busy = client.query("SELECT sum(i) FROM generate_series(1, 5000000) i").catch(() => {});
  await sleep(50);
  await server.killHard();
  process.kill(await pidOf(dataDir), "SIGKILL");

  const database = await start(t, dataDir);
  assert.equal(database.isAdopted, false);
  assert.deepEqual(await query(database.connection, "SELECT 1 AS one"), [{ one: 1 }]);
  await busy;
  await client.end();
});

test("a pid file and a socket lock whose pid is now another process's are cleared, and that process lives on", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const { uid, gid } = await stat(join(dataDir, "postgres"));
  // As the database's own user: PostgreSQL itself takes such a pid for a postmaster and refuses to start.
  const prefix = isRoot ? ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"] : [];
  const [command = "", ...args] = [...prefix, "sh", "-c", "echo $$; exec sleep 60"];
  const controller = new AbortController();
  const env = { PATH: "/usr/bin:/bin" };
  const stranger = runCommand({ command, args: [...args], env, signal: controller.signal });
  t.after(async () => {
    controller.abort();
    await stranger;
  });
  let pid = 0;
  await until(async () => {
    pid = await findSleeper(uid);
    return pid > 0;
  }, "the other process starts");
  const { path } = socketDirectoryFor(dataDir);
  const pidFile = `${pid}\n${join(dataDir, "postgres")}\n1700000000\n5432\n${path}\n\n  1234567         1\nready   \n`;
  await writeFile(join(dataDir, "postgres/postmaster.pid"), pidFile, { mode: 0o600 });
  await mkdir(path, { mode: 0o700 });
  await writeFile(join(path, ".s.PGSQL.5432.lock"), pidFile);
  await writeFile(join(path, ".s.PGSQL.5432"), "");

  const database = await start(t, dataDir);
  assert.equal(database.isAdopted, false);
  await database.stop();
  assert.equal(isRunning(pid), true);
});

/** The pid of the `sleep 60` of this user that was started last, 0 if there is none yet. */
async function findSleeper(uid: number): Promise<number> {
  for (const name of (await readdir("/proc")).toReversed()) {
    const commandLine = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (commandLine === "sleep\0" + "60\0" && (await stat(`/proc/${name}`)).uid === uid) return Number(name);
  }
  return 0;
}

test("a data directory whose path is too long for a socket", async (t) => {
  const dataDir = join(await makeDataDir(t), "d".repeat(120), "e".repeat(60));
  await mkdir(dataDir, { recursive: true });
  await copyCachedCluster(dataDir);
  const database = await start(t, dataDir);
  t.after(() => rm(database.connection.host, { recursive: true, force: true }));
  assert.equal(database.connection.host.startsWith(dataDir), false);
  assert.equal((await stat(database.connection.host)).mode & 0o777, 0o700);
  assert.deepEqual(await query(database.connection, "SELECT 1 AS one"), [{ one: 1 }]);
});

test("the second of two servers on one data directory says so and ends; the first goes on", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const first = await start(t, dataDir);
  const second = startEmbeddedProcess(dataDir);
  const { code, message } = await second.outcome;
  assert.equal(code, "data-dir-in-use");
  assert(message.includes(dataDir) && message.includes(`process ${process.pid}`), message);
  assert.deepEqual(await query(first.connection, "SELECT 1 AS one"), [{ one: 1 }]);
  await first.stop();
  await (await startEmbeddedPostgres({ dataDir, log })).stop();
});

test("a cluster of another major version is refused with both versions, and nothing is touched", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const cluster = join(dataDir, "postgres");
  await writeFile(join(cluster, "PG_VERSION"), "12\n");
  const before = await describeTree(cluster);
  await assert.rejects(startEmbeddedPostgres({ dataDir, log }), (error: Error & { code?: string }) => {
    assert.equal(error.code, "database-version");
    assert.match(error.message, /PostgreSQL 12.*PostgreSQL 18/);
    return true;
  });
  assert.deepEqual(await describeTree(cluster), before);
});

test("a directory that is no cluster is refused and left as it is", async (t) => {
  const dataDir = await makeDataDir(t);
  await mkdir(join(dataDir, "postgres"));
  await writeFile(join(dataDir, "postgres/letter"), "dear");
  await assert.rejects(startEmbeddedPostgres({ dataDir, log }), { code: "config-invalid" });
  assert.deepEqual(await readdir(join(dataDir, "postgres")), ["letter"]);
});

async function describeTree(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory, { recursive: true })).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const { uid, mode, mtimeMs, size } = await stat(join(directory, name));
      return [name, uid, mode, mtimeMs, size].join(" ");
    }),
  );
}

test("a first start killed while it makes the cluster is begun anew by the next", async (t) => {
  const dataDir = await makeDataDir(t);
  const server = startEmbeddedProcess(dataDir);
  await until(async () => (await readdir(dataDir, { recursive: true })).length > 50, "initdb makes files");
  await server.killHard();
  assert.equal((await readdir(dataDir)).includes("postgres"), false);

  const database = await start(t, dataDir);
  assert.deepEqual(await query(database.connection, "SELECT 1 AS one"), [{ one: 1 }]);
  assert.deepEqual(
    (await readdir(dataDir)).filter((name) => name.startsWith("postgres.new-")),
    [],
  );
});

test("the leftovers of an interrupted first start go, the finished cluster stays", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  await cp(join(dataDir, "postgres/global"), join(dataDir, "postgres.new-0123/global"), { recursive: true });
  const { ino } = await stat(join(dataDir, "postgres"));
  await start(t, dataDir);
  assert.equal((await stat(join(dataDir, "postgres"))).ino, ino);
  assert.equal((await readdir(dataDir)).includes("postgres.new-0123"), false);
});

test("a start that is cancelled leaves nothing running and the directory free", async (t) => {
  const dataDir = await makeDataDir(t);
  const controller = new AbortController();
  const attempt = startEmbeddedPostgres({ dataDir, log, signal: controller.signal });
  await Promise.all([
    assert.rejects(attempt, { code: "cancelled" }),
    until(async () => (await readdir(dataDir, { recursive: true })).length > 50, "initdb makes files").then(
      () => controller.abort(),
    ),
  ]);
  await noneRuns(dataDir);
  assert.deepEqual(await readdir(dataDir), ["heliostat.lock"]);
});

test("stop does not wait for a client in the middle of a transaction", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const database = await start(t, dataDir);
  const client = new Client(database.connection);
  client.on("error", () => {});
  await client.connect();
  await client.query("BEGIN");
  const before = performance.now();
  await database.stop();
  assert(performance.now() - before < 8_000);
  assert.deepEqual(findProcessesOf(dataDir), []);
});

test("the database ends with a server that exits without stopping it", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const server = startEmbeddedProcess(dataDir);
  await server.outcome;
  await server.send("exit");
  await noneRuns(dataDir);
});

test("a database that ends by itself is noticed", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const errors: string[] = [];
  const database = await startEmbeddedPostgres({
    dataDir,
    log: { ...log, error: (_fields, message) => errors.push(message) },
  });
  process.kill(await pidOf(dataDir), "SIGQUIT");
  await database.ended;
  assert.deepEqual(errors, ["the database has ended by itself"]);
  await database.stop();
});

test("neither variables nor open files of the server reach the database", async (t) => {
  const dataDir = await makeFilledDataDir(t);
  const env = {
    ...{
      PGPORT: "1",
      PGDATA: "/nowhere",
      PGOPTIONS: "-c work_mem=1",
      PGSSLMODE: "require",
      PGUSER: "nobody",
    },
    ...{ LC_ALL: "xx_YY.UTF-8", LANG: "xx_YY", LD_PRELOAD_NOT: "1" },
  };
  const server = startEmbeddedProcess(dataDir, { env, inheritedPipe: 20 });
  assert.equal((await server.outcome).event, "ready");
  const pid = await pidOf(dataDir);
  const inherited = (await readFile(`/proc/${pid}/environ`, "utf8"))
    .split("\0")
    .map((entry) => entry.split("=")[0]);
  assert.deepEqual(
    inherited.filter(
      (name) => name !== undefined && (name.startsWith("PGO") || name in env) && name !== "LC_ALL",
    ),
    [],
  );
  // All pipes close with the server although its database lives on.
  const closed = once(server.child, "close", { signal: AbortSignal.timeout(3_000) });
  await server.killHard();
  await closed;
  assert.equal(findProcessesOf(dataDir).includes(pid), true);
});

/** The account that the server took, by its log. */
async function accountOf(server: EmbeddedProcess): Promise<string | undefined> {
  const outcome = await server.outcome;
  assert.equal(outcome.event, "ready", outcome.message);
  return server.logged.find((event) => event.account !== undefined)?.account;
}

/** The ways that a root has, from an ordinary machine to containers that take more and more from it. */
const ROOTS = [
  { what: "in a directory open to all", mode: 0o755, prefix: [], expected: /^system user \w+$/ },
  {
    what: "below a private directory",
    mode: 0o700,
    prefix: [],
    expected: /^system user \w+ with dac_read_search$/,
  },
  {
    what: "without dac_read_search, as in a plain container",
    mode: 0o700,
    prefix: ["setpriv", "--bounding-set=-dac_read_search", "--"],
    expected: /^system user \w+ with dac_override$/,
  },
  {
    what: "that may not become another user",
    mode: 0o700,
    prefix: ["setpriv", "--bounding-set=-setuid,-setgid", "--"],
    expected: /^user namespace as \w+$/,
  },
];

for (const { what, mode, prefix, expected } of ROOTS) {
  test(`root ${what}`, { skip: SKIP_UNLESS_ROOT }, async (t) => {
    const dataDir = await mkdtemp(join(clusterRoot, "heliostat-embedded-"));
    t.after(() => sweepDirectory(dataDir));
    await chmod(dataDir, mode);
    await copyCachedCluster(dataDir);
    const server = startEmbeddedProcess(dataDir, { prefix });
    assert.match((await accountOf(server)) ?? "", expected);
    await server.send("stop");
    assert.deepEqual(findProcessesOf(dataDir), []);
  });
}

test("root with the checkout below a private directory too", { skip: SKIP_UNLESS_ROOT }, async (t) => {
  const dataDir = await makeDataDir(t);
  const modules = await realpath(fileURLToPath(new URL("../../../../../node_modules", import.meta.url)));
  const top = `/${modules.split("/")[1]}`;
  if (clusterRoot.startsWith(top)) return t.skip("the checkout and the test are in one place");
  // In a mount namespace of its own the first directory of the checkout's path becomes one of mode 0700.
  const makePrivate = `
    cd /; mkdir "$2"; mount --rbind "$1" "$2"; mount -t tmpfs -o mode=700 tmpfs "$1"
    for entry in "$2"/*; do
      if [ -d "$entry" ]; then mkdir "$1/\${entry##*/}"; mount --rbind "$entry" "$1/\${entry##*/}"; fi
    done
    shift 2; exec "$@"`;
  for (const capabilities of ["+setpcap", "-dac_read_search"]) {
    const hidden = join(dataDir, `../hidden${capabilities}`);
    const server = startEmbeddedProcess(dataDir, {
      prefix: [
        ...["unshare", "--mount", "--", "sh", "-ec", makePrivate, "sh", top, hidden],
        ...["setpriv", `--bounding-set=${capabilities}`, "--"],
      ],
    });
    assert.match((await accountOf(server)) ?? "", /^system user \w+ with dac_(read_search|override)$/);
    await server.send("stop");
  }
});

test("root makes the cluster in a user namespace too", { skip: SKIP_UNLESS_ROOT }, async (t) => {
  const dataDir = await makeDataDir(t);
  const server = startEmbeddedProcess(dataDir, {
    prefix: ["setpriv", "--bounding-set=-setuid,-setgid", "--"],
  });
  assert.match((await accountOf(server)) ?? "", /^user namespace/);
  await server.send("stop");
});

test("root with no way to be anybody else is told what to do", { skip: SKIP_UNLESS_ROOT }, async (t) => {
  const dataDir = await makeDataDir(t);
  const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
  const server = startEmbeddedProcess(dataDir, {
    prefix: ["unshare", "--user", "--map-root-user", "--", "sh", "-c", forbid, "sh"],
  });
  const { code, message } = await server.outcome;
  assert.equal(code, "config-invalid");
  assert.match(message, /does not run as root.*HELIOSTAT_DATABASE_URL/);
});

test("an ordinary user, and one whose id has no name, run it themselves", {
  skip: SKIP_UNLESS_ROOT,
}, async (t) => {
  for (const [uid, expected] of [
    [65_534, "this user"],
    [54_321, "user namespace as"],
  ] as const) {
    const prefix = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"];
    const [command = "", ...args] = [...prefix, process.execPath, "--version"];
    const probe = await runCommand({ command, args, env: { PATH: "/usr/bin:/bin" } }).catch(() => null);
    if (probe?.code !== 0) return t.skip("this checkout is closed to other users");
    const dataDir = join(await makeDataDir(t), "data");
    await runCommand({
      command: "chmod",
      args: ["-R", "a+rwx", join(dataDir, "../..")],
      env: { PATH: "/usr/bin:/bin" },
    });
    const server = startEmbeddedProcess(dataDir, { prefix });
    const outcome = await server.outcome;
    if (outcome.message?.includes("unshare")) return t.skip("user namespaces are forbidden here");
    assert((await accountOf(server))?.startsWith(expected));
    await server.send("stop");
  }
});

test("the database of another user is refused", { skip: SKIP_UNLESS_ROOT }, async (t) => {
  const dataDir = await makeFilledDataDir(t);
  await chown(join(dataDir, "postgres"), 0, 0);
  await chmod(dataDir, 0o777);
  await chmod(join(dataDir, ".."), 0o755);
  const prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
  const server = startEmbeddedProcess(dataDir, { prefix });
  const outcome = await server.outcome.catch(() => null);
  if (outcome === null) return t.skip("this checkout is closed to other users");
  assert.equal(outcome.code, "config-invalid");
  assert.match(outcome.message, /belongs to user id 0, but Heliostat runs as user id 65534/);
});

test("a full disk is named, at the first start and later", { skip: SKIP_UNLESS_ROOT }, async (t) => {
  const dataDir = await makeDataDir(t);
  // Its own mount namespace: the file system goes with the process, however that ends.
  const onTmpfs = (size: string, fill: string) => [
    ...["unshare", "--mount", "--", "sh", "-ec"],
    `mount -t tmpfs -o mode=700,size=${size} tmpfs "$0"; ${fill}; exec "$@"`,
    dataDir,
  ];
  const first = await startEmbeddedProcess(dataDir, { prefix: onTmpfs("16m", ":") }).outcome;
  assert.equal(first.code, "disk-full");
  assert.match(first.message, /no space left on device/i);

  const kept = await makeFilledDataDir(t);
  const fill = `cp -a "${kept}/postgres" "$0/"; head -c 4096 /dev/zero > "$0/spare"; cat /dev/zero > "$0/filler" 2>/dev/null || :`;
  const full = await startEmbeddedProcess(dataDir, { prefix: onTmpfs("80m", fill) }).outcome;
  assert.equal(full.code, "disk-full");
  assert.match(full.message, /no space left on device/i);

  // Room for our pid file only: PostgreSQL fails, and cannot say why in a log on the same disk.
  const later = await startEmbeddedProcess(dataDir, { prefix: onTmpfs("80m", `${fill}; rm "$0/spare"`) })
    .outcome;
  assert.equal(later.code, "disk-full");
  assert.match(later.message, /no space left on device/i);
});
