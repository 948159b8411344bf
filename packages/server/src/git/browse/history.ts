import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import type { Asker, HistoryPart, HistoryQuery } from "../../app/ports.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";
import type { Git } from "../run-git.ts";
import type { GraphFiles } from "./commit-graph-file.ts";
import { createJointWork } from "./joint-work.ts";
import { createLru } from "./lru.ts";
import type { ObjectStore } from "./object-store.ts";
import type { OpenPathChanges } from "./path-changes.ts";
import { LITERAL_PATHS, type Quick } from "./quick-git.ts";
import { walkCommits } from "./walk-commits.ts";

/** Lists commits in git's order, and remembers the beginning of each list that was asked for. */
export interface History {
  list(
    path: string,
    query: HistoryQuery,
    part: { readonly skip: number; readonly count: number },
    asker: Asker,
  ): Promise<HistoryPart>;
}

const MEMORY_BYTES = 96 * 1024 * 1024;
/** Above, a page is listed for itself and not remembered. */
const MOST_REMEMBERED = 100_000;
/** What is listed of a history at first: most people never see the eleventh page. */
const FIRST = 400;
/** What a path's history is searched for first: a search for more may have to go through all commits. */
const FIRST_OF_PATH = 40;

interface Beginning {
  readonly oids: readonly Oid[];
  /** There is nothing behind it. */
  readonly isWhole: boolean;
}

/** Walks the commit-graph for plain lists, and has git list the rest. What several ask for at once is listed once. */
export function createHistory(
  git: Git,
  quick: Quick,
  graphs: GraphFiles,
  objects: ObjectStore,
  openChanges: OpenPathChanges,
): History {
  const beginnings = createLru<Beginning>(MEMORY_BYTES);
  const join = createJointWork();

  async function run(
    path: string,
    query: HistoryQuery,
    { skip, count }: { readonly skip: number; readonly count: number },
    asker: Asker,
  ): Promise<Beginning> {
    const what = ["history", path, JSON.stringify(query), String(skip), String(count)];
    return await quick.within(asker, what, async (limits) => {
      const listing = git.start({
        gitDir: path,
        args: [
          "rev-list",
          `--max-count=${count + 1}`,
          `--skip=${skip}`,
          ...(query.order === "topo" ? ["--topo-order"] : []),
          ...(query.firstParent ? ["--first-parent"] : []),
          ...(query.since ? [`--since=${query.since.toISOString()}`] : []),
          ...(query.until ? [`--until=${query.until.toISOString()}`] : []),
          ...(query.author ? ["--fixed-strings", "--regexp-ignore-case", `--author=${query.author}`] : []),
          "--stdin",
          ...(query.path === "" ? [] : ["--", query.path]),
        ],
        env: LITERAL_PATHS,
        ...limits,
      });
      const without = query.without.map((oid) => `^${oid}`);
      listing.stdin.end([...query.tips, ...without].map((line) => `${line}\n`).join(""));
      const oids: Oid[] = [];
      for await (const line of createInterface({ input: listing.stdout })) oids.push(parseOid(line));
      listing.check(await listing.exited);
      const isWhole = oids.length <= count;
      return { oids: isWhole ? oids : oids.slice(0, count), isWhole };
    });
  }

  /** In this process where the graph has all that is asked for. */
  async function walkOrRun(
    path: string,
    query: HistoryQuery,
    count: number,
    asker: Asker,
  ): Promise<Beginning> {
    const { tips, without, path: file, since, until, author, order, firstParent } = query;
    const isPlain = !since && !until && !author && without.length === 0;
    const graph = isPlain && order === "default" ? await graphs.read(path) : null;
    const changes = graph === null || file === "" ? null : openChanges(path, graph, file);
    const canWalk = graph !== null && (file === "" || changes !== null);
    const walked = canWalk
      ? await walkCommits(path, graph, objects, { tips, changes, firstParent, count })
      : null;
    return walked ?? (await run(path, query, { skip: 0, count }, asker));
  }

  async function begin(
    path: string,
    key: string,
    query: HistoryQuery,
    needed: number,
    asker: Asker,
  ): Promise<Beginning> {
    const known = beginnings.get(key);
    if (known && (known.isWhole || known.oids.length >= needed)) return known;
    // Who asks for the next page asks for the one after it too.
    const first = query.path === "" ? FIRST : FIRST_OF_PATH;
    const count = Math.min(Math.max(first, needed * 4), MOST_REMEMBERED);
    const beginning = await join(`${key} ${count}`, asker.signal, (signal) =>
      walkOrRun(path, query, count, { client: asker.client, signal }),
    );
    beginnings.set(key, beginning, beginning.oids.length * 64);
    return beginning;
  }

  return {
    async list(path, query, { skip, count }, asker) {
      if (query.tips.length === 0) return { oids: [], hasMore: false };
      const needed = skip + count + 1;
      if (needed > MOST_REMEMBERED) {
        const { oids, isWhole } = await run(path, query, { skip, count }, asker);
        return { oids, hasMore: !isWhole };
      }
      const key = `${path} ${createHash("sha1").update(JSON.stringify(query)).digest("hex")}`;
      const { oids, isWhole } = await begin(path, key, query, needed, asker);
      return {
        oids: oids.slice(skip, skip + count),
        hasMore: oids.length > skip + count || !isWhole,
      };
    },
  };
}
