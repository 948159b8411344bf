import type { MirrorUpdateAction, Visibility } from "@heliostat/contract";
import { nullOid, type ObjectFormat, type Oid, objectFormatOf } from "./oid.ts";
import type { RefMove } from "./refs.ts";

/** What a hook is told of the project: GitLab's keys. */
export interface PayloadProject {
  readonly id: number;
  readonly name: string;
  readonly description: string | null;
  readonly namespace: string;
  readonly visibility: Visibility;
  readonly fullPath: string;
  /** Short name; null while the repository is empty. */
  readonly defaultBranch: string | null;
  readonly externalUrl: string;
  /** Null: SSH is off. */
  readonly sshUrl: string | null;
}

/** Who did it; null: nobody that is known, such as a deploy key. */
export type PayloadUser = {
  readonly id: number;
  readonly name: string;
  readonly username: string;
} | null;

export interface PayloadCommit {
  readonly oid: Oid;
  readonly message: string;
  /** Seconds since 1970, and minutes east of Greenwich. */
  readonly seconds: number;
  readonly zoneMinutes: number;
  readonly author: { readonly name: string; readonly email: string };
  readonly added: readonly string[];
  readonly modified: readonly string[];
  readonly removed: readonly string[];
}

/** A branch or a tag that moved, with what it brought. */
export interface PayloadMove extends RefMove {
  readonly isProtected: boolean;
  /** The commit that it leads to now; null: none. */
  readonly checkoutOid: Oid | null;
  /** Of an annotated tag. */
  readonly message: string | null;
  /** The newest of them, the oldest first. */
  readonly commits: readonly PayloadCommit[];
  readonly commitCount: number;
}

interface Source {
  readonly project: PayloadProject;
  readonly user: PayloadUser;
}

const VISIBILITY_LEVELS: Readonly<Record<Visibility, number>> = { private: 0, internal: 10, public: 20 };

/** What is told of one push: more changes are left out. */
const MOST_CHANGES = 1_000;

/** GitLab's payload of a push to a branch. */
export function pushPayload(source: Source, move: PayloadMove): object {
  return refPayload(source, move, "push");
}

/** GitLab's payload of a tag that was made, moved or removed. */
export function tagPushPayload(source: Source, move: PayloadMove): object {
  return refPayload(source, move, "tag_push");
}

function refPayload(source: Source, move: PayloadMove, kind: "push" | "tag_push"): object {
  const { project } = source;
  const format = formatOf(move);
  return {
    object_kind: kind,
    event_name: kind,
    before: move.old ?? nullOid(format),
    after: move.new ?? nullOid(format),
    ref: move.ref,
    ref_protected: move.isProtected,
    checkout_sha: move.checkoutOid,
    message: move.message,
    ...userKeys(source.user),
    project_id: project.id,
    project: projectBlock(project),
    commits: move.commits.map((commit) => presentCommit(project, commit)),
    total_commits_count: move.commitCount,
    push_options: {},
    repository: repositoryBlock(project),
  };
}

/** GitLab's payload of all that one push changed. */
export function repositoryUpdatePayload(source: Source, moves: readonly RefMove[]): object {
  const told = moves.slice(0, MOST_CHANGES);
  return {
    event_name: "repository_update",
    ...userKeys(source.user),
    project_id: source.project.id,
    project: projectBlock(source.project),
    changes: told.map((move) => ({
      before: move.old ?? nullOid(formatOf(move)),
      after: move.new ?? nullOid(formatOf(move)),
      ref: move.ref,
    })),
    refs: [...new Set(told.map(({ ref }) => ref))],
  };
}

/** An update of a mirror that has ended, as hooks are told of it. */
export interface PayloadUpdate {
  readonly action: MirrorUpdateAction;
  readonly mirror: {
    readonly id: number;
    readonly direction: "pull" | "push";
    /** Without secrets. */
    readonly url: string;
    readonly enabled: boolean;
  };
  readonly update: {
    readonly id: number;
    readonly status: string;
    readonly trigger: string;
    readonly startedAt: Date;
    readonly finishedAt: Date;
    readonly willRetry: boolean;
    readonly nextUpdateAt: Date | null;
    readonly error: string | null;
    readonly errorCode: string | null;
    readonly upToDate: number;
    readonly skipped: number;
    readonly bytesReceived: number;
    readonly bytesSent: number;
    readonly results: readonly (RefMove & {
      readonly outcome: string;
      readonly message?: string;
      readonly reason?: string;
    })[];
  };
}

