import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { hookEventSchema, hookSchema } from "@heliostat/contract/api/hooks.ts";
import { Client } from "pg";
import { createApi, type Parameters } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { type HookReceiver, startHookReceiver } from "../support/hook-receiver.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { cloneWorkingCopy, type WorkingCopy, withCredentials } from "../support/working-copy.ts";

/* Webhooks whose receivers are slow, dead or hostile: nobody but they themselves may notice. */

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const peer = await startGitHttpPeer({ root: join(directory, "peer") });
after(() => peer.close());
const database = await createTestDatabase();
const dataDir = join(directory, "data");
await mkdir(dataDir);
const server = await startServer({ database, dataDir });
const client = new Client(database.connection);
await client.connect();
after(async () => {
  await client.end();
  await server.stop();
  await database.drop();
});
const api = createApi(server);
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0, push_event_hooks_limit: 3 });

async function startReceiver(t: TestContext): Promise<HookReceiver> {
  const receiver = await startHookReceiver();
  t.after(() => receiver.close());
  return receiver;
}

async function makeProject(name: string): Promise<{ readonly id: number; readonly work: WorkingCopy }> {
  const { id } = await api.createProject(name);
  const url = withCredentials(`${server.url}/root/${name}.git`, "root", server.token);
  const work = await cloneWorkingCopy(url, join(directory, name));
  await work.commit("main", "first");
  await work.push("main");
  return { id, work };
}

async function addHook(projectId: number, url: string, parameters: Parameters = {}): Promise<number> {
  return hookSchema.parse(await api.post(`/projects/${projectId}/hooks`, { url, ...parameters })).id;
}

async function listEvents(projectId: number, id: number) {
  return hookEventSchema
    .array()
    .parse(await api.get(`/projects/${projectId}/hooks/${id}/events?per_page=100`));
}

/** As if so many pushes had been told of. */
async function putDeliveries(projectId: number, hookId: number, count: number): Promise<void> {
  await client.query(
    `insert into deliveries (project_id, hook_id, event, event_uuid, idempotency_key, payload, next_attempt_at)
     select $1, $2, 'push_hooks', gen_random_uuid(), gen_random_uuid(), '{"object_kind":"push"}', now()
       from generate_series(1, $3)`,
    [projectId, hookId, count],
  );
}

async function countOpen(hookId: number): Promise<number> {
  const { rows } = await client.query(
    "select count(*)::integer as count from deliveries where hook_id = $1 and next_attempt_at is not null",
    [hookId],
  );
  return Object(rows[0]).count;
}

test("a thousand deliveries to receivers that hang or are dead delay no push, no mirror and no other hook", async (t) => {
  const hanging = await startReceiver(t);
  hanging.answer(() => {});
  const good = await startReceiver(t);
  const dead = await startHookReceiver();
  const deadUrl = dead.urlOf("/");
  await dead.close();
  const busy = await makeProject("busy");
  const hooks = [
    ...[await addHook(busy.id, hanging.urlOf("/1")), await addHook(busy.id, hanging.urlOf("/2"))],
    await addHook(busy.id, deadUrl),
  ];
  const other = await makeProject("other");
  await addHook(other.id, good.urlOf("/"));
  const upstream = await makeRepository(join(directory, "peer/up.git"));
  await makeCommit(upstream);
  const mirrored = await api.createProject("mirrored");
  await addHook(mirrored.id, good.urlOf("/mirror"), { push_events: false, mirror_update_events: true });

  for (const hookId of hooks) await putDeliveries(busy.id, hookId, 350);
  // Wakes the server, which has not seen them come.
  await busy.work.commit("main", "one more to tell of");
  await busy.work.push("main");
  await hanging.wait(4);
  // While all of them wait or hang:
  await api.createPullMirror(mirrored.id, peer.urlOf("up.git"));
  await api.waitForMirror(mirrored.id, "pull", "finished");
  await busy.work.commit("main", "pushed in the middle of it");
  await busy.work.push("main");
  await other.work.commit("main", "told at once");
  await other.work.push("main");
  await good.wait(2);
  assert.deepEqual(good.requests.map(({ path }) => path).sort(), ["/", "/mirror"]);
  assert.equal(hanging.mostOpen(), 4);
  const [first = 0, second = 0] = hooks;
  const waiting = (await countOpen(first)) + (await countOpen(second));
  assert(waiting >= 690, `${waiting} still wait`);
  // The dead one was found out after a few, and rests: those that wait for it are kept.
  const [, , deadHook = 0] = hooks;
  const state = await waitFor(
    async () => {
      const hook = hookSchema.parse(await api.get(`/projects/${busy.id}/hooks/${deadHook}`));
      return hook.alert_status === "temporarily_disabled" && hook;
    },
    { message: "the dead receiver's hook rests" },
  );
  assert(state.disabled_until !== null);
  assert((await countOpen(deadHook)) >= 350);
});

