import type {
  CommitAnswer,
  ComparisonAnswer,
  FileDiffAnswer,
  SingleCommitAnswer,
} from "@heliostat/contract/api/repository-commits.ts";
import type { CommitView, Comparison, OfProject } from "../../../app/browsing/browsing-use-cases.ts";
import type { Commit, FileDiff, Signature } from "../../../app/ports.ts";
import { fullPathOf, type Project } from "../../../domain/project.ts";

const SHORT = 8;
/** A first line that is longer is no title. */
const LONGEST_TITLE = 100;
const CUT_TITLE = 80;
/** What the year of RFC 3339 can hold. */
const EARLIEST = -62_135_596_800;
const LATEST = 253_402_300_799;
const MINUTES_A_DAY = 24 * 60;

/** Base of the addresses of a project's pages. */
export function pagesOf(project: Project, externalUrl: string): string {
  return `${externalUrl}/${fullPathOf(project)}/-`;
}

/** GitLab's fields of a commit; times keep the zone in which they were noted. `stats` null: nobody asked. */
export function presentCommit(
  commit: Commit,
  project: Project,
  externalUrl: string,
  stats: CommitView["stats"] = null,
): CommitAnswer {
  const trailers = readTrailers(commit.message);
  const committed = presentTime(commit.committer);
  return {
    id: commit.oid,
    short_id: commit.oid.slice(0, SHORT),
    created_at: committed,
    parent_ids: [...commit.parents],
    title: titleOf(commit.message),
    message: commit.message,
    author_name: commit.author.name,
    author_email: commit.author.email,
    authored_date: presentTime(commit.author),
    committer_name: commit.committer.name,
    committer_email: commit.committer.email,
    committed_date: committed,
    trailers: Object.fromEntries(trailers.map(([key, values]) => [key, values.at(-1) ?? ""])),
    extended_trailers: Object.fromEntries(trailers),
    web_url: `${pagesOf(project, externalUrl)}/commit/${commit.oid}`,
    ...(stats === null
      ? {}
      : {
          stats: {
            additions: stats.additions,
            deletions: stats.deletions,
            total: stats.additions + stats.deletions,
          },
        }),
  };
}

/** The same for one that was asked for by itself. There are no pipelines here. */
export function presentSingleCommit(
  { project, found }: OfProject<CommitView>,
  externalUrl: string,
): SingleCommitAnswer {
  return {
    ...presentCommit(found.commit, project, externalUrl, found.stats),
    status: null,
    project_id: project.id,
    last_pipeline: null,
  };
}

/** One file's difference. GitLab's `a_mode` and `b_mode` are the old and the new one. */
export function presentDiff(diff: FileDiff): FileDiffAnswer {
  return {
    diff: diff.text,
    collapsed: diff.isCollapsed,
    too_large: diff.isTooLarge,
    new_path: diff.newPath,
    old_path: diff.oldPath,
    a_mode: diff.oldMode,
    b_mode: diff.newMode,
    new_file: diff.kind === "new",
    renamed_file: diff.kind === "renamed",
    deleted_file: diff.kind === "deleted",
    generated_file: null,
  };
}

/** A comparison with the address of its page: two dots straight, three from the merge base. */
export function presentComparison(
  { project, found }: OfProject<Comparison>,
  names: { readonly from: string; readonly to: string; readonly isStraight: boolean },
  externalUrl: string,
): ComparisonAnswer {
  const dots = names.isStraight ? ".." : "...";
  const range = `${encodeURIComponent(names.from)}${dots}${encodeURIComponent(names.to)}`;
  return {
    commit: found.commit === null ? null : presentCommit(found.commit, project, externalUrl),
    commits: found.commits.map((commit) => presentCommit(commit, project, externalUrl)),
    diffs: found.diffs.map(presentDiff),
    compare_timeout: false,
    compare_same_ref: found.isSame,
    web_url: `${pagesOf(project, externalUrl)}/compare/${range}`,
  };
}

/** In the zone of whoever noted it: `2026-01-02T03:04:05.000+01:00`. */
export function presentTime({ seconds, zoneMinutes }: Signature): string {
  // A day less on both sides: the zone may carry the time over the edge.
  const day = MINUTES_A_DAY * 60;
  const held = Math.min(Math.max(seconds, EARLIEST + day), LATEST - day);
  const local = new Date((held + zoneMinutes * 60) * 1000).toISOString().slice(0, -1);
  const minutes = Math.abs(zoneMinutes);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${local}${zoneMinutes < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function titleOf(message: string): string {
  const end = message.indexOf("\n");
  const title = end === -1 ? message : message.slice(0, end);
  return title.length > LONGEST_TITLE ? `${title.slice(0, CUT_TITLE)}…` : title;
}

/** `Key: value` lines of the last paragraph, which is not the first; none where any other line is among them. */
function readTrailers(message: string): [string, string[]][] {
  // Most messages have none: a look at the whole of each would cost as much as all the rest of the answer.
  if (!message.includes("\n\n") && !/\n[ \t]+\n/.test(message)) return [];
  const paragraphs = message.trimEnd().split(/\n[ \t]*\n/);
  const last = paragraphs.length < 2 ? undefined : paragraphs.at(-1);
  const trailers = new Map<string, string[]>();
  let current: string[] | null = null;
  for (const line of last?.split("\n") ?? []) {
    const [, key, value] = /^([A-Za-z0-9-]+):[ \t]+(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && key !== "__proto__") {
      current = trailers.get(key) ?? [];
      current.push(value.trim());
      trailers.set(key, current);
    } else if (/^[ \t]/.test(line) && current !== null) {
      current.push(`${current.pop() ?? ""} ${line.trim()}`);
    } else {
      return [];
    }
  }
  return [...trailers];
}
