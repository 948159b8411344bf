import { join } from "node:path";
import { git } from "./repositories.ts";

/** A clone with files, as a person at work has it. */
export interface WorkingCopy {
  readonly path: string;
  /** Commits one file on the branch, which is made when there is none, and answers the commit's oid. */
  commit(branch: string, message: string): Promise<string>;
  /** Runs `git push` with these arguments; rejects with what git and the server said. */
  push(...args: string[]): Promise<void>;
}

/** Clones with real git; `url` may hold credentials. */
export async function cloneWorkingCopy(url: string, path: string): Promise<WorkingCopy> {
  await git("/", ["clone", "-q", "--", url, path]);
  return {
    path,
    async commit(branch, message) {
      const exists = await git(path, ["rev-parse", "-q", "--verify", `refs/heads/${branch}`]).catch(
        () => null,
      );
      await git(path, exists === null ? ["switch", "-q", "-c", branch] : ["switch", "-q", branch]);
      await git(path, ["commit", "-q", "--allow-empty", "-m", message]);
      return git(path, ["rev-parse", "HEAD"]);
    },
    async push(...args) {
      await git(path, ["push", "-q", "origin", ...args]);
    },
  };
}

/** What a remote offers below heads and tags, as a client sees it: full name → oid. Rejects with git's words. */
export async function refsAt(url: string, protocol: 0 | 2 = 2): Promise<Record<string, string>> {
  const refs = await allRefsAt(url, protocol);
  return Object.fromEntries(Object.entries(refs).filter(([ref]) => /^refs\/(heads|tags)\//.test(ref)));
}

/** The same with everything that a remote offers, `HEAD` too. Peeled values are left out. */
export async function allRefsAt(url: string, protocol: 0 | 2 = 2): Promise<Record<string, string>> {
  const out = await git("/", ["-c", `protocol.version=${protocol}`, "ls-remote", "--", url]);
  const lines = out.split("\n").filter((line) => line !== "" && !line.endsWith("^{}"));
  return Object.fromEntries(
    lines.map((line) => {
      const [oid = "", ref = ""] = line.split("\t");
      return [ref, oid];
    }),
  );
}

/** Clones everything and fails unless all that the refs need came with it; answers the clone's path. */
export async function cloneAndCheck(url: string, parent: string): Promise<string> {
  const path = join(parent, `check-${crypto.randomUUID()}.git`);
  await git("/", ["clone", "-q", "--mirror", "--", url, path]);
  await git(path, ["fsck", "--connectivity-only", "--no-dangling"]);
  return path;
}

/** A URL with a user name and a password or token in it. */
export function withCredentials(url: string, username: string, password: string): string {
  const parsed = new URL(url);
  parsed.username = username;
  parsed.password = password;
  return parsed.href;
}