test("what a killed server was sending is sent by the next one, as the same delivery", async (t) => {
  const receiver = await startReceiver(t);
  receiver.answer(() => {});
  const { id, work } = await makeProject("killed");
  const hookId = await addHook(id, receiver.urlOf("/"));
  await work.commit("main", "told twice");
  await work.push("main");
  const [before] = await receiver.wait(1);
  await server.kill("SIGKILL");
  receiver.answer((response) => void response.end());
  // Another node might still be at it: its claim has to run out, here by hand.
  await client.query("update deliveries set next_attempt_at = now() where hook_id = $1", [hookId]);
  await server.restart();
  const [, again] = await receiver.wait(2);
  assert.equal(again?.body, before?.body);
  assert.equal(again?.headers["idempotency-key"], before?.headers["idempotency-key"]);
  await waitFor(async () => (await listEvents(id, hookId))[0]?.response_status === "200", {
    message: "it is delivered",
  });
  assert.equal((await listEvents(id, hookId)).length, 1);
});

test("a receiver that answers slowly, hugely, oddly or with a redirect costs no more than it may", async (t) => {
  const receiver = await startReceiver(t);
  const elsewhere = await startReceiver(t);
  receiver.answer((response, { path }) => {
    switch (path) {
      case "/redirect":
        response.writeHead(302, { location: elsewhere.urlOf("/stolen") }).end();
        break;
      case "/huge": {
        response.writeHead(200);
        const more = (): void => {
          while (!response.destroyed && response.write("x".repeat(65_536)));
          if (!response.destroyed) response.once("drain", more);
        };
        more();
        break;
      }
      case "/cut":
        response.writeHead(200, { "content-length": "100" });
        response.write("half", () => response.destroy());
        break;
      case "/bytes":
        response.end(Buffer.from([0, 255, 254, 65]));
        break;
      default:
        response.socket?.destroy();
    }
  });
  const { id } = await makeProject("odd");
  const statusOf = async (
    path: string,
  ): Promise<{ readonly test: number; readonly event: string; readonly body: string }> => {
    const hookId = await addHook(id, receiver.urlOf(path));
    const { status } = await api.call("POST", `/projects/${id}/hooks/${hookId}/test/push_events`);
    const [event] = await listEvents(id, hookId);
    return { test: status, event: event?.response_status ?? "", body: event?.response_body ?? "" };
  };
  assert.deepEqual(await statusOf("/redirect"), { test: 422, event: "302", body: "" });
  assert.equal(elsewhere.requests.length, 0);
  assert.deepEqual(await statusOf("/huge"), { test: 201, event: "200", body: "x".repeat(8_192) });
  assert.deepEqual(await statusOf("/cut"), { test: 201, event: "200", body: "half" });
  assert.deepEqual(await statusOf("/bytes"), { test: 201, event: "200", body: "\uFFFD\uFFFD\uFFFDA" });
  assert.deepEqual(await statusOf("/gone"), { test: 422, event: "internal error", body: "" });
});

test("Silent Mode drops what falls due", async (t) => {
  const receiver = await startReceiver(t);
  const { id, work } = await makeProject("silent");
  const hookId = await addHook(id, receiver.urlOf("/"));
  await api.put("/application/settings", { silent_mode_enabled: true });
  t.after(() => api.put("/application/settings", { silent_mode_enabled: false }));
  assert.equal((await api.call("POST", `/projects/${id}/hooks/${hookId}/test/push_events`)).status, 422);
  await work.commit("main", "in silence");
  await work.push("main");
  const [dropped] = await waitFor(
    async () => {
      const events = await listEvents(id, hookId);
      return events[0]?.error !== null && events.length > 0 && events;
    },
    { message: "the delivery is dropped" },
  );
  assert.match(dropped?.error ?? "", /Silent Mode/);
  await api.put("/application/settings", { silent_mode_enabled: false });
  await api.post(`/projects/${id}/hooks/${hookId}/events/${dropped?.id}/resend`);
  assert.equal(receiver.requests.length, 1);
});

test("the secrets of hooks take part in a change of keys", async (t) => {
  const receiver = await startReceiver(t);
  const { id } = await makeProject("rotated");
  const hookId = await addHook(id, receiver.urlOf("/{part}"), {
    ...{ token: "t0ken", url_variables: [{ key: "part", value: "there" }] },
  });
  const rotated = Object(await api.post("/application/secrets/rotate", { remove_old_keys: true }));
  assert.deepEqual(rotated.unreadable, []);
  assert(rotated.keys.length === 1, JSON.stringify(rotated.keys));
  await api.post(`/projects/${id}/hooks/${hookId}/test/push_events`);
  const [request] = receiver.requests;
  assert.deepEqual([request?.path, request?.headers["x-gitlab-token"]], ["/there", "t0ken"]);
  // What was put in another row's place does not open, and is told.
  await client.query("update hook_secrets set value_sealed = '\\x00' where hook_id = $1 and kind = 'token'", [
    hookId,
  ]);
  const failed = await api.call("POST", `/projects/${id}/hooks/${hookId}/test/push_events`);
  assert.equal(failed.status, 422);
  const [event] = await listEvents(id, hookId);
  assert.match(event?.error ?? "", /cannot be decrypted/);
  const again = Object(await api.post("/application/secrets/rotate", {}));
  assert.deepEqual(
    again.unreadable.map((one: Parameters) => [one["kind"], one["hook_id"], one["mirror_id"]]),
    [["hook", hookId, null]],
  );
  await api.put(`/projects/${id}/hooks/${hookId}`, { token: "new" });
  await api.post(`/projects/${id}/hooks/${hookId}/test/push_events`);
});
