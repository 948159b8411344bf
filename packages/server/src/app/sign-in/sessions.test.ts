import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { FakeClock } from "../../../../../test/support/fake-clock.ts";
import { createTestSealer } from "../../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createAuditStore } from "../../db/audit-events.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../../db/instance-settings.ts";
import { createMemberStore } from "../../db/members.ts";
import type { Db } from "../../db/pool.ts";
import { createSecondFactorStore } from "../../db/second-factors.ts";
import { createSessionStore } from "../../db/sessions.ts";
import { createSignInFailureStore } from "../../db/sign-in-failures.ts";
import { createUserStore } from "../../db/users.ts";
import type { User } from "../../domain/user.ts";
import { admit } from "./admit.ts";
import { removeOldSignIns } from "./remove-old-sign-ins.ts";
import type { OpenedSession } from "./session-use-cases.ts";
import { openSession, sessionUseCases } from "./sessions.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const HERE = { door: "http", address: "203.0.113.7", userAgent: "Firefox" } as const;
const THERE = { door: "http", address: "198.51.100.9" } as const;

/** Nobody checks it here. */
const HASH = "the stored hash";

let db: Db;
let clock: FakeClock;
let ada: User;

before(async () => {
  db = await openTestStore();
  await initInstanceSettings(db, { allowLocalRequests: false });
});
after(async () => {
  await db.destroy();
});
beforeEach(async () => {
  await db.deleteFrom("users").execute();
  await db.deleteFrom("audit_events").execute();
  await db.updateTable("instance_settings").set({ session_expire_delay: 10_080 }).execute();
  clock = new FakeClock(new Date("2026-03-04T12:00:00Z"));
  const draft = { name: "Ada", isAdmin: false, passwordHash: HASH };
  ada = await createUserStore(db).create({ ...draft, username: "ada", email: "ada@example.com" });
});

function portsNow() {
  return {
    audit: createAuditStore(db),
    clock,
    members: createMemberStore(db),
    sessions: createSessionStore(db),
    secondFactors: createSecondFactorStore(db, createTestSealer()),
    settings: createInstanceSettingsStore(db),
    signInFailures: createSignInFailureStore(db),
  };
}

const signIn = (): Promise<OpenedSession> =>
  openSession(portsNow(), ada, { method: "password", passwordHash: HASH, from: HERE });
const sessions = () => sessionUseCases(portsNow());

/** The session of a secret, which must be good. */
async function use(secret: string) {
  const found = await sessions().authenticateSession(secret, HERE);
  assert.ok(found, "the secret is good");
  return found;
}

async function auditActions(): Promise<readonly string[]> {
  const rows = await db.selectFrom("audit_events").select("action").orderBy("id").execute();
  return rows.map(({ action }) => action);
}

describe("a session", () => {
  it("stands for its user from signing in until signing out", async () => {
    const { secret, session } = await signIn();
    const { principal, renewed } = await use(secret);
    assert.equal(principal.user.username, "ada");
    assert.equal(principal.token, null);
    assert.equal(principal.session.id, session.id);
    assert.equal(renewed, null);
    await sessions().signOut(principal);
    assert.equal(await sessions().authenticateSession(secret, HERE), null);
    assert.deepEqual(await auditActions(), ["signed-in", "signed-out"]);
  });

  it("has a secret that is nowhere in the database, and another one each time", async () => {
    const [first, second] = [await signIn(), await signIn()];
    assert.notEqual(first.secret, second.secret);
    assert.notEqual(first.session.csrfToken, second.session.csrfToken);
    const rows = JSON.stringify(await db.selectFrom("sessions").selectAll().execute());
    const bytes = JSON.stringify(Buffer.from(first.secret));
    assert.equal(rows.includes(first.secret) || rows.includes(bytes), false);
  });

  it("is over when it was not used for as long as the instance says", async () => {
    await db.updateTable("instance_settings").set({ session_expire_delay: 30 }).execute();
    const { secret } = await signIn();
    await clock.advance(29 * MINUTE);
    await use(secret);
    await clock.advance(29 * MINUTE);
    await use(secret);
    await clock.advance(30 * MINUTE);
    assert.equal(await sessions().authenticateSession(secret, HERE), null);
  });

  it("is over after thirty days, however much it is used", async () => {
    let { secret } = await signIn();
    for (let day = 1; day < 30; day += 1) {
      await clock.advance(DAY);
      secret = (await use(secret)).renewed?.secret ?? secret;
    }
    await clock.advance(DAY);
    assert.equal(await sessions().authenticateSession(secret, HERE), null);
  });

  it("is over when its user is blocked", async () => {
    const { secret } = await signIn();
    await createUserStore(db).setState(ada.id, "blocked");
    assert.equal(await sessions().authenticateSession(secret, HERE), null);
  });

  it("is used from where it was used the last time", async () => {
    const { secret } = await signIn();
    await clock.advance(2 * MINUTE);
    const found = await sessions().authenticateSession(secret, THERE);
    assert.ok(found);
    const [listed] = await sessions().listSessions(found.principal);
    assert.equal(listed?.address, THERE.address);
    assert.deepEqual(listed?.lastSeenAt, clock.now());
  });
});

