import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { Secret, TOTP } from "otpauth";
import { FakeClock } from "../../../../../test/support/fake-clock.ts";
import { createTestSealer } from "../../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createAuditStore } from "../../db/audit-events.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../../db/instance-settings.ts";
import type { Db } from "../../db/pool.ts";
import { createSecondFactorStore } from "../../db/second-factors.ts";
import { createSessionStore } from "../../db/sessions.ts";
import { createSignInFailureStore } from "../../db/sign-in-failures.ts";
import { createUserStore } from "../../db/users.ts";
import type { Session } from "../../domain/session.ts";
import { THROTTLE_RULES } from "../../domain/sign-in-throttle.ts";
import type { Principal, User } from "../../domain/user.ts";
import { createPasswordHasher } from "../../secrets/password-hasher.ts";
import { createPasswordCheck } from "../sign-in/check-password.ts";
import { openSession } from "../sign-in/sessions.ts";
import { secondFactorUseCases } from "./manage-second-factor.ts";
import type { SecondFactorUseCases } from "./second-factor-use-cases.ts";
import { type CodeVerdict, takeCode } from "./take-code.ts";

const PASSWORD = "a long password";
const STEP_MS = 30_000;

let db: Db;
let clock: FakeClock;
let ada: User;
let root: User;
let session: Session | null;
const nothing = (): void => undefined;
const passwords = createPasswordHasher();
const sealer = createTestSealer("k");

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
  await db.deleteFrom("sign_in_failures").execute();
  session = null;
  clock = new FakeClock(new Date("2030-01-01T00:00:00Z"));
  const users = createUserStore(db);
  const passwordHash = await passwords.hash(PASSWORD);
  const names = { username: "ada", name: "Ada", email: "ada@example.com" };
  ada = await users.create({ ...names, isAdmin: false, passwordHash });
  const ofRoot = { username: "root", name: "Root", email: "root@example.com" };
  root = await users.create({ ...ofRoot, isAdmin: true, passwordHash: null });
});

function portsNow() {
  return {
    audit: createAuditStore(db),
    clock,
    instance: { externalUrl: "https://git.example.com" },
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    passwords,
    randomBytes,
    secondFactors: createSecondFactorStore(db, sealer),
    sessions: createSessionStore(db),
    settings: createInstanceSettingsStore(db),
    signInFailures: createSignInFailureStore(db),
    users: createUserStore(db),
  };
}

function useCasesOf(ports: ReturnType<typeof portsNow>): SecondFactorUseCases {
  return secondFactorUseCases(ports, createPasswordCheck(ports));
}

const useCases = (): SecondFactorUseCases => useCasesOf(portsNow());

/** Of a code. */
async function verdictOf(code: string, user: User = ada, ports = portsNow()): Promise<CodeVerdict> {
  return (await takeCode(ports, user, code)).verdict;
}

/** As they are now. */
async function signedIn(user: User): Promise<Principal> {
  const now = await createUserStore(db).find(user.id);
  assert(now);
  const how = { method: "oidc", from: { door: "http", address: "192.0.2.1", userAgent: null } } as const;
  session ??= (
    await openSession(
      { ...portsNow(), audit: { ...portsNow().audit, record: async () => undefined } },
      now,
      how,
    )
  ).session;
  return { kind: "user", user: now, memberships: [], token: null, session: { ...session, userId: now.id } };
}

function codeOf(secret: string): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: clock.now().getTime() });
}

async function enable(user: User): Promise<{ secret: string; codes: readonly string[] }> {
  const { secret } = await useCases().beginSecondFactor(await signedIn(user), { password: PASSWORD });
  const codes = await useCases().confirmSecondFactor(await signedIn(user), codeOf(secret));
  await clock.advance(STEP_MS);
  return { secret, codes };
}

async function actionsNoted(): Promise<readonly string[]> {
  const rows = await db.selectFrom("audit_events").select("action").orderBy("id").execute();
  return rows.map(({ action }) => action);
}

const wrong = (field: string) => ({ code: "model-invalid", message: new RegExp(`^${field} `) });

