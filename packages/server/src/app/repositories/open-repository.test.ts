import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import { createTestSealer } from "../../../../../test/support/sealer.ts";
import { makeProjectOfAda, openTestStore } from "../../../../../test/support/store.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../../db/instance-settings.ts";
import { createMemberStore } from "../../db/members.ts";
import { createMirrorStore } from "../../db/mirrors.ts";
import { createProjectStore } from "../../db/projects.ts";
import { createProtectedBranchStore } from "../../db/protected-branches.ts";
import { createProtectedTagStore } from "../../db/protected-tags.ts";
import { createUserStore } from "../../db/users.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../../domain/mirror.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { createRepositories } from "../../git/repositories.ts";
import { systemClock } from "../../system-clock.ts";
import type { Ports } from "../ports.ts";
import { createClientQueue } from "./client-queue.ts";
import { repositoryUseCases } from "./open-repository.ts";

test("of a push that a killed server had taken, either the refs read as being written or the mirror's update is asked for", async (t) => {
  const db = await openTestStore();
  t.after(() => db.destroy());
  await initInstanceSettings(db, { allowLocalRequests: false });
  const { userId, projectId } = await makeProjectOfAda(db);
  const user = await createUserStore(db).find(userId);
  assert.ok(user);
  const mirrors = createMirrorStore(db, createTestSealer());
  const { id: mirrorId } = await mirrors.create({
    projectId,
    direction: "push",
    enabled: true,
    url: parseRemoteUrl("https://example.com/a.git").url,
    urlHadUserinfo: false,
    authMethod: "password",
    credential: {},
    options: DEFAULT_MIRROR_OPTIONS,
    userId,
  });
  const projects = createProjectStore(db);
  /** What a server would find that starts after the one before was killed at this moment. */
  const seen: { readonly at: string; readonly isWriting: boolean; readonly isAskedFor: boolean }[] = [];
  const look = async (at: string): Promise<void> => {
    const isWriting = (await projects.find(projectId))?.refsGeneration === null;
    const isAskedFor = (await mirrors.find(mirrorId))?.requestedAt !== null;
    seen.push({ at, isWriting, isAskedFor });
  };
  const log = makeMemoryLog();
  const ports: Pick<
    Ports,
    | "clock"
    | "housekeeping"
    | "log"
    | "members"
    | "mirrors"
    | "projects"
    | "protectedBranches"
    | "protectedTags"
    | "queue"
    | "repositories"
    | "settings"
    | "users"
  > = {
    clock: systemClock,
    log,
    mirrors,
    settings: createInstanceSettingsStore(db),
    projects: {
      ...projects,
      async endRefsWrite(id: number) {
        const ended = await projects.endRefsWrite(id);
        await look("the write is over");
        return ended;
      },
    },
    repositories: {
      ...createRepositories({ root: "/nonexistent", log, isAlone: true }),
      async receivePack(_path, { decide }) {
        await decide({ commands: [], options: [] });
        await look("git has ended");
        return { pushed: [], refusals: [] };
      },
    },
    queue: {
      send: () => look("the queue is told"),
      wakeAt: () => assert.fail(),
      cancel: async () => assert.fail(),
    },
    housekeeping: { noteWrite: () => undefined },
    users: createUserStore(db),
    members: createMemberStore(db),
    protectedBranches: createProtectedBranchStore(db),
    protectedTags: createProtectedTagStore(db),
  };
  const { openRepository } = repositoryUseCases(
    ports as Ports,
    createClientQueue(systemClock, { places: 1, waiting: 0, patienceMs: 1 }),
  );
  const repository = await openRepository(
    { kind: "user", user, memberships: [], token: null },
    "ada/p",
    "receive-pack",
  );
  const signal = new AbortController().signal;
  await repository.serve(new PassThrough(), new PassThrough(), { protocol: null, signal });
  assert.deepEqual(seen, [
    { at: "git has ended", isWriting: true, isAskedFor: false },
    { at: "the write is over", isWriting: false, isAskedFor: true },
    { at: "the queue is told", isWriting: false, isAskedFor: true },
  ]);
});
