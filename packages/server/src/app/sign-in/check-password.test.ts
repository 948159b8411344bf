import assert from "node:assert/strict";
import { argon2Sync } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { FakeClock } from "../../../../../test/support/fake-clock.ts";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createAuditStore } from "../../db/audit-events.ts";
import type { Db } from "../../db/pool.ts";
import { createSignInFailureStore } from "../../db/sign-in-failures.ts";
import { createUserStore } from "../../db/users.ts";
import type { Origin, User } from "../../domain/user.ts";
import { createPasswordHasher } from "../../secrets/password-hasher.ts";
import { createPasswordCheck } from "./check-password.ts";
import { countUnknownToken } from "./throttle.ts";

const PASSWORD = "vq7-hwxz of ada";
const HOME: Origin = { door: "http", address: "203.0.113.7" };
const THROTTLED = { code: "too-many-sign-ins" };

let db: Db;
let clock: FakeClock;
let passwordHash: string;
let tries = 0;
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

before(async () => {
  db = await openTestStore();
  passwordHash = cheapHash(PASSWORD);
});
after(async () => {
  await db.destroy();
});
beforeEach(async () => {
  for (const table of ["users", "audit_events", "sign_in_failures"] as const) {
    await db.deleteFrom(table).execute();
  }
  clock = new FakeClock(new Date("2026-03-04T12:00:00Z"));
  tries = 0;
  await addUser("ada");
});

/** A hash as the hasher makes them, but cheap to verify: these tests count tries by the hundred. */
function cheapHash(password: string): string {
  const cost = { memory: 8, passes: 1, parallelism: 1, tagLength: 32 };
  const nonce = Buffer.alloc(16, 7);
  const tag = argon2Sync("argon2id", { message: Buffer.from(password), nonce, ...cost });
  const parts = [nonce, tag].map((bytes) => bytes.toString("base64").replace(/=+$/, ""));
  return `$argon2id$v=19$m=8,t=1,p=1$${parts.join("$")}`;
}

async function addUser(username: string): Promise<User> {
  const draft = { name: username, isAdmin: false, email: `${username}@example.com` };
  return await createUserStore(db).create({ ...draft, username, passwordHash });
}

/** A node: what it remembers is its own, what it counts is everybody's. */
function openNode() {
  const hasher = createPasswordHasher();
  const passwords = {
    hash: async (password: string) => {
      tries += 1;
      return await hasher.hash(password);
    },
    verify: async (password: string, hash: string) => {
      tries += 1;
      return await hasher.verify(password, hash);
    },
  };
  const signInFailures = createSignInFailureStore(db);
  const ports = {
    audit: createAuditStore(db),
    clock,
    log,
    passwords,
    signInFailures,
    users: createUserStore(db),
  };
  const check = createPasswordCheck(ports);
  return {
    signIn: async (password: string, from: Origin = HOME, username = "ada") =>
      (await check({ username, password }, from))?.user.username ?? null,
    tryToken: () => countUnknownToken(ports, HOME),
  };
}

/** So many wrong ones in a row, each another. */
async function fail(count: number, from: Origin = HOME, username = "ada"): Promise<void> {
  const node = openNode();
  for (let n = 0; n < count; n += 1) assert.equal(await node.signIn(`wrong ${n}`, from, username), null);
}

/** Another address each time. */
const stranger = (n: number): Origin => ({ door: "http", address: `198.51.${n >> 8}.${n & 255}` });

describe("a password", () => {
  it("lets its user in, by a name in any case, and nobody else", async () => {
    const { signIn } = openNode();
    assert.equal(await signIn(PASSWORD), "ada");
    assert.equal(await signIn(PASSWORD, HOME, "ADA"), "ada");
    assert.equal(await signIn(`${PASSWORD}!`), null);
    assert.equal(await signIn(PASSWORD, HOME, "eve"), null);
  });

  it("costs the same work whether there is such a user or not", async () => {
    await fail(1, HOME, "ada");
    assert.equal(tries, 1);
    await fail(1, HOME, "nobody");
    assert.equal(tries, 2);
  });

  it("that is not all of a longer one does not pass for it", async () => {
    const long = "x7".repeat(512);
    const hash = cheapHash(long);
    await db.updateTable("users").set({ password_hash: hash }).execute();
    const { signIn } = openNode();
    assert.equal(await signIn(`${long}y`), null);
    assert.equal(await signIn(long), "ada");
  });

  it("that many requests bring at once is tried once, and remembered for a minute", async () => {
    const { signIn } = openNode();
    const answers = await Promise.all(Array.from({ length: 50 }, () => signIn(PASSWORD)));
    assert.deepEqual([...new Set(answers)], ["ada"]);
    assert.equal(tries, 1);
    await clock.advance(59_000);
    await signIn(PASSWORD);
    assert.equal(tries, 1);
    await clock.advance(2_000);
    await signIn(PASSWORD);
    assert.equal(tries, 2);
  });

  it("that was changed is no longer remembered", async () => {
    const { signIn } = openNode();
    await signIn(PASSWORD);
    const hash = cheapHash("another one");
    await db.updateTable("users").set({ password_hash: hash }).execute();
    assert.equal(await signIn(PASSWORD), null);
  });
});