/** Ours: what became of an update of a mirror. */
export function mirrorUpdatePayload(source: Source, { action, mirror, update }: PayloadUpdate): object {
  const counts = Object.groupBy(update.results, ({ outcome }) => outcome);
  return {
    object_kind: "mirror_update",
    event_name: "mirror_update",
    action,
    ...userKeys(source.user),
    project_id: source.project.id,
    project: projectBlock(source.project),
    mirror: { id: mirror.id, direction: mirror.direction, url: mirror.url, enabled: mirror.enabled },
    update: {
      id: update.id,
      status: update.status,
      trigger: update.trigger,
      started_at: update.startedAt.toISOString(),
      finished_at: update.finishedAt.toISOString(),
      will_retry: update.willRetry,
      next_update_at: update.nextUpdateAt?.toISOString() ?? null,
      error: update.error,
      error_code: update.errorCode,
      bytes_received: update.bytesReceived,
      bytes_sent: update.bytesSent,
      outcomes: {
        ...Object.fromEntries(Object.entries(counts).map(([name, some]) => [name, some?.length ?? 0])),
        "up-to-date": update.upToDate,
        skipped: update.skipped,
      },
      refs: update.results.slice(0, MOST_CHANGES).map((result) => ({
        ref: result.ref,
        outcome: result.outcome,
        before: result.old,
        after: result.new,
        ...(result.message === undefined ? {} : { message: result.message }),
        ...(result.reason === undefined ? {} : { reason: result.reason }),
      })),
    },
  };
}

function userKeys(user: PayloadUser): object {
  return {
    user_id: user?.id ?? null,
    user_name: user?.name ?? "",
    user_username: user?.username ?? "",
    // GitLab's word for an address that its owner has not made public; here nobody can.
    user_email: user === null ? "" : "[REDACTED]",
    user_avatar: null,
  };
}

function projectBlock(project: PayloadProject): object {
  const webUrl = `${project.externalUrl}/${project.fullPath}`;
  const httpUrl = `${webUrl}.git`;
  const sshUrl = project.sshUrl ?? "";
  return {
    id: project.id,
    name: project.name,
    description: project.description ?? "",
    web_url: webUrl,
    avatar_url: null,
    git_ssh_url: sshUrl,
    git_http_url: httpUrl,
    namespace: project.namespace,
    visibility_level: VISIBILITY_LEVELS[project.visibility],
    path_with_namespace: project.fullPath,
    default_branch: project.defaultBranch,
    ci_config_path: "",
    homepage: webUrl,
    url: project.sshUrl ?? httpUrl,
    ssh_url: sshUrl,
    http_url: httpUrl,
  };
}

function repositoryBlock(project: PayloadProject): object {
  const webUrl = `${project.externalUrl}/${project.fullPath}`;
  return {
    name: project.name,
    url: project.sshUrl ?? `${webUrl}.git`,
    description: project.description ?? "",
    homepage: webUrl,
    git_http_url: `${webUrl}.git`,
    git_ssh_url: project.sshUrl ?? "",
    visibility_level: VISIBILITY_LEVELS[project.visibility],
  };
}

function presentCommit(project: PayloadProject, commit: PayloadCommit): object {
  const { oid, message, author, added, modified, removed } = commit;
  const [title = ""] = message.trimStart().split("\n", 1);
  return {
    id: oid,
    message,
    title: title.trimEnd(),
    timestamp: presentTime(commit),
    url: `${project.externalUrl}/${project.fullPath}/-/commit/${oid}`,
    author: { name: author.name, email: author.email },
    ...{ added, modified, removed },
  };
}

/** RFC 3339 in the zone that the commit notes: `2026-01-02T03:04:05+02:00`. */
function presentTime({ seconds, zoneMinutes }: PayloadCommit): string {
  // What no calendar holds becomes the beginning of time.
  const local = new Date((seconds + zoneMinutes * 60) * 1000);
  const year = local.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) return new Date(0).toISOString();
  const two = (value: number): string => String(value).padStart(2, "0");
  const zone = Math.abs(zoneMinutes);
  const sign = zoneMinutes < 0 ? "-" : "+";
  return `${local.toISOString().slice(0, 19)}${sign}${two(Math.floor(zone / 60))}:${two(zone % 60)}`;
}

function formatOf(move: RefMove): ObjectFormat {
  const known = move.new ?? move.old;
  return known === null ? "sha1" : objectFormatOf(known);
}
