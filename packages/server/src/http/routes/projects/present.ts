import type { UpdateStatus } from "@heliostat/contract";
import { UNSET_ATTRIBUTES } from "@heliostat/contract/api/kept-attributes.ts";
import {
  type IMPORT_STATUSES,
  type ImportAnswer,
  type ProjectAnswer,
  type SimpleProjectAnswer,
  simpleProjectSchema,
} from "@heliostat/contract/api/projects.ts";
import type { ProjectView } from "../../../app/use-cases.ts";
import type { Mirror } from "../../../domain/mirror.ts";
import type { Roles } from "../../../domain/policy.ts";
import { fullPathOf, type Project } from "../../../domain/project.ts";
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

/** Null where somebody is no member: an admin has no role by that alone. */
function presentPermissions({ project, group }: Roles): ProjectAnswer["permissions"] {
  const access = (level: number | null) =>
    level === null ? null : { access_level: level, notification_level: 3 };
  return { project_access: access(project), group_access: access(group) };
}

/** As it stands in a list: with `simple`, only what is needed to find and clone it. */
export function presentListedProject(
  view: ProjectView,
  externalUrl: string,
  { simple }: { readonly simple?: boolean | undefined },
): ProjectAnswer | SimpleProjectAnswer {
  const whole = presentProject(view, externalUrl);
  // A schema of the contract leaves out what it does not name.
  return simple ? simpleProjectSchema.parse(whole) : whole;
}

function readmeUrlOf({ project, defaultBranch, readme }: ProjectView, externalUrl: string): string | null {
  if (readme === null || defaultBranch === null) return null;
  const branch = defaultBranch.split("/").map(encodeURIComponent).join("/");
  return `${externalUrl}/${fullPathOf(project)}/-/blob/${branch}/${encodeURIComponent(readme)}`;
}

/** By itself: with the attributes that are kept for clients, of which there are many. */
export function presentWholeProject(view: ProjectView, externalUrl: string): ProjectAnswer {
  return {
    ...presentProject(view, externalUrl),
    ...UNSET_ATTRIBUTES,
    ...view.project.keptAttributes,
  };
}

/** GitLab's fields of a project. What only those may see who may mirror it is left out or null for others. */
function presentProject(view: ProjectView, externalUrl: string): ProjectAnswer {
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
    topics: [...project.topics],
    tag_list: [...project.topics],
    http_url_to_repo: `${externalUrl}/${fullPath}.git`,
    ssh_url_to_repo: view.sshUrl,
    web_url: `${externalUrl}/${fullPath}`,
    readme_url: readmeUrlOf(view, externalUrl),
    avatar_url: null,
    forks_count: 0,
    star_count: 0,
    visibility: project.visibility,
    empty_repo: view.isEmpty,
    archived: project.archived,
    creator_id: project.creatorId,
    namespace: presentNamespace(project.namespace, externalUrl),
    marked_for_deletion_on: null,
    permissions: presentPermissions(view.roles),
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
          max_file_size: project.limits.maxFileSize,
          max_push_size: project.limits.maxPushSize,
          pushes_to_mirrored_branches: project.pushesToMirroredBranches,
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

/** How the import stands by which a project was made; the error only for who may mirror it. */
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
