import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../test/support/store.ts";
import type { SecondFactorStore } from "../app/ports.ts";
import type { Db } from "./pool.ts";
import { createSealedSecretStore, hasSealedSecrets } from "./sealed-secrets.ts";
import { createSecondFactorStore } from "./second-factors.ts";
import { createUserStore } from "./users.ts";

const NOW = new Date("2030-01-01T00:00:00Z");
const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const CODES = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

let db: Db;
const sealer = createTestSealer("k");
let store: SecondFactorStore;
let userId = 0;

before(async () => {
  db = await openTestStore();
  store = createSecondFactorStore(db, sealer);
});
after(async () => {
  await db.destroy();
});
beforeEach(async () => {
  await db.deleteFrom("users").execute();
  const ada = { username: "ada", name: "Ada", email: "ada@example.com", isAdmin: false, passwordHash: null };
  userId = (await createUserStore(db).create(ada)).id;
});

async function enable(step = 100): Promise<void> {
  assert.equal(await store.begin(userId, SECRET, NOW), true);
  const confirmed = { secret: SECRET, step, recoveryDigests: CODES, at: NOW };
  assert.equal(await store.confirm(userId, confirmed), true);
}

/** How often it said yes. */
async function countYes(tries: readonly Promise<boolean>[]): Promise<number> {
  return (await Promise.all(tries)).filter(Boolean).length;
}

describe("a second factor", () => {
  it("counts for nothing before it is confirmed", async () => {
    await store.begin(userId, SECRET, NOW);
    assert.deepEqual(await store.find(userId), {
      secret: SECRET,
      begunAt: NOW,
      confirmedAt: null,
      recoveryCodes: 0,
    });
    assert.equal((await createUserStore(db).find(userId))?.hasSecondFactor, false);
    assert.equal(await store.takeStep(userId, 101), false);
    assert.equal(await store.remove(userId), false);
  });

  it("is in force once it is confirmed, and is not begun anew under it", async () => {
    await enable();
    assert.deepEqual(await store.find(userId), {
      secret: SECRET,
      begunAt: null,
      confirmedAt: NOW,
      recoveryCodes: 2,
    });
    assert.equal((await createUserStore(db).find(userId))?.hasSecondFactor, true);
    assert.equal(await store.begin(userId, "ABCDEFGH", NOW), false);
    assert.equal((await store.find(userId))?.secret, SECRET);
  });

  it("is not confirmed by the code of a secret that another one has replaced", async () => {
    await store.begin(userId, SECRET, NOW);
    await store.begin(userId, "ABCDEFGH", NOW);
    const confirmed = { secret: SECRET, step: 1, recoveryDigests: CODES, at: NOW };
    assert.equal(await store.confirm(userId, confirmed), false);
    assert.equal((await store.find(userId))?.confirmedAt, null);
  });

  it("is forgotten when nobody confirms it, and stays when somebody did", async () => {
    const later = new Date(NOW.getTime() + 1);
    await store.begin(userId, SECRET, NOW);
    assert.equal(await store.removeUnconfirmed(NOW), 0);
    assert.equal(await store.removeUnconfirmed(later), 1);
    assert.equal(await store.find(userId), null);
    await enable();
    assert.equal(await store.removeUnconfirmed(later), 0);
    assert.equal((await store.find(userId))?.secret, SECRET);
  });

  it("is gone with its recovery codes when it is taken away", async () => {
    await enable();
    assert.equal(await store.remove(userId), true);
    assert.equal(await store.find(userId), null);
    assert.equal(await store.takeRecoveryCode(userId, CODES[0] ?? Buffer.alloc(0)), false);
    assert.equal(await store.remove(userId), false);
  });
});

describe("a code", () => {
  it("is good once, also for requests that come at the same time", async () => {
    await enable(100);
    assert.equal(await store.takeStep(userId, 100), false, "the one that confirmed it");
    assert.equal(await countYes(Array.from({ length: 8 }, () => store.takeStep(userId, 101))), 1);
    assert.equal(await store.takeStep(userId, 101), false);
    assert.equal(await store.takeStep(userId, 100), false, "one before it");
    assert.equal(await store.takeStep(userId, 102), true);
  });

  it("of recovery is good once, also for requests that come at the same time", async () => {
    await enable();
    const [code = Buffer.alloc(0), other = Buffer.alloc(0)] = CODES;
    assert.equal(await countYes(Array.from({ length: 8 }, () => store.takeRecoveryCode(userId, code))), 1);
    assert.equal((await store.find(userId))?.recoveryCodes, 1);
    await store.replaceRecoveryCodes(userId, [Buffer.alloc(32, 3)]);
    assert.equal(await store.takeRecoveryCode(userId, other), false);
    assert.equal(await store.takeRecoveryCode(userId, Buffer.alloc(32, 3)), true);
  });
});

describe("its secret", () => {
  it("is sealed, for this user only", async () => {
    await enable();
    const row = await db.selectFrom("users").selectAll().where("id", "=", userId).executeTakeFirstOrThrow();
    assert.equal(JSON.stringify(row).includes(SECRET), false);
    assert(row.totp_secret_sealed);
    assert.equal(row.totp_secret_sealed.includes(SECRET), false);
    const eve = {
      username: "eve",
      name: "Eve",
      email: "eve@example.com",
      isAdmin: false,
      passwordHash: null,
    };
    const other = await createUserStore(db).create(eve);
    await db
      .updateTable("users")
      .set({ totp_secret_sealed: row.totp_secret_sealed, totp_key_id: row.totp_key_id })
      .where("id", "=", other.id)
      .execute();
    assert.equal((await store.find(other.id))?.secret, null);
  });

  it("is lost with its key, and whose it is can be told", async () => {
    await enable();
    const without = createSecondFactorStore(db, createTestSealer("another"));
    assert.deepEqual(await without.find(userId), {
      secret: null,
      begunAt: null,
      confirmedAt: NOW,
      recoveryCodes: 2,
    });
    assert.deepEqual(await store.listUsersWithout(["another"]), ["ada"]);
    assert.deepEqual(await store.listUsersWithout([]), ["ada"]);
    assert.deepEqual(await store.listUsersWithout(["k", "another"]), []);
  });

  it("is counted, and sealed anew, with all others", async () => {
    assert.equal(await hasSealedSecrets(db), false);
    await enable();
    assert.equal(await hasSealedSecrets(db), true);
    const next = createTestSealer("next");
    const both = {
      seal: next.seal,
      open: (secret: Parameters<typeof sealer.open>[0], context: string) =>
        (secret.keyId === "k" ? sealer : next).open(secret, context),
    };
    const sealed = createSealedSecretStore(db, both);
    assert.deepEqual([...(await sealed.countByKey())], [["k", 1]]);
    assert.deepEqual(await sealed.sealAnew(["k"]), { sealed: 1, unreadable: [] });
    assert.deepEqual([...(await sealed.countByKey())], [["next", 1]]);
    assert.equal((await createSecondFactorStore(db, next).find(userId))?.secret, SECRET);
  });

  it("that is damaged is named by a change of keys, and left", async () => {
    await enable();
    await db
      .updateTable("users")
      .set({ totp_secret_sealed: Buffer.alloc(60) })
      .execute();
    const { sealed, unreadable } = await createSealedSecretStore(db, sealer).sealAnew(["k"]);
    assert.equal(sealed, 0);
    const whose = {
      ...{ mirrorId: null, credentialId: null, username: "ada" },
      ...{ hookId: null, pipelineTriggerId: null },
    };
    assert.deepEqual(unreadable, [{ kind: "second_factor", ...whose }]);
  });
});
