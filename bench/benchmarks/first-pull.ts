import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { branchRef } from "../../packages/server/src/domain/ref-name.ts";
import type { RefChange } from "../../packages/server/src/domain/refs.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { createRepositories } from "../../packages/server/src/git/repositories.ts";
import { createRemotes } from "../../packages/server/src/remotes/remotes.ts";
import { projectPath } from "../../test/support/api.ts";
import { git, makeLargeRepository, refsOf } from "../../test/support/repositories.ts";
import { alternate, type Benchmark, compare, time } from "../harness.ts";
import { SILENT } from "../silent-log.ts";
import { onStage } from "../stage.ts";

const COMMITS = 20_000;
const REFS = 5_000;

/** Each question costs the server milliseconds that the pull could use: asking often would measure the asking. */
const POLL_MS = 100;

/** The first pull of a large repository, through the running server and by the adapter alone. */
export const firstPull: Benchmark = {
  name: "first-pull",
  run: ({ runs }) =>
    onStage(async ({ dir, peerRoot, peerUrl, server: getServer }) => {
      await makeLargeRepository(join(peerRoot, "large.git"), { commits: COMMITS, refs: REFS });
      const refs = Object.keys(await refsOf(join(peerRoot, "large.git"))).length;
      const url = `${peerUrl}/large.git`;
      const { server, api } = await getServer();
      const repositories = createRepositories({ root: join(dir, "adapter"), log: SILENT });
      const remotes = createRemotes({ log: SILENT, userAgent: "heliostat-bench" });

      const clone = async (run: number): Promise<number> => {
        const path = join(dir, `clone-${run}.git`);
        const took = await time(() => git(dir, ["clone", "--quiet", "--mirror", url, path]));
        await rm(path, { recursive: true });
        return took;
      };
      const pull = async (run: number): Promise<number> => {
        const name = `large-${run}`;
        const began = Date.now();
        await api.createProject(name, { mirror: true, import_url: url });
        for (;;) {
          const { update_status, last_error } = await api.readPullMirror(`root/${name}`);
          if (update_status === "finished") break;
          if (update_status === "failed") throw new Error(`the pull failed: ${last_error}`);
          await sleep(POLL_MS);
        }
        const [update] = await api.listUpdates(`root/${name}`, "pull");
        const came = update?.counts.created;
        if (came !== refs) throw new Error(`${came} of ${refs} refs came`);
        // By the server's own record: how often we ask must not be in the figure.
        const took = Date.parse(update?.finished_at ?? "") - began;
        await api.delete(projectPath(`root/${name}`));
        await server.assertNoGitLeft();
        return took;
      };
      const adapter = async (run: number): Promise<number> => {
        const path = repositories.pathOf(run + 2);
        const signal = new AbortController().signal;
        const took = await time(async () => {
          await repositories.init(path, { objectFormat: "sha1", head: branchRef("main") });
          const remote = await remotes.open(parseRemoteUrl(url).url, null, { allowLocalRequests: true });
          const fetched = await repositories.fetchAll(path, remote, { signal });
          const changes = [...fetched.refs].map(
            ([ref, { oid }]): RefChange => ({ ref, action: "create", old: null, new: oid }),
          );
          await repositories.applyChanges(path, changes);
        });
        await rm(path, { recursive: true });
        return took;
      };

      const [byGit = [], byServer = [], byAdapter = []] = await alternate(runs, [clone, pull, adapter]);
      await remotes.close();
      const what = `first pull, ${COMMITS.toLocaleString("en")} commits and ${refs.toLocaleString("en")} refs`;
      return {
        rows: [
          compare({ what, unit: "ms" }, byGit, byServer, { ratioAtMost: 1.15 }),
          compare({ what: "  of it: the git adapter alone", unit: "ms" }, byGit, byAdapter, null),
        ],
        notes: [
          "first-pull: `git clone --mirror`; ours from the API call that makes the project until it says finished, by the time that the server recorded.",
        ],
      };
    }),
};
