import type { ChangedFiles } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { type Oid, parseOid } from "../domain/oid.ts";
import type { Git } from "./run-git.ts";

/** Of each list: somebody who tells of a push names that many files of a commit, and nobody reads more. */
const MOST_NAMED = 300;
const MAX_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** Before the id of a commit: no status of git's begins with it. */
const MARK = "\x01";

/** What these commits changed against their first parents; `Repositories.listChangedFiles`. */
export async function listChangedFiles(
  git: Git,
  path: string,
  commits: readonly Oid[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Oid, ChangedFiles>> {
  if (commits.length === 0) return new Map();
  const output = await readDiffs(git, path, commits, signal);
  return output === null ? new Map() : parse(output);
}

async function readDiffs(
  git: Git,
  path: string,
  commits: readonly Oid[],
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { exitCode, stdout } = await git.run({
      gitDir: path,
      args: [
        ...["diff-tree", "--stdin", "-r", "-z", "--root", "--no-renames", "--name-status"],
        // A merge against its first parent, as hosts show it.
        ...["-m", "--first-parent", `--pretty=format:${MARK}%H`],
      ],
      input: `${commits.join("\n")}\n`,
      expect: [128],
      maxOutput: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      isBackground: true,
      signal,
    });
    return exitCode === 0 ? stdout.toString("utf8") : null;
  } catch (error) {
    // Too much, or too slow: an event without names of files is better than none.
    if (signal.aborted || !(error instanceof HeliostatError) || error.kind === "bug") throw error;
    return null;
  }
}

/** Statuses and paths in turn, ended by NULs; a commit's id ends with a line break, and its first status follows. */
function parse(output: string): ReadonlyMap<Oid, ChangedFiles> {
  const files = new Map<Oid, ChangedFiles>();
  let lists = { added: [] as string[], modified: [] as string[], removed: [] as string[] };
  const pieces = output.split("\0").values();
  for (let piece of pieces) {
    if (piece.startsWith(MARK)) {
      const [id = "", rest = ""] = piece.slice(MARK.length).split("\n");
      lists = { added: [], modified: [], removed: [] };
      files.set(parseOid(id), lists);
      piece = rest;
    }
    if (piece === "") continue;
    const name = pieces.next().value ?? "";
    const list = piece === "A" ? lists.added : piece === "D" ? lists.removed : lists.modified;
    if (list.length < MOST_NAMED) list.push(name);
  }
  return files;
}
