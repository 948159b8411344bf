import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { type MailServerOptions, startMailServer } from "../../../../test/support/mail-server.ts";
import type { WaitingMail } from "../app/ports.ts";
import { createSmtpSender } from "./smtp-sender.ts";

const MAIL: WaitingMail = {
  id: 17,
  recipient: "ada@example.com",
  subject: "widget | Remote mirror update failed",
  text: "It failed.\n\nhttps://git.example.org/ada/widget",
  html: "<p>It failed.</p>",
  attempts: 0,
  createdAt: new Date("2026-01-02T03:04:05.678Z"),
};

const LIMITS = { connectMs: 300, idleMs: 300, mailMs: 600 };

function makeSender(t: TestContext, url: string, externalUrl = "https://git.example.org") {
  const sender = createSmtpSender({ url, instance: { externalUrl }, limits: LIMITS });
  t.after(() => sender.close());
  return (changes: Partial<WaitingMail> = {}, signal: AbortSignal = t.signal) =>
    sender.send({ ...MAIL, ...changes }, signal);
}

async function setUp(t: TestContext, options: MailServerOptions = {}) {
  const server = await startMailServer(options);
  t.after(() => server.close());
  return server;
}

test("a mail arrives with both its forms, and says that a machine wrote it", async (t) => {
  const server = await setUp(t);
  const send = makeSender(t, `smtp://127.0.0.1:${server.port}`);
  assert.deepEqual(await send(), { kind: "sent" });
  const [mail] = server.mails;
  assert.deepEqual(
    [mail?.from, mail?.to, mail?.subject, mail?.text, mail?.html],
    ["heliostat@git.example.org", ["ada@example.com"], MAIL.subject, MAIL.text, MAIL.html],
  );
  const header = (name: string) => mail?.headers.get(name);
  assert.equal(header("auto-submitted"), "auto-generated");
  assert.equal(header("message-id"), "<heliostat.1767323045678.17@git.example.org>");
  assert.equal(header("from"), "Heliostat <heliostat@git.example.org>");
  assert.equal(header("to"), "ada@example.com");
  assert.equal(header("date"), "Fri, 02 Jan 2026 03:04:05 +0000");
  // Sent again, it is recognisable as the same.
  await send({ attempts: 1 });
  assert.equal(server.mails[1]?.headers.get("message-id"), header("message-id"));
});

test("the sender's address can be set, and is one where the host is an address of the network", async (t) => {
  const server = await setUp(t);
  await makeSender(t, `smtp://127.0.0.1:${server.port}?from=mirrors%40example.net`)();
  await makeSender(t, `smtp://127.0.0.1:${server.port}`, "http://127.0.0.1:8080")();
  await makeSender(t, `smtp://127.0.0.1:${server.port}`, "http://[::1]:8080")();
  assert.deepEqual(
    server.mails.map(({ from }) => from),
    ["mirrors@example.net", "heliostat@[127.0.0.1]", "heliostat@[IPv6:::1]"],
  );
});

test("nothing of a subject or a text becomes a header", async (t) => {
  const server = await setUp(t);
  const send = makeSender(t, `smtp://127.0.0.1:${server.port}`);
  await send({
    subject: "a\r\nBcc: victim@example.com\r\n\r\nbody\nX-Injected: 1 \u{1f600}",
    text: "line\r\n.\r\nQUIT\r\nBcc: x@example.com",
  });
  const [mail] = server.mails;
  assert.deepEqual(mail?.to, ["ada@example.com"]);
  assert.deepEqual(
    ["bcc", "x-injected"].map((name) => mail?.headers.has(name)),
    [false, false],
  );
  assert.match(mail?.text ?? "", /^line\n\.\nQUIT\nBcc: x@example\.com$/);
});

for (const recipient of [
  "a@example.com\r\nRCPT TO:<b@example.com>",
  "a@example.com, b@example.com",
  "nobody",
  "",
]) {
  test(`no mail goes to ${JSON.stringify(recipient)}`, async (t) => {
    const server = await setUp(t);
    const delivery = await makeSender(t, `smtp://127.0.0.1:${server.port}`)({ recipient });
    assert.equal(delivery.kind === "failed" && delivery.isFinal, true);
    assert.deepEqual(server.mails, []);
  });
}

