import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, it, type TestContext } from "node:test";
import { FakeClock, watchCalls } from "../../../../test/support/fake-clock.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import { createTokenStore } from "../db/access-tokens.ts";
import { createCredentialStore } from "../db/credentials.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import { createMemberStore } from "../db/members.ts";
import { createMirrorStore } from "../db/mirrors.ts";
import { createNamespaceStore } from "../db/namespaces.ts";
import { createMailOutbox } from "../db/outgoing-mails.ts";
import type { Db } from "../db/pool.ts";
import { createProjectStore } from "../db/projects.ts";
import { createUserStore } from "../db/users.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { warnOfExpiry } from "./warn-of-expiry.ts";

const T0 = new Date("2030-03-01T00:30:00Z");
const HOUR = 3600_000;
const DAY = 24 * HOUR;
const inDays = (count: number) => new Date(T0.getTime() + count * DAY);

describe("warnings of an expiry", () => {
  const sealer = createTestSealer();
  let db: Db;
  let userId = 0;
  let projectId = 0;
  let adaSpace = 0;
  let groupSpace = 0;

  before(async () => {
    db = await openTestStore();
    await initInstanceSettings(db, { allowLocalRequests: false });
    ({ userId, projectId } = await makeProjectOfAda(db));
    await createUserStore(db).create({
      ...{ username: "boss", name: "Boss", email: "boss@example.com", isAdmin: true, passwordHash: null },
    });
    const namespaces = createNamespaceStore(db);
    adaSpace = (await namespaces.findByFullPath("ada"))?.id ?? 0;
    groupSpace = (
      await namespaces.createGroup({
        name: "team",
        path: "team",
        parentId: null,
        visibility: "private",
        description: null,
      })
    ).id;
  });
  after(async () => {
    await db.destroy();
  });
  beforeEach(async () => {
    await db.deleteFrom("mirrors").execute();
    await db.deleteFrom("credentials").execute();
    await db.deleteFrom("access_tokens").execute();
    await db.deleteFrom("outgoing_mails").execute();
    await createInstanceSettingsStore(db).write({ silentModeEnabled: false });
  });

  /** A node at work on a clock of its own. */
  function start(t: TestContext, from = T0, outbox = createMailOutbox(db, { onPut: () => undefined })) {
    const calls = watchCalls();
    const clock = new FakeClock(from, calls.settled);
    const stop = warnOfExpiry({
      clock,
      credentials: calls.count(createCredentialStore(db, sealer)),
      instance: {
        ...{ version: "", revision: "", externalUrl: "https://git.example.org", readinessProbes: {} },
        ...{ makeTokenSecret: () => "", sshPort: null, random: () => 0 },
      },
      log: makeMemoryLog(),
      mails: calls.count(outbox),
      members: calls.count(createMemberStore(db)),
      settings: calls.count(createInstanceSettingsStore(db)),
      namespaces: calls.count(createNamespaceStore(db)),
      projects: calls.count(createProjectStore(db)),
      tokens: calls.count(createTokenStore(db)),
      users: calls.count(createUserStore(db)),
    });
    t.after(stop);
    return { clock, stop };
  }

  function make(name: string, namespaceId: number, expiresAt: Date | null) {
    return createCredentialStore(db, sealer).create({
      ...{ namespaceId, name, kind: "password", username: null, expiresAt, createdBy: userId },
      secret: { password: "planted" },
    });
  }

  async function sent(): Promise<readonly string[]> {
    const mails = await db.selectFrom("outgoing_mails").selectAll().orderBy("id").execute();
    return mails.map(({ created_at, recipient, subject }) => {
      const day = (created_at.getTime() - T0.getTime()) / DAY;
      return `${day.toFixed(2)} ${recipient} ${subject}`;
    });
  }

  it("come a week before, a day before and when it has happened, once each, whatever restarts", async (t) => {
    await make("bot", adaSpace, inDays(10));
    await make("for ever", adaSpace, null);
    const first = start(t);
    await first.clock.advance(5 * DAY);
    await first.stop();
    const others = [start(t, inDays(5)), start(t, inDays(5))];
    for (const { clock } of others) await clock.advance(15 * DAY);
    assert.deepEqual(await sent(), [
      "3.00 ada@example.com bot | Credential expires within a week",
      "9.00 ada@example.com bot | Credential expires within a day",
      "10.00 ada@example.com bot | Credential has expired",
    ]);
  });

  it("of a group's go to the admins, and name what uses it, without a secret", async (t) => {
    const { id } = await make("deploy <b>", groupSpace, inDays(0.5));
    await createMirrorStore(db, sealer).create({
      ...{
        projectId,
        direction: "push",
        enabled: true,
        urlHadUserinfo: false,
        authMethod: "password",
        userId,
      },
      url: parseRemoteUrl("https://example.com/copy.git").url,
      ...{ credential: {}, credentialId: id, options: DEFAULT_MIRROR_OPTIONS },
    });
    await start(t).clock.advance(0);
    assert.deepEqual(await sent(), ["0.00 boss@example.com deploy <b> | Credential expires within a day"]);
    const { body_text, body_html } = await db
      .selectFrom("outgoing_mails")
      .selectAll()
      .executeTakeFirstOrThrow();
    assert.match(body_text, /^The credential “deploy <b>” of team expires within a day\.$/m);
    assert.match(body_text, /^Expires: 2030-03-01 12:30 UTC$/m);
    assert.match(body_text, /^- ada\/p: push to https:\/\/example\.com\/copy\.git$/m);
    assert(!body_html.includes("<b>") && !(body_text + body_html).includes("planted"));
  });

  it("come of the others where one cannot be told, and of that one later", async (t) => {
    const { id } = await make("broken", adaSpace, inDays(0.5));
    await make("well", adaSpace, inDays(0.5));
    const outbox = createMailOutbox(db, { onPut: () => undefined });
    let isBroken = true;
    const { clock } = start(t, T0, {
      ...outbox,
      async tellExpiry(told, ...rest) {
        if (isBroken && told.credentialId === id) throw new Error("no");
        return await outbox.tellExpiry(told, ...rest);
      },
    });
    await clock.advance(0);
    const soon = "Credential expires within a day";
    assert.deepEqual(await sent(), [`0.00 ada@example.com well | ${soon}`]);
    isBroken = false;
    await clock.advance(HOUR);
    assert.deepEqual((await sent()).slice(1), [`0.04 ada@example.com broken | ${soon}`]);
  });

  it("begin anew with another expiry, and end with a rotation that has none", async (t) => {
    const store = createCredentialStore(db, sealer);
    const { id } = await make("bot", adaSpace, inDays(-1));
    const { clock } = start(t);
    await clock.advance(HOUR);
    await store.update(id, { expiresAt: inDays(0.9), now: clock.now(), userId });
    await clock.advance(HOUR);
    const rotation = { secret: { password: "n" }, expiresAt: null, startsUpdates: true };
    await store.rotate(id, { ...rotation, now: clock.now(), userId });
    await clock.advance(3 * DAY);
    assert.deepEqual(await sent(), [
      "0.00 ada@example.com bot | Credential has expired",
      "0.08 ada@example.com bot | Credential expires within a day",
    ]);
  });

  it("wait for the end of Silent Mode, and then say only how things stand", async (t) => {
    await make("bot", adaSpace, inDays(2));
    const settings = createInstanceSettingsStore(db);
    await settings.write({ silentModeEnabled: true });
    const { clock } = start(t);
    await clock.advance(1.5 * DAY);
    assert.deepEqual(await sent(), []);
    await settings.write({ silentModeEnabled: false });
    await clock.advance(HOUR);
    assert.deepEqual(await sent(), ["1.54 ada@example.com bot | Credential expires within a day"]);
  });

  /** A token of ada's. */
  function makeToken(name: string, expiresAt: Date | null) {
    return createTokenStore(db).create({
      ...{ userId, name, description: null, digest: randomBytes(32), expiresAt, createdBy: userId },
      scopes: ["api", "read_repository"],
    });
  }

  it("of access tokens come once, a week before, whatever restarts, and of those that are still good", async (t) => {
    await makeToken("deploy <b>", inDays(10));
    await makeToken("for ever", null);
    await makeToken("gone already", inDays(-1));
    await createTokenStore(db).revoke((await makeToken("revoked", inDays(10))).id);
    const rotated = await makeToken("rotated", inDays(10));
    await createTokenStore(db).rotate(rotated.id, { digest: randomBytes(32), expiresAt: inDays(90) });
    const first = start(t);
    await first.clock.advance(2 * DAY);
    await first.stop();
    const others = [start(t, inDays(2)), start(t, inDays(2))];
    for (const { clock } of others) await clock.advance(10 * DAY);
    assert.deepEqual(await sent(), ["3.00 ada@example.com deploy <b> | Access token expires within a week"]);
    const { body_text, body_html } = await db
      .selectFrom("outgoing_mails")
      .selectAll()
      .executeTakeFirstOrThrow();
    assert.match(body_text, /^The access token “deploy <b>” of ada expires within a week\.$/m);
    assert.match(body_text, /^First day without it: 2030-03-11$/m);
    assert.match(body_text, /^Scopes: api, read_repository$/m);
    assert.match(body_text, /^Last used: never$/m);
    assert(!body_html.includes("<b>"));
  });

  it("of a bot's token go to those who look after what it is of", async (t) => {
    const tokens = createTokenStore(db);
    const bot = { description: null, expiresAt: inDays(3), createdBy: userId, accessLevel: 30 };
    for (const [word, home] of [
      ["p", { projectId }],
      ["g", { namespaceId: groupSpace }],
    ] as const) {
      const draft = { ...bot, name: `of ${word}`, word, digest: randomBytes(32), scopes: ["api"] as const };
      await tokens.createWithBot(home, draft);
    }
    await start(t).clock.advance(0);
    const news = "Access token expires within a week";
    assert.deepEqual(await sent(), [
      `0.00 ada@example.com of p | ${news}`,
      `0.00 boss@example.com of g | ${news}`,
    ]);
  });

  it("of access tokens wait for the end of Silent Mode, and of a blocked user's nothing is said", async (t) => {
    const settings = createInstanceSettingsStore(db);
    await settings.write({ silentModeEnabled: true });
    await makeToken("ci", inDays(2));
    const { clock } = start(t);
    await clock.advance(HOUR);
    await settings.write({ silentModeEnabled: false });
    await db.updateTable("users").set({ state: "blocked" }).where("id", "=", userId).execute();
    await clock.advance(HOUR);
    assert.deepEqual(await sent(), []);
    await db.updateTable("users").set({ state: "active" }).where("id", "=", userId).execute();
    await clock.advance(HOUR);
    assert.deepEqual(await sent(), ["0.13 ada@example.com ci | Access token expires within a week"]);
  });
});
