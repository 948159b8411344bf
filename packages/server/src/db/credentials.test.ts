import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { sql } from "kysely";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { eyesOf, makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { CredentialStore, FinishedUpdate, MirrorStore, NewCredential } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { HARD_FAILURE_AFTER } from "../domain/schedule.ts";
import { lostSecrets } from "../domain/used-secrets.ts";
import { createCredentialStore } from "./credentials.ts";
import { createMirrorStore } from "./mirrors.ts";
import { createNamespaceStore } from "./namespaces.ts";
import { createMailOutbox } from "./outgoing-mails.ts";
import type { Db } from "./pool.ts";
import { createSealedSecretStore } from "./sealed-secrets.ts";
import { createUserStore } from "./users.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const minutes = (count: number) => new Date(T0.getTime() + count * 60_000);
const days = (count: number) => minutes(count * 24 * 60);
const PAGE = { page: 1, perPage: 20 };
const KNOWN = ["k"];

let db: Db;
let mirrors: MirrorStore;
let credentials: CredentialStore;
let projectId = 0;
let userId = 0;
let namespaceId = 0;

before(async () => {
  db = await openTestStore();
  const sealer = createTestSealer();
  mirrors = createMirrorStore(db, sealer);
  credentials = createCredentialStore(db, sealer);
  ({ userId, projectId } = await makeProjectOfAda(db));
  namespaceId = (await createNamespaceStore(db).findByFullPath("ada"))?.id ?? 0;
});

after(async () => {
  await db.destroy();
});

beforeEach(async () => {
  await db.deleteFrom("mirrors").execute();
  await db.deleteFrom("credentials").execute();
});

function make(changes: Partial<NewCredential> = {}) {
  return credentials.create({
    ...{ namespaceId, name: "bot", kind: "password", username: "robot", expiresAt: null, createdBy: userId },
    secret: { password: "s1" },
    ...changes,
  });
}

function makeMirror(credentialId: number | null, name: string, enabled = true): Promise<Mirror> {
  return mirrors.create({
    ...{ projectId, direction: "push", enabled, urlHadUserinfo: false, authMethod: "password", userId },
    url: parseRemoteUrl(`https://example.com/${name}.git`).url,
    ...{ credential: {}, credentialId, options: DEFAULT_MIRROR_OPTIONS },
  });
}

async function read(id: number): Promise<Mirror> {
  const mirror = await mirrors.find(id);
  assert(mirror);
  return mirror;
}

function refused(now: Date, changes: Partial<FinishedUpdate> = {}): FinishedUpdate {
  return {
    ...{
      status: "failed",
      error: "Password refused.",
      errorCode: "remote-credential",
      willRetry: false,
      now,
    },
    ...{ results: [], upToDate: [], skipped: [], notes: [], bytesReceived: 0, bytesSent: 0, log: [] },
    ...{ appliedDigest: null, appliedGeneration: null },
    ...{ retryCount: HARD_FAILURE_AFTER + 1, nextCheckAt: null },
    ...changes,
  };
}

const rotation = (password: string, now: Date) => ({
  ...{ secret: { password }, now, userId },
  startsUpdates: true,
});

describe("a named credential", () => {
  it("is kept sealed for its own row and opened again, whatever its kind", async () => {
    const password = await make();
    const keyPair = { publicKey: "ssh-ed25519 AAAA x", privateKey: "PRIVATE" };
    const key = await make({ name: "deploy", kind: "ssh_key", username: null, secret: { keyPair } });
    assert.deepEqual(await credentials.readSecret(password.id), { username: "robot", password: "s1" });
    assert.deepEqual(await credentials.readSecret(key.id), { privateKey: "PRIVATE" });
    assert.equal(key.publicKey, "ssh-ed25519 AAAA x");
    const rows = await db.selectFrom("credentials").selectAll().execute();
    assert(!JSON.stringify(rows).includes("PRIVATE"));
    const [first, second] = rows;
    await db
      .updateTable("credentials")
      .set({ password_sealed: first?.password_sealed ?? null, password_key_id: "k" })
      .where("id", "=", second?.id ?? 0)
      .execute();
    await assert.rejects(credentials.readSecret(key.id), { code: "secret-unreadable" });
  });

  it("is what its mirrors show", async () => {
    const { id } = await make();
    const mirror = await makeMirror(id, "a");
    assert.deepEqual(mirror.credential, { id, name: "bot" });
    assert.deepEqual((await mirrors.readRemote(mirror.id)).secret, { username: "robot", password: "s1" });
  });

  it("has a name of its own in its namespace, without regard to case", async () => {
    const { id } = await make();
    const taken = { code: "model-invalid", fields: { name: ["has already been taken"] } };
    await assert.rejects(make({ name: "BOT" }), taken);
    const other = await make({ name: "other" });
    await assert.rejects(credentials.update(other.id, { name: "Bot", now: T0, userId }), taken);
    assert.equal(
      (await credentials.update(id, { name: "Bot", username: null, now: T0, userId })).name,
      "Bot",
    );
  });

  it("is listed for its user and for admins, and for nobody else", async () => {
    const users = createUserStore(db);
    const person = (username: string, isAdmin: boolean) =>
      users.create({
        ...{ username, name: username, email: `${username}@example.com`, isAdmin, passwordHash: null },
      });
    const [ada, bob, admin] = [
      await users.find(userId),
      await person("bob", false),
      await person("boss", true),
    ];
    assert(ada);
    const group = await createNamespaceStore(db).createGroup({
      name: "g",
      path: "g",
      parentId: null,
      visibility: "private",
      description: null,
    });
    await make();
    await make({ namespaceId: group.id, name: "group's" });
    const namesFor = async (visibleTo: typeof ada, filter = {}) =>
      (await credentials.list({ visibleTo: eyesOf(visibleTo), ...filter }, PAGE)).items.map(
        ({ name }) => name,
      );
    assert.deepEqual(await namesFor(ada), ["bot"]);
    assert.deepEqual(await namesFor(bob), []);
    assert.deepEqual(await namesFor(admin), ["bot", "group's"]);
    assert.deepEqual(await namesFor(admin, { search: "OUP" }), ["group's"]);
    assert.deepEqual(await namesFor(admin, { namespaceId }), ["bot"]);
  });

  it("is not removed while mirrors use it, and its user neither", async () => {
    const users = createUserStore(db);
    const { id: eve } = await users.create({
      ...{ username: "eve", name: "Eve", email: "eve@example.com", isAdmin: false, passwordHash: null },
    });
    const space = await createNamespaceStore(db).findByFullPath("eve");
    const { id } = await make({ namespaceId: space?.id ?? 0 });
    const mirror = await makeMirror(id, "a");
    await makeMirror(id, "b");
    await assert.rejects(credentials.remove(id), { code: "conflict", message: /^2 mirrors use this/ });
    await assert.rejects(users.remove(eve), { code: "conflict", message: /use credentials of this user/ });
    assert.equal((await credentials.find(id))?.mirrorsCount, 2);
    const uses = await credentials.listUses(id, { page: 2, perPage: 1 });
    assert.deepEqual([uses.total, uses.items[0]?.projectPath], [2, "ada/p"]);
    await db.deleteFrom("mirrors").execute();
    await credentials.remove(id);
    assert.equal(await credentials.find(id), null);
    await assert.rejects(makeMirror(id, "c"), {
      code: "model-invalid",
      message: "credential_id does not exist",
    });
    assert.equal(await mirrors.find(mirror.id), null);
  });

  it("counts as lost with the key that sealed it, and is not any more once it has another", async () => {
    const { id, secretKeyIds } = await make({ expiresAt: days(3) });
    assert.deepEqual(secretKeyIds, KNOWN);
    await make({ name: "old", expiresAt: days(-1) });
    await makeMirror(id, "a");
    await makeMirror(null, "b");
    const own = await makeMirror(null, "c");
    await mirrors.update(own.id, { credential: { password: "p" } });
    const counts = { expiring: 1, expired: 1, needingSecret: 0, mirrorsNeedingSecret: 0 };
    assert.deepEqual(await credentials.count(T0, KNOWN), counts);
    const lost = { ...counts, needingSecret: 2, mirrorsNeedingSecret: 2 };
    assert.deepEqual(await credentials.count(T0, ["n"]), lost);
    assert.deepEqual(await credentials.count(T0, []), lost);
    await createCredentialStore(db, createTestSealer("n")).rotate(id, rotation("new", T0));
    assert.deepEqual((await credentials.find(id))?.secretKeyIds, ["n"]);
    assert.equal((await credentials.count(T0, ["n"])).mirrorsNeedingSecret, 1);
  });
});

describe("a lost secret", () => {
  const lostOf = async (id: number) => lostSecrets(await read(id), { isKnown: (keyId) => keyId === "n" });
  const idsWithout = async () => {
    const user = await createUserStore(db).find(userId);
    assert(user);
    const store = createSealedSecretStore(db, createTestSealer("n"));
    const { items } = await store.listMirrorsWithout({ visibleTo: eyesOf(user), keyIds: ["n"] }, PAGE);
    return items.map(({ mirror }) => mirror.id);
  };

  it("is one that the mirror uses, by the kind that is to be given again", async () => {
    const keyPair = { publicKey: "ssh-ed25519 AAAA x", privateKey: "PRIVATE" };
    const { id } = await makeMirror(null, "a");
    await mirrors.update(id, {
      credential: { username: "u", password: "p", keyPair },
      clientCertificate: { certificate: "C", privateKey: "K" },
    });
    assert.deepEqual([await lostOf(id), await idsWithout()], [["password", "client_key"], [id]]);
    const given = createMirrorStore(db, createTestSealer("n"));
    await given.update(id, { credential: { password: "again" } });
    assert.deepEqual([await lostOf(id), await idsWithout()], [["client_key"], [id]]);
    const clientCertificate = { certificate: "C", privateKey: "K" };
    await given.update(id, { clientCertificate });
    assert.deepEqual([await lostOf(id), await idsWithout()], [[], []]);
    const { url } = parseRemoteUrl("ssh://git@example.com/a.git");
    await mirrors.update(id, { url, clientCertificate, authMethod: "ssh_public_key" });
    assert.deepEqual([await lostOf(id), await idsWithout()], [["ssh_key"], [id]]);
    assert.equal((await credentials.count(T0, ["n"])).mirrorsNeedingSecret, 1);
    await given.update(id, { credential: { keyPair } });
    assert.deepEqual([await lostOf(id), await idsWithout()], [[], []]);
    assert.equal((await credentials.count(T0, ["n"])).mirrorsNeedingSecret, 0);
    await mirrors.update(id, { authMethod: "password", credential: { password: "p" } });
    assert.deepEqual([await lostOf(id), await idsWithout()], [["password"], [id]]);
  });
});

describe("a rotation", () => {
  it("makes its mirrors forget what failed by the old secret, and wishes for updates a little apart", async () => {
    const { id } = await make();
    const made: Mirror[] = [];
    for (let number = 0; number < 7; number += 1) made.push(await makeMirror(id, `m${number}`, number !== 6));
    const other = await makeMirror(null, "other");
    const ids = [...made, other].map((mirror) => mirror.id);
    await db
      .updateTable("mirrors")
      .set({ last_error: "no", last_error_code: "remote-credential", retry_count: 15, next_check_at: null })
      .execute();
    await db
      .updateTable("mirrors")
      .set({ last_error: "gone", last_error_code: "remote-unreachable", retry_count: 3 })
      .where("id", "=", ids[1] ?? 0)
      .execute();
    assert.equal(await credentials.rotate(id, { ...rotation("s2", T0), username: "r2" }), 7);
    assert.deepEqual((await mirrors.readRemote(ids[0] ?? 0)).secret, { username: "r2", password: "s2" });
    const now = await Promise.all(ids.map(read));
    assert.deepEqual(
      now.map(({ lastError, lastErrorCode, retryCount }) => [lastError, lastErrorCode, retryCount]),
      [
        [null, null, 0],
        ["gone", "remote-unreachable", 3],
        ...[0, 0, 0, 0, 0].map(() => [null, null, 0]),
        ["no", "remote-credential", 15],
      ],
    );
    assert.deepEqual(
      now.map(({ requestedAt }) => requestedAt && (requestedAt.getTime() - T0.getTime()) / 1000),
      [0, 0, 0, 0, 0, 1, null, null],
    );
    assert.equal(now[0]?.nextCheckAt === null, false, "it is not paused any more");
  });

  it("to what no host knows yet starts nothing, and lets no paused mirror go on", async () => {
    const { id } = await make();
    const mirror = await makeMirror(id, "a");
    await db
      .updateTable("mirrors")
      .set({ last_error: "no", last_error_code: "ssh-key-refused", retry_count: 15, next_check_at: null })
      .execute();
    assert.equal(await credentials.rotate(id, { ...rotation("s2", T0), startsUpdates: false }), 1);
    const now = await read(mirror.id);
    assert.deepEqual([now.requestedAt, now.nextCheckAt, now.retryCount], [null, null, 15]);
  });

  it("puts no mirror off that is due before its turn", async () => {
    const { id } = await make();
    const made: Mirror[] = [];
    for (let number = 0; number < 11; number += 1) made.push(await makeMirror(id, `m${number}`));
    const due = new Date(T0.getTime() + 500);
    const [early, late] = made.slice(9).map((mirror) => mirror.id);
    await db
      .updateTable("mirrors")
      .set({ next_check_at: minutes(60) })
      .execute();
    await db
      .updateTable("mirrors")
      .set({ next_check_at: due })
      .where("id", "=", early ?? 0)
      .execute();
    await db
      .updateTable("mirrors")
      .set({ next_check_at: minutes(-5) })
      .where("id", "=", late ?? 0)
      .execute();
    await credentials.rotate(id, rotation("s2", T0));
    const now = await Promise.all(made.map((mirror) => read(mirror.id)));
    assert.deepEqual(
      now.map(({ requestedAt }) => requestedAt && (requestedAt.getTime() - T0.getTime()) / 1000),
      [0, 0, 0, 0, 0, 1, 1, 1, 1, 0.5, 0],
    );
  });

  it("is what another user name is, and the same one is not", async () => {
    const { id } = await make();
    const mirror = await makeMirror(id, "a");
    const failed = { last_error: "no", last_error_code: "remote-credential", retry_count: 15 } as const;
    await mirrors.requestUpdate(mirror.id, "manual", T0);
    const lease = await mirrors.startUpdate(mirror.id, T0, minutes(1));
    assert(lease);
    await db.updateTable("mirrors").set(failed).execute();
    await credentials.update(id, { name: "new", username: "robot", now: T0, userId });
    assert.deepEqual([(await read(mirror.id)).retryCount, (await read(mirror.id)).requestedAt], [15, null]);
    await credentials.update(id, { username: "other", now: T0, userId });
    const after = await read(mirror.id);
    assert.deepEqual([after.lastErrorCode, after.retryCount, after.requestedAt], [null, 0, T0]);
    await mirrors.finishUpdate(lease, refused(minutes(1)));
    assert.deepEqual((await read(mirror.id)).lastErrorCode, null, "it was refused with the old name");
  });

  it("and what looks found are written at the same time, without waiting for each other in a circle", async () => {
    const { id } = await make();
    for (let number = 0; number < 40; number += 1) await makeMirror(id, `m${number}`);
    const all = await db.selectFrom("mirrors").select("id").orderBy("id", "desc").execute();
    const checks = all.map((row) => ({ id: row.id, claimedUntil: T0, nextCheckAt: minutes(1) }));
    // Each row takes its time, so that the two meet.
    await sql`create function wait_a_little() returns trigger language plpgsql as
      'begin perform pg_sleep(0.005); return new; end'`.execute(db);
    await sql`create trigger wait_a_little before update on mirrors for each row execute function wait_a_little()`.execute(
      db,
    );
    try {
      const claimed = { next_check_at: T0, applied_digest: "d", requested_at: null, requested_trigger: null };
      await db.updateTable("mirrors").set(claimed).execute();
      await Promise.all([
        mirrors.recordUnchanged(checks, T0),
        credentials.rotate(id, rotation("s2", T0)),
        mirrors.resume(
          all.map((row) => row.id),
          { trigger: "manual", at: T0, userId },
        ),
      ]);
      const { retryCount, requestedAt } = await read(all[0]?.id ?? 0);
      assert.deepEqual([retryCount, requestedAt], [0, T0]);
    } finally {
      await sql`drop trigger wait_a_little on mirrors`.execute(db);
      await sql`drop function wait_a_little`.execute(db);
    }
  });

  it("is not undone by a run that began with the old secret and ends refused", async () => {
    const { id } = await make();
    const mirror = await makeMirror(id, "a");
    await mirrors.requestUpdate(mirror.id, "manual", T0);
    const lease = await mirrors.startUpdate(mirror.id, T0, minutes(1));
    assert(lease);
    await credentials.rotate(id, rotation("s2", T0));
    assert.equal(await mirrors.finishUpdate(lease, refused(minutes(1))), true);
    const after = await read(mirror.id);
    assert.deepEqual([after.lastError, after.lastErrorCode, after.retryCount], [null, null, 0]);
    assert.deepEqual([after.updateStatus, after.nextCheckAt], ["scheduled", minutes(1)]);
    const { items } = await mirrors.listUpdates(mirror.id, PAGE);
    assert.deepEqual([items[0]?.status, items[0]?.error], ["failed", "Password refused."]);
    const outbox = createMailOutbox(db, { onPut: () => undefined });
    const news = { mirrorId: mirror.id, health: "failed" } as const;
    assert.equal(await outbox.tellHealth({ ...news, updateId: lease.updateId }, [], minutes(1)), false);

    const next = await mirrors.startUpdate(mirror.id, minutes(2), minutes(3));
    assert(next, "the wish of the rotation is still there");
    await mirrors.finishUpdate(next, refused(minutes(3)));
    const refusedAgain = await read(mirror.id);
    assert.deepEqual(
      [refusedAgain.lastErrorCode, refusedAgain.retryCount, refusedAgain.nextCheckAt],
      ["remote-credential", HARD_FAILURE_AFTER + 1, null],
      "the new secret is refused by a run of its own",
    );
    assert.equal(await outbox.tellHealth({ ...news, updateId: next.updateId }, [], minutes(3)), true);
  });

  it("takes the word of a run with the old secret on everything but the secret", async () => {
    const { id } = await make();
    const mirror = await makeMirror(id, "a");
    await mirrors.requestUpdate(mirror.id, "manual", T0);
    const lease = await mirrors.startUpdate(mirror.id, T0, minutes(1));
    assert(lease);
    await credentials.rotate(id, rotation("s2", T0));
    const lost = { errorCode: "remote-unreachable", error: "Gone.", retryCount: 1 } as const;
    await mirrors.finishUpdate(lease, refused(minutes(1), lost));
    const { lastErrorCode, retryCount } = await read(mirror.id);
    assert.deepEqual([lastErrorCode, retryCount], ["remote-unreachable", 1]);
  });

  it("waits for a start of a run, or that for it: there is no gap between the two", async () => {
    const { id } = await make();
    const mirror = await makeMirror(id, "a");
    for (let round = 0; round < 20; round += 1) {
      await mirrors.requestUpdate(mirror.id, "manual", T0);
      const password = `round ${round}`;
      const [lease] = await Promise.all([
        mirrors.startUpdate(mirror.id, minutes(1), minutes(2)),
        credentials.rotate(id, rotation(password, minutes(1))),
      ]);
      assert(lease);
      const shown = (await mirrors.readRemote(mirror.id)).secret;
      assert.equal(shown.password, password);
      await mirrors.finishUpdate(lease, refused(minutes(1)));
      const { lastErrorCode, requestedAt } = await read(mirror.id);
      // It is either a run of before, and then another one is due, or one that had the new secret to show.
      assert.equal(requestedAt !== null, lastErrorCode === null, `round ${round}`);
      await db.updateTable("mirrors").set({ requested_at: null, next_check_at: T0 }).execute();
    }
  });
});
