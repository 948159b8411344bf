import { access } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { Log, Repositories } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { RefChange, RefResult } from "../domain/refs.ts";
import { adoptHead } from "./adopt-head.ts";
import { answerAncestry } from "./answer-ancestry.ts";
import { applyChanges } from "./apply-changes.ts";
import { DISK_FULL } from "./classify-stderr.ts";
import { commitFirstFile } from "./commit-first-file.ts";
import { describeMoves } from "./describe-moves.ts";
import { fetchAll } from "./fetch-all.ts";
import { fetchObjects } from "./fetch-objects.ts";
import { initRepository } from "./init-repository.ts";
import { listChangedFiles } from "./list-changed-files.ts";
import { countClutter, maintain, planMaintenance } from "./maintain.ts";
import { measureFiles } from "./measure.ts";
import { packObjects } from "./pack-objects.ts";
import { push } from "./push.ts";
import { readDefaultBranch, readRefs } from "./read-refs.ts";
import { type ReceiveBounds, usualBounds } from "./receive-bounds.ts";
import { receivePack } from "./receive-pack.ts";
import { createRememberedCapabilities } from "./remembered-capabilities.ts";
import { DEFAULT_PATIENCE, type Patience } from "./remote-call.ts";
import { removeRemains } from "./remove-remains.ts";
import { removeRepository } from "./remove-repository.ts";
import { removeAllStaleFiles } from "./remove-stale-files.ts";
import { replaceRepository, restoreReplaced } from "./replace-repository.ts";
import { createGit } from "./run-git.ts";
import { serveConversation } from "./serve-conversation.ts";
import { advertise, servePack } from "./serve-pack.ts";
import { setHead } from "./set-head.ts";
import { createStaging, type Staging } from "./staging.ts";
import { REF_IS_LOCKED } from "./update-refs.ts";
import { type GitVersion, requireGit } from "./version.ts";

export interface RepositoriesOptions {
  /**
   * Where the repositories are. What is not finished stands in `.staging` below it, so that it moves by a rename. For
   * a repository elsewhere (the command line takes any path) it stands beside that one.
   */
  readonly root: string;
  readonly log: Log;
  /** Directories to find git in, as in `PATH`; the usual ones unless told. */
  readonly searchPath?: string;
  readonly patience?: Patience;
  /** What receiving may take; by the memory of the machine, unless told. */
  readonly bounds?: ReceiveBounds;
  /** No other node works on these repositories: then it can be told what a dead git has left. No, unless told. */
  readonly isAlone?: boolean;
}

export interface GitRepositories extends Repositories {
  /** To be called once at start: `git-missing` or `git-too-old` when nothing here would work. */
  requireGit(): Promise<GitVersion>;
  /**
   * Removes what dead runs left in the staging area, on whichever node; to be called at start and now and then.
   * `isAlone`: at start, when no other node works here, so that every run is a dead one.
   */
  removeLeftovers(options?: { readonly isAlone: boolean }): Promise<number>;
  /** Removes the locks and half packs that a git which was killed left in any repository; takes its time. */
  removeStaleFiles(signal: AbortSignal): Promise<number>;
}

/** Directories with many thousands of entries are slow on some file systems. */
const REPOSITORIES_A_DIRECTORY = 1_000;

