import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { sql } from "kysely";
import { openDatabase } from "../../packages/server/src/db/pool.ts";
import { type Api, createApi } from "../../test/support/api.ts";
import { createTestDatabase } from "../../test/support/postgres.ts";
import { startServer, type TestServer } from "../../test/support/server.ts";
import { cpuMs } from "../cpu-ms.ts";
import { type Benchmark, quantile, type Row, summarize, time } from "../harness.ts";

const CONNECTIONS = 32;
const LEAST_A_SECOND = 1_000;
const P99_MS = 50;
/** Before what counts: a server that has just started has nothing compiled. */
const WARM_UP_SECONDS = 3;
const SECONDS = 10;

const PROJECTS = 50_000;
const GROUPS = 500;
const PAGES = 60;
const LIST_P95_MS = 50;

/** Requests as scripts send them: two endpoints as often as they can be asked, and pages of a long list. */
export const apiRequests: Benchmark = {
  name: "api-requests",
  run: async () => {
    const root = await mkdtemp(join(tmpdir(), "heliostat-bench-"));
    const database = await createTestDatabase();
    const env = { HELIOSTAT_LOG_LEVEL: "info" };
    const server = await startServer({ database, dataDir: join(root, "data"), env });
    try {
      const api = createApi(server);
      const { id } = await api.createProject("asked");
      const remote = { url: "http://user:secret@127.0.0.1:1099/x.git", enabled: false };
      await api.post(`/projects/${id}/remote_mirrors`, remote);
      await api.put("/application/settings", { silent_mode_enabled: true });
      await api.put(`/projects/${id}/mirror/pull`, { url: remote.url, enabled: true });
      const rows: Row[] = [];
      for (const path of [`/projects/${id}/remote_mirrors`, `/projects/${id}/mirror/pull`]) {
        await ask(server, path, WARM_UP_SECONDS);
        const before = await cpuMs(server.pid());
        const { requests, p99 } = await ask(server, path, SECONDS);
        const cpu = ((await cpuMs(server.pid())) - before) / requests;
        const what = `GET ${path.replace(String(id), ":id")}, ${CONNECTIONS} connections`;
        const rate = requests / SECONDS;
        const text = `≥ ${LEAST_A_SECOND} /s`;
        rows.push(
          { ...line(what, rate, null), unit: "/s", budget: { text, isKept: rate >= LEAST_A_SECOND } },
          line(`${what}, p99`, p99, P99_MS),
          line(`${what}, CPU of the server's process for each`, cpu, null),
        );
      }
      await makeProjects(database.connection);
      const user = await api.createUser("few", "correct horse battery");
      await api.post("/groups/g1/members", { user_id: user, access_level: 30 });
      const few = api.as(await api.createToken(user, ["read_api"]));
      for (const [who, asked] of [
        ["an admin", api],
        ["a member of few", few],
        ["nobody", api.as(null)],
      ] as const) {
        rows.push(
          line(`a page of ${PROJECTS} projects by offset, ${who}, p95`, await turnPages(asked), LIST_P95_MS),
        );
        const p95 = await followCursors(asked);
        rows.push(line(`a page of ${PROJECTS} projects by keyset, ${who}, p95`, p95, LIST_P95_MS));
      }
      return {
        rows,
        notes: [
          `api-requests: wrk with two threads on the same machine, after ${WARM_UP_SECONDS} s that do not count, with a token; and ${PAGES} pages of 100 projects, one after the other, as the client sees them.`,
        ],
      };
    } finally {
      await server.stop();
      await database.drop();
      await rm(root, { recursive: true, force: true });
    }
  },
};

function line(what: string, figure: number, budget: number | null): Row {
  return {
    ...{ what, unit: "ms", git: null, ours: summarize([figure]), ratio: null },
    budget: budget === null ? null : { text: `≤ ${budget} ms`, isKept: figure <= budget },
  };
}

async function ask(
  server: TestServer,
  path: string,
  seconds: number,
): Promise<{ readonly requests: number; readonly p99: number }> {
  const options = ["-t2", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency"];
  const token = ["-H", `PRIVATE-TOKEN: ${server.token}`];
  const { stdout } = await promisify(execFile)("wrk", [...options, ...token, `${server.url}/api/v4${path}`]);
  if (stdout.includes("Non-2xx")) throw new Error(`${path} did not go well:\n${stdout}`);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const [, figure, unit = ""] = /99% +([\d.]+)(us|ms|s)\b/.exec(stdout) ?? [];
  const p99 = Number(figure) * ({ us: 0.001, ms: 1, s: 1_000 }[unit] ?? Number.NaN);
  return { requests, p99 };
}

async function turnPages(api: Api): Promise<number> {
  const figures: number[] = [];
  for (let page = 1; page <= PAGES; page += 1) {
    figures.push(await time(() => api.get(`/projects?per_page=100&page=${page}&simple=true`)));
  }
  return quantile(figures, 0.95);
}

async function followCursors(api: Api): Promise<number> {
  const figures: number[] = [];
  let path: string | null = "/projects?per_page=100&pagination=keyset&order_by=id&sort=asc&simple=true";
  for (let page = 1; page <= PAGES && path !== null; page += 1) {
    const asked: string = path;
    figures.push(
      await time(async () => {
        const { headers } = await api.call("GET", asked);
        const next = /<[^>]*\/api\/v4([^>]*)>; rel="next"/.exec(headers.get("link") ?? "");
        path = next?.[1] ?? null;
      }),
    );
  }
  return quantile(figures, 0.95);
}

/** Of twenty one is public and one internal; each group has its share. */
async function makeProjects(connection: Parameters<typeof openDatabase>[0]): Promise<void> {
  const db = openDatabase(connection, { onIdleError: console.error });
  await sql`insert into namespaces (kind, name, path, full_path, visibility, traversal_ids)
    select 'group', 'g' || i, 'g' || i, 'g' || i, 'private', '{}' from generate_series(1, ${GROUPS}) as i`.execute(
    db,
  );
  await sql`update namespaces set traversal_ids = array[id] where traversal_ids = '{}'`.execute(db);
  await sql`insert into projects (namespace_id, name, path, visibility, created_at, last_activity_at)
    select (select min(id) from namespaces where kind = 'group') + i % ${GROUPS}, 'project ' || i, 'p' || i,
      case i % 20 when 0 then 'public' when 1 then 'internal' else 'private' end,
      now() - i * interval '7 minutes', now() - (i * 7919 % 50000) * interval '1 minute'
    from generate_series(1, ${PROJECTS}) as i`.execute(db);
  await sql`analyze`.execute(db);
  await db.destroy();
}
