import { access, rename } from "node:fs/promises";
import type { Log } from "../app/ports.ts";
import { makeRepository, type RepositorySettings } from "./init-repository.ts";
import { readLostRefs } from "./lost-refs.ts";
import { hasNoRefs } from "./ref-files.ts";
import { removeRepository } from "./remove-repository.ts";
import type { Git } from "./run-git.ts";
import type { Staging } from "./staging.ts";

/** Ends the name of a repository that was set aside, so that a crash in the middle leaves it to be put back. */
export const REPLACED = ".replaced";

/**
 * Puts a new repository in the place of one without refs. The old one is set aside first, where no new push finds it;
 * one that is under way goes on in it unharmed, and is why it is put back when `isIdle` then says that somebody may be
 * writing, or when there are refs after all. False: it is as it was.
 *
 * Dead in the middle: `restoreReplaced` puts the old one back.
 */
export async function replaceRepository(
  git: Git,
  staging: Staging,
  path: string,
  settings: RepositorySettings,
  { isIdle, log }: { readonly isIdle: () => Promise<boolean>; readonly log: Log },
): Promise<boolean> {
  const aside = path + REPLACED;
  const isReplaced = await staging.use("init", async (made) => {
    await makeRepository(git, made, settings);
    await rename(path, aside);
    let isDone = false;
    try {
      if ((await isIdle()) && (await isEmpty(aside))) {
        await rename(made, path);
        isDone = true;
      }
    } finally {
      if (!isDone) await rename(aside, path);
    }
    return isDone;
  });
  if (isReplaced) await removeRepository(staging, aside, log);
  return isReplaced;
}

/** Puts a repository back that a crash has left aside. True: that was so. Where the new one is in place, nothing is. */
export async function restoreReplaced(path: string): Promise<boolean> {
  if (await isThere(path)) return false;
  return rename(path + REPLACED, path).then(
    () => true,
    () => false,
  );
}

async function isEmpty(path: string): Promise<boolean> {
  return (await hasNoRefs(path)) && (await readLostRefs(path, () => null)).length === 0;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
