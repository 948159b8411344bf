import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { sql } from "kysely";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import type { CredentialStore, MirrorStore, NewMirror, SealedSecretStore } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createSealer } from "../secrets/sealer.ts";
import { createCredentialStore } from "./credentials.ts";
import { createMirrorStore } from "./mirrors.ts";
import { createNamespaceStore } from "./namespaces.ts";
import type { Db } from "./pool.ts";
import { createSealedSecretStore } from "./sealed-secrets.ts";

let db: Db;
let mirrors: MirrorStore;
let credentials: CredentialStore;
let sealed: SealedSecretStore;
let projectId = 0;
let userId = 0;
let namespaceId = 0;
const keys = new Map<string, Buffer>();
let current = "";

function addKey(id: string): void {
  keys.set(id, randomBytes(32));
  current = id;
}

before(async () => {
  db = await openTestStore();
  const sealer = createSealer({
    sealingKey: () => ({ id: current, key: keys.get(current) ?? randomBytes(32) }),
    find: (id) => keys.get(id) ?? null,
  });
  mirrors = createMirrorStore(db, sealer);
  credentials = createCredentialStore(db, sealer);
  sealed = createSealedSecretStore(db, sealer);
  ({ userId, projectId } = await makeProjectOfAda(db));
  namespaceId = (await createNamespaceStore(db).findByFullPath("ada"))?.id ?? 0;
});

after(async () => {
  await db.destroy();
});

beforeEach(async () => {
  await db.deleteFrom("mirrors").execute();
  await db.deleteFrom("credentials").execute();
  keys.clear();
  addKey("k1");
});

function draft(password: string): NewMirror {
  return {
    ...{ projectId, direction: "push", enabled: true, urlHadUserinfo: false, authMethod: "password", userId },
    url: parseRemoteUrl("https://example.com/a.git").url,
    ...{ credential: { username: "u", password }, options: DEFAULT_MIRROR_OPTIONS },
  };
}

function makeCredential(name: string): Promise<{ readonly id: number }> {
  return credentials.create({
    ...{ namespaceId, name, kind: "password", username: "u", expiresAt: null, createdBy: userId },
    secret: { password: `of ${name}` },
  });
}

async function isSomebodyWaiting(): Promise<boolean> {
  const { rows } = await sql`select from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`.execute(db);
  return rows.length > 0;
}

describe("a change of the keys", () => {
  it("waits for what is being saved with the old one", async () => {
    const gate = Promise.withResolvers<void>();
    const sealing = Promise.withResolvers<number>();
    const saved = mirrors.changeMirrorsOf(projectId, async (editor) => {
      const { id } = await editor.create(draft("precious"));
      sealing.resolve(id);
      await gate.promise;
    });
    const id = await sealing.promise;
    addKey("k2");
    let isDone = false;
    const change = sealed.sealAnew(["k1"]).finally(() => {
      isDone = true;
    });
    await waitFor(async () => isDone || (await isSomebodyWaiting()), { message: "it waits" });
    assert.equal(isDone, false, "what is saved with the old key is not seen yet");
    gate.resolve();
    await saved;
    assert.deepEqual(await change, { sealed: 1, unreadable: [] });
    assert.deepEqual([...(await sealed.countByKey())], [["k2", 1]]);
    keys.delete("k1");
    assert.equal((await mirrors.readRemote(id)).secret.password, "precious");
  });

  it("leaves what is damaged as it is, says whose it is, and goes on", async () => {
    const [first, broken, last] = [
      await makeCredential("a"),
      await makeCredential("b"),
      await makeCredential("c"),
    ];
    const mirror = await mirrors.create({
      ...draft("p"),
      clientCertificate: { certificate: "C", privateKey: "K" },
    });
    const flipped = (column: string) =>
      sql<Buffer>`set_byte(${sql.ref(column)}, 28, 255 - get_byte(${sql.ref(column)}, 28))`;
    await db
      .updateTable("credentials")
      .set({ password_sealed: flipped("password_sealed") })
      .where("id", "=", broken.id)
      .execute();
    await db
      .updateTable("mirrors")
      .set({ client_key_sealed: flipped("client_key_sealed") })
      .execute();
    addKey("k2");
    const unreadable = [
      {
        ...{ kind: "password", mirrorId: null, credentialId: broken.id, username: null },
        ...{ hookId: null, pipelineTriggerId: null },
      },
      {
        ...{ kind: "client_key", mirrorId: mirror.id, credentialId: null, username: null },
        ...{ hookId: null, pipelineTriggerId: null },
      },
    ];
    assert.deepEqual(await sealed.sealAnew(["k1"]), { sealed: 3, unreadable });
    assert.deepEqual(await sealed.sealAnew(["k1"]), { sealed: 0, unreadable }, "and again");
    assert.deepEqual(Object.fromEntries(await sealed.countByKey()), { k1: 2, k2: 3 });
    for (const { id } of [first, last]) assert((await credentials.readSecret(id)).password);
  });

  it("is refused at once while another one is under way", async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = sealed.whileAlone(async () => {
      begun.resolve();
      await gate.promise;
      return "done";
    });
    await begun.promise;
    let calls = 0;
    const second = sealed.whileAlone(async () => {
      calls += 1;
    });
    await assert.rejects(second, { code: "conflict" });
    assert.equal(calls, 0);
    gate.resolve();
    assert.equal(await first, "done");
    assert.equal(await sealed.whileAlone(async () => "again"), "again");
  });
});
