import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it, type TestContext } from "node:test";
import { FakeClock, watchCalls } from "../../../../test/support/fake-clock.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import { createCredentialStore } from "../db/credentials.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import { createMemberStore } from "../db/members.ts";
import { createMirrorStore } from "../db/mirrors.ts";
import { createNamespaceStore } from "../db/namespaces.ts";
import { createMailOutbox } from "../db/outgoing-mails.ts";
import type { Db } from "../db/pool.ts";
import { createUserStore } from "../db/users.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { warnOfExpiry } from "./warn-of-expiry.ts";

const T0 = new Date("2030-03-01T00:30:00Z");
const HOUR = 3600_000;
const DAY = 24 * HOUR;
const inDays = (count: number) => new Date(T0.getTime() + count * DAY);

describe("warnings of the expiry of credentials", () => {
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
});
