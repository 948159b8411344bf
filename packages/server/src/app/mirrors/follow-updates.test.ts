import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { finishedUpdate } from "../../../../../test/support/finished-update.ts";
import { makeProjectOfAda, openTestStore } from "../../../../../test/support/store.ts";
import { waitFor } from "../../../../../test/support/wait-for.ts";
import { createMirrorStore } from "../../db/mirrors.ts";
import type { Db } from "../../db/pool.ts";
import { DEFAULT_MIRROR_OPTIONS, type UpdateProgress } from "../../domain/mirror.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { createProgressBoard } from "../../jobs/progress-board.ts";
import { systemClock } from "../../system-clock.ts";
import type { FinishedUpdate, MirrorStore, ProgressBoard, UpdateLease } from "../ports.ts";
import type { ProgressEvent } from "../use-cases.ts";
import { followUpdates, readProgress } from "./follow-updates.ts";

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

let db: Db;
let mirrors: MirrorStore;
let projectId = 0;
let userId = 0;
let mirrorId = 0;
/** The boards of two nodes on one database. */
let here: ProgressBoard;
let elsewhere: ProgressBoard;
let leave = new AbortController();

before(async () => {
  db = await openTestStore();
  const noSecrets = () => assert.fail("no secret is kept here");
  mirrors = createMirrorStore(db, { seal: noSecrets, open: noSecrets });
  ({ userId, projectId } = await makeProjectOfAda(db));
});

after(() => db.destroy());

beforeEach(async () => {
  await db.deleteFrom("mirrors").execute();
  const mirror = await mirrors.create({
    projectId,
    direction: "pull",
    enabled: true,
    url: parseRemoteUrl("https://example.com/a.git").url,
    urlHadUserinfo: false,
    authMethod: "password",
    credential: {},
    options: DEFAULT_MIRROR_OPTIONS,
    userId,
  });
  mirrorId = mirror.id;
  here = createProgressBoard({ clock: systemClock, log, mirrors });
  elsewhere = createProgressBoard({ clock: systemClock, log, mirrors });
  leave = new AbortController();
});

async function start(): Promise<UpdateLease> {
  const now = new Date();
  await mirrors.requestUpdate(mirrorId, "manual", now);
  const lease = await mirrors.startUpdate(mirrorId, now, new Date(now.getTime() + 30_000));
  assert.ok(lease);
  return lease;
}

function finish(lease: UpdateLease, changes: Partial<FinishedUpdate> = {}): Promise<boolean> {
  return mirrors.finishUpdate(lease, finishedUpdate(new Date(), changes));
}

/** Follows in the background; `events` grows, `ended` settles with the stream. */
function follow(afterId: number | null = null): { events: ProgressEvent[]; ended: Promise<void> } {
  const events: ProgressEvent[] = [];
  const ports = { clock: systemClock, mirrors, progress: here };
  const ended = (async () => {
    for await (const event of followUpdates(ports, mirrorId, afterId, leave.signal, async () => {}))
      events.push(event);
  })();
  ended.catch(() => {});
  return { events, ended };
}

function seen(events: readonly ProgressEvent[]): string[] {
  return events.map((event) =>
    event.kind === "end"
      ? `end ${event.update.status}`
      : `${event.progress.mirror.updateStatus} ${event.progress.update?.progress?.done ?? "-"}`,
  );
}

function at(done: number): UpdateProgress {
  return { phase: "Receiving objects", done, total: 9, bytes: null, bytesPerSecond: null };
}

async function waitForEvent(events: readonly ProgressEvent[], last: string): Promise<void> {
  await waitFor(() => seen(events).at(-1) === last, { message: () => `${last}: ${seen(events).join(", ")}` });
}

test("who comes while nothing runs follows the next update to its end, and no further", async () => {
  const { events, ended } = follow();
  await waitForEvent(events, "none -");
  const lease = await start();
  const note = here.begin({ mirrorId, updateId: lease.updateId });
  await waitForEvent(events, "started -");
  note.report(at(3));
  await waitForEvent(events, "started 3");
  assert.equal(
    (await readProgress({ clock: systemClock, mirrors, progress: here }, await find())).update?.progress
      ?.done,
    3,
  );
  await finish(lease);
  note.end();
  await ended;
  assert.deepEqual(seen(events), ["none -", "started -", "started 3", "end finished"]);
});

test("an update of another node is followed by what that node writes down", async () => {
  const lease = await start();
  const note = elsewhere.begin({ mirrorId, updateId: lease.updateId });
  note.report(at(5));
  const { events, ended } = follow();
  await waitForEvent(events, "started 5");
  await finish(lease, { status: "failed", error: "no" });
  note.end();
  await ended;
  assert.equal(seen(events).at(-1), "end failed");
});

test("a thousand reports a second become five events a second at most", async () => {
  const lease = await start();
  const note = here.begin({ mirrorId, updateId: lease.updateId });
  const began = performance.now();
  const { events, ended } = follow();
  for (let done = 1; done <= 500; done += 1) {
    note.report(at(done));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await waitForEvent(events, "started 500");
  const most = 2 + (performance.now() - began) / 200;
  assert.ok(events.length <= most, `${events.length} events, at most ${most}`);
  await finish(lease);
  note.end();
  await ended;
});

test("with an id to begin after, an update that is over already is told of at once", async () => {
  const first = await start();
  await finish(first);
  const second = await start();
  await finish(second, { status: "failed", error: "no" });
  const { events, ended } = follow(first.updateId);
  await ended;
  assert.deepEqual(seen(events), ["end failed"]);
});

test("a run whose node died is followed on by the one that takes it up", async () => {
  const dead = await start();
  const { events, ended } = follow();
  await waitForEvent(events, "started -");
  const later = new Date(Date.now() + 60_000);
  await mirrors.endLapsedRuns(later);
  const taker = await mirrors.startUpdate(mirrorId, later, new Date(later.getTime() + 30_000));
  assert.ok(taker && taker.updateId > dead.updateId);
  here.begin({ mirrorId, updateId: taker.updateId }).report(at(7));
  await waitForEvent(events, "started 7");
  await finish(taker);
  await ended;
  assert.equal(seen(events).at(-1), "end finished");
});

test("it ends with its reader, and with the mirror", async () => {
  const first = follow();
  await waitForEvent(first.events, "none -");
  leave.abort();
  await first.ended;
  leave = new AbortController();
  const second = follow();
  await waitForEvent(second.events, "none -");
  await mirrors.remove(mirrorId);
  await assert.rejects(second.ended, { code: "not-found" });
});

async function find() {
  const mirror = await mirrors.find(mirrorId);
  assert.ok(mirror);
  return mirror;
}