describe("setting a second factor up", () => {
  it("shows the secret once, and ten recovery codes for the first code of the app", async () => {
    const begun = await useCases().beginSecondFactor(await signedIn(ada), { password: PASSWORD });
    assert.equal(Secret.fromBase32(begun.secret).bytes.length, 20);
    assert.match(begun.url, /^otpauth:\/\/totp\/git\.example\.com:ada\?/);
    assert.equal((await useCases().readSecondFactor(await signedIn(ada))).isEnabled, false);

    const codes = await useCases().confirmSecondFactor(await signedIn(ada), codeOf(begun.secret));
    assert.equal(new Set(codes).size, 10);
    const state = await useCases().readSecondFactor(await signedIn(ada));
    assert.deepEqual(state, {
      ...{ isEnabled: true, enabledAt: clock.now(), recoveryCodes: 10 },
      ...{ isUnreadable: false, isRequired: false },
    });
    assert.deepEqual(await actionsNoted(), ["two-factor-enabled"]);
  });

  it("needs the password, and a code of this very secret", async () => {
    const begin = async (password: string) =>
      await useCases().beginSecondFactor(await signedIn(ada), { password });
    await assert.rejects(begin("not it"), wrong("current_password"));
    await assert.rejects(begin(""), wrong("current_password"));
    const { secret: before } = await begin(PASSWORD);
    const { secret } = await begin(PASSWORD);
    const confirm = async (code: string) => await useCases().confirmSecondFactor(await signedIn(ada), code);
    await assert.rejects(confirm(codeOf(before)), wrong("code"));
    await confirm(codeOf(secret));
    await assert.rejects(begin(PASSWORD), { code: "conflict" });
    await assert.rejects(confirm(codeOf(secret)), { code: "conflict" });
  });

  it("takes a code for half an hour, and then for a new secret only", async () => {
    const begin = async () => await useCases().beginSecondFactor(await signedIn(ada), { password: PASSWORD });
    const late = await begin();
    await clock.advance(30 * 60_000 + 1);
    await assert.rejects(
      async () => useCases().confirmSecondFactor(await signedIn(ada), codeOf(late.secret)),
      {
        code: "conflict",
        message: "This secret was not confirmed in time. Begin with a new one.",
      },
    );
    const { secret } = await begin();
    await clock.advance(30 * 60_000);
    assert.equal((await useCases().confirmSecondFactor(await signedIn(ada), codeOf(secret))).length, 10);
  });

  it("takes only so many wrong codes, and then not even the right one until later", async () => {
    const { secret } = await useCases().beginSecondFactor(await signedIn(ada), { password: PASSWORD });
    const confirm = async (code: string) => await useCases().confirmSecondFactor(await signedIn(ada), code);
    for (let n = 0; n <= THROTTLE_RULES.code.free; n += 1) await assert.rejects(confirm("no"), wrong("code"));
    await assert.rejects(confirm(codeOf(secret)), { code: "too-many-sign-ins" });
    await clock.advance(THROTTLE_RULES.code.firstDelayMs + 1);
    assert.equal((await confirm(codeOf(secret))).length, 10);
  });

  it("is not for a token, and not for nobody", async () => {
    const token = {
      ...{ id: 1, userId: ada.id, name: "t", description: null, scopes: ["api"] as const },
      ...{ projectId: null, namespaceId: null, revoked: false, createdAt: clock.now() },
      ...{ lastUsedAt: null, expiresAt: null },
    };
    const byToken: Principal = { kind: "user", user: ada, memberships: [], token };
    const proof = { password: PASSWORD };
    await assert.rejects(useCases().beginSecondFactor(byToken, proof), { code: "forbidden" });
    await assert.rejects(useCases().readSecondFactor(byToken), { code: "forbidden" });
    const nobody: Principal = { kind: "anonymous" };
    await assert.rejects(useCases().beginSecondFactor(nobody, proof), { code: "unauthenticated" });
  });
});

