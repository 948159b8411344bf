import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type {
  HookSecretStore,
  PipelineTriggerFacts,
  PipelineTriggerStore,
  SealedSecretStore,
} from "../app/ports.ts";
import { createSealer } from "../secrets/sealer.ts";
import { createHookSecretStore } from "./hook-secrets.ts";
import { createPipelineTriggerStore } from "./pipeline-triggers.ts";
import type { Db } from "./pool.ts";
import { createSealedSecretStore } from "./sealed-secrets.ts";

let db: Db;
let triggers: PipelineTriggerStore;
let secrets: HookSecretStore;
let sealed: SealedSecretStore;
let userId = 0;
let projectId = 0;
const keys = new Map([["k1", randomBytes(32)]]);
let current = "k1";

before(async () => {
  db = await openTestStore();
  const sealer = createSealer({
    sealingKey: () => ({ id: current, key: keys.get(current) ?? randomBytes(32) }),
    find: (id) => keys.get(id) ?? null,
  });
  triggers = createPipelineTriggerStore(db, sealer);
  secrets = createHookSecretStore(db, sealer);
  sealed = createSealedSecretStore(db, sealer);
  ({ userId, projectId } = await makeProjectOfAda(db));
});

after(async () => {
  await db.destroy();
});

const FACTS: PipelineTriggerFacts = {
  ...{ kind: "generic", name: "a", url: "https://example.com/a", enabled: true, verifiesCertificate: false },
  ...{ refFilter: "^refs/tags/", options: { workflow: null, user: null, variables: { A: "1" } } },
};

test("a trigger is read as it was written, and its token is sealed and follows a change of keys", async () => {
  const made = await triggers.create(projectId, FACTS, "a token", userId);
  const { id, createdAt, updatedAt, health, ...rest } = made;
  assert.deepEqual(rest, { ...FACTS, projectId, hasToken: true });
  assert.deepEqual([health.failureCount, createdAt <= updatedAt], [0, true]);
  assert.deepEqual(await triggers.listOf(projectId), [made]);
  const rows = await db.selectFrom("hook_secrets").select("value_sealed").execute();
  assert.equal(rows.length, 1);
  assert(!rows[0]?.value_sealed.includes("a token"));
  const read = async () => (await secrets.read({ kind: "pipeline-trigger", id })).token;
  assert.equal(await read(), "a token");

  keys.set("k2", randomBytes(32));
  current = "k2";
  assert.deepEqual(await sealed.sealAnew(["k1"]), { sealed: 1, unreadable: [] });
  keys.delete("k1");
  assert.equal(await read(), "a token");

  const changed = await triggers.update(id, { ...FACTS, name: "b", enabled: false });
  assert.deepEqual([changed?.name, changed?.enabled, changed?.hasToken], ["b", false, true]);
  assert.equal((await triggers.update(id, FACTS, "another"))?.hasToken, true);
  assert.equal(await read(), "another");
  assert.equal((await triggers.update(id, FACTS, null))?.hasToken, false);
  assert.equal(await read(), null);
  await triggers.remove(id);
  assert.equal(await triggers.find(id), null);
  assert.equal(await triggers.update(id, FACTS), null);
});
