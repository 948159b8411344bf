import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";
import { createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeRepository,
  makeTempDir,
  refsOf,
} from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { tryPush } from "../support/try-push.ts";
import { waitFor } from "../support/wait-for.ts";
import { withCredentials } from "../support/working-copy.ts";

const PUSHERS = 4;
const ROUNDS = 5;

test("pushers, a pull mirror and a push mirror of one project neither lose what was taken nor corrupt it", async () => {
  const root = await makeTempDir({ after });
  const upstream = await makeRepository(join(root, "up.git"));
  const downstream = await makeRepository(join(root, "down.git"));
  const first = await makeCommit(upstream);
  const peer = await startGitHttpPeer({ root });
  after(() => peer.close());
  const server = await startServer();
  after(() => server.stop());
  const api = createApi(server);
  await api.put("/application/settings", {
    default_branch_protection: 0,
    pull_mirror_min_interval_seconds: 0,
    push_mirror_min_interval_seconds: 0,
  });
  const { id } = await api.createProject("p");
  await api.createPullMirror("root/p", peer.urlOf("up.git"), { mirror_overwrites_diverged_branches: true });
  await api.waitForMirror("root/p", "pull", "finished");
  const pushMirror = await api.createPushMirror("root/p", peer.urlOf("down.git"));
  const url = withCredentials(`${server.url}/root/p.git`, "root", server.token);

  /** What the server has said yes to: the tips of the shared branch, and those of each pusher's own. */
  const taken: { readonly ref: string; readonly tip: string }[] = [];
  let isOver = false;
  const pusher = async (number: number): Promise<void> => {
    const client = await makeRepository(join(root, `client-${number}.git`));
    for (let round = 0; round < ROUNDS; round += 1) {
      await git(client, ["fetch", "-q", url, "+refs/heads/*:refs/remotes/*"]);
      const shared = (await refsOf(client))["refs/remotes/shared"];
      const own = `refs/heads/own-${number}`;
      const before = (await refsOf(client))[own];
      const tip = await makeCommit(client, { ref: own, parents: before === undefined ? [first] : [before] });
      const next = await makeCommit(client, { ref: "refs/heads/s", parents: [shared ?? first] });
      for (const [from, ref] of [
        [own, own],
        ["refs/heads/s", "refs/heads/shared"],
        ["refs/heads/s", "refs/heads/main"],
      ] as const) {
        const { refs } = await tryPush(client, url, [`${from}:${ref}`]);
        const words = refs[ref.slice("refs/heads/".length)] ?? "";
        if (!words.startsWith("!")) taken.push({ ref, tip: ref === own ? tip : next });
      }
    }
  };
  const moveUpstream = async (): Promise<void> => {
    while (!isOver) {
      await makeCommit(upstream);
      await api.update("root/p", "pull");
    }
  };
  const moving = moveUpstream();
  await Promise.all(Array.from({ length: PUSHERS }, (_, number) => pusher(number)));
  isOver = true;
  await moving;

  const path = server.repositoryOf(id);
  await api.update("root/p", "pull");
  const refs = await refsOf(path);
  await checkRepository(path);
  assert.equal(refs["refs/heads/main"], (await refsOf(upstream))["refs/heads/main"]);
  const ofPushers = taken.filter(({ ref }) => ref !== "refs/heads/main");
  assert.ok(ofPushers.length >= PUSHERS * ROUNDS, "each pusher's own branch was never in anybody's way");
  for (const { ref, tip } of ofPushers) {
    await git(path, ["merge-base", "--is-ancestor", tip, refs[ref] ?? ""]).catch(() =>
      assert.fail(`${tip} was taken for ${ref} and is not in it`),
    );
  }
  // What came to the mirrored branch by a push was overwritten by updates that say so.
  const outcomes = (await api.listUpdates("root/p", "pull")).flatMap(({ counts }) => counts.forced);
  const overwritten = taken.some(({ ref }) => ref === "refs/heads/main");
  assert.ok(!overwritten || outcomes.some((forced) => forced > 0));
  await waitFor(
    async () => {
      const there = await refsOf(downstream);
      return Object.entries(refs).every(([ref, oid]) => there[ref] === oid);
    },
    { timeoutMs: 60_000, message: "downstream has all that is here" },
  );
  assert.equal((await api.readPushMirror("root/p", pushMirror.id)).enabled, true);
  await checkRepository(downstream);
});
