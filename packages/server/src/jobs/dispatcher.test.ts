import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FakeClock, watchCalls } from "../../../../test/support/fake-clock.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../test/support/store.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import type { Ports } from "../app/ports.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import { createMirrorStore } from "../db/mirrors.ts";
import type { Db } from "../db/pool.ts";
import { createProjectStore } from "../db/projects.ts";
import { createUserStore } from "../db/users.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { systemClock } from "../system-clock.ts";
import { type Dispatcher, startDispatcher } from "./dispatcher.ts";

/** Long enough for hundreds of passes, if one follows the other at once. */
const WATCHED_MS = 1_000;

describe("the dispatcher", () => {
  let db: Db;
  let ports: Pick<Ports, "clock" | "log" | "mirrors" | "queue" | "settings">;
  let dispatcher: Dispatcher;
  let projectId = 0;
  let creatorId = 0;
  /** Mirrors in the order in which they were put on the queue; nobody takes them off it. */
  let sent: number[] = [];
  let passes = 0;

  before(async () => {
    db = await openTestStore();
    await initInstanceSettings(db, { allowLocalRequests: false });
    const user = { username: "ada", name: "Ada", email: "a@example.com", isAdmin: false, passwordHash: null };
    creatorId = (await createUserStore(db).create(user)).id;
    const { id: namespaceId } = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
    const names = { name: "p", path: "p", description: null, visibility: "private" } as const;
    projectId = (await createProjectStore(db).create({ ...names, namespaceId, creatorId })).id;
  });
  after(async () => {
    await db.destroy();
  });

  beforeEach(async () => {
    await db.deleteFrom("mirrors").execute();
    sent = [];
    passes = 0;
    const settings = createInstanceSettingsStore(db);
    await settings.write({ mirrorAvailable: true });
    ports = {
      clock: systemClock,
      log: makeMemoryLog(),
      mirrors: createMirrorStore(db, createTestSealer()),
      queue: {
        send: async (id) => void sent.push(id),
        wakeAt: (at) => dispatcher.wakeAt(at),
        cancel: async () => undefined,
      },
      settings: {
        ...settings,
        read: async () => {
          passes += 1;
          return await settings.read();
        },
      },
    };
    // What a check needs besides is missing: no mirror here gets so far.
    dispatcher = startDispatcher(() => ports as Ports);
  });
  afterEach(() => dispatcher.stop());

  async function createPushMirror(name: string): Promise<number> {
    const { url } = parseRemoteUrl(`https://example.com/${name}.git`);
    const mirror = await ports.mirrors.create({
      projectId,
      direction: "push",
      enabled: true,
      url,
      urlHadUserinfo: false,
      authMethod: "password",
      credential: {},
      options: DEFAULT_MIRROR_OPTIONS,
      userId: creatorId,
    });
    return mirror.id;
  }

  async function watch(): Promise<void> {
    dispatcher.wakeAt(new Date());
    await waitFor(() => passes > 0, { message: "no pass was made" });
    await sleep(WATCHED_MS);
  }

  it("sends a wish once, and sleeps while all workers are busy with others", async () => {
    const id = await createPushMirror("waits");
    await ports.mirrors.requestUpdate(id, "manual", new Date());
    await watch();
    assert.deepEqual([sent, passes], [[id], 1]);
  });

  it("sleeps while mirroring is off for the whole instance", async () => {
    const id = await createPushMirror("off");
    await ports.mirrors.requestUpdate(id, "manual", new Date());
    await ports.settings.write({ mirrorAvailable: false });
    await watch();
    assert.deepEqual([sent, passes], [[], 1]);
  });

  it("sleeps until a retry, even where a check is due before", async () => {
    const id = await createPushMirror("retries");
    await ports.mirrors.requestUpdate(id, "retry", new Date(Date.now() + 60_000));
    await db
      .updateTable("mirrors")
      .set({ next_check_at: new Date(Date.now() - 1_000) })
      .execute();
    await watch();
    assert.deepEqual([sent, passes], [[], 1]);
  });

  it("makes one pass of a hundred wakes that come one after the other, and the first of them at once", async () => {
    await dispatcher.stop();
    const calls = watchCalls();
    const clock = new FakeClock(new Date(), calls.settled);
    ports = { ...ports, clock, mirrors: calls.count(ports.mirrors), settings: calls.count(ports.settings) };
    dispatcher = startDispatcher(() => ports as Ports);
    for (let i = 0; i < 100; i += 1) {
      dispatcher.wakeAt(clock.now());
      await clock.advance(0);
      assert.equal(passes, 1);
    }
    await clock.advance(149);
    assert.equal(passes, 1);
    await clock.advance(1);
    assert.equal(passes, 2, "what the other wakes were about is not forgotten");
    await clock.advance(1_000);
    assert.equal(passes, 2);
    dispatcher.wakeAt(clock.now());
    await clock.advance(0);
    assert.equal(passes, 3);
  });

  it("sends a wish when its time comes", async () => {
    const id = await createPushMirror("later");
    await ports.mirrors.requestUpdate(id, "push", new Date(Date.now() + 300));
    await watch();
    assert.deepEqual(sent, [id]);
  });
});
