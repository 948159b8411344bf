import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, beforeEach, describe, it, type TestContext } from "node:test";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { type MailServer, startMailServer } from "../../../../test/support/mail-server.ts";
import { openTestStore } from "../../../../test/support/store.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import type { Clock, InstanceSettingsStore, Mail, MailOutbox, MailSender } from "../app/ports.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import { createMailOutbox } from "../db/outgoing-mails.ts";
import type { Db } from "../db/pool.ts";
import { createSmtpSender } from "../mail/smtp-sender.ts";
import { type Mailer, startMailer } from "./mailer.ts";

const T0 = new Date("2026-01-01T12:00:00Z");
const MINUTE = 60_000;

/** A clock that stands until it is set, and then calls what fell due. */
class TestClock implements Clock {
  #now = T0.getTime();
  #timers = new Set<{ readonly at: number; readonly work: () => void }>();
  now(): Date {
    return new Date(this.#now);
  }
  after(ms: number, work: () => void) {
    const timer = { at: this.#now + ms, work };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.work();
    }
  }
}

describe("the mailer", () => {
  let db: Db;
  let settings: InstanceSettingsStore;

  before(async () => {
    db = await openTestStore();
    await initInstanceSettings(db, { allowLocalRequests: false });
    settings = createInstanceSettingsStore(db);
  });
  after(async () => {
    await db.destroy();
  });
  beforeEach(async () => {
    await db.deleteFrom("outgoing_mails").execute();
    await settings.write({ silentModeEnabled: false });
  });

  interface Node {
    readonly mailer: Mailer;
    readonly mails: MailOutbox;
    readonly log: { readonly lines: readonly string[] };
  }

  /** One node: its outbox, its way to the mail server, its mailer. */
  function startNode(t: TestContext, clock: Clock, port: number, sender?: MailSender): Node {
    const log = makeMemoryLog();
    const smtp = createSmtpSender({
      url: `smtp://127.0.0.1:${port}`,
      instance: { externalUrl: "https://git.example.org" },
      limits: { connectMs: 500, idleMs: 500, mailMs: 1_000 },
    });
    const mails = createMailOutbox(db, { onPut: () => mailer.wake() });
    const mailer = startMailer({ clock, log, settings, mails, sender: sender ?? smtp });
    t.after(async () => {
      await mailer.stop(100);
      smtp.close();
    });
    return { mailer, mails, log };
  }

  /** Lets time pass. The mailer is woken too: it may not have gone to sleep yet after its last mail. */
  function laterOf(clock: TestClock, mailer: Mailer): (ms: number) => void {
    return (ms) => {
      clock.pass(ms);
      mailer.wake();
    };
  }

  async function startServer(t: TestContext, port?: number): Promise<MailServer> {
    const server = await startMailServer(port === undefined ? {} : { port });
    t.after(() => server.close());
    return server;
  }

  function mail(name: string): Mail {
    return { recipient: `${name}@example.com`, subject: name, text: name, html: name };
  }

  async function rows() {
    return await db.selectFrom("outgoing_mails").selectAll().orderBy("id").execute();
  }

  /** Waits until each mail was tried so often. */
  async function untilTried(attempts: number) {
    return await waitFor(
      async () => {
        const all = await rows();
        return all.length > 0 && all.every((row) => row.attempts === attempts) && all;
      },
      { message: async () => `${attempts} attempts: ${JSON.stringify(await rows())}` },
    );
  }

  it("sends what is put in, each mail once", async (t) => {
    const server = await startServer(t);
    const clock = new TestClock();
    const { mails, mailer } = startNode(t, clock, server.port);
    await mails.put(
      Array.from({ length: 12 }, (_, index) => mail(`m${index}`)),
      T0,
    );
    const sent = await untilTried(1);
    assert.deepEqual(
      server.mails.map(({ subject }) => subject).toSorted(),
      Array.from({ length: 12 }, (_, index) => `m${index}`).toSorted(),
    );
    assert(sent.every((row) => row.sent_at?.getTime() === T0.getTime() && row.next_attempt_at === null));
    mailer.wake();
    clock.pass(60 * MINUTE);
    await mailer.stop(1_000);
    assert.equal(server.mails.length, 12);
  });

  it("tries again when the server is back, also after a restart of ours", async (t) => {
    const down = await startMailServer();
    await down.close();
    const clock = new TestClock();
    const { mails, mailer } = startNode(t, clock, down.port);
    const later = laterOf(clock, mailer);
    await mails.put([mail("late")], T0);
    const [first] = await untilTried(1);
    assert.equal(first?.next_attempt_at?.getTime(), T0.getTime() + MINUTE);
    assert.match(first?.last_error ?? "", /ECONNREFUSED/);
    later(MINUTE);
    const [second] = await untilTried(2);
    assert.equal(second?.next_attempt_at?.getTime(), T0.getTime() + 6 * MINUTE);
    await mailer.stop(1_000);

    const server = await startServer(t, down.port);
    clock.pass(4 * MINUTE);
    startNode(t, clock, server.port);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(server.mails.length, 0, "it is not its time yet");
    clock.pass(MINUTE);
    const [third] = await untilTried(3);
    assert.deepEqual([server.mails.length, third?.last_error], [1, null]);
  });

  it("tries again what is refused for now, and gives up what is refused for good", async (t) => {
    const server = await startServer(t);
    const clock = new TestClock();
    const { mails, mailer, log } = startNode(t, clock, server.port);
    const later = laterOf(clock, mailer);
    server.refuse("recipient", { code: 450, words: "later" });
    await mails.put([mail("grey")], T0);
    const [greylisted] = await untilTried(1);
    assert.equal(greylisted?.next_attempt_at?.getTime(), T0.getTime() + MINUTE);
    server.refuse("recipient", { code: 550, words: "nobody here" });
    later(MINUTE);
    const [refused] = await untilTried(2);
    assert.deepEqual([refused?.next_attempt_at, refused?.sent_at], [null, null]);
    assert.match(refused?.last_error ?? "", /nobody here/);
    assert.match(log.lines.join("\n"), /given up/);
    assert.deepEqual(server.mails, []);
  });

  it("gives up after a day, and says so", async (t) => {
    const clock = new TestClock();
    let tries = 0;
    const sender: MailSender = {
      send: async () => {
        tries += 1;
        return { kind: "failed", reason: "no", isFinal: false };
      },
    };
    const { mails, mailer, log } = startNode(t, clock, 0, sender);
    const later = laterOf(clock, mailer);
    await mails.put([mail("never")], T0);
    for (let attempts = 1; ; attempts += 1) {
      const [row] = await untilTried(attempts);
      if (row?.next_attempt_at === null) break;
      assert(attempts < 30, "it is tried for ever");
      later((row?.next_attempt_at?.getTime() ?? 0) - clock.now().getTime());
    }
    assert.equal(tries, 15);
    assert(clock.now().getTime() - T0.getTime() <= 24 * 60 * MINUTE);
    assert.match(log.lines.join("\n"), /given up/);
  });

  it("is not held up by a server that hangs", async (t) => {
    const mute = createServer(() => undefined);
    mute.listen(0, "127.0.0.1");
    await once(mute, "listening");
    t.after(() => void mute.close());
    const address = mute.address();
    if (address === null || typeof address === "string") assert.fail("no port");
    const { mails } = startNode(t, new TestClock(), address.port);
    await mails.put([mail("stuck")], T0);
    const [row] = await untilTried(1);
    assert.equal(row?.next_attempt_at?.getTime(), T0.getTime() + MINUTE);
  });

  it("lets two nodes send each mail once between them", async (t) => {
    const server = await startServer(t);
    const clock = new TestClock();
    const nodes = [startNode(t, clock, server.port), startNode(t, clock, server.port)];
    const names = Array.from({ length: 40 }, (_, index) => `n${index}`);
    await nodes[0]?.mails.put(names.slice(0, 20).map(mail), T0);
    for (const node of nodes) node.mailer.wake();
    await nodes[1]?.mails.put(names.slice(20).map(mail), T0);
    for (const node of nodes) node.mailer.wake();
    await untilTried(1);
    assert.deepEqual(server.mails.map(({ subject }) => subject).toSorted(), names.toSorted());
  });

  it("leaves the mail of a node that died to another one, when its claim is over", async (t) => {
    const server = await startServer(t);
    const clock = new TestClock();
    const dead = createMailOutbox(db, { onPut: () => undefined });
    await dead.put([mail("orphan")], T0);
    assert.equal((await dead.claimDue(T0, new Date(T0.getTime() + 5 * MINUTE), 10)).length, 1);
    startNode(t, clock, server.port);
    clock.pass(4 * MINUTE);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(server.mails.length, 0);
    clock.pass(MINUTE);
    await untilTried(1);
    assert.equal(server.mails.length, 1);
  });

  it("sends nothing in Silent Mode, and afterwards what is not stale", async (t) => {
    const server = await startServer(t);
    const clock = new TestClock();
    await settings.write({ silentModeEnabled: true });
    const { mails, mailer } = startNode(t, clock, server.port);
    await mails.put([mail("old")], T0);
    clock.pass(20 * 60 * MINUTE);
    await mails.put([mail("fresh")], clock.now());
    clock.pass(10 * 60 * MINUTE);
    mailer.wake();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(
      (await rows()).map((row) => row.attempts),
      [0, 0],
    );
    await settings.write({ silentModeEnabled: false });
    clock.pass(MINUTE);
    const [old, fresh] = await untilTried(1);
    assert.deepEqual(
      server.mails.map(({ subject }) => subject),
      ["fresh"],
    );
    assert.deepEqual([old?.sent_at, old?.next_attempt_at, fresh?.next_attempt_at], [null, null, null]);
    assert.match(old?.last_error ?? "", /within a day/);
  });

  it("forgets mails after 30 days", async (t) => {
    const server = await startServer(t);
    const clock = new TestClock();
    const { mails, mailer } = startNode(t, clock, server.port);
    const later = laterOf(clock, mailer);
    await mails.put([mail("old")], T0);
    await untilTried(1);
    clock.pass(29 * 24 * 60 * MINUTE);
    await mails.put([mail("new")], clock.now());
    await untilTried(1);
    assert.equal((await rows()).length, 2);
    later(2 * 24 * 60 * MINUTE);
    await waitFor(async () => (await rows()).length === 1, { message: "the old one is gone" });
    assert.equal((await rows())[0]?.subject, "new");
  });

  it("stops in the middle of a mail, which is then due at once for the next start", async (t) => {
    const server = await startServer(t);
    server.refuse("mail", "hang");
    const clock = new TestClock();
    const log = makeMemoryLog();
    const sender = createSmtpSender({
      url: `smtp://127.0.0.1:${server.port}`,
      instance: { externalUrl: "https://git.example.org" },
    });
    t.after(() => sender.close());
    const mails = createMailOutbox(db, { onPut: () => undefined });
    await mails.put([mail("cut-off")], T0);
    const mailer = startMailer({ clock, log, settings, mails, sender });
    await waitFor(async () => (await rows())[0]?.next_attempt_at?.getTime() === T0.getTime() + 5 * MINUTE, {
      message: "it is claimed",
    });
    await mailer.stop(50);
    const [row] = await rows();
    assert.deepEqual([row?.next_attempt_at?.getTime(), row?.sent_at], [T0.getTime(), null]);
  });
});
