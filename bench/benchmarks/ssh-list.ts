import { join } from "node:path";
import { makeLargeRepository } from "../../test/support/repositories.ts";
import { cpuOf } from "../cpu-of.ts";
import { alternate, type Benchmark, compare } from "../harness.ts";
import { onSshStage } from "../ssh-stage.ts";

const REFS = 100;
const BY_GIT = 10;
const BY_US = 200;

/** The CPU time that listing a remote's refs over SSH costs; the other side's is not counted. */
export const sshList: Benchmark = {
  name: "ssh-list",
  run: ({ runs }) =>
    onSshStage(async ({ dir, peerRoot, urlOf, openSsh, open, remotes }) => {
      await makeLargeRepository(join(peerRoot, "r.git"), { commits: 500, refs: REFS });
      const remote = await open("r.git");
      const { signal } = new AbortController();
      const byUs = async (): Promise<number> => {
        const before = process.cpuUsage();
        for (let i = 0; i < BY_US; i += 1) await remotes.listRefs(remote, { signal });
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1_000 / BY_US;
      };
      const script = `for i in $(seq ${BY_GIT}); do git ls-remote ${urlOf("r.git")} >/dev/null; done`;
      const [gits = [], ours = []] = await alternate(runs, [
        () => cpuOf(dir, script, BY_GIT, { GIT_SSH_COMMAND: openSsh }),
        byUs,
      ]);
      const what = `CPU of listing ${REFS} refs over a kept SSH connection`;
      return {
        rows: [compare({ what, unit: "ms" }, gits, ours, { ratioAtMost: 1 / 10 })],
        notes: [
          "ssh-list: user and system time of `git ls-remote` with its ssh, which shakes hands each time; ours over one connection.",
        ],
      };
    }),
};
