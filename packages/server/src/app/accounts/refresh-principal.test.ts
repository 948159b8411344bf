import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { FakeClock } from "../../../../../test/support/fake-clock.ts";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createTokenStore } from "../../db/access-tokens.ts";
import { createAuditStore } from "../../db/audit-events.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../../db/instance-settings.ts";
import { createMemberStore } from "../../db/members.ts";
import type { Db } from "../../db/pool.ts";
import { createSessionStore } from "../../db/sessions.ts";
import { createSshKeyStore } from "../../db/ssh-keys.ts";
import { createUserStore } from "../../db/users.ts";
import type { Principal, User } from "../../domain/user.ts";
import { openSession } from "../sign-in/sessions.ts";
import { markPassword } from "./mark-password.ts";
import { refreshPrincipal } from "./refresh-principal.ts";

const DAY_MS = 24 * 3600_000;

let db: Db;
let clock: FakeClock;
let ada: User;
let root: User;

const HASH = "the hash of one";

before(async () => {
  db = await openTestStore();
  await initInstanceSettings(db, { allowLocalRequests: false });
});
after(async () => {
  await db.destroy();
});
beforeEach(async () => {
  await db.deleteFrom("users").execute();
  clock = new FakeClock(new Date("2030-01-01T00:00:00Z"));
  ada = await addUser("ada", false);
  root = await addUser("root", true);
  // Another admin, for the last one is not taken away.
  await addUser("eve", true);
});

async function addUser(username: string, isAdmin: boolean): Promise<User> {
  const names = { username, name: username, email: `${username}@example.com` };
  return await createUserStore(db).create({ ...names, isAdmin, passwordHash: HASH });
}

function portsNow() {
  return {
    audit: createAuditStore(db),
    clock,
    members: createMemberStore(db),
    sessions: createSessionStore(db),
    settings: createInstanceSettingsStore(db),
    sshKeys: createSshKeyStore(db),
    tokens: createTokenStore(db),
    users: createUserStore(db),
  };
}

const refresh = async (principal: Principal) => await refreshPrincipal(portsNow(), principal);

async function bySession(): Promise<Principal> {
  const from = { door: "http", address: "192.0.2.1", userAgent: null } as const;
  const { session } = await openSession(portsNow(), ada, { method: "password", passwordHash: HASH, from });
  return { kind: "user", user: ada, memberships: [], token: null, session };
}

describe("who came long ago", () => {
  it("by a session is let on while it is live, and not once it was idle for too long, or has come to its end", async () => {
    const principal = await bySession();
    await refresh(principal);
    await clock.advance(8 * DAY_MS);
    await assert.rejects(refresh(principal), { code: "unauthenticated" });

    const used = await bySession();
    await clock.advance(29 * DAY_MS);
    await db.updateTable("sessions").set({ last_seen_at: clock.now() }).execute();
    await refresh(used);
    await clock.advance(2 * DAY_MS);
    await db.updateTable("sessions").set({ last_seen_at: clock.now() }).execute();
    await assert.rejects(refresh(used), { code: "unauthenticated" });
  });

  it("by a password is let on while it is theirs", async () => {
    const mark = markPassword("the hash of one");
    const principal: Principal = {
      kind: "user",
      user: ada,
      memberships: [],
      token: null,
      passwordMark: mark,
    };
    await refresh(principal);
    await createUserStore(db).setPasswordHash(ada.id, "the hash of another");
    await assert.rejects(refresh(principal), { code: "unauthenticated", message: /password was changed/ });
  });

  it("as somebody else is let on while they are an admin who is not blocked", async () => {
    const users = createUserStore(db);
    const principal: Principal = {
      ...{ kind: "user", user: ada, memberships: [], token: null },
      impersonator: root,
    };
    await refresh(principal);
    await users.setState(root.id, "blocked");
    await assert.rejects(refresh(principal), { code: "forbidden", message: /blocked/ });
    await users.setState(root.id, "active");
    await users.update(root.id, { isAdmin: false });
    await assert.rejects(refresh(principal), { code: "forbidden", message: /admin/ });
  });
});
