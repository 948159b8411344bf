import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { eyesOf, makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { MirrorHookStore, MirrorStore, SealedSecretStore } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { lostSecrets } from "../domain/used-secrets.ts";
import { createSealer } from "../secrets/sealer.ts";
import { createMirrorHookStore } from "./mirror-hooks.ts";
import { createMirrorStore } from "./mirrors.ts";
import type { Db } from "./pool.ts";
import { createSealedSecretStore, hasSealedSecrets } from "./sealed-secrets.ts";
import { createUserStore } from "./users.ts";

let db: Db;
let mirrors: MirrorStore;
let hooks: MirrorHookStore;
let sealed: SealedSecretStore;
let userId = 0;
let projectId = 0;
let mirrorId = 0;
const keys = new Map([["k1", randomBytes(32)]]);
let current = "k1";

before(async () => {
  db = await openTestStore();
  const sealer = createSealer({
    sealingKey: () => ({ id: current, key: keys.get(current) ?? randomBytes(32) }),
    find: (id) => keys.get(id) ?? null,
  });
  mirrors = createMirrorStore(db, sealer);
  hooks = createMirrorHookStore(db, sealer);
  sealed = createSealedSecretStore(db, sealer);
  ({ userId, projectId } = await makeProjectOfAda(db));
  const made = await mirrors.create({
    ...{ projectId, direction: "pull", enabled: true, urlHadUserinfo: false, authMethod: "password", userId },
    url: parseRemoteUrl("https://example.com/a.git").url,
    ...{ credential: {}, options: DEFAULT_MIRROR_OPTIONS },
  });
  mirrorId = made.id;
});

after(async () => {
  await db.destroy();
});

test("a hook secret is sealed, follows a change of keys, and is missed when its key is lost", async () => {
  assert.equal(await hasSealedSecrets(db), false);
  await hooks.writeSecret(mirrorId, "a secret", userId);
  assert.equal(await hasSealedSecrets(db), true);
  const row = await db.selectFrom("mirror_hook_secrets").selectAll().executeTakeFirstOrThrow();
  assert(!row.secret_sealed.includes("a secret"));
  const read = async () => (await hooks.findHooked(projectId, "pull"))?.secret;
  assert.equal(await read(), "a secret");
  assert.deepEqual(await sealed.countByKey(), new Map([["k1", 1]]));

  keys.set("k2", randomBytes(32));
  current = "k2";
  assert.deepEqual(await sealed.sealAnew(["k1"]), { sealed: 1, unreadable: [] });
  assert.deepEqual(await sealed.countByKey(), new Map([["k2", 1]]));
  assert.equal(await read(), "a secret");

  keys.set("k2", randomBytes(32));
  const whose = { mirrorId, credentialId: null, hookId: null, pipelineTriggerId: null, username: null };
  keys.set("k3", randomBytes(32));
  current = "k3";
  const damaged = await sealed.sealAnew(["k2"]);
  assert.deepEqual(damaged, { sealed: 0, unreadable: [{ kind: "hook_secret", ...whose }] });
  assert.equal(await read(), null, "nobody is known by what does not open");

  const ada = await createUserStore(db).find(userId);
  assert(ada);
  const page = { page: 1, perPage: 10 };
  const without = (keyIds: readonly string[]) =>
    sealed.listMirrorsWithout({ visibleTo: eyesOf(ada), keyIds }, page);
  assert.equal((await without(["k2"])).total, 0);
  const [lost] = (await without(["k3"])).items;
  assert(lost);
  assert.deepEqual(lostSecrets(lost.mirror, { isKnown: (id) => id === "k3" }), ["hook_secret"]);

  // An update shows its remote no hook secret: what stopped for another one goes on.
  await db.updateTable("mirrors").set({ last_error_code: "secret-unreadable" }).execute();
  assert.deepEqual(await sealed.listMirrorsOpenAgain(["k3"]), [mirrorId]);

  await hooks.writeSecret(mirrorId, "another", userId);
  assert.equal(await read(), "another");
  assert.equal((await without(["k3"])).total, 0);
});

test("what is sealed for one mirror opens for no other", async () => {
  const other = await mirrors.create({
    ...{ projectId, direction: "push", enabled: true, urlHadUserinfo: false, authMethod: "password", userId },
    url: parseRemoteUrl("https://example.com/b.git").url,
    ...{ credential: {}, options: DEFAULT_MIRROR_OPTIONS },
  });
  await hooks.writeSecret(mirrorId, "the first's", userId);
  await hooks.writeSecret(other.id, "the second's", userId);
  const first = await db
    .selectFrom("mirror_hook_secrets")
    .select(["secret_sealed", "secret_key_id"])
    .where("mirror_id", "=", mirrorId)
    .executeTakeFirstOrThrow();
  await db.updateTable("mirror_hook_secrets").set(first).where("mirror_id", "=", other.id).execute();
  assert.equal((await hooks.findHooked(projectId, other.id))?.secret, null);
  assert.equal(await hooks.findHooked(projectId + 1, other.id), null, "nor is it one of another project");
});

test("what was told is remembered by mirror, and forgotten in its time", async () => {
  const at = new Date("2026-01-02T03:04:05Z");
  const digest = randomBytes(32);
  await hooks.noteReceived(mirrorId, at, digest);
  await hooks.noteReceived(mirrorId, at, digest);
  assert.equal(await hooks.wasReceived(mirrorId, digest), true);
  assert.equal(await hooks.wasReceived(mirrorId + 1, digest), false);
  assert.equal(await hooks.wasReceived(mirrorId, randomBytes(32)), false);
  assert.equal(await hooks.removeOldMessages(at), 0);
  assert.equal(await hooks.removeOldMessages(new Date(at.getTime() + 1)), 1);
  assert.equal(await hooks.wasReceived(mirrorId, digest), false);
});

test("a change counts as missed only where webhooks come, and none came since the mirror was in step", async () => {
  const at = (minutes: number) => new Date(Date.UTC(2026, 0, 2, 3, minutes));
  const missed = async () => (await mirrors.find(mirrorId))?.hook.missedCount;
  await db.updateTable("mirrors").set({ hook_received_at: null }).where("id", "=", mirrorId).execute();
  await hooks.noteFound(mirrorId, at(1), at(0));
  assert.equal(await missed(), 0, "none ever came");
  await hooks.noteReceived(mirrorId, at(2), null);
  await hooks.noteFound(mirrorId, at(4), at(1));
  assert.equal(await missed(), 0, "it came while the check was under way");
  await hooks.noteFound(mirrorId, at(4), null);
  assert.equal(await missed(), 0, "it never was in step");
  await hooks.noteFound(mirrorId, at(4), at(3));
  await hooks.noteFound(mirrorId, at(5), at(4));
  assert.equal(await missed(), 2);
  assert.deepEqual(await hooks.count(at(6)), { hooked: 1, missing: 1 });
  await hooks.noteReceived(mirrorId, at(6), null);
  assert.deepEqual(await hooks.count(at(6)), { hooked: 1, missing: 0 });
  assert.deepEqual(
    (await mirrors.find(mirrorId))?.hook.missedAt,
    at(5),
    "of the last one, people are still told",
  );
});
