import type { Distance } from "../../app/ports.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";
import type { Git } from "../run-git.ts";
import { createLru } from "./lru.ts";
import type { Quick } from "./quick-git.ts";

/** Answers which commit comes after which. It never changes, so that it is remembered. */
export interface Ancestry {
  findMerged(path: string, commits: readonly Oid[], of: Oid): Promise<ReadonlySet<Oid>>;
  /** Commits that only `from` has, and only `to`. Null: they cannot be compared. */
  measureDistance(path: string, from: Oid, to: Oid): Promise<Distance | null>;
  mergeBase(path: string, commits: readonly Oid[]): Promise<Oid | null>;
}

const MEMORY_BYTES = 16 * 1024 * 1024;

export function createAncestry(git: Git, quick: Quick): Ancestry {
  const merged = createLru<boolean>(MEMORY_BYTES);
  const distances = createLru<Distance>(MEMORY_BYTES);

  return {
    async findMerged(path, commits, of) {
      const keyOf = (oid: Oid): string => `${path} ${oid} ${of}`;
      const found = new Set<Oid>();
      const open: Oid[] = [];
      for (const oid of new Set(commits)) {
        const known = oid === of ? true : merged.get(keyOf(oid));
        if (known === undefined) open.push(oid);
        else if (known) found.add(oid);
      }
      if (open.length === 0) return found;
      // Of the tips, those that have something that `of` has not.
      const { stdout } = await quick.within((timeoutMs) =>
        git.run({
          gitDir: path,
          args: ["rev-list", "--stdin"],
          input: `${open.join("\n")}\n^${of}\n`,
          timeoutMs,
        }),
      );
      const unmerged = new Set(stdout.toString("latin1").split("\n"));
      for (const oid of open) {
        const isMerged = !unmerged.has(oid);
        merged.set(keyOf(oid), isMerged, 150);
        if (isMerged) found.add(oid);
      }
      return found;
    },
    async measureDistance(path, from, to) {
      if (from === to) return { ahead: 0, behind: 0 };
      const key = `${path} ${from} ${to}`;
      const known = distances.get(key);
      if (known !== undefined) return known;
      const { exitCode, stdout } = await quick.within((timeoutMs) =>
        git.run({
          gitDir: path,
          args: ["rev-list", "--left-right", "--count", `${from}...${to}`, "--"],
          timeoutMs,
          expect: [128],
        }),
      );
      const [, ahead, behind] = /^(\d+)\t(\d+)/.exec(stdout.toString("latin1")) ?? [];
      if (exitCode !== 0 || ahead === undefined) return null;
      const distance = { ahead: Number(ahead), behind: Number(behind) };
      distances.set(key, distance, 200);
      return distance;
    },
    async mergeBase(path, commits) {
      const { exitCode, stdout } = await quick.within((timeoutMs) =>
        git.run({ gitDir: path, args: ["merge-base", "--octopus", ...commits], timeoutMs, expect: [1] }),
      );
      return exitCode === 0 ? parseOid(stdout.toString("latin1").trim()) : null;
    },
  };
}
