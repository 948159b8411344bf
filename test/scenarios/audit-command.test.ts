import assert from "node:assert/strict";
import test, { after } from "node:test";
import { auditEventSchema } from "@heliostat/contract/api/audit-events.ts";
import { createApi } from "../support/api.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer } from "../support/server.ts";

/* The audit log on the command line. */

const server = await startServer();
after(() => server.stop());
const api = createApi(server);
const ada = await api.createUser("ada", "a password of ada's own");
const adasToken = await api.createToken(ada, ["api"]);
const { id: project } = await api.createProject("looked-at");
await api.put(`/projects/${project}`, { description: "=1+1" });
for (let i = 0; i < 60; i += 1) await api.as(adasToken).createProject(`many-${i}`);

async function run(args: readonly string[], token = server.token) {
  return await runHeliostat(["admin", "audit", ...args], {
    HELIOSTAT_URL: server.url,
    HELIOSTAT_TOKEN: token,
  });
}

async function list(args: readonly string[]) {
  const { exitCode, stdout, stderr } = await run([...args, "--json"]);
  assert.equal(exitCode, 0, stderr);
  return auditEventSchema.array().parse(JSON.parse(stdout));
}

test("the newest events are a table, and JSON for other programs", async () => {
  const { stdout, exitCode } = await run(["--limit", "3"]);
  assert.equal(exitCode, 0);
  const [heading, newest, ...more] = stdout.trimEnd().split("\n");
  assert.match(heading ?? "", /^WHEN +WHO +FROM +WHAT +WHERE +TARGET$/);
  assert.match(newest ?? "", /^20\S+ +ada +127\.0\.0\.1 +project-created +ada\/many-59 /);
  assert.equal(more.length, 2);
  assert.equal((await list([])).length, 50);
  const ids = (await list(["--limit", "1000"])).map(({ id }) => id);
  assert.ok(ids.length > 60);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => b - a),
  );
});

test("filters go by time, user, kind, project and group", async () => {
  assert.deepEqual(
    (await list(["--project", "root/looked-at"])).map(({ event_name }) => event_name),
    ["project-changed", "project-created"],
  );
  const ofAda = await list(["--user", "ada", "--event", "project-created", "--limit", "1000"]);
  assert.deepEqual([ofAda.length, new Set(ofAda.map(({ author_id }) => author_id))], [60, new Set([ada])]);
  assert.deepEqual(await list(["--since", "2999-01-01"]), []);
  assert.deepEqual(await list(["--until", "2000-01-01"]), []);
  await api.post("/groups", { name: "crew", path: "crew" });
  assert.deepEqual(
    (await list(["--group", "crew"])).map(({ event_name }) => event_name),
    ["group-created"],
  );
  const { stdout } = await run(["--until", "2000-01-01"]);
  assert.equal(stdout, "There are no such events.\n");
});

test("an export is all that match, the oldest first", async () => {
  const csv = await run(["--export", "csv", "--project", "root/looked-at"]);
  assert.equal(csv.exitCode, 0, csv.stderr);
  const [heading, created, changed, ...rest] = csv.stdout.split("\r\n");
  assert.match(heading ?? "", /^id,created_at,/);
  assert.match(created ?? "", /,project-created,/);
  assert.match(changed ?? "", /,project-changed,/);
  assert.deepEqual(rest, [""]);
  const lines = (await run(["--export", "ndjson"])).stdout.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).id).toReversed(),
    (await list(["--limit", "9999"])).map(({ id }) => id),
  );
});

test("who is no admin, and what is no option, is told so", async () => {
  const refused = await run([], adasToken);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /not allowed/);
  assert.equal((await run(["--export", "csv"], adasToken)).exitCode, 1);
  for (const [args, why] of [
    [["--limit", "0"], /--limit is a number/],
    [["--export", "pdf"], /--export is one of csv, ndjson/],
    [["--export", "csv", "--json"], /exclude/],
    [["--project", "a", "--group", "b"], /exclude/],
  ] as const) {
    const { exitCode, stderr } = await run(args);
    assert.equal(exitCode, 2, args.join(" "));
    assert.match(stderr, why);
  }
  assert.match((await run(["--user", "nobody-of-that-name"])).stderr, /There is no user/);
});
