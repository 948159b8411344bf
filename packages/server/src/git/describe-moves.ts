import type { MoveFacts } from "../app/ports.ts";
import type { Oid } from "../domain/oid.ts";
import { isBranch, type RefName } from "../domain/ref-name.ts";
import type { RefMove } from "../domain/refs.ts";
import { CommitGraph } from "./commit-graph.ts";
import { readDefaultBranch } from "./read-refs.ts";
import type { Git } from "./run-git.ts";

/** Counting ends here. The first push of a long history would take many seconds to count, and nobody reads the rest. */
const MOST_COUNTED = 100_000;
/** Merges of many parents make long lines. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** The commits at the tips, whole, with the messages that their authors chose to write. */
const MAX_COMMITS_BYTES = 32 * 1024 * 1024;

/**
 * The commits that these moves brought to their refs, as GitLab counts them: an updated branch, what its old value
 * lacks (after a force: since the two went apart); a new branch, what the default branch lacks; the new default
 * branch, all. A tag has the one commit that it leads to, and none when it leads to something else.
 *
 * One process reads the commits of all, one more lists what all new branches have brought. An updated branch costs a
 * process of its own, because git counts one range at a time: the caller bounds the number of moves.
 */
export async function describeMoves(
  git: Git,
  path: string,
  moves: readonly RefMove[],
  signal: AbortSignal,
): Promise<ReadonlyMap<RefName, MoveFacts>> {
  const arrived = moves.flatMap(({ ref, old, new: tip }) => (tip === null ? [] : [{ ref, old, tip }]));
  const messages = await readMessages(
    git,
    path,
    arrived.map(({ tip }) => tip),
    signal,
  );
  const defaultBranch = await readDefaultBranch(path);
  const isCounted = ({ ref, old }: { ref: RefName; old: Oid | null }) =>
    old !== null || ref === defaultBranch;
  const branches = arrived.filter(({ ref, tip }) => isBranch(ref) && messages.has(tip));
  const newTips = branches.filter((branch) => !isCounted(branch)).map(({ tip }) => tip);
  const graph = newTips.length === 0 ? null : await listCommits(git, path, newTips, defaultBranch, signal);

  const facts = new Map<RefName, MoveFacts>();
  for (const { ref, old, tip } of arrived) {
    const message = messages.get(tip) ?? null;
    if (!isBranch(ref)) {
      facts.set(ref, { commitCount: message === null ? 0 : 1, message });
      continue;
    }
    if (message === null) continue;
    const commitCount = isCounted({ ref, old })
      ? await countCommits(git, path, tip, old, signal)
      : ((await graph?.countFrom(tip)) ?? null);
    if (commitCount !== null) facts.set(ref, { commitCount, message: commitCount === 0 ? null : message });
  }
  return facts;
}

/** Null when one of the two is not here any more. */
async function countCommits(
  git: Git,
  path: string,
  tip: Oid,
  base: Oid | null,
  signal: AbortSignal,
): Promise<number | null> {
  const range = base === null ? [tip] : [tip, `^${base}`];
  const { exitCode, stdout } = await git.run({
    gitDir: path,
    args: ["rev-list", "--count", `--max-count=${MOST_COUNTED}`, ...range, "--"],
    expect: [128],
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  return exitCode === 0 ? Number(stdout.toString()) : null;
}

/** What these tips have and the base has not; null when they cannot be listed. */
async function listCommits(
  git: Git,
  path: string,
  tips: readonly Oid[],
  base: RefName | null,
  signal: AbortSignal,
): Promise<CommitGraph | null> {
  const { exitCode, stdout } = await git.run({
    gitDir: path,
    args: ["rev-list", "--parents", `--max-count=${MOST_COUNTED}`, "--stdin"],
    input: [...tips, ...(base === null ? [] : [`^${base}`]), ""].join("\n"),
    expect: [128],
    maxOutput: MAX_LIST_BYTES,
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  if (exitCode !== 0) return null;
  const graph = new CommitGraph();
  for (const line of stdout.toString("latin1").split("\n")) if (line !== "") graph.add(line);
  return graph;
}

/** The messages of the commits that these objects are or lead to; what leads to none is not in the answer. */
async function readMessages(
  git: Git,
  path: string,
  oids: readonly Oid[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Oid, string>> {
  const messages = new Map<Oid, string>();
  const asked = [...new Set(oids)];
  if (asked.length === 0) return messages;
  const { stdout } = await git.run({
    gitDir: path,
    args: ["cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer"],
    input: asked.map((oid) => `${oid}^{commit}\n`).join(""),
    maxOutput: MAX_COMMITS_BYTES,
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  // An answer is a line, for a commit then its bytes and a line end; in the order of the questions.
  let at = 0;
  for (const oid of asked) {
    const end = stdout.indexOf("\n", at);
    if (end === -1) break;
    const [type, size] = stdout.toString("latin1", at, end).split(" ");
    at = end + 1;
    if (type !== "commit") continue;
    messages.set(oid, messageOf(stdout.subarray(at, at + Number(size))));
    at += Number(size) + 1;
  }
  return messages;
}

/** The message of a commit as text: in the encoding that its header names, else UTF-8; what is neither reads `\ufffd`. */
function messageOf(commit: Buffer): string {
  const start = commit.indexOf("\n\n");
  const header = commit.toString("latin1", 0, start === -1 ? commit.length : start);
  const [, encoding = "utf-8"] = /^encoding (.+)$/m.exec(header) ?? [];
  return start === -1 ? "" : decoderFor(encoding).decode(commit.subarray(start + 2));
}

function decoderFor(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding);
  } catch {
    return new TextDecoder();
  }
}
