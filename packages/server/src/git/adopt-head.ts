import { randomUUID } from "node:crypto";
import { link, open, rename, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { pickDefaultBranch } from "../domain/default-branch.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { RefName } from "../domain/ref-name.ts";
import { isBorn, readBranchesAndTags, readHeadFile } from "./read-refs.ts";
import type { Git } from "./run-git.ts";

/** Whoever holds the lock needs moments; what is left of a dead one is taken away by housekeeping. */
const PATIENCE_MS = 2_000;
const PAUSE_MS = 20;

/**
 * Points a HEAD whose branch is not there at one that is (`pickDefaultBranch`), and answers it; null: nothing to do.
 * Once this has returned, no other call moves HEAD as long as its branch is there: they look and write under git's own
 * lock of HEAD, which `git symbolic-ref` takes for the writing only. `conflict` when somebody keeps that lock.
 */
export async function adoptHead(git: Git, path: string): Promise<RefName | null> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const seen = await readHeadFile(path);
    const isSettled = seen === null || (await isBorn(path, seen));
    const branch = isSettled ? null : pickDefaultBranch((await readBranchesAndTags(git, path)).refs.keys());
    const outcome = await underLock(path, `ref: ${branch ?? seen}\n`, async () => {
      const now = await readHeadFile(path);
      if (now === null || (await isBorn(path, now))) return "settled";
      if (now !== seen || isSettled) return "again";
      if (branch === null) return "settled";
      return (await isBorn(path, branch)) ? "write" : "again";
    });
    if (outcome === "write") return branch;
    if (outcome === "settled") return null;
    if (performance.now() > giveUpAt) {
      throw new HeliostatError("conflict", "HEAD is locked, or its branches come and go.");
    }
    await sleep(PAUSE_MS);
  }
}

/** What is to become of HEAD: nothing, another look, or the new content. */
type Outcome = "settled" | "again" | "write";

/**
 * Asks `decide` while nobody else can move HEAD. A push to HEAD's branch takes the same lock and waits 100 ms for it: the
 * content is on the disk before, so that it is held for moments.
 */
async function underLock(path: string, content: string, decide: () => Promise<Outcome>): Promise<Outcome> {
  // By its end, housekeeping takes it for a lock that was left behind.
  const draft = `${path}/HEAD.${randomUUID()}.lock`;
  const lock = `${path}/HEAD.lock`;
  const file = await open(draft, "wx", 0o644);
  try {
    await file.writeFile(content);
    await file.sync();
    const { ino } = await file.stat();
    const isTaken = await link(draft, lock).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return false;
        throw error;
      },
    );
    if (!isTaken) return "again";
    // After a long stall, it may have been taken for a dead one's.
    const isStillOurs = () =>
      stat(lock).then(
        (there) => there.ino === ino,
        () => false,
      );
    try {
      const outcome = await decide();
      if (outcome !== "write") return outcome;
      if (!(await isStillOurs())) return "again";
      await rename(draft, `${path}/HEAD`);
      return outcome;
    } finally {
      if (await isStillOurs()) await rm(lock, { force: true });
    }
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}
