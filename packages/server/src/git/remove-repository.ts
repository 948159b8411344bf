import { access, rename, rm } from "node:fs/promises";
import type { Log } from "../app/ports.ts";
import { againIfGone, isGone } from "./again-if-gone.ts";
import type { Staging } from "./staging.ts";

/**
 * Takes the repository from its path at once; whoever reads it keeps what is open. The deletion itself goes on behind
 * the scenes, and what a crash leaves of it is a leftover of the staging area. Nothing at the path: nothing to do.
 */
export async function removeRepository(staging: Staging, path: string, log: Log): Promise<void> {
  const removed = await moveAway(staging, path);
  if (removed === null) return;
  rm(removed, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
    log.warn({ error: String(error) }, "a removed repository could not be deleted yet");
  });
}

/** Answers where it is now; null when it was not there. */
async function moveAway(staging: Staging, path: string): Promise<string | null> {
  return await againIfGone(async () => {
    const removed = await staging.makePath("removed");
    try {
      await rename(path, removed);
      return removed;
    } catch (error) {
      // The one or the other is missing: the repository, or the area, which others take away when it is empty.
      if (isGone(error) && !(await isThere(path))) return null;
      throw error;
    }
  });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
