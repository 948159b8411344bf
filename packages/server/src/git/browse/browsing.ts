import { createHash } from "node:crypto";
import type { Asker, BrowsedTag, Browsing, DiffStats, Log, TakePlace, TreeEntry } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";
import { isRefName, parseRefName, type RefName } from "../../domain/ref-name.ts";
import { createGit } from "../run-git.ts";
import { createAncestry } from "./ancestry.ts";
import { streamArchive } from "./archive.ts";
import { createGraphFiles } from "./commit-graph-file.ts";
import { countChanges, diffCommits } from "./diff.ts";
import { createHistory } from "./history.ts";
import { createLastChange } from "./last-change.ts";
import { createLru } from "./lru.ts";
import { createObjectStore, entryOf } from "./object-store.ts";
import { createPathChanges } from "./path-changes.ts";
import { createQuick } from "./quick-git.ts";
import { createReaderPool, type ReaderPoolOptions } from "./reader-pool.ts";
import { createRefReader } from "./ref-reader.ts";
import { streamOutput } from "./stream-output.ts";

export interface BrowsingOptions {
  readonly log: Log;
  /** Gives turns to those who need a short-lived git. */
  readonly takePlace: TakePlace;
  /** Directories to find git in, as in `PATH`; the usual ones unless told. */
  readonly searchPath?: string;
  readonly pool?: ReaderPoolOptions;
}

const ROOTS = { branches: "refs/heads/", tags: "refs/tags/" } as const;
/** For so long a reader may take nothing. */
const BLOB_IDLE_MS = 60_000;
/** Deeper nests nobody reads; a hostile tree may have any. */
const MAX_DEPTH = 200;
const FILE_LISTS_BYTES = 64 * 1024 * 1024;
const FILE_LIST_BYTES = 64 * 1024 * 1024;
const DIFFS_BYTES = 32 * 1024 * 1024;
const CHANGES_BYTES = 8 * 1024 * 1024;
const LISTS_BYTES = 16 * 1024 * 1024;
const REFS_OUTPUT_BYTES = 128 * 1024 * 1024;

const FULL = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** GitLab's least: fewer digits could be anything. */
const ABBREVIATED = /^[0-9a-f]{7,64}$/;

