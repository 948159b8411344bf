import { join } from "node:path";
import { git, makeLargeRepository } from "../../test/support/repositories.ts";
import { runHeliostat } from "../../test/support/run-heliostat.ts";
import { alternate, type Benchmark, compare, summarize, time } from "../harness.ts";
import { onStage } from "../stage.ts";

const REFS = 5_000;

/** `heliostat sync` that finds nothing to do. Most of it is the start of a process in JavaScript. */
export const syncUnchanged: Benchmark = {
  name: "sync-unchanged",
  run: ({ runs }) =>
    onStage(async ({ dir, peerRoot, peerUrl }) => {
      await makeLargeRepository(join(peerRoot, "large.git"), { commits: 5_000, refs: REFS });
      const url = `${peerUrl}/large.git`;
      const clone = join(dir, "clone.git");
      const target = join(dir, "target.git");
      await git(dir, ["clone", "--quiet", "--mirror", url, clone]);
      const sync = async (): Promise<void> => {
        const { exitCode, stderr } = await runHeliostat(["sync", url, target]);
        if (exitCode !== 0) throw new Error(`heliostat sync ended with ${exitCode}: ${stderr}`);
      };
      await sync();
      const [byGit = [], bySync = [], starts = []] = await alternate(runs, [
        () => time(() => git(clone, ["fetch", "--quiet"])),
        () => time(sync),
        () => time(() => runHeliostat(["--version"])),
      ]);
      const what = `sync with nothing to do, ${REFS.toLocaleString("en")} refs`;
      return {
        rows: [
          compare({ what, unit: "ms" }, byGit, bySync, null),
          {
            what: "  of it: `heliostat --version`",
            unit: "ms",
            git: null,
            ours: summarize(starts),
            ratio: null,
            budget: null,
          },
        ],
        notes: ["sync-unchanged: `git fetch` in a mirror clone, against `heliostat sync URL PATH`."],
      };
    }),
};
