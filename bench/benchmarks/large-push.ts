import { join } from "node:path";
import { makeNoise, SEND_AS_IS } from "../../test/support/incompressible.ts";
import { readMemory, resetPeak } from "../../test/support/memory.ts";
import { git, makeCommit, makeRepository } from "../../test/support/repositories.ts";
import { type Benchmark, compare, summarize, time } from "../harness.ts";
import { onStage } from "../stage.ts";

const MB = 1024 * 1024;
const SIZE = 2_048 * MB;
const BUDGET_MB = 64;

/** A push of 2 GiB: how long it takes, and what it costs the server in memory. Once each, for it takes minutes. */
export const largePush: Benchmark = {
  name: "large-push",
  run: () =>
    onStage(async ({ dir, peerRoot, peerUrl, server: getServer }) => {
      const { server, api } = await getServer();
      await api.createProject("large");
      await makeRepository(join(peerRoot, "large.git"));
      const client = await makeRepository(join(dir, "client.git"));
      const ours = `${server.url.replace("http://", `http://root:${server.token}@`)}/root/large.git`;
      const push = (url: string): Promise<string> =>
        git(client, [...SEND_AS_IS, "push", "--quiet", url, "refs/heads/main"]);
      await makeCommit(client);
      for (const url of [ours, `${peerUrl}/large.git`]) await push(url);
      await makeNoise(client, SIZE);

      const byGit = await time(() => push(`${peerUrl}/large.git`));
      const { resident } = await readMemory(server.pid());
      await resetPeak(server.pid());
      const byUs = await time(() => push(ours));
      const growth = ((await readMemory(server.pid())).peak - resident) / MB;
      return {
        rows: [
          compare({ what: "push of 2 GiB", unit: "ms" }, [byGit], [byUs], null),
          {
            what: "push of 2 GiB: growth of the server's process",
            unit: "MB",
            git: null,
            ours: summarize([growth]),
            ratio: null,
            budget: { text: `≤ ${BUDGET_MB} MB`, isKept: growth <= BUDGET_MB },
          },
        ],
        notes: ["large-push: plain git pushes to `git http-backend`; one run each."],
      };
    }),
};
