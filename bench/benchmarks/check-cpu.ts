import { join } from "node:path";
import { digestRefs } from "../../packages/server/src/domain/digest.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { createRemotes } from "../../packages/server/src/remotes/remotes.ts";
import { git, makeLargeRepository } from "../../test/support/repositories.ts";
import { cpuOf } from "../cpu-of.ts";
import { alternate, type Benchmark, compare } from "../harness.ts";
import { SILENT } from "../silent-log.ts";
import { onStage } from "../stage.ts";

const REFS = 500;
const FETCHES = 10;
const CHECKS = 300;

/** The CPU time that finding out costs that a remote has not changed; the other side's is not counted. */
export const checkCpu: Benchmark = {
  name: "check-cpu",
  run: ({ runs }) =>
    onStage(async ({ dir, peerRoot, peerUrl }) => {
      await makeLargeRepository(join(peerRoot, "r.git"), { commits: 1_000, refs: REFS });
      const clone = join(dir, "clone.git");
      await git(dir, ["clone", "--quiet", "--mirror", `${peerUrl}/r.git`, clone]);
      const remotes = createRemotes({ log: SILENT, userAgent: "heliostat-bench" });
      const remote = await remotes.open(parseRemoteUrl(`${peerUrl}/r.git`).url, null, {
        allowLocalRequests: true,
      });
      const signal = new AbortController().signal;

      const check = async (): Promise<number> => {
        const before = process.cpuUsage();
        for (let i = 0; i < CHECKS; i += 1)
          digestRefs(await remotes.listRefs(remote, { signal }), () => true);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1_000 / CHECKS;
      };
      const [byGit = [], byUs = []] = await alternate(runs, [
        () => cpuOf(clone, `for i in $(seq ${FETCHES}); do git fetch --quiet --prune; done`, FETCHES),
        check,
      ]);
      await remotes.close();
      const what = `CPU of a check that finds nothing changed, ${REFS} refs`;
      return {
        rows: [compare({ what, unit: "ms" }, byGit, byUs, { ratioAtMost: 1 / 40 })],
        notes: [
          "check-cpu: user and system time of `git fetch --prune` with its children; ours of listing the refs over a kept connection and of the digest.",
        ],
      };
    }),
};