describe("a code", () => {
  it("of the app is good once, and the next one is good again", async () => {
    const { secret } = await enable(ada);
    const take = async (code: string) => await verdictOf(code);
    const code = codeOf(secret);
    assert.deepEqual((await Promise.all([take(code), take(code)])).sort(), ["app", "wrong"]);
    assert.equal(await take(code), "wrong");
    await clock.advance(STEP_MS);
    assert.equal(await take(codeOf(secret)), "app");
    assert.equal(await take("000000"), "wrong");
  });

  it("may be wrong ten times; then even a right one has to wait", async () => {
    const { secret } = await enable(ada);
    for (let failed = 0; failed < 11; failed += 1) assert.equal(await verdictOf("000000"), "wrong");
    const throttled = { code: "too-many-sign-ins", retryAfterSeconds: 5 };
    await assert.rejects(verdictOf(codeOf(secret)), throttled);
    const proof = { password: PASSWORD, code: codeOf(secret) };
    await assert.rejects(useCases().removeSecondFactor(await signedIn(ada), proof), throttled);
    await clock.advance(5_000);
    assert.equal(await verdictOf(codeOf(secret)), "app");
    assert.equal((await takeCode(portsNow(), ada, "000000")).failures, 1, "those before are forgotten");
  });

  it("of recovery is good once, however it is typed", async () => {
    const { codes } = await enable(ada);
    const take = async (code: string) => await verdictOf(code);
    const [first = "", second = ""] = codes;
    assert.equal(await take(` ${first.toUpperCase()} `), "recovery-code");
    assert.equal(await take(first), "wrong");
    assert.equal(await take(second.replaceAll("-", "")), "recovery-code");
    assert.equal(await verdictOf(codes[2] ?? "", root), "wrong", "of somebody else");
  });

  it("of the app cannot be checked without the secrets file; a recovery code can", async () => {
    const { secret, codes } = await enable(ada);
    const lost = {
      ...portsNow(),
      secondFactors: createSecondFactorStore(db, createTestSealer("another")),
    };
    assert.equal(await verdictOf(codeOf(secret), ada, lost), "unreadable");
    const state = await useCasesOf(lost).readSecondFactor(await signedIn(ada));
    assert.equal(state.isUnreadable, true);
    assert.equal(await verdictOf(codes[0] ?? "", ada, lost), "recovery-code");
    const proof = { password: PASSWORD, code: codes[1] ?? "" };
    await useCasesOf(lost).removeSecondFactor(await signedIn(ada), proof);
    assert.equal((await useCases().readSecondFactor(await signedIn(ada))).isEnabled, false);
  });
});

describe("what is in force", () => {
  it("is switched off by password and code, and by neither alone", async () => {
    const { secret } = await enable(ada);
    const remove = async (password: string, code: string) =>
      await useCases().removeSecondFactor(await signedIn(ada), { password, code });
    await assert.rejects(remove("not it", codeOf(secret)), wrong("current_password"));
    await assert.rejects(remove(PASSWORD, "000000"), wrong("code"));
    await remove(PASSWORD, codeOf(secret));
    assert.deepEqual(await actionsNoted(), ["two-factor-enabled", "sign-in-failed", "two-factor-disabled"]);
    await assert.rejects(remove(PASSWORD, codeOf(secret)), { code: "conflict" });
  });

  it("gets other recovery codes in place of all that are left", async () => {
    const { secret, codes } = await enable(ada);
    const proof = { password: PASSWORD, code: codeOf(secret) };
    const others = await useCases().replaceRecoveryCodes(await signedIn(ada), proof);
    assert.equal(others.length, 10);
    assert.equal(await verdictOf(codes[0] ?? ""), "wrong");
    assert.equal(await verdictOf(others[0] ?? ""), "recovery-code");
    assert.deepEqual(await actionsNoted(), ["two-factor-enabled", "two-factor-recovery-codes-replaced"]);
  });

  it("is taken away by an admin, and by nobody else", async () => {
    await enable(ada);
    const disable = async (by: User, id: number) =>
      await useCases().disableSecondFactorOf(await signedIn(by), id);
    await assert.rejects(disable(ada, ada.id), { code: "forbidden" });
    await disable(root, ada.id);
    assert.equal((await createUserStore(db).find(ada.id))?.hasSecondFactor, false);
    await assert.rejects(disable(root, ada.id), {
      code: "parameter-invalid",
      message: "Two-factor authentication is not enabled for this user",
    });
    await assert.rejects(disable(root, 999_999), { code: "not-found" });
    assert.deepEqual(await actionsNoted(), ["two-factor-enabled", "two-factor-disabled-by-admin"]);
  });
});
