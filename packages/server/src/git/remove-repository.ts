import { rename, rm } from "node:fs/promises";
import type { Log } from "../app/ports.ts";
import type { Staging } from "./staging.ts";

/**
 * Takes the repository from its path at once; whoever reads it keeps what is open. The deletion itself goes on behind
 * the scenes, and what a crash leaves of it is a leftover of the staging area. Nothing at the path: nothing to do.
 */
export async function removeRepository(staging: Staging, path: string, log: Log): Promise<void> {
  const removed = await staging.makePath("removed");
  try {
    await rename(path, removed);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
  rm(removed, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
    log.warn({ error: String(error) }, "a removed repository could not be deleted yet");
  });
}
