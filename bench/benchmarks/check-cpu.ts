import { spawn } from "node:child_process";
import { join } from "node:path";
import { digestRefs } from "../../packages/server/src/domain/digest.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { createRemotes } from "../../packages/server/src/remotes/remotes.ts";
import { GIT_ENV, git, makeLargeRepository } from "../../test/support/repositories.ts";
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

/** User and system time in milliseconds of one of so many commands in a shell: `times` counts what has ended. */
async function cpuOf(cwd: string, script: string, commands: number): Promise<number> {
  const child = spawn("bash", ["-c", `set -e; ${script}; times`], {
    cwd,
    env: GIT_ENV,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) stdout += chunk;
  // The second line is the children's: `0m0.123s 0m0.045s`.
  const [, children = ""] = stdout.trim().split("\n");
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  if (times.length !== 2) throw new Error(`the shell did not tell its times: ${stdout}`);
  return (times.reduce((sum, seconds) => sum + seconds, 0) * 1_000) / commands;
}
