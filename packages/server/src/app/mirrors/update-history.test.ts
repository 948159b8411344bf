import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createTokenStore } from "../../db/access-tokens.ts";
import { createInstanceSettingsStore } from "../../db/instance-settings.ts";
import { createMemberStore } from "../../db/members.ts";
import { createMirrorStore } from "../../db/mirrors.ts";
import type { Db } from "../../db/pool.ts";
import { createProjectStore } from "../../db/projects.ts";
import { createSessionStore } from "../../db/sessions.ts";
import { createSshKeyStore } from "../../db/ssh-keys.ts";
import { createUserStore } from "../../db/users.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../../domain/mirror.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import type { Principal } from "../../domain/user.ts";
import { createProgressBoard } from "../../jobs/progress-board.ts";
import { systemClock } from "../../system-clock.ts";
import { updateUseCases } from "./update-history.ts";

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

let db: Db;
/** How much later it is than the system says. */
let shiftMs = 0;
const clock = { now: () => new Date(Date.now() + shiftMs), after: systemClock.after };

before(async () => {
  db = await openTestStore();
});

after(() => db.destroy());

beforeEach(async () => {
  shiftMs = 0;
  await db.deleteFrom("projects").execute();
  await db.deleteFrom("namespaces").execute();
  await db.deleteFrom("users").execute();
});

async function setUp() {
  const noSecrets = () => assert.fail("no secret is kept here");
  const mirrors = createMirrorStore(db, { seal: noSecrets, open: noSecrets });
  const users = createUserStore(db);
  const tokens = createTokenStore(db);
  const projects = createProjectStore(db);
  const user = await users.create({
    username: "ada",
    name: "Ada",
    email: "ada@example.com",
    isAdmin: false,
    passwordHash: null,
  });
  const token = await tokens.create({
    userId: user.id,
    ...{ name: "watch", description: null, createdBy: user.id },
    digest: Buffer.alloc(32, 1),
    scopes: ["read_api"],
    expiresAt: new Date(Date.now() + 3600_000),
  });
  const namespace = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
  const project = await projects.create({
    namespaceId: namespace.id,
    name: "p",
    path: "p",
    description: null,
    visibility: "public",
    creatorId: user.id,
  });
  const mirror = await mirrors.create({
    projectId: project.id,
    direction: "pull",
    enabled: true,
    url: parseRemoteUrl("https://example.com/a.git").url,
    urlHadUserinfo: false,
    authMethod: "password",
    credential: {},
    options: DEFAULT_MIRROR_OPTIONS,
    userId: user.id,
  });
  const progress = createProgressBoard({ clock, log, mirrors });
  const useCases = updateUseCases({
    clock,
    members: createMemberStore(db),
    mirrors,
    progress,
    projects,
    sessions: createSessionStore(db),
    settings: createInstanceSettingsStore(db),
    sshKeys: createSshKeyStore(db),
    tokens,
    users,
  });
  const principal: Principal = { kind: "user", user, memberships: [], token };
  const watch = (signal: AbortSignal) =>
    useCases.watchProgress(principal, project.id, mirror.id, { after: null, signal });
  return { users, tokens, projects, user, token, project, watch };
}

describe("a stream of progress", () => {
  const losses = {
    "the user is blocked": {
      code: "forbidden",
      lose: ({ users, user }: Made) => users.setState(user.id, "blocked"),
    },
    "the token is revoked": {
      code: "token-invalid",
      lose: ({ tokens, token }: Made) => tokens.revoke(token.id),
    },
    "the token expires": {
      code: "token-invalid",
      lose: async () => {
        shiftMs += 3600_000;
      },
    },
    "the project is another's": {
      code: "forbidden",
      lose: async ({ users, user, project }: Made) => {
        const { id } = await users.create({
          username: "eve",
          name: "Eve",
          email: "eve@example.com",
          isAdmin: false,
          passwordHash: null,
        });
        assert.notEqual(id, user.id);
        const [other] = await db.selectFrom("namespaces").select("id").where("owner_id", "=", id).execute();
        await db
          .updateTable("projects")
          .set({ namespace_id: other?.id ?? 0 })
          .where("id", "=", project.id)
          .execute();
      },
    },
  } as const;
  type Made = Awaited<ReturnType<typeof setUp>>;

  for (const [what, { code, lose }] of Object.entries(losses)) {
    it(`ends within half a minute after ${what}`, { timeout: 20_000 }, async () => {
      const made = await setUp();
      const stream = (await made.watch(new AbortController().signal))[Symbol.asyncIterator]();
      assert.equal((await stream.next()).done, false);
      await lose(made);
      shiftMs += 31_000;
      await assert.rejects(stream.next(), { code });
    });
  }

  it("goes on while nothing of that happens", async () => {
    const made = await setUp();
    const leave = new AbortController();
    const stream = (await made.watch(leave.signal))[Symbol.asyncIterator]();
    await stream.next();
    shiftMs += 31_000;
    const next = stream.next();
    const timer = setTimeout(() => leave.abort(), 1500);
    assert.deepEqual(await next, { done: true, value: undefined });
    clearTimeout(timer);
  });

  it("is refused to who has too many, before it begins", async () => {
    const made = await setUp();
    const leave = new AbortController();
    const ask = () => made.watch(leave.signal);
    for (let count = 0; count < 30; count += 1) await ask();
    await assert.rejects(ask(), { code: "too-many-streams" });
    leave.abort();
    await made.watch(new AbortController().signal);
  });
});
