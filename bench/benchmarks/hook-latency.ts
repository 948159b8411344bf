import { join } from "node:path";
import { projectPath } from "../../test/support/api.ts";
import { makeCommit, makeRepository } from "../../test/support/repositories.ts";
import { fromGithub, githubPush } from "../../test/support/webhooks.ts";
import { type Benchmark, quantile, type Row, summarize } from "../harness.ts";
import { onStage } from "../stage.ts";

const PUSHES = 50;
const SECRET = "the secret of the benchmark";

/** From a forge's webhook until the update that it asks for has started, and until the commit is there. */
export const hookLatency: Benchmark = {
  name: "hook-latency",
  run: () =>
    onStage(async ({ peerRoot, peerUrl, server: getServer }) => {
      const { server, api } = await getServer();
      await api.createProject("hooked");
      const upstream = await makeRepository(join(peerRoot, "upstream.git"));
      let before = await makeCommit(upstream);
      const path = projectPath("root/hooked");
      const mirror = await api.createPullMirror("root/hooked", `${peerUrl}/upstream.git`);
      await api.waitForMirror("root/hooked", "pull", "finished");
      const secret = SECRET.replaceAll(" ", "-");
      await api.post(`${path}/mirrors/${mirror.id}/hook_secret`, { secret });

      const answered: number[] = [];
      const started: number[] = [];
      const whole: number[] = [];
      for (let i = 0; i < PUSHES; i += 1) {
        const after = await makeCommit(upstream);
        const { headers, body } = fromGithub(
          "push",
          githubPush({ ref: "refs/heads/main", before, after }, i),
          secret,
        );
        before = after;
        const sentAt = Date.now();
        const url = `${server.url}/api/v4${path}/mirror/pull`;
        const answer = await fetch(url, { method: "POST", headers, body });
        if (answer.status !== 200) throw new Error(`the webhook was answered ${answer.status}`);
        await answer.arrayBuffer();
        answered.push(Date.now() - sentAt);
        const update = await api.waitForMirror("root/hooked", "pull", "finished");
        if (!update.refs.some(({ new_oid }) => new_oid === after))
          throw new Error("another update than ours");
        started.push(Date.parse(update.started_at) - sentAt);
        whole.push(Date.parse(update.finished_at ?? "") - sentAt);
      }

      const line = (what: string, figure: number, atMost: number | null): Row => ({
        ...{ what, unit: "ms", git: null, ours: summarize([figure]), ratio: null },
        budget: atMost === null ? null : { text: `≤ ${atMost} ms`, isKept: figure <= atMost },
      });
      return {
        rows: [
          line("webhook → update started, p50", quantile(started, 0.5), 150),
          line("webhook → update started, p95", quantile(started, 0.95), null),
          line("webhook → its answer, p50", quantile(answered, 0.5), null),
          line("webhook → update finished, p50", quantile(whole, 0.5), null),
        ],
        notes: [
          `hook-latency: ${PUSHES} signed webhooks of one commit each, one after the other; started and finished as the history of updates has it, in whole milliseconds. pull_mirror_min_interval_seconds is 0.`,
        ],
      };
    }),
};
