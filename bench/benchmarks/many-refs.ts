import { cp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { collectQuestions } from "../../packages/server/src/domain/ref-plan/ancestry.ts";
import { type PullPlanInput, planPull } from "../../packages/server/src/domain/ref-plan/pull-plan.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { createRepositories } from "../../packages/server/src/git/repositories.ts";
import { createRemotes } from "../../packages/server/src/remotes/remotes.ts";
import type { Api } from "../../test/support/api.ts";
import { git, makeLargeRepository } from "../../test/support/repositories.ts";
import { alternate, type Benchmark, type Contestant, compare, summarize, time } from "../harness.ts";
import { SILENT } from "../silent-log.ts";
import { makeSmallCommits } from "../small-commits.ts";
import { onStage } from "../stage.ts";

const COMMITS = 5_000;
const REFS = 50_000;
const CHANGED = 10;
/** Each question costs the server milliseconds that the update could use. */
const POLL_MS = 50;
const EVERYTHING = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/** Updates that change ten refs of fifty thousand, and the plan of such an update by itself. */
export const manyRefs: Benchmark = {
  name: "many-refs",
  run: ({ runs }) =>
    onStage(async ({ dir, peerRoot, peerUrl, server: getServer }) => {
      const upstream = await makeLargeRepository(join(peerRoot, "many.git"), {
        commits: COMMITS,
        refs: REFS,
      });
      const commits = await makeSmallCommits(upstream, (2 * (runs + 1) + 1) * CHANGED);
      const url = `${peerUrl}/many.git`;
      const clone = join(dir, "clone.git");
      await git(dir, ["clone", "--quiet", "--mirror", url, clone]);
      for (const name of ["copy.git", "copy-by-git.git"])
        await cp(clone, join(peerRoot, name), { recursive: true });
      const { server, api } = await getServer();
      const { id } = await api.createProject("many", { mirror: true, import_url: url });
      await api.waitForMirror(id, "pull", "finished");

      /** Moves ten branches upstream, once for each round of each kind, whoever comes first in it. */
      const moved = new Set<string>();
      const move = async (kind: string, run: number): Promise<void> => {
        if (moved.has(`${kind} ${run}`)) return;
        moved.add(`${kind} ${run}`);
        const lines = commits
          .splice(0, CHANGED)
          .map((oid, i) => `update refs/heads/topic-${1 + i * 11} ${oid}\n`);
        await git(upstream, ["update-ref", "--stdin"], { input: lines.join("") });
      };
      const pull = async (): Promise<number> => {
        const began = Date.now();
        await api.post(`/projects/${id}/mirror/pull`);
        return (await endOf(api, id, "pull", began)).finished - began;
      };

      const [byGit = [], byUs = []] = await alternate(runs, [
        async (run) => {
          await move("pull", run);
          return await time(() => git(clone, ["fetch", "--quiet", "--no-tags", url, ...EVERYTHING]));
        },
        async (run) => {
          await move("pull", run);
          return await pull();
        },
      ]);

      const planned = await planTimes(join(server.dataDir, "repositories", "0", `${id}.git`), url, () =>
        move("plan", 0),
      );
      const { id: mirror } = await api.createPushMirror(id, `${peerUrl}/copy.git`);
      await api.waitForMirror(id, mirror, "finished");
      const pushes: readonly Contestant[] = [
        async (run) => {
          await move("push", run);
          await git(clone, ["fetch", "--quiet", "--no-tags", url, ...EVERYTHING]);
          return await time(() =>
            git(clone, ["push", "--quiet", `${peerUrl}/copy-by-git.git`, ...EVERYTHING]),
          );
        },
        async (run) => {
          await move("push", run);
          const began = Date.now();
          await pull();
          const { started, finished } = await endOf(api, id, mirror, began);
          return finished - started;
        },
      ];
      const [pushedByGit = [], pushedByUs = []] = await alternate(runs, pushes);

      const refs = `${CHANGED} changed refs of ${REFS.toLocaleString("en")}`;
      const plan = summarize(planned);
      return {
        rows: [
          compare({ what: `pull of ${refs}`, unit: "ms" }, byGit, byUs, { ratioAtMost: 1.2 }),
          {
            what: "  of it: the plan alone",
            unit: "ms",
            git: null,
            ours: plan,
            ratio: null,
            budget: { text: "≤ 150 ms", isKept: plan.median <= 150 },
          },
          compare({ what: `push of ${refs}`, unit: "ms" }, pushedByGit, pushedByUs, { ratioAtMost: 1.2 }),
        ],
        notes: [
          "many-refs: `git fetch` of all branches and tags into a mirror clone; ours from the API call that starts the update to its end, by the server's record. `git push` of all branches and tags from that clone; ours the update that follows a pull, by its record. The plan: both passes of the planner over what was read and listed.",
        ],
      };
    }),
};

/** Waits for an update of this mirror that began at that moment or later, and answers when. */
async function endOf(
  api: Api,
  project: number,
  mirror: "pull" | number,
  since: number,
): Promise<{ readonly started: number; readonly finished: number }> {
  for (;;) {
    const [update] = await api.listUpdates(project, mirror);
    const started = Date.parse(update?.started_at ?? "");
    if (update?.finished_at && started >= since) {
      if (update.refs.length !== CHANGED)
        throw new Error(`${update.refs.length} refs changed: ${update.error}`);
      return { started, finished: Date.parse(update.finished_at) };
    }
    if (Date.now() - since > 60_000) throw new Error("the update did not end");
    await sleep(POLL_MS);
  }
}

/** Ten times what an update does between having both sides' refs and knowing what to do. */
async function planTimes(path: string, url: string, change: () => Promise<void>): Promise<number[]> {
  const repositories = createRepositories({ root: join(path, "../.."), log: SILENT });
  const remotes = createRemotes({ log: SILENT, userAgent: "heliostat-bench" });
  try {
    const ours = await repositories.readRefs(path);
    await change();
    const remote = await remotes.open(parseRemoteUrl(url).url, null, { allowLocalRequests: true });
    const theirs = await remotes.listRefs(remote, { signal: new AbortController().signal });
    const input: Omit<PullPlanInput, "ancestry"> = {
      ours,
      theirs,
      wants: { branch: () => true, tag: () => true },
      overwriteDivergedBranches: false,
      deletions: "default",
      followDefaultBranch: false,
      mayChangeTag: () => true,
      mayChangeBranch: () => true,
    };
    const times: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      times.push(
        await time(async () => {
          collectQuestions((ancestry) => planPull({ ...input, ancestry }));
          planPull({ ...input, ancestry: () => "yes" });
        }),
      );
    }
    return times;
  } finally {
    await remotes.close();
  }
}
