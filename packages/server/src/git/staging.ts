import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, rmdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { againIfGone } from "./again-if-gone.ts";

/**
 * The place for what is not a repository yet, or no longer one: first pulls, new repositories, removed ones. It is on
 * the file system of the repositories, so that things move in and out of it by a rename.
 *
 * An entry belongs to the run that made it, on whichever node, as long as its time stamp is fresh: the run renews it.
 * What was not renewed for ten minutes is a dead run's and may go.
 */
export interface Staging {
  /** Gives `work` a fresh path, at which nothing exists, and removes whatever is there when it is done. */
  use<T>(kind: string, work: (path: string) => Promise<T>): Promise<T>;
  /**
   * A fresh path for something that is to be deleted: whatever is moved there goes, if not at once then later. Its
   * directory may be taken away before something is in it: then moving fails with ENOENT, and wants another path.
   */
  makePath(kind: string): Promise<string>;
  /** Removes the entries of dead runs, or every entry if nobody else can be at work here; answers how many. */
  removeLeftovers(options?: { readonly isAlone: boolean }): Promise<number>;
}

const RENEW_MS = 60_000;
const DEAD_AFTER_MS = 10 * RENEW_MS;

/** `area` is made when it is needed, and taken away when it is empty. */
export function createStaging(area: string, deadAfterMs = DEAD_AFTER_MS): Staging {
  const makePath = async (kind: string): Promise<string> => {
    await makeDirectory(area);
    return join(area, `${kind}-${randomBytes(8).toString("hex")}`);
  };
  const remove = async (path: string): Promise<void> => {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    // Not empty: others are at work.
    await rmdir(area).catch(() => {});
  };
  return {
    makePath,
    async use(kind, work) {
      // A directory around the work's own: it is there from the first moment, so that it can be seen to be alive.
      const outer = await makePath(kind);
      await makeDirectory(outer);
      const renew = setInterval(() => {
        const now = new Date();
        utimes(outer, now, now).catch(() => {});
      }, RENEW_MS);
      try {
        return await work(join(outer, "repository"));
      } finally {
        clearInterval(renew);
        await remove(outer);
      }
    },
    async removeLeftovers({ isAlone } = { isAlone: false }) {
      const names = await readdir(area).catch(() => []);
      let removed = 0;
      for (const name of names) {
        const path = join(area, name);
        const age = await stat(path).then(
          ({ mtimeMs }) => Date.now() - mtimeMs,
          () => 0,
        );
        if (age < deadAfterMs && !isAlone) continue;
        // A git of the dead run may still write there: it ends by itself, and the next call removes the rest.
        await remove(path).then(
          () => {
            removed += 1;
          },
          () => {},
        );
      }
      return removed;
    },
  };
}

/** Others take the area away whenever it is empty. */
async function makeDirectory(path: string): Promise<void> {
  await againIfGone(() => mkdir(path, { recursive: true }));
}
