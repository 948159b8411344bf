import type { Readable } from "node:stream";
import type { ArchiveFormat } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { Oid } from "../../domain/oid.ts";
import type { Git } from "../run-git.ts";
import { LITERAL_PATHS } from "./quick-git.ts";
import { streamOutput } from "./stream-output.ts";

/** Of silence: whoever downloads may be slow, but not for ever. */
const IDLE_MS = 120_000;
const CHECK_TIMEOUT_MS = 60_000;

/**
 * A commit's files in one file, as they come. Refused where a hostile tree would have them unpacked elsewhere than
 * below `prefix`: git itself puts into an archive whatever the tree says.
 */
export async function streamArchive(
  git: Git,
  path: string,
  what: {
    readonly commit: Oid;
    readonly format: ArchiveFormat;
    readonly prefix: string;
    readonly file: string;
  },
  signal: AbortSignal,
): Promise<Readable> {
  await refuseHostileTree(git, path, what.commit, signal);
  return streamOutput(git, {
    gitDir: path,
    args: [
      "archive",
      `--format=${what.format}`,
      `--prefix=${what.prefix}/`,
      what.commit,
      ...(what.file === "" ? [] : ["--", what.file]),
    ],
    config: [["tar.umask", "0022"]],
    env: LITERAL_PATHS,
    signal,
    idleTimeoutMs: IDLE_MS,
  });
}

/** Names that no git makes and no unpacker should see, and files that would be written through a symbolic link. */
export async function refuseHostileTree(
  git: Git,
  path: string,
  commit: string,
  signal: AbortSignal,
): Promise<void> {
  const running = git.start({
    gitDir: path,
    args: ["ls-tree", "-r", "-t", "-z", "--full-tree", commit],
    signal,
    timeoutMs: CHECK_TIMEOUT_MS,
  });
  running.stdin.end();
  const links = new Set<string>();
  let isHostile = false;
  let rest = "";
  for await (const chunk of running.stdout) {
    const records = (rest + chunk.toString("latin1")).split("\0");
    rest = records.pop() ?? "";
    for (const record of records) {
      const tab = record.indexOf("\t");
      const name = record.slice(tab + 1);
      if (record.startsWith("120000")) links.add(name);
      isHostile ||= isHostileName(name) || leadsThrough(links, name);
    }
    if (isHostile) break;
  }
  if (isHostile) {
    running.stop("aborted");
    await running.exited;
    throw new HeliostatError(
      "tree-unsafe",
      "This commit has file names that would be unpacked elsewhere: it is not put into an archive. Clone it instead.",
    );
  }
  running.check(await running.exited);
}

function isHostileName(name: string): boolean {
  return /(?:^|\/)(?:\.{0,2}|\.git)(?:\/|$)/i.test(name);
}

function leadsThrough(links: ReadonlySet<string>, name: string): boolean {
  if (links.size === 0) return false;
  for (let at = name.indexOf("/"); at !== -1; at = name.indexOf("/", at + 1)) {
    if (links.has(name.slice(0, at))) return true;
  }
  return false;
}
