import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, it, type TestContext } from "node:test";
import { FakeClock } from "../../../../test/support/fake-clock.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { type HookReceiver, startHookReceiver } from "../../../../test/support/hook-receiver.ts";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import type { Clock, DeliveryDraft, DeliveryStore, InstanceSettingsStore } from "../app/ports.ts";
import { createDeliveryStore } from "../db/deliveries.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import type { Db } from "../db/pool.ts";
import { createRemotes } from "../remotes/remotes.ts";
import { systemClock } from "../system-clock.ts";
import { type Deliverer, startDeliverer } from "./deliverer.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const FIRST_PAGE = { page: 1, perPage: 100 };
const SECRET = "s3cr3t-token";

describe("the deliverer", () => {
  let db: Db;
  let settings: InstanceSettingsStore;
  let projectId: number;

  before(async () => {
    db = await openTestStore();
    await initInstanceSettings(db, { allowLocalRequests: true });
    settings = createInstanceSettingsStore(db);
    ({ projectId } = await makeProjectOfAda(db));
  });
  after(async () => {
    await db.destroy();
  });
  beforeEach(async () => {
    await db.deleteFrom("hooks").execute();
    await settings.write({ silentModeEnabled: false, allowLocalRequests: true });
  });

  async function startReceiver(t: TestContext): Promise<HookReceiver> {
    const receiver = await startHookReceiver();
    t.after(() => receiver.close());
    return receiver;
  }

  async function addHook(url: string): Promise<number> {
    const { id } = await db
      .insertInto("hooks")
      .values({ project_id: projectId, url, events: ["push_events"] })
      .returning("id")
      .executeTakeFirstOrThrow();
    return id;
  }

  function draft(hookId: number, payload = "{}"): DeliveryDraft {
    return {
      projectId,
      target: { kind: "hook", id: hookId },
      event: "push_hooks",
      ...{ eventUuid: randomUUID(), idempotencyKey: randomUUID(), payload },
    };
  }

  interface Node {
    readonly deliverer: Deliverer;
    readonly deliveries: DeliveryStore;
    readonly log: { readonly lines: readonly string[] };
  }

  /** One node. Its requests go to the URL of the hook, with a secret. */
  function startNode(t: TestContext, clock: Clock = systemClock): Node {
    const log = makeMemoryLog();
    const remotes = createRemotes({ log, userAgent: "test" });
    const deliveries = createDeliveryStore(db, { onPut: () => deliverer.wake() });
    const deliverer = startDeliverer({
      ...{ clock, log, settings, deliveries, sender: remotes.sender },
      instance: {
        ...{ version: "1", revision: "r", externalUrl: "https://git.example.org", sshPort: null },
        ...{ makeTokenSecret: () => "", random: () => 0, readinessProbes: {} },
      },
      composers: {
        hook: async ({ target, payload, idempotencyKey }) => {
          const { url } = await db
            .selectFrom("hooks")
            .select("url")
            .where("id", "=", target.id)
            .executeTakeFirstOrThrow();
          const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
          return {
            request: {
              ...{ method: "POST", url, body: payload, verifiesCertificate: true },
              headers: { ...headers, "x-gitlab-token": SECRET },
            },
            shownUrl: url,
            shownHeaders: { ...headers, "x-gitlab-token": "[REDACTED]" },
            secrets: [SECRET],
          };
        },
        "pipeline-trigger": async () => null,
      },
    });
    t.after(async () => {
      await deliverer.stop(100);
      await remotes.close();
    });
    return { deliverer, deliveries, log };
  }

  async function logOf(deliveries: DeliveryStore, hookId: number) {
    return (await deliveries.list({ kind: "hook", id: hookId }, {}, FIRST_PAGE)).items;
  }

  async function waitForEnd(deliveries: DeliveryStore, hookId: number) {
    return await waitFor(
      async () => {
        const items = await logOf(deliveries, hookId);
        return items.length > 0 && items.every(({ finishedAt }) => finishedAt !== null) ? items : null;
      },
      { message: async () => JSON.stringify(await logOf(deliveries, hookId)) },
    );
  }

  it("sends what is put in, and keeps request and answer without the secret", async (t) => {
    const receiver = await startReceiver(t);
    receiver.answer((response, { headers }) => {
      response.setHeader("x-echo", String(headers["x-gitlab-token"]));
      response.end(`thanks for ${headers["x-gitlab-token"]}`);
    });
    const hookId = await addHook(receiver.urlOf("/in?x=1"));
    const { deliveries } = startNode(t);
    const sent = draft(hookId, `{"a":"ü"}`);
    assert.equal(await deliveries.put([sent], new Date()), 1);
    const [request] = await receiver.wait(1);
    assert.equal(request?.method, "POST");
    assert.equal(request?.path, "/in?x=1");
    assert.equal(request?.body, `{"a":"ü"}`);
    assert.equal(request?.headers["x-gitlab-token"], SECRET);
    const [entry] = await waitForEnd(deliveries, hookId);
    assert.equal(entry?.responseStatus, 200);
    assert.equal(entry?.responseBody, "thanks for *****");
    assert.equal(entry?.responseHeaders?.["x-echo"], "*****");
    assert.equal(entry?.requestHeaders?.["x-gitlab-token"], "[REDACTED]");
    assert.equal(entry?.error, null);
    assert.equal(entry?.attempts, 1);
    assert.ok((entry?.duration ?? 0) > 0);
    const rows = await db.selectFrom("deliveries").selectAll().execute();
    assert.ok(!JSON.stringify(rows).includes(SECRET));
  });

  it("tries again later what the receiver could not take, as the same delivery", async (t) => {
    const receiver = await startReceiver(t);
    receiver.answer((response) => {
      response.statusCode = receiver.requests.length < 3 ? 503 : 200;
      response.end();
    });
    const hookId = await addHook(receiver.urlOf("/"));
    const clock = new FakeClock(T0);
    const { deliveries } = startNode(t, clock);
    await deliveries.put([draft(hookId)], clock.now());
    for (const [ms, count] of [
      [100, 1],
      [10_000, 2],
      [60_000, 3],
    ] as const) {
      await clock.advance(ms);
      await waitFor(
        async () => {
          await clock.advance(10);
          return receiver.requests.length >= count;
        },
        { message: `attempt ${count}` },
      );
      assert.equal(receiver.requests.length, count, "not before its time");
      await waitFor(async () => (await logOf(deliveries, hookId))[0]?.responseStatus !== null, {
        message: "the record",
      });
    }
    const [entry] = await waitForEnd(deliveries, hookId);
    assert.equal(entry?.attempts, 3);
    assert.equal(new Set(receiver.requests.map(({ headers }) => headers["idempotency-key"])).size, 1);
    const hook = await db.selectFrom("hooks").selectAll().executeTakeFirstOrThrow();
    assert.equal(hook.failure_count, 0);
  });

  it("does not follow a redirect, nor go where the guard forbids, and says so", async (t) => {
    const receiver = await startReceiver(t);
    receiver.answer((response) => {
      response.writeHead(307, { location: receiver.urlOf("/elsewhere") }).end();
    });
    const hookId = await addHook(receiver.urlOf("/"));
    const { deliveries } = startNode(t);
    await deliveries.put([draft(hookId)], new Date());
    const [entry] = await waitForEnd(deliveries, hookId);
    assert.match(entry?.error ?? "", /redirects \(HTTP 307\)/);
    assert.equal(receiver.requests.length, 1);

    await settings.write({ allowLocalRequests: false });
    const other = await addHook(receiver.urlOf("/other"));
    await deliveries.put([draft(other)], new Date());
    const [blocked] = await waitForEnd(deliveries, other);
    assert.match(blocked?.error ?? "", /Requests to localhost are not allowed|local network/);
    assert.equal(blocked?.responseStatus, null);
    assert.equal(receiver.requests.length, 1);
  });

  it("reads the beginning of an answer only, and takes one that does not end", async (t) => {
    const receiver = await startReceiver(t);
    receiver.answer((response) => {
      response.writeHead(200);
      const chunk = "x".repeat(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    const hookId = await addHook(receiver.urlOf("/"));
    const { deliveries } = startNode(t);
    await deliveries.put([draft(hookId)], new Date());
    const [entry] = await waitForEnd(deliveries, hookId);
    assert.equal(entry?.responseStatus, 200);
    assert.equal(entry?.responseBody, "x".repeat(8 * 1024));
  });

  it("lets a receiver that hangs keep a few places, whoever's hooks they are, and the others pass", async (t) => {
    const hanging = await startReceiver(t);
    hanging.answer(() => {});
    const good = await startReceiver(t);
    const slow = await Promise.all([1, 2, 3, 4].map(() => addHook(hanging.urlOf("/"))));
    const quick = await addHook(good.urlOf("/"));
    const { deliveries } = startNode(t);
    const now = new Date();
    await deliveries.put(
      slow.flatMap((id) => Array.from({ length: 250 }, () => draft(id))),
      now,
    );
    await hanging.wait(4);
    await deliveries.put([draft(quick), draft(quick), draft(quick)], now);
    await good.wait(3);
    await waitForEnd(deliveries, quick);
    assert.equal(hanging.mostOpen(), 4);
  });

  it("switches a failing hook off for a while, keeps what waits for it, and sends that afterwards", async (t) => {
    const receiver = await startReceiver(t);
    receiver.answer((response) => {
      response.statusCode = 500;
      response.end();
    });
    const hookId = await addHook(receiver.urlOf("/"));
    const clock = new FakeClock(T0);
    const { deliveries } = startNode(t, clock);
    await deliveries.put(
      Array.from({ length: 50 }, () => draft(hookId)),
      clock.now(),
    );
    const advanceUntil = async (what: string, isThere: () => boolean | Promise<boolean>) =>
      await waitFor(
        async () => {
          await clock.advance(50);
          return await isThere();
        },
        { message: what, maxPauseMs: 20 },
      );
    const readHook = () => db.selectFrom("hooks").selectAll().executeTakeFirstOrThrow();
    await advanceUntil("it is off", async () => (await readHook()).disabled_until !== null);
    await advanceUntil("nothing is under way", () => receiver.open() === 0);
    assert.ok(receiver.requests.length <= 5, `${receiver.requests.length} requests`);
    assert.equal((await readHook()).failure_count, 4);

    // What comes meanwhile waits too.
    await deliveries.put([draft(hookId)], clock.now());
    receiver.answer((response) => void response.end());
    const before = receiver.requests.length;
    await clock.advance(30_000);
    assert.equal(receiver.requests.length, before);
    await clock.advance(31_000);
    await advanceUntil("all are delivered", async () => {
      const { count } = await db
        .selectFrom("deliveries")
        .select(({ fn }) => fn.countAll<number>().as("count"))
        .where("response_status", "=", 200)
        .executeTakeFirstOrThrow();
      return count === 51;
    });
    assert.deepEqual([(await readHook()).failure_count, (await readHook()).disabled_until], [0, null]);
  });

  it("puts nothing in for a hook that is off for good", async (t) => {
    const hookId = await addHook("http://127.0.0.1:1/");
    const { deliveries } = startNode(t);
    const target = { kind: "hook", id: hookId } as const;
    await deliveries.changeHealth(target, (health) => ({ ...health, disabledUntil: "for-good" }), new Date());
    assert.equal(await deliveries.put([draft(hookId)], new Date()), 0);
    assert.equal(await deliveries.put([draft(hookId + 1)], new Date()), 0);
  });

  it("takes up what a killed node was sending", async (t) => {
    const receiver = await startReceiver(t);
    const hookId = await addHook(receiver.urlOf("/"));
    const dead = createDeliveryStore(db, { onPut: () => {} });
    const now = new Date();
    await dead.put([draft(hookId)], now);
    const claimed = await dead.claimDue(now, new Date(now.getTime() + 600), { limit: 5, busy: [] });
    assert.equal(claimed.length, 1);
    const { deliveries } = startNode(t);
    const [entry] = await waitForEnd(deliveries, hookId);
    assert.equal(entry?.attempts, 2);
    assert.equal(receiver.requests.length, 1);
  });

  it("gives a delivery back that a shutdown interrupts", async (t) => {
    const receiver = await startReceiver(t);
    receiver.answer(() => {});
    const hookId = await addHook(receiver.urlOf("/"));
    const { deliverer, deliveries } = startNode(t);
    await deliveries.put([draft(hookId)], new Date());
    await receiver.wait(1);
    await deliverer.stop(10);
    const [entry] = await logOf(deliveries, hookId);
    assert.equal(entry?.attempts, 0);
    assert.ok(entry?.nextAttemptAt && entry.nextAttemptAt <= new Date());
    const hook = await db.selectFrom("hooks").selectAll().executeTakeFirstOrThrow();
    assert.equal(hook.failure_count, 0);
  });

  it("drops what falls due in Silent Mode, and says how much", async (t) => {
    const receiver = await startReceiver(t);
    const hookId = await addHook(receiver.urlOf("/"));
    await settings.write({ silentModeEnabled: true });
    const { deliveries, log } = startNode(t);
    await deliveries.put([draft(hookId), draft(hookId)], new Date());
    const entries = await waitForEnd(deliveries, hookId);
    assert.deepEqual(
      entries.map(({ error }) => error),
      Array(2).fill("Not sent: Silent Mode was on."),
    );
    assert.equal(receiver.requests.length, 0);
    assert.ok(log.lines.some((line) => line.includes("Silent Mode")));
  });
});
