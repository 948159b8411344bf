import { HeliostatError } from "../domain/errors.ts";
import type { Git } from "./run-git.ts";

export interface GitVersion {
  readonly major: number;
  readonly minor: number;
  /** As git prints it, such as `2.39.5`. */
  readonly text: string;
}

/** The oldest git that everything here was tried with. */
const OLDEST = { major: 2, minor: 39 };

/** The version of the git that would run; `git-missing` when there is none. */
export async function readGitVersion(git: Git): Promise<GitVersion> {
  const { stdout } = await git.run({ args: ["--version"], timeoutMs: 10_000 });
  const line = stdout.toString().trim();
  const match = /^git version ((\d+)\.(\d+)\S*)/.exec(line);
  if (!match)
    throw new HeliostatError("git-missing", `The program git on this server is not Git: it says "${line}".`);
  return { major: Number(match[2]), minor: Number(match[3]), text: match[1] ?? "" };
}

/** The version, when it is new enough to work with; else `git-too-old` or `git-missing`. */
export async function requireGit(git: Git): Promise<GitVersion> {
  const version = await readGitVersion(git);
  if (version.major > OLDEST.major || (version.major === OLDEST.major && version.minor >= OLDEST.minor))
    return version;
  throw new HeliostatError(
    "git-too-old",
    `Git ${version.text} is too old: install git ${OLDEST.major}.${OLDEST.minor} or newer.`,
  );
}
