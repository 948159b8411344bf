import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { sql } from "kysely";
import { openTestStore } from "../../../../../test/support/store.ts";
import { waitFor } from "../../../../../test/support/wait-for.ts";
import { createAuditStore } from "../../db/audit-events.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../../db/instance-settings.ts";
import { createMemberStore } from "../../db/members.ts";
import { createMailOutbox } from "../../db/outgoing-mails.ts";
import type { Db } from "../../db/pool.ts";
import { createSessionStore } from "../../db/sessions.ts";
import { createSignInFailureStore } from "../../db/sign-in-failures.ts";
import { createUserStore } from "../../db/users.ts";
import type { Principal, User } from "../../domain/user.ts";
import { createPasswordHasher } from "../../secrets/password-hasher.ts";
import { systemClock } from "../../system-clock.ts";
import { createPasswordCheck } from "./check-password.ts";
import { passwordUseCases, resetPassword } from "./passwords.ts";
import { openSession, sessionUseCases } from "./sessions.ts";

const OLD = "vq7-hwxz of ada";
const NEW = "another one entirely";
const HERE = { door: "http", address: "203.0.113.7", userAgent: null } as const;

let db: Db;
let ada: User;
let root: User;
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

before(async () => {
  db = await openTestStore();
  await initInstanceSettings(db, { allowLocalRequests: false });
});
after(async () => {
  await db.destroy();
});
beforeEach(async () => {
  for (const table of ["users", "audit_events", "outgoing_mails", "sign_in_failures"] as const) {
    await db.deleteFrom(table).execute();
  }
  await db.updateTable("instance_settings").set({ silent_mode_enabled: false }).execute();
  const users = createUserStore(db);
  const passwordHash = await createPasswordHasher().hash(OLD);
  const draft = { name: "Ada", email: "ada@example.com", isAdmin: false, passwordHash };
  ada = await users.create({ ...draft, username: "ada" });
  root = await users.create({ ...draft, username: "root", email: "root@example.com", isAdmin: true });
});

function portsNow() {
  return {
    audit: createAuditStore(db),
    clock: systemClock,
    instance: { externalUrl: "https://git.example.com" },
    log,
    mails: createMailOutbox(db, { onPut: quiet }),
    members: createMemberStore(db),
    passwords: createPasswordHasher(),
    sessions: createSessionStore(db),
    settings: createInstanceSettingsStore(db),
    signInFailures: createSignInFailureStore(db),
    users: createUserStore(db),
  };
}

function passwords() {
  const ports = portsNow();
  return passwordUseCases(ports, createPasswordCheck(ports));
}

const as = (user: User): Principal => ({ kind: "user", token: null, user, memberships: [], from: HERE });

/** Signs ada in; answers who it is that comes with the session, and whether it is still good. */
async function openSessionOfAda() {
  const ports = portsNow();
  const stored = await ports.users.findForSignIn("ada");
  const how = { method: "password", passwordHash: stored?.passwordHash ?? "", from: HERE } as const;
  const { secret } = await openSession(ports, ada, how);
  const find = async () => await sessionUseCases(ports).authenticateSession(secret, HERE);
  const found = await find();
  assert.ok(found);
  return { principal: found.principal, isLive: async () => (await find()) !== null };
}

async function isPasswordOfAda(password: string): Promise<boolean> {
  const ports = portsNow();
  const found = await ports.users.findForSignIn("ada");
  return await ports.passwords.verify(password, found?.passwordHash ?? "");
}

async function countWaiting(store: Db): Promise<number> {
  const { rows } = await sql<{
    count: number;
  }>`select count(*) as count from pg_locks where not granted`.execute(store);
  return Number(rows[0]?.count ?? 0);
}

async function readMails(): Promise<readonly { recipient: string; body_text: string }[]> {
  return await db.selectFrom("outgoing_mails").select(["recipient", "body_text"]).execute();
}

async function auditActions(): Promise<readonly string[]> {
  const rows = await db.selectFrom("audit_events").select("action").orderBy("id").execute();
  return rows.map(({ action }) => action).filter((action) => action !== "signed-in");
}

