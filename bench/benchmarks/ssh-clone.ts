import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { UseCases } from "../../packages/server/src/app/use-cases.ts";
import { createRepositories } from "../../packages/server/src/git/repositories.ts";
import { createSshServer } from "../../packages/server/src/ssh/create-ssh-server.ts";
import { openHostKeys } from "../../packages/server/src/ssh/host-keys.ts";
import { makeNoise } from "../../test/support/incompressible.ts";
import { git, makeCommits, makeRepository } from "../../test/support/repositories.ts";
import { alternate, type Benchmark, compare, type Row, time } from "../harness.ts";
import { SILENT } from "../silent-log.ts";
import { onSshStage } from "../ssh-stage.ts";

const MEGABYTES = 300;
const COMMITS = 1_000;

/** A clone by git with OpenSSH, from Debian's sshd and from our SSH door, of a large and of a small repository. */
export const sshClone: Benchmark = {
  name: "ssh-clone",
  run: ({ runs }) =>
    onSshStage(async ({ dir, peerRoot, urlOf, openSsh }) => {
      const large = await makeRepository(join(peerRoot, "grp", "large.git"));
      await makeNoise(large, MEGABYTES * 1_000_000);
      await git(large, ["config", "core.bigFileThreshold", "64k"]);
      const small = await makeRepository(join(peerRoot, "grp", "small.git"));
      await makeCommits(small, COMMITS);

      const repositories = createRepositories({ root: join(dir, "adapter"), log: SILENT });
      const useCases: Pick<UseCases, "authenticateSshKey" | "noteSshKeyUse" | "openRepository"> = {
        authenticateSshKey: async () => ({ principal: { kind: "anonymous" }, keyId: 1, name: "bench" }),
        noteSshKeyUse: async () => {},
        openRepository: async (_principal, fullPath, service) => {
          const path = join(peerRoot, `${fullPath}.git`);
          return {
            advertise: (exchange) => repositories.advertise(path, service, exchange),
            converse: (program, input, output, exchange) =>
              repositories.converse(path, program, exchange, input, output),
            serve: async (input, output, exchange) => {
              await repositories.servePack(path, exchange, input, output);
            },
          };
        },
      };
      const hostKeys = await openHostKeys(join(dir, "host-keys"));
      const door = createSshServer({ useCases, log: SILENT, hostKeys });
      const port = await door.listen({ host: "127.0.0.1", port: 0 });
      const ourSsh = openSsh.replace("StrictHostKeyChecking=yes", "StrictHostKeyChecking=no");
      const clone = async (url: string, ssh: string): Promise<number> => {
        const path = join(dir, "clone");
        const took = await time(() =>
          git("/", ["clone", "--quiet", "--bare", url, path], { env: { GIT_SSH_COMMAND: ssh } }),
        );
        await readFile(join(path, "HEAD"));
        await rm(path, { recursive: true });
        return took;
      };
      const rows: Row[] = [];
      try {
        for (const [name, what] of [
          ["large", `clone of ${MEGABYTES} MB over SSH`],
          ["small", `clone of ${COMMITS} commits over SSH`],
        ] as const) {
          const [theirs = [], ours = []] = await alternate(runs, [
            () => clone(urlOf(`grp/${name}.git`), openSsh),
            () => clone(`ssh://git@127.0.0.1:${port}/grp/${name}.git`, ourSsh),
          ]);
          rows.push(compare({ what, unit: "ms" }, theirs, ours, { ratioAtMost: 1.25 }));
        }
      } finally {
        await door.close();
      }
      return {
        rows,
        notes: [
          "ssh-clone: `git clone --bare` through OpenSSH with its own choice of ciphers; git's side is the same from Debian's sshd, ours from the SSH door of a server without its database.",
        ],
      };
    }),
};
