import { after, beforeEach } from "node:test";
import { finishedUpdate } from "../../../../test/support/finished-update.ts";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { CheckRoom, FinishedUpdate, NewMirror } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS, type ListedUpdate, type Mirror } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createMirrorStore } from "./mirrors.ts";

/** When the tests of mirrors begin. */
export const T0 = new Date("2026-01-01T12:00:00Z");

/** So many seconds later. */
export function seconds(count: number): Date {
  return new Date(T0.getTime() + count * 1000);
}

/** Room for every check there is. */
export const ROOM: CheckRoom = { total: 10, perHost: 10, busy: new Map() };

/** A store of mirrors in a database of its own with one project of one user; empty before each test of the file. */
export async function openMirrorStore() {
  const db = await openTestStore();
  const mirrors = createMirrorStore(db, createTestSealer());
  const { userId, projectId } = await makeProjectOfAda(db);
  after(async () => {
    await db.destroy();
  });
  beforeEach(async () => {
    await db.deleteFrom("mirrors").execute();
  });

  async function createMirror(changes: Partial<NewMirror> = {}): Promise<Mirror> {
    return await mirrors.create({
      projectId,
      direction: "push",
      enabled: true,
      url: parseRemoteUrl("https://example.com/a.git").url,
      urlHadUserinfo: false,
      authMethod: "password",
      credential: {},
      options: DEFAULT_MIRROR_OPTIONS,
      userId,
      ...changes,
    });
  }

  async function historyOf(mirrorId: number): Promise<readonly ListedUpdate[]> {
    return (await mirrors.listUpdates(mirrorId, { page: 1, perPage: 100 })).items;
  }

  return { db, mirrors, userId, projectId, createMirror, historyOf };
}

/** How an update ends that went well, but for what is to be otherwise. */
export function success(now: Date, changes: Partial<FinishedUpdate> = {}): FinishedUpdate {
  return finishedUpdate(now, { appliedDigest: "d1", nextCheckAt: seconds(3600), ...changes });
}
