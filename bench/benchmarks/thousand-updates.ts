import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../../test/support/api.ts";
import { git, makeLargeRepository } from "../../test/support/repositories.ts";
import { type Benchmark, type Row, summarize } from "../harness.ts";
import { makeSmallCommits } from "../small-commits.ts";
import { onStage } from "../stage.ts";

const COMMITS = 20_000;
const REFS = 100;
/** A round is so many updates, so that the usual five rounds make a thousand. */
const UPDATES_A_RUN = 200;
const LOOKED_AT = 10;
const POLL_MS = 10;
/** Housekeeping is given so long to come to rest before the disk is looked at. */
const REST_MS = 3_000;

/** Many small updates of one repository in a row: the last as quick as the first, and little more on the disk. */
export const thousandUpdates: Benchmark = {
  name: "thousand-updates",
  run: ({ runs }) =>
    onStage(async ({ dir, peerRoot, peerUrl, server: getServer }) => {
      const updates = runs * UPDATES_A_RUN;
      const upstream = await makeLargeRepository(join(peerRoot, "busy.git"), {
        commits: COMMITS,
        refs: REFS,
      });
      const url = `${peerUrl}/busy.git`;
      const tips = await makeSmallCommits(upstream, updates + LOOKED_AT);
      const { server, api } = await getServer();
      const project = await api.createProject("busy", { mirror: true, import_url: url });
      await api.waitForMirror("root/busy", "pull", "finished");
      const ours = join(server.dataDir, "repositories", "0", `${project.id}.git`);

      const ms: number[] = [];
      for (const [i, tip] of tips.entries()) {
        await git(upstream, ["update-ref", "refs/heads/main", tip]);
        const began = Date.now();
        await api.post(`/projects/${project.id}/mirror/pull`);
        ms.push(await tookSince(api, project.id, began));
        // Once in a while is enough: the figures are the server's own, and none counts that did nothing.
        if (i % 50 === 0 && (await git(ours, ["rev-parse", "refs/heads/main"])) !== tip)
          throw new Error(`update ${i} did not come`);
      }
      // The first ones warm the server up.
      const counted = ms.slice(LOOKED_AT);
      const first = counted.slice(0, LOOKED_AT);
      const last = counted.slice(-LOOKED_AT);
      const slower = summarize(last).median / summarize(first).median;

      await sleep(REST_MS);
      const clone = join(dir, "clone.git");
      await git(dir, ["clone", "--quiet", "--mirror", url, clone]);
      const fresh = await diskUse(join(clone, "objects"));
      const used = await diskUse(join(ours, "objects"));
      await rm(clone, { recursive: true });
      const ratio = summarize([used / fresh]);
      const count = counted.length.toLocaleString("en");
      const rows: Row[] = [
        {
          what: `${count} small pulls in a row: the last ${LOOKED_AT}, by the first ${LOOKED_AT}`,
          unit: "ms",
          git: summarize(first),
          ours: summarize(last),
          ratio: summarize([slower]),
          budget: { text: "≤ 1.25 ×", isKept: slower <= 1.25 },
        },
        {
          what: `disk after ${count} small pulls, by that of a fresh clone`,
          unit: "MB",
          git: summarize([fresh / 1e6]),
          ours: summarize([used / 1e6]),
          ratio,
          budget: { text: "≤ 1.5 ×", isKept: ratio.median <= 1.5 },
        },
      ];
      return {
        rows,
        notes: [
          `thousand-updates: "plain git" of the first row are the first ${LOOKED_AT} updates after as many that do not count, by the time that the server recorded; of the second a \`git clone --mirror\` of the upstream at the end, objects only, in blocks of the disk. ${UPDATES_A_RUN} updates a run.`,
        ],
      };
    }),
};

/** Waits for the end of the update that began then or later; answers how long it took by the server's own record. */
async function tookSince(api: Api, project: number, began: number): Promise<number> {
  for (;;) {
    const { update_status, last_error, ...read } = await api.readPullMirror(project);
    const started = Date.parse(read.last_update_started_at ?? "");
    if (update_status === "failed") throw new Error(`the pull failed: ${last_error}`);
    if (update_status === "finished" && started >= began)
      return Date.parse(read.last_update_at ?? "") - started;
    if (Date.now() - began > 60_000) throw new Error("the update did not end");
    await sleep(POLL_MS);
  }
}

/** In blocks, as `du` counts. */
async function diskUse(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = await stat(join(entry.parentPath, entry.name)).catch(() => null);
    bytes += (file?.blocks ?? 0) * 512;
  }
  return bytes;
}
