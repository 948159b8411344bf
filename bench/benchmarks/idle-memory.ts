import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readMemory } from "../../test/support/memory.ts";
import { makeLargeRepository, makeRepository } from "../../test/support/repositories.ts";
import { type Benchmark, type Row, summarize } from "../harness.ts";
import { onStage } from "../stage.ts";

const MB = 1024 * 1024;
const BUDGET_MB = 150;
const REST_MS = 10_000;

/** What the server's own process holds in memory when it has nothing to do. */
export const idleMemory: Benchmark = {
  name: "idle-memory",
  run: () =>
    onStage(async ({ peerRoot, peerUrl, server: getServer }) => {
      const { server, api } = await getServer();
      const resident = async (what: string): Promise<Row> => {
        await sleep(REST_MS);
        const figure = (await readMemory(server.pid())).resident / MB;
        return {
          what,
          unit: "MB",
          git: null,
          ours: summarize([figure]),
          ratio: null,
          budget: { text: `≤ ${BUDGET_MB} MB`, isKept: figure <= BUDGET_MB },
        };
      };
      const fresh = await resident("idle server, after its first start");
      await makeLargeRepository(join(peerRoot, "large.git"), { commits: 2_000, refs: 1_000 });
      await makeRepository(join(peerRoot, "copy.git"));
      await api.createProject("large", { mirror: true, import_url: `${peerUrl}/large.git` });
      await api.waitForMirror("root/large", "pull", "finished");
      const { id } = await api.createPushMirror("root/large", `${peerUrl}/copy.git`);
      await api.waitForMirror("root/large", id, "finished");
      const worked = await resident("idle server, after a pull and a push of 1,000 refs");
      await server.restart();
      const again = await resident("idle server, after its second start");
      return { rows: [fresh, worked, again], notes: [] };
    }),
};
