import { parseArgs } from "node:util";
import { apiRequests } from "./benchmarks/api-requests.ts";
import { browse } from "./benchmarks/browse.ts";
import { checkCpu } from "./benchmarks/check-cpu.ts";
import { firstPull } from "./benchmarks/first-pull.ts";
import { hookLatency } from "./benchmarks/hook-latency.ts";
import { httpClone } from "./benchmarks/http-clone.ts";
import { idleMemory } from "./benchmarks/idle-memory.ts";
import { largePush } from "./benchmarks/large-push.ts";
import { manyRefs } from "./benchmarks/many-refs.ts";
import { poisonedRef } from "./benchmarks/poisoned-ref.ts";
import { pushLatency } from "./benchmarks/push-latency.ts";
import { sshClone } from "./benchmarks/ssh-clone.ts";
import { sshFetch } from "./benchmarks/ssh-fetch.ts";
import { sshList } from "./benchmarks/ssh-list.ts";
import { syncUnchanged } from "./benchmarks/sync-unchanged.ts";
import { thousandUpdates } from "./benchmarks/thousand-updates.ts";
import type { Benchmark, Outcome } from "./harness.ts";
import { describeMachine } from "./machine.ts";
import { formatTable } from "./table.ts";

const USUAL: readonly Benchmark[] = [
  ...[firstPull, syncUnchanged, pushLatency, hookLatency, checkCpu, idleMemory],
  ...[manyRefs, thousandUpdates, poisonedRef, sshFetch, sshList, sshClone, httpClone, browse],
  ...[firstPull, syncUnchanged, pushLatency, checkCpu, idleMemory],
  ...[manyRefs, thousandUpdates, poisonedRef, sshFetch, sshList, sshClone, httpClone, browse, apiRequests],
];
/** Only by name: they take minutes and gigabytes. */
const ON_REQUEST: readonly Benchmark[] = [largePush];
const ALL = [...USUAL, ...ON_REQUEST];

const HELP = `npm run bench [-- options]

  --only NAME   this one; may be given several times: ${USUAL.map(({ name }) => name).join(", ")};
                by name only: ${ON_REQUEST.map(({ name }) => name).join(", ")}
  --runs N      rounds that count, after one that does not (5)
  --json        one JSON document instead of the table

Exit code 0 when every budget is kept, 1 when one is missed, 2 for a wrong command line.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 2;
  const outcomes: Outcome[] = [];
  for (const benchmark of options.benchmarks) {
    console.error(`${benchmark.name} …`);
    outcomes.push(await benchmark.run({ runs: options.runs }));
  }
  const rows = outcomes.flatMap((outcome) => outcome.rows);
  const notes = outcomes.flatMap((outcome) => outcome.notes);
  const machine = await describeMachine();
  if (options.json) console.log(JSON.stringify({ machine, runs: options.runs, rows, notes }, null, 2));
  else console.log([machine, "", formatTable(rows), "", ...notes].join("\n"));
  return rows.every(({ budget }) => budget === null || budget.isKept) ? 0 : 1;
}

function readOptions(): { benchmarks: readonly Benchmark[]; runs: number; json: boolean } | null {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true },
        runs: { type: "string", default: "5" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs} is no number of rounds`);
    const benchmarks = (values.only ?? []).map((name) => {
      const found = ALL.find((benchmark) => benchmark.name === name);
      if (!found) throw new Error(`there is no benchmark ${name}`);
      return found;
    });
    if (!values.help)
      return { benchmarks: benchmarks.length > 0 ? benchmarks : USUAL, runs, json: values.json };
    console.log(HELP);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
  return null;
}
