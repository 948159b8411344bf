import assert from "node:assert/strict";
import test, { after } from "node:test";
import { projectPath } from "../support/api.ts";
import { startGitDaemonPeer } from "../support/git-daemon-peer.ts";
import { type MirrorOnStage, openStage, writeHook } from "../support/mirror-stage.ts";
import { inOrder, type RefLine, readRefs, writeRefs } from "../support/ref-notation.ts";
import { git, makeRepository, makeTempDir } from "../support/repositories.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

/* What starts a push mirror, and what comes after an update that failed. One update by itself: `mirroring-rules`. */

const directory = await makeTempDir({ after });
const stage = await openStage({ after });
const { api, server } = stage;

test("every push starts the mirror: fast-forwards, forced branches and moved tags follow", async () => {
  const start = "main=b topic=x tags/latest=tag(b)";
  const mirror = await stage.play({ direction: "push", here: start, there: start });
  await push(mirror, "main=c topic=b new=d tags/latest=tag(a)");
  await waitForRefs(mirror.there, "main=c topic=b new=d tags/latest=tag(a)");
  const update = await waitFor(
    async () =>
      (await api.listUpdates(mirror.project, mirror.name)).find(
        ({ trigger, finished_at }) => trigger === "push" && finished_at !== null,
      ),
    { message: "the update is recorded" },
  );
  assert.equal(update.status, "finished");
  assert.deepEqual(Object.fromEntries(update.refs.map(({ ref, outcome }) => [ref, outcome])), {
    "refs/heads/main": "fast-forward",
    "refs/heads/new": "created",
    "refs/heads/topic": "forced",
    "refs/tags/latest": "forced",
  });
});

test("a push that deletes a branch starts it too", async () => {
  const mirror = await stage.play({ direction: "push", here: "main=c merged=b", there: "main=c merged=b" });
  await push(mirror, "main=c");
  await waitForRefs(mirror.there, "main=c");
});

test("what diverged stays so until somebody acts: it is not tried again by itself", async () => {
  const mirror = await stage.play({
    direction: "push",
    options: { keep_divergent_refs: true },
    here: "main=c topic=y",
    there: "main=c topic=b",
  });
  assert.equal((await mirror.state()).update_status, "failed");
  await writeRefs(mirror.there, "main=c topic=x");
  assert.equal((await mirror.update()).status, "finished");
  assert.equal((await mirror.state()).last_error, null);
  assert.equal(await readRefs(mirror.there), "main=c topic=y");
});

test("what a hook rejected arrives once the hook lets it pass", async () => {
  const mirror = await stage.play({
    direction: "push",
    hooks: { update: '[ "$1" != refs/heads/topic ]' },
    here: "main=c topic=x",
  });
  assert.equal((await mirror.state()).update_status, "to_retry");
  await writeHook(mirror.there, "update", "exit 0");
  assert.equal((await mirror.update()).status, "finished");
  assert.equal(await readRefs(mirror.there), "main=c topic=x");
});

test("a change of the filter alone carries what it lets in, and deletes nothing that it keeps out", async () => {
  const mirror = await stage.play({
    direction: "push",
    options: { mirror_branch_regex: "^(main|top)" },
    here: "main=c topic=x other=b",
  });
  assert.equal(await readRefs(mirror.there), "main=c topic=x");
  await api.put(`${projectPath(mirror.project)}/remote_mirrors/${mirror.name}`, {
    mirror_branch_regex: "other",
  });
  await waitForRefs(mirror.there, "main=c other=b topic=x");
});

test("a downstream that falls ill is retried, and its error is told", async () => {
  const mirror = await stage.play({ direction: "push", here: "main=b", there: "main=b" });
  stage.peer.setFault("status:503", mirror.remoteName);
  await push(mirror, "main=c");
  await api.waitForMirror(mirror.project, mirror.name, "to_retry");
  assert.match((await mirror.state()).last_error ?? "", /HTTP 503/);
  stage.peer.setFault(null, mirror.remoteName);
  // The first retry is due after 10 s.
  await api.waitForMirror(mirror.project, mirror.name, "finished");
  assert.equal(await readRefs(mirror.there), "main=c");
});

test("a disabled mirror does nothing, and a removed one is gone", async () => {
  const mirror = await stage.play({ direction: "push", here: "main=b", there: "main=b" });
  const path = `${projectPath(mirror.project)}/remote_mirrors/${mirror.name}`;
  await api.put(path, { enabled: false });
  const before = (await api.listUpdates(mirror.project, mirror.name)).length;
  await push(mirror, "main=c");
  const { status, body } = await api.call("POST", `${path}/sync`);
  assert.equal(status, 400);
  assert.deepEqual(body, {
    message: "Cannot proceed with the push mirroring. Please verify your mirror configuration.",
  });
  assert.equal((await api.listUpdates(mirror.project, mirror.name)).length, before);
  assert.equal(await readRefs(mirror.there), "main=b");
  await api.put(path, { enabled: true });
  await waitForRefs(mirror.there, "main=c");
  await api.delete(path);
  assert.equal((await api.call("GET", path)).status, 404);
});

test("a downstream behind git:// is mirrored too", async () => {
  const daemon = await startGitDaemonPeer({ root: directory });
  after(() => daemon.close());
  const mirror = await stage.play({ direction: "push", here: "main=b", there: "main=b" });
  const second = await makeRepository(`${directory}/daemon.git`);
  const { id } = await api.createPushMirror(mirror.project, daemon.urlOf("daemon.git"));
  await api.waitForMirror(mirror.project, id, "finished");
  await push(mirror, "main=c topic=x");
  await waitForRefs(second, "main=c topic=x");
});

test("several downstreams are independent of each other: one that hangs holds up none", async () => {
  const mirror = await stage.play({ direction: "push", here: "main=c topic=x", there: "main=a" });
  stage.peer.setFault("hang", "hangs");
  const { id: stuck } = await api.createPushMirror(mirror.project, stage.peer.urlOf("hangs.git"));
  await push(mirror, "main=d topic=x");
  await waitForRefs(mirror.there, "main=d topic=x");
  assert.equal((await api.readPushMirror(mirror.project, stuck)).update_status, "started");
  await api.delete(`${projectPath(mirror.project)}/remote_mirrors/${stuck}`);
  await server.assertNoGitLeft();
});

let clients = 0;

/** Makes the branches and tags of the project what the line says, with one real push of somebody at work. */
async function push(mirror: MirrorOnStage, line: RefLine): Promise<void> {
  clients += 1;
  const client = await makeRepository(`${directory}/client-${clients}.git`);
  await writeRefs(client, line);
  const url = withCredentials(`${server.url}/${mirror.project}.git`, "root", server.token);
  await git(client, [
    "push",
    "-q",
    "--prune",
    "--force",
    url,
    "refs/heads/*:refs/heads/*",
    "refs/tags/*:refs/tags/*",
  ]);
}

async function waitForRefs(repository: string, line: RefLine): Promise<void> {
  const expected = inOrder(line);
  await waitFor(async () => (await readRefs(repository)) === expected, {
    timeoutMs: 60_000,
    message: async () => `refs are ${expected}; they are ${await readRefs(repository)}`,
  });
}
