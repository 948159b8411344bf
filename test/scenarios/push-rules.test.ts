import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import type { MirrorUpdateAnswer } from "@heliostat/contract/api/mirrors.ts";
import { createApi, type Parameters } from "../support/api.ts";
import { startGitDaemonPeer } from "../support/git-daemon-peer.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

/* What a push mirror does to each ref of its downstream, by its options and by what the downstream allows. */

const directory = await makeTempDir({ after });
const peer = await startGitHttpPeer({ root: directory });
after(() => peer.close());
const daemon = await startGitDaemonPeer({ root: directory });
after(() => daemon.close());
const server = await startServer();
after(() => server.stop());
const api = createApi(server);
await api.put("/application/settings", { push_mirror_min_interval_seconds: 0 });

/** A project with what is in `local`, pushed with real git, and an empty downstream. */
interface Stage {
  readonly project: string;
  /** A bare repository: what a person at work has. */
  readonly local: string;
  readonly downstream: string;
  /** Makes the project as `local` is. */
  publish(): Promise<void>;
  /** Makes the push mirror and waits for its first update. */
  mirror(parameters?: Parameters): Promise<MirrorUpdateAnswer>;
  /** Runs an update of the mirror. */
  update(): Promise<MirrorUpdateAnswer>;
}

/** `local` has `main` with two commits, `topic`, `merged` (part of main) and the tag `v1`. */
async function makeStage(name: string, url = peer.urlOf(`${name}.git`)): Promise<Stage> {
  const local = await makeRepository(join(directory, `${name}-local.git`));
  const downstream = await makeRepository(join(directory, `${name}.git`));
  const first = await makeCommit(local);
  await makeCommit(local);
  await setRef(local, "refs/heads/merged", first);
  await makeCommit(local, { ref: "refs/heads/topic", parents: [first] });
  await makeTag(local, "v1", first);
  await api.createProject(name);
  const project = `root/${name}`;
  const projectUrl = withCredentials(`${server.url}/${project}.git`, "root", server.token);
  let id = 0;
  const stage: Stage = {
    project,
    local,
    downstream,
    async publish() {
      await git(local, ["push", "-q", "--mirror", projectUrl]);
    },
    async mirror(parameters) {
      ({ id } = await api.createPushMirror(project, url, parameters));
      return await waitFor(
        async () => (await api.listUpdates(project, id)).find((each) => each.finished_at),
        {
          message: "the first update is over",
        },
      );
    },
    update: () => api.update(project, id),
  };
  await stage.publish();
  return stage;
}

test("a new mirror carries all branches and tags, and nothing else", async () => {
  const stage = await makeStage("everything");
  await git(stage.local, ["update-ref", "refs/notes/commits", "refs/heads/main"]);
  await stage.publish();
  const update = await stage.mirror();
  assert.equal(update.status, "finished");
  assert.deepEqual(outcomes(update), {
    "refs/heads/main": "created",
    "refs/heads/merged": "created",
    "refs/heads/topic": "created",
    "refs/tags/v1": "created",
  });
  const { "refs/notes/commits": _, ...expected } = await refsOf(stage.local);
  assert.deepEqual(await refsOf(stage.downstream), expected);
  await checkRepository(stage.downstream);
});

test("nothing to do is a success that changes nothing", async () => {
  const stage = await makeStage("idle");
  await stage.mirror();
  const before = await refsOf(stage.downstream);
  const update = await stage.update();
  assert.equal(update.status, "finished");
  assert.deepEqual(update.refs, []);
  assert.deepEqual(await refsOf(stage.downstream), before);
});

test("every push starts the mirror: fast-forwards, forced branches and moved tags follow", async () => {
  const stage = await makeStage("follows");
  const { "refs/heads/main": main = "", "refs/heads/merged": first = "" } = await refsOf(stage.local);
  await makeTag(stage.local, "latest", main);
  await stage.publish();
  await stage.mirror();
  await makeCommit(stage.local);
  await makeCommit(stage.local, { ref: "refs/heads/topic", parents: [first], message: "topic, rewritten" });
  await makeTag(stage.local, "latest", first);
  await makeCommit(stage.local, { ref: "refs/heads/new" });
  await stage.publish();
  const expected = await refsOf(stage.local);
  await waitFor(async () => JSON.stringify(await refsOf(stage.downstream)) === JSON.stringify(expected), {
    message: "downstream has it all, without being asked",
  });
  const update = await waitFor(
    async () => (await stageUpdates(stage)).find((each) => each.trigger === "push"),
    {
      message: "the update is recorded",
    },
  );
  assert.equal(update.status, "finished");
  assert.deepEqual(outcomes(update), {
    "refs/heads/main": "fast-forward",
    "refs/heads/new": "created",
    "refs/heads/topic": "forced",
    "refs/tags/latest": "forced",
  });
});

