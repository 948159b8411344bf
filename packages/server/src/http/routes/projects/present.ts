import type { UpdateStatus } from "@heliostat/contract";
import type { IMPORT_STATUSES, ImportAnswer, ProjectAnswer } from "@heliostat/contract/api/projects.ts";
import type { ProjectView } from "../../../app/use-cases.ts";
import type { Mirror } from "../../../domain/mirror.ts";
import { fullPathOf, type Namespace, type Project } from "../../../domain/project.ts";
import { presentUrl } from "../mirrors/present.ts";
import { presentNamespace } from "../namespaces/present.ts";

const MAINTAINER = 40;

type ImportStatus = (typeof IMPORT_STATUSES)[number];

/** GitLab's words for an import; what waits for another try is not over. */
const IMPORT_STATUS: Readonly<Record<UpdateStatus, ImportStatus>> = {
  none: "scheduled",
  scheduled: "scheduled",
  started: "started",
  to_retry: "scheduled",
  finished: "finished",
  failed: "failed",
};

/** `none` must be there for a project without an import: a client waits ten minutes for the end of one otherwise. */
function importStatusOf(mirror: Mirror | null): ImportStatus {
  if (mirror === null || (!mirror.enabled && mirror.updateStatus === "none")) return "none";
  return IMPORT_STATUS[mirror.updateStatus];
}

function nameWithNamespace({ namespace, name }: Project): string {
  return `${namespace.fullPath.split("/").slice(0, -1).concat(namespace.name).join(" / ")} / ${name}`;
}

function presentPermissions(namespace: Namespace, accessLevel: number): ProjectAnswer["permissions"] {
  const access = accessLevel > 0 ? { access_level: accessLevel, notification_level: 3 } : null;
  return namespace.kind === "group"
    ? { project_access: null, group_access: access }
    : { project_access: access, group_access: null };
}

export function presentProject(view: ProjectView, externalUrl: string): ProjectAnswer {
  const { project, pullMirror } = view;
  const fullPath = fullPathOf(project);
  const mayMirror = view.accessLevel >= MAINTAINER;
  return {
    id: project.id,
    description: project.description,
    name: project.name,
    name_with_namespace: nameWithNamespace(project),
    path: project.path,
    path_with_namespace: fullPath,
    created_at: project.createdAt.toISOString(),
    updated_at: project.updatedAt.toISOString(),
    last_activity_at: project.lastActivityAt.toISOString(),
    default_branch: view.defaultBranch,
    topics: [],
    tag_list: [],
    http_url_to_repo: `${externalUrl}/${fullPath}.git`,
    ssh_url_to_repo: view.sshUrl,
    web_url: `${externalUrl}/${fullPath}`,
    readme_url: null,
    avatar_url: null,
    forks_count: 0,
    star_count: 0,
    visibility: project.visibility,
    empty_repo: view.defaultBranch === null,
    archived: project.archived,
    lfs_enabled: false,
    creator_id: project.creatorId,
    namespace: presentNamespace(project.namespace, externalUrl),
    marked_for_deletion_on: null,
    permissions: presentPermissions(project.namespace, view.accessLevel),
    import_status: importStatusOf(pullMirror),
    mirror: pullMirror?.enabled ?? false,
    ...(mayMirror
      ? {
          import_url: pullMirror === null ? null : presentUrl(pullMirror),
          import_type: pullMirror === null ? null : "git",
          import_error: pullMirror?.lastError ?? null,
          repository_size_limit: project.limits.repositorySizeLimit,
          max_refs: project.limits.maxRefs,
          fsck_severity: project.limits.fsckSeverity,
        }
      : {}),
    ...(pullMirror?.enabled === true
      ? {
          mirror_user_id: pullMirror.userId,
          mirror_trigger_builds: pullMirror.options.triggerBuilds,
          only_mirror_protected_branches: pullMirror.options.onlyProtectedBranches,
          mirror_overwrites_diverged_branches: pullMirror.options.overwritesDivergedBranches,
        }
      : {}),
  };
}

export function presentImport(view: ProjectView): ImportAnswer {
  const { project, pullMirror } = view;
  const mayMirror = view.accessLevel >= MAINTAINER;
  return {
    id: project.id,
    description: project.description,
    name: project.name,
    name_with_namespace: nameWithNamespace(project),
    path: project.path,
    path_with_namespace: fullPathOf(project),
    created_at: project.createdAt.toISOString(),
    import_status: importStatusOf(pullMirror),
    import_type: pullMirror === null ? null : "git",
    import_error: mayMirror ? (pullMirror?.lastError ?? null) : null,
    correlation_id: null,
    failed_relations: [],
  };
}