/** Reading what is in repositories. */
export function createBrowsing({ log, takePlace, searchPath, pool: poolOptions }: BrowsingOptions): Browsing {
  const git = createGit({ log, ...(searchPath === undefined ? {} : { searchPath }) });
  const pool = createReaderPool(git, poolOptions);
  const quick = createQuick(takePlace);
  const refs = createRefReader(git);
  const objects = createObjectStore(git, pool);
  const graphs = createGraphFiles();
  const ancestry = createAncestry(git, quick, graphs);
  const openChanges = createPathChanges(objects);
  const history = createHistory(git, quick, graphs, objects, openChanges);
  const lastChange = createLastChange(graphs, objects, openChanges);
  const fileLists = createLru<string>(FILE_LISTS_BYTES);
  const diffs = createLru<Awaited<ReturnType<Browsing["diff"]>>>(DIFFS_BYTES);
  const changes = createLru<DiffStats>(CHANGES_BYTES);
  const sortings = createLru<readonly RefName[]>(LISTS_BYTES);

  async function commitOf(path: string, name: string): Promise<Oid | null> {
    const found = await objects.peel(path, parseOid(name));
    return found?.type === "commit" ? found.oid : null;
  }

  async function resolveCommit(path: string, name: string): Promise<Oid | null> {
    if (FULL.test(name)) {
      const found = await commitOf(path, name);
      if (found !== null) return found;
    }
    if (name === "HEAD") {
      const head = await refs.readHeadOid(path);
      return head === null ? null : await commitOf(path, head);
    }
    // Git's own order: a tag stands before a branch of its name.
    const candidates = name.startsWith("refs/")
      ? [name]
      : [`refs/tags/${name}`, `refs/heads/${name}`, `refs/${name}`];
    for (const candidate of candidates) {
      if (!isRefName(candidate) || !/^refs\/(?:heads|tags)\//.test(candidate)) continue;
      const oid = await refs.read(path, candidate);
      if (oid !== null) return await commitOf(path, oid);
    }
    if (!ABBREVIATED.test(name)) return null;
    const found = await objects.info(path, name);
    if (found === null) return null;
    return await commitOf(path, found.oid);
  }

  async function treeOf(path: string, commit: Oid): Promise<Oid | null> {
    return (await objects.commit(path, commit))?.tree ?? null;
  }

  /** The tree at a path of a commit; null: there is none. */
  async function directoryAt(path: string, commit: Oid, directory: string): Promise<Oid | null> {
    const root = await treeOf(path, commit);
    if (root === null || directory === "") return root;
    const entry = await objects.entryAt(path, root, directory);
    return entry?.type === "tree" ? entry.oid : null;
  }

  async function* walk(
    path: string,
    tree: Oid,
    prefix: string,
    after: readonly string[] | null,
    depth: number,
  ): AsyncIterable<TreeEntry> {
    if (depth > MAX_DEPTH) return;
    const entries = (await objects.tree(path, tree)) ?? [];
    const [first, ...rest] = after ?? [];
    const start = first === undefined ? 0 : entries.findIndex(({ name }) => name === first);
    // What the last page ended with is gone: a tree never changes, so that this was none of our tokens.
    if (start === -1) return;
    for (const [index, entry] of entries.slice(start).entries()) {
      const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      const isPassed = first !== undefined && index === 0;
      if (!isPassed) yield entryOf(entry, name);
      if (entry.type === "tree") {
        yield* walk(path, entry.oid, name, isPassed && rest.length > 0 ? rest : null, depth + 1);
      }
    }
  }

  async function listFiles(path: string, tree: Oid, asker: Asker): Promise<string> {
    const key = `${path} ${tree}`;
    const known = fileLists.get(key);
    if (known !== undefined) return known;
    return await quick.within(asker, ["files", path, tree], async (limits) => {
      const { stdout } = await git.run({
        gitDir: path,
        args: ["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree],
        ...limits,
        maxOutput: FILE_LIST_BYTES,
      });
      const list = stdout.toString("utf8");
      fileLists.set(key, list, list.length * 2);
      return list;
    });
  }

  return {
    listRefs: (path, kind) => refs.list(path, ROOTS[kind]),
    readRef: (path, ref) => refs.read(path, ref),
    readHead: async (path) => refs.readHead(path),
    resolveCommit,
    readCommits: (path, oids) => objects.commits(path, oids),
    async readTags(path, tags) {
      return await Promise.all(
        [...tags].map(async ([ref, target]): Promise<BrowsedTag> => {
          const annotation = await objects.tag(path, target);
          const end = annotation === null ? null : await objects.peel(path, annotation.object);
          const commit = await objects.commit(path, end?.oid ?? target);
          return { ref, target, annotation, commit };
        }),
      );
    },
    async sortByTime(path, given, asker) {
      const [first] = given.keys();
      if (first === undefined) return [];
      const root = first.startsWith(ROOTS.tags) ? ROOTS.tags : ROOTS.branches;
      const key = `${path} ${digestOf(given)}`;
      const known = sortings.get(key);
      if (known !== undefined) return known;
      const { stdout } = await quick.within(asker, ["sorted", key], (limits) =>
        git.run({
          gitDir: path,
          args: ["for-each-ref", "--sort=refname", "--sort=creatordate", "--format=%(refname)", root],
          ...limits,
          maxOutput: REFS_OUTPUT_BYTES,
        }),
      );
      const listed = stdout.toString("utf8").split("\n");
      const sorted = listed.filter((name): name is RefName => isRefName(name) && given.has(name));
      const found = new Set(sorted);
      // Made since, or broken: at the end, but there.
      const all = [...sorted, ...[...given.keys()].filter((name) => !found.has(name))];
      sortings.set(key, all, all.length * 120);
      return all;
    },
    listHistory: (path, query, part, asker) => history.list(path, query, part, asker),
    async findLastChange(path, commit, file, asker) {
      const found = await lastChange(path, commit, file);
      if (found !== null) return found;
      const query = {
        tips: [commit],
        without: [],
        path: file,
        firstParent: false,
        order: "default",
      } as const;
      const { oids } = await history.list(path, query, { skip: 0, count: 1 }, asker);
      return oids[0] ?? commit;
    },
    findMerged: (path, commits, of, asker) => ancestry.findMerged(path, commits, of, asker),
    measureDistance: (path, from, to, asker) => ancestry.measureDistance(path, from, to, asker),
    mergeBase: (path, commits, asker) => ancestry.mergeBase(path, commits, asker),
    async findEntry(path, commit, file) {
      const root = await treeOf(path, commit);
      if (root === null) return null;
      const entry = await objects.entryAt(path, root, file);
      if (entry === null) return null;
      if (entry.type === "commit") return { entry, size: 0 };
      const found = await objects.info(path, entry.oid);
      return found === null ? null : { entry, size: found.size };
    },
    async listTree(path, commit, directory) {
      const tree = await directoryAt(path, commit, directory);
      const entries = tree === null ? null : await objects.tree(path, tree);
      if (entries === null) return null;
      return entries.map((entry) =>
        entryOf(entry, directory === "" ? entry.name : `${directory}/${entry.name}`),
      );
    },
    async *walkTree(path, commit, directory, after) {
      const tree = await directoryAt(path, commit, directory);
      if (tree === null) return;
      const below = directory === "" ? after : (after?.slice(directory.length + 1) ?? null);
      yield* walk(path, tree, directory, below === null ? null : below.split("/"), 0);
    },
    async searchPaths(path, commit, text, limit, asker) {
      const tree = await treeOf(path, commit);
      if (tree === null) return [];
      const wanted = text.toLowerCase();
      const found: string[] = [];
      for (const name of (await listFiles(path, tree, asker)).split("\0")) {
        if (name === "" || !name.toLowerCase().includes(wanted)) continue;
        found.push(name);
        if (found.length === limit) break;
      }
      return found;
    },
    async findBlob(path, name) {
      if (!ABBREVIATED.test(name)) return null;
      const found = await objects.info(path, name);
      return found?.type === "blob" ? { oid: found.oid, size: found.size } : null;
    },
    async readBlob(path, oid) {
      const content = await objects.content(path, oid);
      if (content === null) throw new HeliostatError("repository-corrupt", `the blob ${oid} is missing`);
      return content;
    },
    streamBlob(path, { oid }, signal) {
      const args = ["cat-file", "blob", oid];
      return streamOutput(git, { gitDir: path, args, signal, idleTimeoutMs: BLOB_IDLE_MS });
    },
    async diff(path, from, to, asker) {
      const key = `${path} ${from ?? ""} ${to}`;
      const known = diffs.get(key);
      if (known !== undefined) return known;
      const made = await diffCommits(git, quick, path, { from, to }, asker);
      diffs.set(
        key,
        made,
        made.reduce((sum, { text }) => sum + text.length * 2 + 400, 0),
      );
      return made;
    },
    async countChanges(path, oids, asker) {
      const stats = new Map<Oid, DiffStats>();
      const pairs: { oid: Oid; parent: Oid | null }[] = [];
      for (const { oid, parents } of (await objects.commits(path, oids)).values()) {
        const known = changes.get(`${path} ${oid}`);
        if (known === undefined) pairs.push({ oid, parent: parents[0] ?? null });
        else stats.set(oid, known);
      }
      for (const [oid, counted] of await countChanges(git, quick, path, pairs, asker)) {
        changes.set(`${path} ${oid}`, counted, 300);
        stats.set(oid, counted);
      }
      return stats;
    },
    archive: (path, what, signal) => streamArchive(git, path, what, signal),
    async listContaining(path, commit, kind, asker) {
      const { stdout } = await quick.within(asker, null, (limits) =>
        git.run({
          gitDir: path,
          args: ["for-each-ref", "--format=%(refname)", `--contains=${commit}`, ROOTS[kind]],
          ...limits,
          maxOutput: REFS_OUTPUT_BYTES,
        }),
      );
      return stdout.toString("utf8").split("\n").filter(isRefName).map(parseRefName);
    },
    close: () => pool.close(),
  };
}

/** Lists are given out again while nothing changed: that of ten thousand refs is not to be added up for each page. */
const digests = new WeakMap<ReadonlyMap<RefName, Oid>, string>();

function digestOf(refs: ReadonlyMap<RefName, Oid>): string {
  const known = digests.get(refs);
  if (known !== undefined) return known;
  const hash = createHash("sha1");
  for (const [name, oid] of refs) hash.update(`${name} ${oid}\n`);
  const digest = hash.digest("hex");
  digests.set(refs, digest);
  return digest;
}