test("of what is gone here, only what the default branch contains is deleted there", async () => {
  const stage = await makeStage("deletes");
  await stage.mirror();
  const only = await makeCommit(stage.downstream, { ref: "refs/heads/only-there" });
  await setRef(stage.local, "refs/heads/merged", null);
  await setRef(stage.local, "refs/heads/topic", null);
  await setRef(stage.local, "refs/tags/v1", null);
  await stage.publish();
  await waitFor(async () => !("refs/heads/merged" in (await refsOf(stage.downstream))), {
    message: "what was merged is deleted",
  });
  const left = await refsOf(stage.downstream);
  assert.deepEqual(Object.keys(left), ["refs/heads/main", "refs/heads/only-there", "refs/heads/topic"]);
  assert.equal(left["refs/heads/only-there"], only);
});

test("what has diverged downstream is overwritten", async () => {
  const stage = await makeStage("overwrites");
  await stage.mirror();
  await makeCommit(stage.downstream, { ref: "refs/heads/topic", message: "somebody else's" });
  const update = await stage.update();
  assert.equal(update.status, "finished");
  assert.deepEqual(outcomes(update), { "refs/heads/topic": "forced" });
  assert.deepEqual(await refsOf(stage.downstream), await refsOf(stage.local));
});

test("with keep_divergent_refs it is left alone and named, nothing is deleted, and the rest goes on", async () => {
  const stage = await makeStage("keeps");
  await stage.mirror({ keep_divergent_refs: true });
  const theirs = await makeCommit(stage.downstream, { ref: "refs/heads/topic", message: "somebody else's" });
  await makeCommit(stage.local);
  await makeCommit(stage.local, { ref: "refs/heads/topic", message: "ours" });
  await setRef(stage.local, "refs/heads/merged", null);
  await stage.publish();
  await waitFor(
    async () => (await api.listUpdates(stage.project, await mirrorId(stage)))[0]?.status === "failed",
    {
      message: "the update says that refs have diverged",
    },
  );
  const update = await stage.update();
  assert.equal(update.status, "failed");
  assert.equal(
    update.error,
    "Some refs have diverged and have not been updated on the remote:\n\nrefs/heads/topic",
  );
  const refs = await refsOf(stage.downstream);
  assert.equal(refs["refs/heads/topic"], theirs);
  assert.equal(refs["refs/heads/main"], (await refsOf(stage.local))["refs/heads/main"]);
  assert("refs/heads/merged" in refs);
  const state = await api.readPushMirror(stage.project, await mirrorId(stage));
  assert.equal(state.update_status, "failed", "not tried again: it stays so until somebody acts");
  assert.equal(state.keep_divergent_refs, true);
});

test("only_protected_branches carries protected branches, by name and by wildcard, and all tags", async () => {
  const stage = await makeStage("protected");
  await makeCommit(stage.local, { ref: "refs/heads/release/1.0" });
  await stage.publish();
  await api.post("/projects/root%2Fprotected/protected_branches", { name: "main" });
  await api.post("/projects/root%2Fprotected/protected_branches", { name: "release/*" });
  await stage.mirror({ only_protected_branches: true });
  assert.deepEqual(Object.keys(await refsOf(stage.downstream)), [
    "refs/heads/main",
    "refs/heads/release/1.0",
    "refs/tags/v1",
  ]);
});

test("only_protected_branches with none protected carries no branch, and says so", async () => {
  const stage = await makeStage("unprotected");
  const update = await stage.mirror({ only_protected_branches: true });
  assert.equal(update.status, "finished");
  assert.deepEqual(update.notes, ["No branch matches the filter, so no branch is mirrored."]);
  assert.deepEqual(Object.keys(await refsOf(stage.downstream)), ["refs/tags/v1"]);
});

test("mirror_branch_regex carries the branches that match anywhere, and can be changed", async () => {
  const stage = await makeStage("regex");
  const update = await stage.mirror({ mirror_branch_regex: "^(main|top)" });
  assert.equal(update.status, "finished");
  assert.deepEqual(Object.keys(await refsOf(stage.downstream)), [
    "refs/heads/main",
    "refs/heads/topic",
    "refs/tags/v1",
  ]);
  await api.put(`/projects/root%2Fregex/remote_mirrors/${await mirrorId(stage)}`, {
    mirror_branch_regex: "erge",
  });
  await waitFor(async () => "refs/heads/merged" in (await refsOf(stage.downstream)), {
    message: "the change of the filter alone makes the mirror carry what it lets in",
  });
  assert.deepEqual(Object.keys(await refsOf(stage.downstream)), [
    "refs/heads/main",
    "refs/heads/merged",
    "refs/heads/topic",
    "refs/tags/v1",
  ]);
});