describe("wrong passwords", () => {
  it("lock nobody out while they are as many as a client tries by itself", async () => {
    await fail(20);
    assert.equal(await openNode().signIn(PASSWORD), "ada");
    await fail(20);
  });

  it("make the account wait for that address, for longer each time, on every node", async () => {
    await fail(21);
    for (const seconds of [5, 10, 20]) {
      await assert.rejects(openNode().signIn(PASSWORD), { ...THROTTLED, retryAfterSeconds: seconds });
      await clock.advance(seconds * 1000);
      await fail(1);
    }
    await clock.advance(40_000);
    assert.equal(await openNode().signIn(PASSWORD), "ada");
  });

  it("that must wait are not even tried", async () => {
    await fail(21);
    tries = 0;
    await assert.rejects(openNode().signIn("wrong"), THROTTLED);
    assert.equal(tries, 0);
  });

  it("make the right one wait too, though it was tried a moment ago: nothing tells it from them", async () => {
    const { signIn } = openNode();
    await signIn(PASSWORD);
    for (let n = 0; n < 21; n += 1) assert.equal(await signIn(`wrong ${n}`), null);
    await assert.rejects(signIn("wrong again"), THROTTLED);
    await assert.rejects(signIn(PASSWORD), THROTTLED);
    await clock.advance(5_001);
    assert.equal(await signIn(PASSWORD), "ada");
  });

  it("count one by one, also when they come at once", async () => {
    const { signIn } = openNode();
    const guesses = Array.from({ length: 40 }, (_, n) => signIn(`guess ${n}`));
    const ended = await Promise.allSettled(guesses);
    assert.equal(ended.filter(({ status }) => status === "fulfilled").length, 21);
    assert.equal(tries, 21);
  });

  it("are the same for an account that does not exist", async () => {
    await fail(21, HOME, "nobody");
    await assert.rejects(openNode().signIn("wrong", HOME, "nobody"), {
      ...THROTTLED,
      retryAfterSeconds: 5,
    });
  });

  it("of strangers do not lock a user out of where they signed in before", async () => {
    assert.equal(await openNode().signIn(PASSWORD), "ada");
    for (let n = 0; n < 101; n += 1) await fail(1, stranger(n));
    await assert.rejects(openNode().signIn("wrong", stranger(200)), THROTTLED);
    assert.equal(await openNode().signIn(PASSWORD), "ada");
  });

  it("of strangers keep a user out of new places for a minute at most", async () => {
    for (let n = 0; n < 110; n += 1) {
      await fail(1, stranger(n));
      if (n >= 100) await clock.advance(60_000);
    }
    assert.equal(await openNode().signIn(PASSWORD, { door: "http", address: "192.0.2.1" }), "ada");
  });

  it("for many accounts from one address end in a wait for that address, but for those who are known there", async () => {
    assert.equal(await openNode().signIn(PASSWORD), "ada");
    await addUser("bob");
    for (let n = 0; n < 101; n += 1) {
      await addUser(`name-${n}`);
      await fail(1, HOME, `name-${n}`);
    }
    await assert.rejects(openNode().signIn(PASSWORD, HOME, "bob"), THROTTLED);
    assert.equal(await openNode().signIn(PASSWORD), "ada");
  });

  it("of one broken client do not shut out the others behind its address", async () => {
    await addUser("bob");
    for (let round = 0; round < 20; round += 1) {
      await fail(round === 0 ? 21 : 1);
      await clock.advance(900_000);
    }
    assert.equal(await openNode().signIn(PASSWORD, HOME, "bob"), "bob");
  });

  it("are noted in the audit log, a few of them, without a name that nobody has", async () => {
    await fail(20, HOME, "my-secret-typed-here");
    await fail(1);
    const events = await db.selectFrom("audit_events").selectAll().orderBy("id").execute();
    assert.deepEqual(
      events.map(({ action, entity_path }) => [action, entity_path]),
      [...Array.from({ length: 5 }, () => ["sign-in-failed", null]), ["sign-in-failed", "ada"]],
    );
    const everything = JSON.stringify([
      events,
      await db.selectFrom("sign_in_failures").selectAll().execute(),
    ]);
    assert.equal(everything.includes("my-secret"), false);
  });
});

describe("unknown tokens", () => {
  it("are asked to wait after a hundred, and forgotten after an hour", async () => {
    const { tryToken, signIn } = openNode();
    for (let n = 0; n < 101; n += 1) await tryToken();
    await assert.rejects(tryToken(), { ...THROTTLED, retryAfterSeconds: 1 });
    assert.equal(await signIn(PASSWORD), "ada", "passwords are another matter");
    await clock.advance(3_700_000);
    for (let n = 0; n < 100; n += 1) await tryToken();
  });
});
