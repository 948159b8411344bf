import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import test, { after } from "node:test";
import { eventSchema } from "@heliostat/contract/api/events.ts";
import { createApi, projectPath } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { type ReceivedMail, startMailServer } from "../support/mail-server.ts";
import { makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { cloneWorkingCopy, withCredentials } from "../support/working-copy.ts";

/* Who looks after a project is told by mail when one of its mirrors fails or works again. Once. */

const directory = await makeTempDir({ after });
await mkdir(join(directory, "peer"));
const PASSWORD = "p1anted & s3cret";
const peer = await startGitHttpPeer({
  root: join(directory, "peer"),
  auth: { username: "user", password: PASSWORD },
});
after(() => peer.close());
const mailServer = await startMailServer({ auth: { username: "helio", password: "st@t" } });
after(() => mailServer.close());
const server = await startServer({
  env: { HELIOSTAT_SMTP_URL: `smtp://helio:st%40t@127.0.0.1:${mailServer.port}?from=mirrors@example.com` },
});
after(() => server.stop());
const api = createApi(server);
await api.put("/application/settings", {
  pull_mirror_min_interval_seconds: 0,
  push_mirror_min_interval_seconds: 0,
});
const adaId = await api.createUser("ada", "correct horse battery");
const token = await api.createToken(adaId, ["api", "write_repository"]);
const ada = api.as(token);

function mailsAbout(project: string): readonly ReceivedMail[] {
  return mailServer.mails.filter(({ subject }) => subject.startsWith(`${project} | `));
}

async function untilMails(project: string, count: number): Promise<readonly ReceivedMail[]> {
  await waitFor(() => mailsAbout(project).length >= count, {
    message: () =>
      `${count} mails about ${project}; there are ${JSON.stringify(mailsAbout(project).map((m) => m.subject))}`,
  });
  return mailsAbout(project);
}

const asUser = (name: string) => withCredentials(peer.urlOf(name), "user", PASSWORD);

test("a pull mirror of a dead URL: one mail; mended: one mail", async () => {
  await ada.createProject("dead");
  const gone = asUser("later.git");
  await ada.createPullMirror("ada/dead", gone);
  await ada.waitForMirror("ada/dead", "pull", "failed");
  const [failed] = await untilMails("dead", 1);
  assert.deepEqual(
    [failed?.subject, failed?.from, failed?.to],
    ["dead | Repository mirroring failed", "mirrors@example.com", ["ada@example.com"]],
  );
  assert.match(
    failed?.text ?? "",
    /The pull mirror of ada\/dead from http:\/\/\*\*\*\*\*:\*\*\*\*\*@127\.0\.0\.1/,
  );
  assert.match(failed?.text ?? "", new RegExp(`^${server.url}/ada/dead$`, "m"));
  assert.equal((await ada.update("ada/dead", "pull")).status, "failed");
  assert.equal((await ada.update("ada/dead", "pull")).status, "failed");

  await server.restart();
  const upstream = await makeRepository(join(directory, "peer/later.git"));
  await makeCommit(upstream);
  assert.equal((await ada.update("ada/dead", "pull")).status, "finished");
  await untilMails("dead", 2);
  assert.equal((await ada.update("ada/dead", "pull")).status, "finished");
  assert.deepEqual(
    mailsAbout("dead").map(({ subject }) => subject),
    ["dead | Repository mirroring failed", "dead | Repository mirroring recovered"],
  );
});

test("an upstream that is away for a while and comes back as it was: the recovery is told too", async (t) => {
  const upstream = await makeRepository(join(directory, "peer/moody.git"));
  await makeCommit(upstream);
  await ada.createProject("moody");
  await ada.createPullMirror("ada/moody", asUser("moody.git"));
  await ada.waitForMirror("ada/moody", "pull", "finished");
  // By the schedule alone: a check finds the remote as the last good update has left it.
  await api.put("/application/settings", { pull_mirror_interval_seconds: 1 });
  t.after(() => api.put("/application/settings", { pull_mirror_interval_seconds: 1800 }));
  await rename(upstream, `${upstream}.away`);
  await ada.update("ada/moody", "pull");
  await untilMails("moody", 1);
  await rename(`${upstream}.away`, upstream);
  const [, recovered] = await untilMails("moody", 2);
  assert.equal(recovered?.subject, "moody | Repository mirroring recovered");
  assert.match(recovered?.text ?? "", /^What was wrong: /m);
});

test("a push that will be tried again soon is not told; one whose password is refused is, at once", async () => {
  const downstream = await makeRepository(join(directory, "peer/strict.git"));
  const hook = join(downstream, "hooks/update");
  await writeFile(hook, "#!/bin/sh\necho no >&2; exit 1\n");
  await chmod(hook, 0o755);
  await ada.createProject("strict");
  const work = await cloneWorkingCopy(
    withCredentials(`${server.url}/ada/strict.git`, "ada", token),
    join(directory, "strict"),
  );
  await work.commit("main", "good");
  await work.push("main");
  const { id } = await ada.createPushMirror("ada/strict", asUser("strict.git"));
  await ada.waitForMirror("ada/strict", id, "to_retry");
  assert.deepEqual(mailsAbout("strict"), []);

  await makeRepository(join(directory, "peer/locked.git"));
  const wrong = withCredentials(peer.urlOf("locked.git"), "user", "wr0ng");
  const other = await ada.createPushMirror("ada/strict", wrong);
  await ada.waitForMirror("ada/strict", other.id, "failed");
  const [mail] = await untilMails("strict", 1);
  assert.equal(mail?.subject, "strict | Remote mirror update failed");
  assert.match(mail?.text ?? "", /^The push mirror of ada\/strict to http:\/\/\*\*\*\*\*:\*\*\*\*\*@/);
  assert.equal((await ada.update("ada/strict", other.id)).status, "failed");
  assert.equal(mailsAbout("strict").length, 1);
  assert(!server.output().includes("st@t") && !server.output().includes("st%40t"), "no password is logged");
});

test("a remote that quotes the password and writes HTML: the mail has its words, and neither", async (t) => {
  const hostile = createServer((request, response) => {
    const given = Buffer.from(
      (request.headers.authorization ?? "").replace("Basic ", ""),
      "base64",
    ).toString();
    if (given === "") {
      response.writeHead(401, { "www-authenticate": "Basic" }).end();
      return;
    }
    const [, password = ""] = given.split(":");
    const words = `ERR off with you, ${given} ${encodeURIComponent(password)} <b>now</b>\n`;
    const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
    response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
    response.end(`${line("# service=git-upload-pack\n")}0000${line(words)}`);
  });
  hostile.listen(0, "127.0.0.1");
  await once(hostile, "listening");
  t.after(() => {
    hostile.close();
    hostile.closeAllConnections();
  });
  const address = hostile.address();
  if (address === null || typeof address === "string") assert.fail("no port");
  await ada.createProject("hostile");
  await ada.createPullMirror(
    "ada/hostile",
    withCredentials(`http://127.0.0.1:${address.port}/x.git`, "user", PASSWORD),
  );
  await ada.waitForMirror("ada/hostile", "pull", "failed");
  const [mail] = await untilMails("hostile", 1);
  assert.match(mail?.text ?? "", /off with you/);
  assert.doesNotMatch(`${mail?.raw}${mail?.text}${mail?.html}`, /p1anted|s3cret/);
  assert.doesNotMatch(mail?.html ?? "", /<b>/);
  assert.match(mail?.html ?? "", /&lt;b&gt;now/);
});

test("in Silent Mode no mail leaves", async () => {
  await api.put("/application/settings", { silent_mode_enabled: true });
  await ada.createProject("silent");
  await ada.createPullMirror("ada/silent", asUser("nowhere.git"));
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.deepEqual(mailsAbout("silent"), []);
  await api.put("/application/settings", { silent_mode_enabled: false });
  await ada.waitForMirror("ada/silent", "pull", "failed");
  await untilMails("silent", 1);
});

test("a blocked mirror user: who looks after the project is told, and the feed names the project's own identity", async () => {
  const upstream = await makeRepository(join(directory, "peer/orphan.git"));
  await makeCommit(upstream, { message: "brought by ada" });
  const { id } = await api.createProject("orphan");
  await api.createPullMirror("root/orphan", asUser("orphan.git"), { enabled: false });
  await api.post(`${projectPath(id)}/members`, { user_id: adaId, access_level: 40 });
  await api.put(projectPath(id), { mirror_user_id: adaId, mirror: true });
  await api.waitForMirror("root/orphan", "pull", "finished");
  await api.post(`/users/${adaId}/block`);
  const [mail] = await untilMails("orphan", 1);
  assert.deepEqual(
    [mail?.subject, mail?.to],
    ["orphan | Repository mirroring continues without its user", ["root@localhost"]],
  );

  await makeCommit(upstream, { message: "brought by the bot" });
  await api.update("root/orphan", "pull");
  const events = await waitFor(
    async () => {
      const all = eventSchema.array().parse(await api.get(`${projectPath("root/orphan")}/events`));
      return all.length === 2 && all;
    },
    { message: "two events" },
  );
  assert.deepEqual(
    events.map(({ push_data, author_username }) => [push_data.commit_title, author_username]),
    [
      ["brought by the bot", `project_${id}_bot`],
      ["brought by ada", "ada"],
    ],
  );
});