test("a ref that the downstream's hook rejects is named with the hook's words, and the others go on", async () => {
  const stage = await makeStage("rejects");
  await installHook(
    stage.downstream,
    "update",
    'test "$1" != refs/heads/topic || { echo "topic is frozen" >&2; exit 1; }',
  );
  const update = await stage.mirror();
  assert.equal(update.status, "failed");
  assert.match(
    update.error ?? "",
    /^Some refs were not updated:\n\nrefs\/heads\/topic: .*hook declined.*topic is frozen/,
  );
  assert.deepEqual(outcomes(update), {
    "refs/heads/main": "created",
    "refs/heads/merged": "created",
    "refs/heads/topic": "rejected",
    "refs/tags/v1": "created",
  });
  assert.deepEqual(Object.keys(await refsOf(stage.downstream)), [
    "refs/heads/main",
    "refs/heads/merged",
    "refs/tags/v1",
  ]);
  const state = await api.readPushMirror(stage.project, await mirrorId(stage));
  assert.equal(state.update_status, "to_retry");
  assert.equal(state.last_error, update.error);

  await installHook(stage.downstream, "update", "exit 0");
  assert.equal((await stage.update()).status, "finished");
  assert.deepEqual(await refsOf(stage.downstream), await refsOf(stage.local));
});

test("a downstream that refuses a whole push because of one ref gets the others all the same", async () => {
  const stage = await makeStage("poisoned");
  await installHook(stage.downstream, "pre-receive", "! grep -q refs/heads/topic");
  const update = await stage.mirror();
  assert.equal(update.status, "failed");
  assert.equal(outcomes(update)["refs/heads/topic"], "rejected");
  assert.deepEqual(Object.keys(await refsOf(stage.downstream)), [
    "refs/heads/main",
    "refs/heads/merged",
    "refs/tags/v1",
  ]);
});

test("a downstream that falls ill is retried, and its error is told", async () => {
  const stage = await makeStage("ill");
  await stage.mirror();
  peer.setFault("status:503", "ill.git");
  await makeCommit(stage.local);
  await stage.publish();
  await api.waitForMirror(stage.project, await mirrorId(stage), "to_retry");
  assert.match((await api.readPushMirror(stage.project, await mirrorId(stage))).last_error ?? "", /HTTP 503/);
  peer.setFault(null, "ill.git");
  // The first retry is due after 10 s.
  await api.waitForMirror(stage.project, await mirrorId(stage), "finished");
  assert.deepEqual(await refsOf(stage.downstream), await refsOf(stage.local));
});

test("a downstream behind git:// is mirrored too", async () => {
  const stage = await makeStage("daemon", daemon.urlOf("daemon.git"));
  assert.equal((await stage.mirror()).status, "finished");
  assert.deepEqual(await refsOf(stage.downstream), await refsOf(stage.local));
  await makeCommit(stage.local);
  await stage.publish();
  const expected = await refsOf(stage.local);
  await waitFor(async () => JSON.stringify(await refsOf(stage.downstream)) === JSON.stringify(expected), {
    message: "the push arrives",
  });
});

test("a disabled mirror does nothing, and a removed one is gone", async () => {
  const stage = await makeStage("disabled");
  const { id } = await api.createPushMirror(stage.project, peer.urlOf("disabled.git"), { enabled: false });
  await makeCommit(stage.local);
  await stage.publish();
  const path = `/projects/root%2Fdisabled/remote_mirrors/${id}`;
  assert.equal((await api.call("POST", `${path}/sync`)).status, 400);
  assert.deepEqual(await api.listUpdates(stage.project, id), []);
  assert.deepEqual(await refsOf(stage.downstream), {});
  await api.put(path, { enabled: true });
  await api.waitForMirror(stage.project, id, "finished");
  assert.deepEqual(await refsOf(stage.downstream), await refsOf(stage.local));
  assert.equal((await api.call("DELETE", path)).status, 204);
  assert.equal((await api.call("GET", path)).status, 404);
});

test("several downstreams are independent of each other", async () => {
  const stage = await makeStage("several");
  const second = await makeRepository(join(directory, "several-2.git"));
  peer.setFault("hang", "several.git");
  const { id: stuck } = await api.createPushMirror(stage.project, peer.urlOf("several.git"));
  const { id: good } = await api.createPushMirror(stage.project, peer.urlOf("several-2.git"));
  await api.waitForMirror(stage.project, good, "finished");
  assert.deepEqual(await refsOf(second), await refsOf(stage.local));
  assert.deepEqual(await refsOf(stage.downstream), {});
  await api.delete(`/projects/root%2Fseveral/remote_mirrors/${stuck}`);
  await server.assertNoGitLeft();
});

async function mirrorId(stage: Stage): Promise<number> {
  const [first] = Object(await api.get(`/projects/${encodeURIComponent(stage.project)}/remote_mirrors`));
  return first.id;
}

async function stageUpdates(stage: Stage): Promise<readonly MirrorUpdateAnswer[]> {
  const updates = await api.listUpdates(stage.project, await mirrorId(stage));
  return updates.filter((each) => each.finished_at !== null);
}

function outcomes(update: MirrorUpdateAnswer): Record<string, string> {
  const pairs = update.refs.map(({ ref, outcome }) => [ref, outcome] as const);
  return Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function installHook(repository: string, name: string, body: string): Promise<void> {
  const path = join(repository, "hooks", name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
}