describe("one's own password", () => {
  it("is changed by who knows it; the other sessions end, and a mail says so", async () => {
    const [mine, other] = [await openSessionOfAda(), await openSessionOfAda()];
    await passwords().changePassword(mine.principal, { current: OLD, next: NEW });
    assert.equal(await isPasswordOfAda(NEW), true);
    assert.equal(await mine.isLive(), true);
    assert.equal(await other.isLive(), false);
    assert.deepEqual(await auditActions(), ["password-changed", "session-ended"]);
    const [mail, ...rest] = await readMails();
    assert.deepEqual(rest, []);
    assert.equal(mail?.recipient, "ada@example.com");
    assert.match(mail?.body_text ?? "", /Your password was changed.*203\.0\.113\.7/s);
    assert.doesNotMatch(mail?.body_text ?? "", new RegExp(`${OLD}|${NEW}`));
  });

  const refused = {
    "by who does not know it": [{ current: "wrong", next: NEW }, "current_password"],
    "to a weak one": [{ current: OLD, next: "password1" }, "password"],
    "to the same": [{ current: OLD, next: OLD }, "password"],
  } as const;
  for (const [what, [given, field]] of Object.entries(refused)) {
    it(`is not changed ${what}`, async () => {
      const { principal } = await openSessionOfAda();
      await assert.rejects(passwords().changePassword(principal, given), (error: unknown) => {
        assert.deepEqual(Object.keys(Object(error).fields), [field]);
        return true;
      });
      assert.equal(await isPasswordOfAda(OLD), true);
    });
  }

  it("cannot be guessed by a session that somebody left open", async () => {
    const { principal } = await openSessionOfAda();
    const { changePassword } = passwords();
    for (let n = 0; n < 21; n += 1) {
      const guess = changePassword(principal, { current: `guess ${n}`, next: NEW });
      await assert.rejects(guess, { code: "model-invalid" });
    }
    await assert.rejects(changePassword(principal, { current: OLD, next: NEW }), {
      code: "too-many-sign-ins",
    });
  });
});

describe("the password of another", () => {
  it("is set by an admin, and all sessions of the user end", async () => {
    const session = await openSessionOfAda();
    await passwords().setPassword(as(root), ada.id, NEW);
    assert.equal(await isPasswordOfAda(NEW), true);
    assert.equal(await session.isLive(), false);
    assert.deepEqual(await auditActions(), ["password-reset", "session-ended"]);
    assert.match((await readMails())[0]?.body_text ?? "", /An administrator set another password/);
  });

  it("is set while somebody signs in with the old one: no session is opened", async () => {
    const ports = portsNow();
    const checked = await createPasswordCheck(ports)({ username: "ada", password: OLD }, HERE);
    assert(checked);
    await passwords().setPassword(as(root), ada.id, NEW);
    const late = openSession(ports, checked.user, { method: "password", ...checked, from: HERE });
    await assert.rejects(late, { code: "sign-in-refused" });
    assert.deepEqual(await db.selectFrom("sessions").selectAll().execute(), []);
  });

  it("waits for a session that is being opened with the old one, and ends it", async () => {
    const found = await portsNow().users.findForSignIn("ada");
    const passwordHash = found?.passwordHash ?? "";
    let resetting: Promise<void> = Promise.resolve();
    await db.transaction().execute(async (transaction) => {
      const ports = { ...portsNow(), sessions: createSessionStore(transaction) };
      await openSession(ports, ada, { method: "password", passwordHash, from: HERE });
      resetting = passwords().setPassword(as(root), ada.id, NEW);
      resetting.catch(() => undefined);
      await waitFor(async () => (await countWaiting(db)) > 0 || (await isPasswordOfAda(NEW)), {
        message: "the reset has come to the user",
      });
    });
    await resetting;
    assert.deepEqual(await db.selectFrom("sessions").selectAll().execute(), []);
  });

  it("is not set by anybody else, nor an admin's own without the old one", async () => {
    await assert.rejects(passwords().setPassword(as(ada), root.id, NEW), { code: "forbidden" });
    await assert.rejects(passwords().setPassword(as(root), root.id, NEW), { code: "forbidden" });
    await assert.rejects(passwords().setPassword(as(root), 0, NEW), { code: "not-found" });
    await assert.rejects(passwords().setPassword(as(root), ada.id, "short"), { code: "model-invalid" });
    assert.equal(await isPasswordOfAda(OLD), true);
  });

  it("is reset by the machine itself, when nobody can sign in any more", async () => {
    const session = await openSessionOfAda();
    await resetPassword(portsNow(), "Ada", NEW);
    assert.equal(await isPasswordOfAda(NEW), true);
    assert.equal(await session.isLive(), false);
    const [event] = await db
      .selectFrom("audit_events")
      .selectAll()
      .where("action", "=", "password-reset")
      .execute();
    assert.equal(event?.door, "cli");
    await assert.rejects(resetPassword(portsNow(), "nobody", NEW), { code: "not-found" });
  });

  it("is no reason for a mail in Silent Mode", async () => {
    await db.updateTable("instance_settings").set({ silent_mode_enabled: true }).execute();
    await resetPassword(portsNow(), "ada", NEW);
    assert.deepEqual(await readMails(), []);
  });
});
