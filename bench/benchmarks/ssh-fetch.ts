import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseOid } from "../../packages/server/src/domain/oid.ts";
import { createRepositories } from "../../packages/server/src/git/repositories.ts";
import { makeNoise } from "../../test/support/incompressible.ts";
import { git, makeRepository } from "../../test/support/repositories.ts";
import { alternate, type Benchmark, compare, time } from "../harness.ts";
import { SILENT } from "../silent-log.ts";
import { onSshStage } from "../ssh-stage.ts";

const MEGABYTES = 300;

/** A large repository over SSH: `git fetch` through OpenSSH, and ours with SSH spoken in process. */
export const sshFetch: Benchmark = {
  name: "ssh-fetch",
  run: ({ runs }) =>
    onSshStage(async ({ dir, peerRoot, urlOf, openSsh, open }) => {
      const theirs = await makeRepository(join(peerRoot, "large.git"));
      const tip = await makeNoise(theirs, MEGABYTES * 1_000_000);
      await git(theirs, ["config", "core.bigFileThreshold", "64k"]);
      const repositories = createRepositories({ root: join(dir, "adapter"), log: SILENT });

      const byOpenSsh = async (run: number): Promise<number> => {
        const path = await makeRepository(join(dir, `git-${run}.git`));
        const args = ["fetch", "--quiet", "--no-tags", urlOf("large.git"), tip];
        const took = await time(() => git(path, args, { env: { GIT_SSH_COMMAND: openSsh } }));
        await rm(path, { recursive: true });
        return took;
      };
      const inProcess = async (run: number): Promise<number> => {
        const path = await makeRepository(join(dir, `ours-${run}.git`));
        const { signal } = new AbortController();
        const took = await time(async () =>
          repositories.fetchObjects(path, await open("large.git"), [parseOid(tip)], { signal }),
        );
        await rm(path, { recursive: true });
        return took;
      };
      const [byGit = [], byUs = []] = await alternate(runs, [byOpenSsh, inProcess]);
      const what = `fetch of ${MEGABYTES} MB over SSH`;
      return {
        rows: [compare({ what, unit: "ms" }, byGit, byUs, { ratioAtMost: 1.15 })],
        notes: [
          "ssh-fetch: `git fetch` through OpenSSH into an empty repository; ours of the same, objects moved in and checked, over a connection that may be kept.",
        ],
      };
    }),
};