describe("the secret of a session in use", () => {
  it("is replaced every hour, for one of the requests that come at once; the others are let in", async () => {
    const { secret } = await signIn();
    await clock.advance(HOUR);
    const found = await Promise.all(Array.from({ length: 8 }, () => use(secret)));
    const renewed = found.flatMap((one) => one.renewed ?? []);
    assert.equal(renewed.length, 1);
    assert.equal((await use(renewed[0]?.secret ?? "")).principal.session.id, found[0]?.principal.session.id);
    await use(secret);
  });

  it("that was replaced ends the session when it comes again: somebody has a copy", async () => {
    const { secret } = await signIn();
    await clock.advance(HOUR);
    const next = (await use(secret)).renewed?.secret ?? "";
    await use(next);
    await clock.advance(2 * MINUTE);
    assert.equal(await sessions().authenticateSession(secret, THERE), null);
    assert.equal(await sessions().authenticateSession(next, HERE), null, "the other of the two as well");
    assert.deepEqual(await auditActions(), ["signed-in", "session-ended"]);
  });

  it("stays good when the answer with the new one was lost", async () => {
    const { secret } = await signIn();
    await clock.advance(HOUR);
    await use(secret);
    await clock.advance(2 * HOUR);
    const again = (await use(secret)).renewed?.secret ?? "";
    await use(again);
  });
});

describe("the sessions of a user", () => {
  it("are listed without those that are over, and ended one by one", async () => {
    await signIn();
    await clock.advance(8 * DAY);
    const [mine, other] = [await signIn(), await signIn()];
    const { principal } = await use(mine.secret);
    const listed = await sessions().listSessions(principal);
    assert.deepEqual(
      listed.map(({ id }) => id),
      [other.session.id, mine.session.id],
    );
    await sessions().endSession(principal, other.session.id);
    assert.equal(await sessions().authenticateSession(other.secret, HERE), null);
    await assert.rejects(sessions().endSession(principal, other.session.id), { code: "not-found" });
  });

  it("are nobody else's to end", async () => {
    const draft = { name: "Eve", isAdmin: true, passwordHash: null };
    const eve = await createUserStore(db).create({ ...draft, username: "eve", email: "eve@example.com" });
    const { secret, session } = await signIn();
    const asEve = { kind: "user", token: null, user: eve, memberships: [] } as const;
    await assert.rejects(sessions().endSession(asEve, session.id), { code: "not-found" });
    await use(secret);
  });

  it("are all ended but the one in use", async () => {
    const [mine, other] = [await signIn(), await signIn()];
    const { principal } = await use(mine.secret);
    assert.equal(await sessions().endOtherSessions(principal), 1);
    await use(mine.secret);
    assert.equal(await sessions().authenticateSession(other.secret, HERE), null);
  });

  it("are cleared away when they are over, and so are failures, addresses and secrets that wait for a code", async () => {
    await portsNow().secondFactors.begin(ada.id, "ABCDEFGH", clock.now());
    await clock.advance(29 * 60_000);
    assert.equal(await removeOldSignIns(portsNow()), 0);
    await clock.advance(2 * 60_000);
    assert.equal(await removeOldSignIns(portsNow()), 1);
    assert.equal(await portsNow().secondFactors.find(ada.id), null);
    const signInFailures = createSignInFailureStore(db);
    const count = { failures: 1, firstAt: clock.now(), lastAt: clock.now(), blockedUntil: null };
    await signInFailures.change(["old"], () => new Map([["old", count]]));
    await signInFailures.rememberAddress(ada.id, "203.0.113.7", clock.now());
    await signIn();
    await clock.advance(8 * DAY);
    const { secret } = await signIn();
    const young = { ...count, lastAt: clock.now() };
    await signInFailures.change(["young"], () => new Map([["young", young]]));
    assert.equal(await removeOldSignIns({ ...portsNow(), signInFailures }), 2);
    await use(secret);
    assert.ok(await signInFailures.read("young"));
    await clock.advance(90 * DAY);
    assert.equal(await removeOldSignIns({ ...portsNow(), signInFailures }), 3);
  });
});

describe("who is let in once it is certain who they are", () => {
  const how = { method: "oidc", from: HERE, before: null } as const;

  it("gets a new session, and the one that the browser had ends", async () => {
    const { secret } = await signIn();
    const { opened } = await admit(portsNow(), ada, { ...how, before: secret });
    assert.equal((await use(opened.secret)).principal.session.method, "oidc");
    assert.equal(await sessions().authenticateSession(secret, HERE), null);
  });

  it("is neither blocked nor an internal user", async () => {
    await assert.rejects(admit(portsNow(), { ...ada, state: "blocked" }, how), { code: "forbidden" });
    await assert.rejects(admit(portsNow(), { ...ada, isTokenBot: true }, how), { code: "forbidden" });
    // Blocked after they were looked up.
    await createUserStore(db).setState(ada.id, "blocked");
    await assert.rejects(admit(portsNow(), ada, how), { code: "sign-in-refused" });
    assert.deepEqual(await auditActions(), []);
  });
});
