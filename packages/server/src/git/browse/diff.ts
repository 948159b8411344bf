import type { Asker, DiffStats, FileDiff } from "../../app/ports.ts";
import { type Oid, objectFormatOf, parseOid } from "../../domain/oid.ts";
import type { Git } from "../run-git.ts";
import type { Quick } from "./quick-git.ts";

/** GitLab's bounds: more than this of one file, or of all, is not shown. */
const FILE_BYTES = 200 * 1024;
const ALL_BYTES = 5 * 1024 * 1024;
const ALL_LINES = 50_000;
const MOST_FILES = 1_000;

/** What holds for each call that compares: nothing in a repository chooses how, and large files are not looked into. */
const CONFIG: readonly (readonly [string, string])[] = [
  ["core.quotePath", "false"],
  ["core.bigFileThreshold", "16m"],
  // So many on each side are compared each with each: a thousand take a core for a minute. Equal files need no comparison.
  ["diff.renameLimit", "300"],
  ["diff.orderFile", ""],
];
const PLAIN = [
  "--no-color",
  "--no-ext-diff",
  "--no-textconv",
  "--submodule=short",
  "--ignore-submodules=none",
];

const EMPTY_TREES = {
  sha1: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  sha256: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
} as const;

/** Of a file that is not there. */
const NO_MODE = "000000";

interface Draft {
  readonly oldMode: string;
  readonly newMode: string;
  readonly kind: FileDiff["kind"];
  readonly oldPath: string;
  readonly newPath: string;
}

/** The files that differ, and how, up to the bounds above. */
export async function diffCommits(
  git: Git,
  quick: Quick,
  path: string,
  { from, to }: { readonly from: Oid | null; readonly to: Oid },
  asker: Asker,
): Promise<readonly FileDiff[]> {
  return await quick.within(asker, ["diff", path, from, to], async (limits) => {
    const running = git.start({
      gitDir: path,
      args: [
        "diff-tree",
        "-r",
        "--raw",
        "--patch",
        "--full-index",
        "--find-renames=50%",
        ...PLAIN,
        from ?? EMPTY_TREES[objectFormatOf(to)],
        to,
        "--",
      ],
      config: CONFIG,
      ...limits,
    });
    running.stdin.end();
    const reader = createDiffReader();
    let isCut = false;
    for await (const line of linesOf(running.stdout)) {
      if (reader.take(line)) continue;
      isCut = true;
      break;
    }
    if (isCut) running.stop("output-too-large");
    const exit = await running.exited;
    if (!isCut) running.check(exit);
    return reader.finish();
  });
}

/** `take` answers false once nothing more is wanted. */
function createDiffReader(): { take(line: Buffer): boolean; finish(): readonly FileDiff[] } {
  const drafts: Draft[] = [];
  const texts: { pieces: Buffer[]; bytes: number; isTooLarge: boolean; isStarted: boolean }[] = [];
  let bytes = 0;
  let lines = 0;
  return {
    take(line) {
      const text = texts.at(-1);
      if (line[0] === 0x3a && text === undefined) {
        if (drafts.length < MOST_FILES) drafts.push(...parseRaw(line));
        return true;
      }
      // No line of a patch begins so: they all begin with a sign.
      if (line.toString("latin1", 0, 11) === "diff --git ") {
        if (texts.length === drafts.length || bytes > ALL_BYTES || lines > ALL_LINES) return false;
        texts.push({ pieces: [], bytes: 0, isTooLarge: false, isStarted: false });
        return true;
      }
      if (text === undefined) return true;
      const begins = line.toString("latin1", 0, 13);
      text.isStarted ||= begins.startsWith("@@ ") || begins === "Binary files ";
      if (!text.isStarted || text.isTooLarge) return true;
      text.pieces.push(line);
      text.bytes += line.length;
      lines += 1;
      if (text.bytes > FILE_BYTES) {
        text.isTooLarge = true;
        bytes += text.bytes;
        text.pieces = [];
      }
      return true;
    },
    finish() {
      return drafts.map((draft, index) => {
        const text = texts[index];
        const shown = text?.isTooLarge ? "" : textOf(text?.pieces ?? []);
        return {
          ...draft,
          text: shown,
          isTooLarge: text?.isTooLarge ?? false,
          isCollapsed: text === undefined,
        };
      });
    },
  };
}

