import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeNoise } from "../../test/support/incompressible.ts";
import { git, makeLargeRepository } from "../../test/support/repositories.ts";
import { alternate, type Benchmark, compare, time } from "../harness.ts";
import { startNginxPeer } from "../nginx-peer.ts";
import { onStage } from "../stage.ts";

const MB = 1024 * 1024;

const REPOSITORIES = [
  { name: "history", size: { commits: 20_000, refs: 20 }, noise: 64 * MB },
  { name: "many-refs", size: { commits: 20_000, refs: 10_000 }, noise: 0 },
] as const;

const CLONES = [
  { what: "clone of 20,000 commits and 64 MB", of: "history", flags: ["--bare"] },
  { what: "clone of 10,000 refs", of: "many-refs", flags: ["--mirror"] },
  { what: "shallow clone", of: "history", flags: ["--bare", "--depth=1"] },
] as const;

/** The same clone, of the same repository on disk, from us and from `git http-backend` behind nginx. */
export const httpClone: Benchmark = {
  name: "http-clone",
  run: ({ runs }) =>
    onStage(async ({ dir, server: getServer }) => {
      const { server, api } = await getServer();
      const pathOf = new Map<string, string>();
      for (const { name, size, noise } of REPOSITORIES) {
        const { id } = await api.createProject(name, { visibility: "public" });
        const source = await makeLargeRepository(join(dir, `${name}.git`), size);
        if (noise > 0) await makeNoise(source, noise);
        const hosted = server.repositoryOf(id);
        // How it came there is not what is measured.
        await git(hosted, ["fetch", "--quiet", source, "+refs/*:refs/*"]);
        await git(hosted, ["pack-refs", "--all"]);
        pathOf.set(name, hosted);
      }
      const root = dirname([...pathOf.values()][0] ?? "");
      const peer = await startNginxPeer({ root, dir: join(dir, "nginx") });
      let clones = 0;
      const clone = async (url: string, flags: readonly string[]): Promise<number> => {
        clones += 1;
        const path = join(dir, `clone-${clones}.git`);
        const took = await time(() => git(dir, ["clone", "--quiet", ...flags, url, path]));
        await rm(path, { recursive: true });
        return took;
      };
      try {
        const rows = [];
        for (const { what, of, flags } of CLONES) {
          const theirs = `${peer.url}/${basename(pathOf.get(of) ?? "")}`;
          const [byNginx = [], byUs = []] = await alternate(runs, [
            () => clone(theirs, flags),
            () => clone(`${server.url}/root/${of}.git`, flags),
          ]);
          rows.push(compare({ what: `HTTP: ${what}`, unit: "ms" }, byNginx, byUs, { ratioAtMost: 1.15 }));
        }
        return {
          rows,
          notes: [
            "http-clone: `git http-backend` behind nginx and fcgiwrap, on the very repositories that the server hosts.",
          ],
        };
      } finally {
        await peer.close();
      }
    }),
};
