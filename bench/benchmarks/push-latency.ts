import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { git, makeCommit, makeRepository } from "../../test/support/repositories.ts";
import { type Benchmark, compare, quantile, type Row, summarize, time } from "../harness.ts";
import { onStage } from "../stage.ts";

const PUSHES = 50;
const GIVE_UP_MS = 30_000;

/** From a push to the project until the commit is visible on the downstream, for small commits. */
export const pushLatency: Benchmark = {
  name: "push-latency",
  run: () =>
    onStage(async ({ dir, peerRoot, peerUrl, server: getServer }) => {
      const { server, api } = await getServer();
      await api.createProject("pushed");
      const downstream = await makeRepository(join(peerRoot, "downstream.git"));
      const direct = await makeRepository(join(peerRoot, "direct.git"));
      const client = await makeRepository(join(dir, "client.git"));
      const ours = `${server.url.replace("http://", `http://root:${server.token}@`)}/root/pushed.git`;
      const push = (url: string): Promise<string> => git(client, ["push", "--quiet", url, "refs/heads/main"]);

      await makeCommit(client);
      await push(ours);
      const mirror = await api.createPushMirror("root/pushed", `${peerUrl}/downstream.git`);
      await api.waitForMirror("root/pushed", mirror.id, "finished");
      await push(`${peerUrl}/direct.git`);

      const plain: number[] = [];
      const pushed: number[] = [];
      const after: number[] = [];
      const whole: number[] = [];
      for (let i = 0; i < PUSHES; i += 1) {
        const oid = await makeCommit(client);
        const began = performance.now();
        await push(ours);
        const ended = performance.now();
        await visible(downstream, oid);
        const seen = performance.now();
        pushed.push(ended - began);
        after.push(seen - ended);
        whole.push(seen - began);
        // Its record is written after the downstream has the commit: the next push must not wait for that.
        await api.waitForMirror("root/pushed", mirror.id, "finished");
        plain.push(await time(() => push(`${peerUrl}/direct.git`)));
      }
      if ((await readFile(join(direct, "refs/heads/main"), "utf8")).trim() === "")
        throw new Error("nothing came");

      const one = (what: string, figure: number, atMost: number): Row => ({
        what,
        unit: "ms",
        git: null,
        ours: summarize([figure]),
        ratio: null,
        budget: { text: `≤ ${atMost} ms`, isKept: figure <= atMost },
      });
      const line = (what: string): Pick<Row, "what" | "unit"> => ({ what, unit: "ms" });
      return {
        rows: [
          one("push to the project → visible downstream, p50", quantile(after, 0.5), 500),
          one("push to the project → visible downstream, p95", quantile(after, 0.95), 1_000),
          compare(line("a small push itself"), plain, pushed, null),
          compare(line("a small push until it is visible downstream"), plain, whole, null),
        ],
        notes: [
          `push-latency: ${PUSHES} pushes, from the end of \`git push\` to the project until the downstream's ref file holds the commit, read every 2 ms; plain git pushes straight to the downstream's host. push_mirror_min_interval_seconds is 0.`,
        ],
      };
    }),
};

async function visible(repository: string, oid: string): Promise<void> {
  const file = join(repository, "refs/heads/main");
  const deadline = performance.now() + GIVE_UP_MS;
  while ((await readFile(file, "utf8").catch(() => "")).trim() !== oid) {
    if (performance.now() > deadline) throw new Error("the push was not carried on");
    await sleep(2);
  }
}