function textOf(pieces: readonly Buffer[]): string {
  return Buffer.concat(pieces).toString("utf8");
}

/**
 * `:<mode> <mode> <oid> <oid> <status>TAB<path>[TAB<path>]`: as many drafts as there are `diff --git` sections for it. A
 * file that becomes a symbolic link or a submodule (`T`) has two: the old one is deleted, and a new one made.
 */
function parseRaw(line: Buffer): readonly Draft[] {
  const text = line.toString("utf8").replace(/\n$/, "");
  const [facts = "", first = "", second] = text.split("\t");
  const [oldMode = "", newMode = "", , , status = ""] = facts.slice(1).split(" ");
  const letter = status[0];
  const oldPath = unquote(first);
  const newPath = second === undefined ? oldPath : unquote(second);
  if (letter === "T") {
    return [
      { oldMode, newMode: NO_MODE, kind: "deleted", oldPath, newPath },
      { oldMode: NO_MODE, newMode, kind: "new", oldPath, newPath },
    ];
  }
  const kind = letter === "A" ? "new" : letter === "D" ? "deleted" : letter === "R" ? "renamed" : "modified";
  return [{ oldMode, newMode, kind, oldPath, newPath }];
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  '"': '"',
  "\\": "\\",
};

/** A name with odd characters stands in quotes, as in C. */
function unquote(name: string): string {
  if (!name.startsWith('"') || !name.endsWith('"')) return name;
  return name
    .slice(1, -1)
    .replaceAll(/\\(?:([0-7]{3})|(.))/g, (_all, octal: string | undefined, letter: string | undefined) =>
      octal === undefined
        ? (ESCAPES[letter ?? ""] ?? letter ?? "")
        : String.fromCharCode(Number.parseInt(octal, 8)),
    );
}

/** Whole lines with their line ends, as bytes: a patch has whatever encodings its files have. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let pieces: Buffer[] = [];
  for await (const chunk of stream) {
    let at = 0;
    for (let end = chunk.indexOf(0x0a, at); end !== -1; end = chunk.indexOf(0x0a, at)) {
      const line = chunk.subarray(at, end + 1);
      yield pieces.length === 0 ? line : Buffer.concat([...pieces, line]);
      pieces = [];
      at = end + 1;
    }
    if (at < chunk.length) pieces.push(chunk.subarray(at));
  }
  if (pieces.length > 0) yield Buffer.concat(pieces);
}

/** Added and deleted lines of each commit against its first parent; binary files count for nothing. */
export async function countChanges(
  git: Git,
  quick: Quick,
  path: string,
  commits: readonly { readonly oid: Oid; readonly parent: Oid | null }[],
  asker: Asker,
): Promise<ReadonlyMap<Oid, DiffStats>> {
  const stats = new Map<Oid, DiffStats>();
  if (commits.length === 0) return stats;
  const what = ["changes", path, ...commits.map(({ oid }) => oid)];
  return await quick.within(asker, what, async (limits) => {
    const running = git.start({
      gitDir: path,
      args: ["diff-tree", "--stdin", "--root", "-r", "--numstat", ...PLAIN],
      config: CONFIG,
      ...limits,
    });
    // A commit with a parent behind it is compared with that one alone.
    running.stdin.end(
      commits.map(({ oid, parent }) => `${oid}${parent === null ? "" : ` ${parent}`}\n`).join(""),
    );
    let at: Oid | null = null;
    // Not by `readline`, for which a line ends at characters too that may stand in a file's name.
    for await (const bytes of linesOf(running.stdout)) {
      const line = bytes.toString("latin1");
      const [, added, deleted] = /^(\d+|-)\t(\d+|-)\t/.exec(line) ?? [];
      if (added === undefined || deleted === undefined) {
        at = parseOid(line.trim().split(" ")[0] ?? "");
        continue;
      }
      if (at === null) continue;
      const before: DiffStats = stats.get(at) ?? { additions: 0, deletions: 0 };
      stats.set(at, {
        additions: before.additions + (Number(added) || 0),
        deletions: before.deletions + (Number(deleted) || 0),
      });
    }
    running.check(await running.exited);
    for (const { oid } of commits) if (!stats.has(oid)) stats.set(oid, { additions: 0, deletions: 0 });
    return stats;
  });
}
