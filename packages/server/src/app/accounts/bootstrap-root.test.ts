import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createTokenStore } from "../../db/access-tokens.ts";
import { createAuditStore } from "../../db/audit-events.ts";
import type { Db } from "../../db/pool.ts";
import { createUserStore } from "../../db/users.ts";
import { createPasswordHasher } from "../../secrets/password-hasher.ts";
import { systemClock } from "../../system-clock.ts";
import { bootstrapRoot, type MadeUpSecrets } from "./bootstrap-root.ts";
import { digestToken } from "./token-digest.ts";

const NOTHING = { password: null, token: null };

let db: Db;
let kept: MadeUpSecrets[] = [];

before(async () => {
  db = await openTestStore();
});
after(async () => {
  await db.destroy();
});
beforeEach(async () => {
  await db.deleteFrom("users").execute();
  await db.deleteFrom("audit_events").execute();
  kept = [];
});

function portsNow() {
  return {
    audit: createAuditStore(db),
    users: createUserStore(db),
    tokens: createTokenStore(db),
    passwords: createPasswordHasher(),
    clock: systemClock,
    instance: { makeTokenSecret: () => `made-up-${randomUUID()}` },
  };
}

async function keep(madeUp: MadeUpSecrets): Promise<void> {
  kept.push(madeUp);
}

describe("the first start", () => {
  it("makes root with a password and a token that were kept before they are in force", async () => {
    const ports = portsNow();
    const madeUp = await bootstrapRoot(ports, NOTHING, async (secret) => {
      assert.equal(await ports.users.count(), 0, "root is not there yet");
      await keep(secret);
    });
    assert.deepEqual(kept, [madeUp]);
    const root = await ports.users.findForSignIn("root");
    assert.ok(root?.passwordHash && madeUp.password && madeUp.token);
    assert.equal(await ports.passwords.verify(madeUp.password, root.passwordHash), true);
    const token = await ports.tokens.findByDigest(digestToken(madeUp.token));
    assert.deepEqual(token?.token.scopes, ["api", "write_repository", "admin_mode"]);
    const rows = await db.selectFrom("audit_events").selectAll().orderBy("id").execute();
    assert.deepEqual(
      rows.map(({ action, author_name }) => [action, author_name]),
      [
        ["user-created", "(start of the server)"],
        ["token-created", "(start of the server)"],
      ],
    );
    assert.doesNotMatch(JSON.stringify(rows), new RegExp(madeUp.token));
  });

  it("takes what the environment gives, and keeps nothing of it", async () => {
    const ports = portsNow();
    const given = { password: "given-password", token: "given-token-of-root" };
    assert.deepEqual(await bootstrapRoot(ports, given, keep), NOTHING);
    assert.deepEqual(kept, []);
    assert.ok(await ports.tokens.findByDigest(digestToken(given.token)));
  });

  it("that was killed before the token was made is finished by the next", async () => {
    const ports = portsNow();
    const { tokens, ...rest } = ports;
    const killed = { ...tokens, create: () => Promise.reject(new Error("killed")) };
    await assert.rejects(bootstrapRoot({ ...rest, tokens: killed }, NOTHING, keep), /killed/);
    const madeUp = await bootstrapRoot(ports, NOTHING, keep);
    assert.equal(madeUp.password, null);
    assert.ok(madeUp.token && (await tokens.findByDigest(digestToken(madeUp.token))));
  });
});

describe("a later start", () => {
  it("makes nothing up, also when the first token was revoked", async () => {
    const ports = portsNow();
    await bootstrapRoot(ports, NOTHING, keep);
    await db.updateTable("access_tokens").set({ revoked: true }).execute();
    assert.deepEqual(await bootstrapRoot(ports, NOTHING, keep), NOTHING);
    assert.equal(kept.length, 1);
  });

  it("leaves a token of the environment revoked, and starts all the same", async () => {
    const ports = portsNow();
    const given = { password: null, token: "token-of-the-environment" };
    await bootstrapRoot(ports, given, keep);
    await db.updateTable("access_tokens").set({ revoked: true }).execute();
    await bootstrapRoot(ports, given, keep);
    assert.equal((await ports.tokens.findByDigest(digestToken(given.token)))?.token.revoked, true);
  });

  it("adds a token of the environment that is not known, and leaves the password", async () => {
    const ports = portsNow();
    await bootstrapRoot(ports, { password: "first-password", token: null }, keep);
    await bootstrapRoot(ports, { password: "other-password", token: "another-token" }, keep);
    assert.ok(await ports.tokens.findByDigest(digestToken("another-token")));
    const root = await ports.users.findForSignIn("root");
    assert.equal(await ports.passwords.verify("first-password", root?.passwordHash ?? ""), true);
  });
});
