import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../app/ports.ts";
import { isNamedByProcess } from "../exec/find-processes.ts";
import { CAUTIOUS_AGES, hasStaleFiles, removeStaleFiles, type StaleAges } from "./remove-stale-files.ts";

/** A git that outlived its server may hold the locks of one transaction: 50,000 refs take some ten seconds. */
const ORPHANS_MS = 20_000;
const LOOK_EVERY_MS = 250;

/** Nobody is there; this much for what we write ourselves, which is no process of its own. */
const DESERTED_AGES: StaleAges = { lockMs: 2_000, objectsMs: 2_000 };
const UNSEEN_AGES: StaleAges = { ...CAUTIOUS_AGES, lockMs: ORPHANS_MS / 2 };
/** Those that are kept for browsing (`browse/`) live for long, and hold no lock. */
const READER = /\0cat-file\0--batch-command\0/;
const ANY_LOCK: StaleAges = { lockMs: 0, objectsMs: Number.POSITIVE_INFINITY };

/**
 * Clears the way for a run: removes what dead gits left in this repository, and waits up to 20 s for the locks of those
 * that are still alive. Removing a living git's lock would let two write the same file, so the question is who can
 * still be alive:
 *
 * - `isAlone`, this server is the only one here: every git is a process of this machine, this server's or one that
 *   outlived the server before. Where the system lists its processes we look whether one names this repository: on its
 *   command line, or in the environment that git hands on. None does: everything that is there is stale;
 * - alone, and no such list: a lock that is older than any transaction is stale;
 * - other nodes, whose processes we cannot see: by age alone, with much patience, and nothing is waited for.
 */
export async function removeRemains(
  path: string,
  { isAlone, log, signal }: { readonly isAlone: boolean; readonly log: Log; readonly signal?: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + ORPHANS_MS;
  for (;;) {
    const removed = await removeStaleFiles(path, await agesFor(path, isAlone));
    if (removed > 0) log.info({ repository: path, removed }, "removed what a dead git had left");
    if (!isAlone || performance.now() > deadline || !(await hasStaleFiles(path, ANY_LOCK))) return;
    await sleep(LOOK_EVERY_MS, undefined, signal ? { signal } : {});
  }
}

async function agesFor(path: string, isAlone: boolean): Promise<StaleAges> {
  // Most often there is nothing, and then nobody needs to be looked for.
  if (!isAlone || !(await hasStaleFiles(path, DESERTED_AGES))) return CAUTIOUS_AGES;
  const isAlive = await isNamedByProcess(path, READER);
  if (isAlive === null) return UNSEEN_AGES;
  return isAlive ? CAUTIOUS_AGES : DESERTED_AGES;
}