test("user name and password are decoded, and are in no reason, however the server quotes them", async (t) => {
  const auth = { username: "ada@example.com", password: "p:a/s s%40" };
  const server = await setUp(t, { auth });
  const url = (password: string) =>
    `smtp://${encodeURIComponent(auth.username)}:${encodeURIComponent(password)}@127.0.0.1:${server.port}`;
  assert.deepEqual(await makeSender(t, url(auth.password))(), { kind: "sent" });
  const wrong = await makeSender(t, url("planted secret"))();
  assert.deepEqual(server.logins, [`${auth.username}:${auth.password}`, `${auth.username}:planted secret`]);
  if (wrong.kind !== "failed") assert.fail("a wrong password was taken");
  assert.equal(wrong.isFinal, false, "an admin may mend it");
  assert.match(wrong.reason, /is wrong/);
  assert.doesNotMatch(wrong.reason, /planted/);
});

test("a password goes to another machine over TLS only", async (t) => {
  const server = await setUp(t, { auth: { username: "a", password: "b" } });
  // This machine by a name that does not tell.
  const delivery = await makeSender(t, `smtp://a:b@[::ffff:127.0.0.1]:${server.port}`)();
  assert.match(delivery.kind === "failed" ? delivery.reason : "", /STARTTLS/);
  assert.deepEqual(server.logins, []);
});

test("smtp changes to TLS where the server offers it, and does not go on without it", async (t) => {
  const server = await setUp(t, { startTls: true });
  const delivery = await makeSender(t, `smtp://127.0.0.1:${server.port}`)();
  assert.match(delivery.kind === "failed" ? delivery.reason : "", /certificate/i);
  assert.deepEqual(server.mails, []);
});

test("smtps speaks TLS from the start, and trusts no certificate that nobody vouches for", async (t) => {
  const server = await setUp(t, { secure: true });
  const delivery = await makeSender(t, `smtps://127.0.0.1:${server.port}`)();
  if (delivery.kind !== "failed") assert.fail("a certificate of nobody was trusted");
  assert.match(delivery.reason, /certificate/i);
  assert.deepEqual(server.mails, []);
});

const REFUSALS: readonly (readonly ["recipient" | "mail", number, boolean])[] = [
  ["recipient", 450, false],
  ["recipient", 550, true],
  ["mail", 451, false],
  ["mail", 554, true],
];
for (const [at, code, isFinal] of REFUSALS) {
  test(`${code} for the ${at} is ${isFinal ? "final" : "not final"}, and the next mail goes through`, async (t) => {
    const server = await setUp(t);
    const send = makeSender(t, `smtp://127.0.0.1:${server.port}`);
    server.refuse(at, { code, words: "not now" });
    const delivery = await send();
    assert.deepEqual([delivery.kind, delivery.kind === "failed" && delivery.isFinal], ["failed", isFinal]);
    assert.match(JSON.stringify(delivery), new RegExp(`${code}.*not now`));
    server.refuse(at, null);
    assert.deepEqual(await send(), { kind: "sent" });
  });
}

test("a server that hangs is given up in bounded time: before it greets, and in the middle", async (t) => {
  const mute = createServer(() => undefined);
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  const address = mute.address();
  if (address === null || typeof address === "string") assert.fail("no port");
  const silent = await makeSender(t, `smtp://127.0.0.1:${address.port}`)();
  assert.deepEqual([silent.kind, silent.kind === "failed" && silent.isFinal], ["failed", false]);
  mute.close();

  const server = await setUp(t);
  server.refuse("mail", "hang");
  const stuck = await makeSender(t, `smtp://127.0.0.1:${server.port}`)();
  assert.deepEqual([stuck.kind, stuck.kind === "failed" && stuck.isFinal], ["failed", false]);
});

test("a server that is not there fails the mail, and one that is back takes it", async (t) => {
  const server = await startMailServer();
  await server.close();
  const send = makeSender(t, `smtp://127.0.0.1:${server.port}`);
  assert.equal((await send()).kind, "failed");
  const back = await setUp(t, { port: server.port });
  assert.deepEqual(await send(), { kind: "sent" });
  assert.equal(back.mails.length, 1);
});

test("an aborted try ends at once", async (t) => {
  const server = await setUp(t);
  server.refuse("mail", "hang");
  const abort = new AbortController();
  const sent = makeSender(t, `smtp://127.0.0.1:${server.port}`)({}, abort.signal);
  abort.abort();
  assert.equal((await sent).kind, "failed");
});
