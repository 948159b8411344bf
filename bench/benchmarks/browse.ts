import { existsSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import type { Api } from "../../test/support/api.ts";
import { git, makeRepository } from "../../test/support/repositories.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { cpuMs } from "../cpu-ms.ts";
import { type Benchmark, quantile, type Row, summarize } from "../harness.ts";
import { onStage } from "../stage.ts";

const COMMITS = 20_000;
const BRANCHES = 1_000;
const DIRECTORIES = 20;
const FILES = 15;
const READERS = 20;
/** Of each kind, all readers together. */
const REQUESTS = 1_500;
/** Before them, and not counted: a server that has just started has nothing compiled. */
const WARM_UP = 300;
const BUDGET_MS = 60;

type Random = (bound: number) => number;

/** What readers of one kind ask for, each time at another place. */
interface Kind {
  readonly what: string;
  readonly hasBudget: boolean;
  path(random: Random): string;
}

const branchAt = (random: Random): string => `branch-${random(BRANCHES)}`;
const directoryAt = (random: Random): string => `dir-${random(DIRECTORIES)}`;
const fileAt = (random: Random): string => `${directoryAt(random)}%2Ffile-${random(FILES)}`;

const KINDS: readonly Kind[] = [
  // What every request costs: its token, its user, the project.
  { what: "the project itself", hasBudget: false, path: () => "" },
  {
    what: "commit list page",
    hasBudget: true,
    path: (random) => `/repository/commits?ref_name=${branchAt(random)}&page=${1 + random(10)}`,
  },
  {
    what: "tree page",
    hasBudget: true,
    path: (random) => `/repository/tree?ref=${branchAt(random)}&path=${directoryAt(random)}`,
  },
  {
    what: "blob",
    hasBudget: true,
    path: (random) => `/repository/files/${fileAt(random)}?ref=${branchAt(random)}`,
  },
  {
    what: "commit list page of a directory",
    hasBudget: false,
    path: (random) => `/repository/commits?ref_name=${branchAt(random)}&path=${directoryAt(random)}`,
  },
  {
    what: "tree page, recursive",
    hasBudget: false,
    path: (random) => `/repository/tree?ref=${branchAt(random)}&recursive=true&page=${1 + random(10)}`,
  },
  {
    what: "branches page",
    hasBudget: false,
    path: (random) => `/repository/branches?page=${1 + random(BRANCHES / 20)}`,
  },
];

/** Looking into a repository with many commits, by many at the same time, each at another place every time. */
export const browse: Benchmark = {
  name: "browse",
  run: () =>
    onStage(async ({ peerRoot, peerUrl, server: getServer }) => {
      await makeHistory(join(peerRoot, "browsed.git"));
      const { server, api } = await getServer();
      const { id } = await api.createProject("browsed", {
        mirror: true,
        import_url: `${peerUrl}/browsed.git`,
      });
      await api.waitForMirror(id, "pull", "finished");
      // Housekeeping comes a moment after the pull, as it would long before anybody reads.
      const graph = join(server.repositoryOf(id), "objects/info/commit-graphs/commit-graph-chain");
      await waitFor(() => existsSync(graph), { timeoutMs: 120_000, message: "there is no commit-graph" });
      const rows: Row[] = [];
      for (const kind of KINDS) {
        await readAll(api, server.token, id, kind, { requests: WARM_UP, seed: 1_000 + kind.what.length });
        const asked = server.output().length;
        const cpuBefore = await cpuMs(server.pid());
        await readAll(api, server.token, id, kind, { requests: REQUESTS, seed: kind.what.length });
        let inServer: readonly number[] = [];
        // The log comes through a pipe, after the answers.
        await waitFor(
          () => {
            inServer = durationsIn(server.output().slice(asked));
            return inServer.length >= REQUESTS;
          },
          // A line of what was asked before may come late.
          { message: () => `of ${REQUESTS} requests ${inServer.length} were logged` },
        );
        const cpu = ((await cpuMs(server.pid())) - cpuBefore) / REQUESTS;
        const line = (name: string, figure: number, budget: number | null): Row => ({
          what: `${kind.what}, ${READERS} readers, ${name}`,
          unit: "ms",
          git: null,
          ours: summarize([figure]),
          ratio: null,
          budget: budget === null ? null : { text: `≤ ${budget} ms`, isKept: figure <= budget },
        });
        rows.push(
          line("p50", quantile(inServer.slice(-REQUESTS), 0.5), null),
          line("p95", quantile(inServer.slice(-REQUESTS), 0.95), kind.hasBudget ? BUDGET_MS : null),
          line("CPU of the server's process for each", cpu, null),
          line("max", Math.max(...inServer.slice(-REQUESTS)), null),
        );
      }
      return {
        rows,
        notes: [
          `browse: ${REQUESTS} requests of each kind, after ${WARM_UP} others, to a repository with ${COMMITS} commits, ${BRANCHES} branches and ${DIRECTORIES * FILES} files, most at a branch, page and path that nobody asked for before; the time from the request's beginning to the end of its answer, as the server logs it.`,
        ],
      };
    }),
};

/** Half of the files have not been changed for 15,000 commits; the branches began anywhere. */
async function makeHistory(path: string): Promise<void> {
  await makeRepository(path);
  const random = makeRandom(7);
  const parts: string[] = [];
  for (let i = 0; i < COMMITS; i += 1) {
    const all = DIRECTORIES * FILES;
    const file = i < all ? i : i < COMMITS / 4 ? random(all) : 2 * random(all / 2);
    const message = `change ${i}\n\nWhat it is about, in a line or two.\n`;
    parts.push(
      `commit refs/heads/main\nmark :${i + 1}\n`,
      `committer C O Mitter <committer@example.com> ${1_600_000_000 + i * 60} +0000\n${data(message)}`,
      `M 100644 inline dir-${file % DIRECTORIES}/file-${Math.floor(file / DIRECTORIES)}\n${data(`content ${i}\n`.repeat(60))}`,
    );
  }
  for (let i = 0; i < BRANCHES; i += 1) {
    parts.push(`reset refs/heads/branch-${i}\nfrom :${COMMITS / 2 + random(COMMITS / 2)}\n\n`);
  }
  await git(path, ["-c", "fastimport.unpackLimit=1", "fast-import", "--quiet"], { input: parts.join("") });
  await git(path, ["pack-refs", "--all"]);
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

interface Reading {
  readonly requests: number;
  /** Another one asks for other places. */
  readonly seed: number;
}

async function readAll(
  api: Api,
  token: string,
  id: number,
  kind: Kind,
  { requests, seed }: Reading,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: READERS });
  const random = makeRandom(seed);
  let left = requests;
  const reader = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await get(agent, token, `${api.url}/api/v4/projects/${id}${kind.path(random)}`);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  agent.destroy();
}

function get(agent: Agent, token: string, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, headers: { "PRIVATE-TOKEN": token } }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${url} was answered with ${answer.statusCode}`));
      answer.resume().once("end", resolve).once("error", reject);
    });
    asked.once("error", reject).end();
  });
}

/** What the lines of the log say of requests for what is in a repository. */
function durationsIn(log: string): number[] {
  return log
    .split("\n")
    .filter((line) => line.includes(`"path":"/api/v4/projects/`))
    .flatMap((line) => {
      const [, duration] = /"durationMs":([\d.]+)/.exec(line) ?? [];
      return duration === undefined ? [] : [Number(duration)];
    });
}

/** The same numbers in each run: mulberry32. */
function makeRandom(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
