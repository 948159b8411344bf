import type { FsckSeverity } from "@heliostat/contract";
import type { ConfigLine } from "./environment.ts";

/**
 * What git's fsck has as warnings. Where it checks what comes in, it is strict, and takes them for errors. A git that
 * does not know one of them passes over it.
 */
const WARNINGS = [
  "emptyName",
  "fullPathname",
  "hasDot",
  "hasDotdot",
  "hasDotgit",
  "largePathname",
  "nulInCommit",
  "nullSha1",
  "zeroPaddedFilemode",
];

/** Makes git refuse what its fsck has as an error, or as a warning too, in what it receives in this way. */
export function fsckConfig(way: "fetch" | "receive", severity: FsckSeverity): readonly ConfigLine[] {
  if (severity === "off") return [];
  const lines: ConfigLine[] = [[`${way}.fsckObjects`, "true"]];
  if (severity === "error") for (const id of WARNINGS) lines.push([`${way}.fsck.${id}`, "warn"]);
  return lines;
}

/** How git names what its fsck refuses: `error: object <oid>: <message id>: <words>`. */
const REFUSED = /^error: object ([0-9a-f]{40,64}): ([A-Za-z0-9]{1,60}): (.{1,300})$/m;

/** The object that git's fsck refused, in words; null: that is not what happened. */
export function describeFsckRefusal(stderr: string): string | null {
  const [, oid, id, words] = REFUSED.exec(stderr) ?? [];
  return oid === undefined ? null : `${oid} (${id}: ${words})`;
}