/** The repositories below `root`, and git to work with them. */
export function createRepositories(options: RepositoriesOptions): GitRepositories {
  const { root, log, patience = DEFAULT_PATIENCE, isAlone = false } = options;
  const { bounds = usualBounds() } = options;
  const held = { patience, bounds };
  const git = createGit({
    log,
    ...(options.searchPath === undefined ? {} : { searchPath: options.searchPath }),
  });
  const capabilities = createRememberedCapabilities();
  const staging = createStaging(join(root, ".staging"));
  const stagingFor = (path: string): Staging =>
    path.startsWith(root + sep) ? staging : createStaging(join(dirname(path), ".heliostat-staging"));
  return {
    requireGit: () => requireGit(git),
    removeLeftovers: (leftovers) => staging.removeLeftovers(leftovers),
    removeStaleFiles: (signal) => removeAllStaleFiles(root, signal),
    pathOf: (id) => join(root, String(Math.floor(id / REPOSITORIES_A_DIRECTORY)), `${id}.git`),
    init: (path, settings) => tellFullDisk(initRepository(git, stagingFor(path), path, settings)),
    replaceEmpty: (path, settings, isIdle) =>
      tellFullDisk(replaceRepository(git, stagingFor(path), path, settings, { isIdle, log })),
    exists: (path) =>
      access(join(path, "HEAD")).then(
        () => true,
        () => false,
      ),
    remove: (path) => removeRepository(stagingFor(path), path, log),
    readRefs: (path) => readRefs(git, path),
    measure: (path) => measureFiles(join(path, "objects")),
    readDefaultBranch,
    commitFirstFile: (path, first) => tellFullDisk(commitFirstFile(git, path, first)),
    answerAncestry: (path, questions) => answerAncestry(git, path, questions),
    fetchAll: (path, remote, transfer) =>
      tellFullDisk(fetchAll(git, stagingFor(path), path, remote, transfer, held)),
    fetchObjects: (path, remote, oids, transfer) =>
      tellFullDisk(fetchObjects(git, stagingFor(path), path, remote, oids, transfer, held)),
    applyChanges: (path, changes, how) =>
      tellFullDisk(
        applyAgainst(changes, {
          apply: (some) => applyChanges(git, path, some, how),
          clearLocks: () => removeRemains(path, { isAlone, log }),
        }),
      ),
    setHead: (path, head) => setHead(git, path, head),
    adoptHead: (path) => tellFullDisk(adoptHead(git, path)),
    describeMoves: (path, moves, signal) => describeMoves(git, path, moves, signal),
    listChangedFiles: (path, commits, signal) => listChangedFiles(git, path, commits, signal),
    async keepHouse(path, signal, alone) {
      const due = planMaintenance(await countClutter(path));
      if (!due.locks && !due.refs && !due.objects && !due.graph) return false;
      return await alone(async () => {
        if (due.locks) await removeRemains(path, { isAlone, log, signal });
        await maintain(git, path, due, signal);
      });
    },
    async removeRemains(path, signal) {
      if (await restoreReplaced(path)) log.info({ repository: path }, "put a repository back in its place");
      await removeRemains(path, { isAlone, log, signal });
    },
    advertise: (path, service, exchange) => advertise({ git, capabilities }, path, service, exchange),
    converse: (path, program, exchange, input, output) =>
      serveConversation(git, path, program, exchange, input, output),
    servePack: (path, exchange, input, output) => servePack(git, path, exchange, input, output),
    receivePack: (path, exchange, input, output) =>
      receivePack({ git, bounds }, path, exchange, input, output),
    packObjects: (path, request, options) => packObjects(git, path, request, options, patience),
    push: (path, remote, changes, transfer) =>
      tellFullDisk(push(git, staging, path, remote, changes, transfer, patience)),
  };
}

/**
 * Applies changes, and those that met a lock once more when it is gone: it was a moment's, or a dead git's.
 */
async function applyAgainst(
  changes: readonly RefChange[],
  verbs: {
    readonly apply: (changes: readonly RefChange[]) => Promise<readonly RefResult[]>;
    readonly clearLocks: () => Promise<void>;
  },
): Promise<readonly RefResult[]> {
  const results = await verbs.apply(changes);
  const isLocked = (index: number): boolean => results[index]?.message === REF_IS_LOCKED;
  const locked = changes.filter((_change, index) => isLocked(index));
  if (locked.length === 0) return results;
  await verbs.clearLocks();
  const again = (await verbs.apply(locked)).values();
  return results.map((result, index) => (isLocked(index) ? (again.next().value ?? result) : result));
}

/** The verbs that write files themselves fail like git does when there is no space for them. */
async function tellFullDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new HeliostatError("disk-full", DISK_FULL, { cause: error });
    throw error;
  }
}
