import { messageSchema } from "@heliostat/contract/api/instance.ts";
import { type KeptAttributes, keptAttributeParams } from "@heliostat/contract/api/kept-attributes.ts";
import {
  importSchema,
  listedProjectSchema,
  newProjectParams,
  newUserProjectParams,
  projectChangeParams,
  projectLanguagesSchema,
  projectListParams,
  projectParams,
  projectSchema,
  projectTransferParams,
  userProjectListParams,
} from "@heliostat/contract/api/projects.ts";
import { z } from "zod";
import type { MirrorSettings, ProjectDraft } from "../../../app/use-cases.ts";
import { given } from "../../../domain/given.ts";
import type { ProjectLimits } from "../../../domain/incoming-limits.ts";
import { listOf, withStatus } from "../../api-answer.ts";
import { accepted, apiRoute, created, ok, partOfList, windowFrom } from "../../api-route.ts";
import { readTags } from "../mirrors/read-tags.ts";
import { presentImport, presentListedProject, presentWholeProject } from "./present.ts";
import { readProjectFilter } from "./read-filter.ts";

const urlField = "import_url";
const filters = ["only_mirror_protected_branches", "mirror_branch_regex"];

type MirrorAttributes = Pick<
  z.output<typeof newProjectParams>,
  | "import_url"
  | "mirror"
  | "mirror_trigger_builds"
  | "only_mirror_protected_branches"
  | "mirror_overwrites_diverged_branches"
  | "mirror_branch_regex"
  | "mirror_tags"
  | "mirror_deletions"
  | "follow_default_branch"
> & { readonly mirror_user_id?: number | undefined };

/** The limits that the attributes of a project set; undefined when none of them is given. */
function readLimits(
  params: Pick<
    z.output<typeof newProjectParams>,
    "repository_size_limit" | "max_refs" | "fsck_severity" | "max_file_size" | "max_push_size"
  >,
): Partial<ProjectLimits> | undefined {
  const limits: Partial<ProjectLimits> = given({
    repositorySizeLimit: params.repository_size_limit,
    maxRefs: params.max_refs,
    fsckSeverity: params.fsck_severity,
    maxFileSize: params.max_file_size,
    maxPushSize: params.max_push_size,
  });
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** Those that are given; undefined when none of them is. */
function readKeptAttributes(
  params: Pick<z.output<typeof newProjectParams>, keyof KeptAttributes>,
): Partial<KeptAttributes> | undefined {
  const kept = z.object(keptAttributeParams).parse(params);
  const named: Partial<KeptAttributes> = given(kept);
  return Object.keys(named).length === 0 ? undefined : named;
}

/** The pull mirror that the attributes of a project describe; undefined when none of them is given. */
function readPullMirror(params: MirrorAttributes): MirrorSettings | undefined {
  const settings: MirrorSettings = given({
    enabled: params.mirror,
    // A form's empty field: no import.
    url: params.import_url === "" ? undefined : params.import_url,
    triggerBuilds: params.mirror_trigger_builds,
    onlyProtectedBranches: params.only_mirror_protected_branches ?? undefined,
    overwritesDivergedBranches: params.mirror_overwrites_diverged_branches,
    branchRegex: params.mirror_branch_regex,
    tags: readTags(params.mirror_tags),
    deletions: params.mirror_deletions,
    followDefaultBranch: params.follow_default_branch,
    userId: params.mirror_user_id,
  });
  return Object.keys(settings).length === 0 ? undefined : settings;
}

function readDraft(params: z.output<typeof newProjectParams>): ProjectDraft {
  return given({
    name: params.name,
    path: params.path,
    namespaceId: params.namespace_id,
    description: params.description,
    visibility: params.visibility,
    defaultBranch: params.default_branch || undefined,
    withReadme: params.initialize_with_readme,
    topics: params.topics ?? params.tag_list,
    keptAttributes: readKeptAttributes(params),
    limits: readLimits(params),
    pullMirror: readPullMirror(params),
  });
}

export const projectRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects",
    access: "anyone",
    summary: "List projects",
    params: projectListParams,
    answer: listOf(listedProjectSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const window = windowFrom(params);
      const projects = await useCases.listProjects(principal, readProjectFilter(params), window);
      return partOfList(projects, window, (view) => presentListedProject(view, externalUrl, params));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/users/:user_id/projects",
    access: "anyone",
    summary: "List the projects of a user",
    params: userProjectListParams,
    answer: listOf(listedProjectSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const window = windowFrom(params);
      const within = { kind: "user", which: params.user_id } as const;
      const filter = { ...readProjectFilter(params), within };
      const projects = await useCases.listProjects(principal, filter, window);
      return partOfList(projects, window, (view) => presentListedProject(view, externalUrl, params));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/projects",
    access: "api",
    summary: "Create a project",
    params: newProjectParams,
    answer: projectSchema,
    atLeastOneOf: ["name", "path"],
    mutuallyExclusive: filters,
    urlField,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const view = await useCases.createProject(principal, readDraft(params));
      return created(presentWholeProject(view, externalUrl));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/projects/user/:user_id",
    access: "api",
    params: newUserProjectParams,
    atLeastOneOf: ["name", "path"],
    mutuallyExclusive: filters,
    urlField,
    summary: "Create a project for a user",
    answer: projectSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const view = await useCases.createProjectFor(principal, params.user_id, readDraft(params));
      return created(presentWholeProject(view, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id",
    access: "anyone",
    summary: "Show a project",
    params: projectParams,
    answer: projectSchema,
    handle: async ({ useCases, principal, params, externalUrl }) =>
      ok(presentWholeProject(await useCases.findProject(principal, params.id), externalUrl)),
  }),
  apiRoute({
    method: "PUT",
    path: "/projects/:id",
    access: "api",
    summary: "Change a project",
    params: projectChangeParams,
    answer: projectSchema,
    mutuallyExclusive: filters,
    urlField,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const changes = given({
        name: params.name,
        path: params.path,
        description: params.description,
        visibility: params.visibility,
        archived: params.archived,
        topics: params.topics ?? params.tag_list,
        keptAttributes: readKeptAttributes(params),
        pushesToMirroredBranches: params.pushes_to_mirrored_branches,
        // A form's empty field: no wish.
        defaultBranch: params.default_branch || undefined,
        limits: readLimits(params),
        pullMirror: readPullMirror(params),
      });
      return ok(
        presentWholeProject(await useCases.updateProject(principal, params.id, changes), externalUrl),
      );
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/projects/:id",
    access: "api",
    summary: "Remove a project",
    params: projectParams,
    answer: withStatus(202, messageSchema),
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeProject(principal, params.id);
      return accepted({ message: "202 Accepted" });
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/projects/:id/transfer",
    access: "api",
    summary: "Move a project to another namespace",
    params: projectTransferParams,
    answer: projectSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const view = await useCases.transferProject(principal, params.id, params.namespace);
      return ok(presentWholeProject(view, externalUrl));
    },
  }),
  ...(["archive", "unarchive"] as const).map((verb) =>
    apiRoute({
      method: "POST",
      path: `/projects/:id/${verb}`,
      access: "api",
      summary: verb === "archive" ? "Archive a project" : "Take a project out of the archive",
      params: projectParams,
      answer: projectSchema,
      handle: async ({ useCases, principal, params, externalUrl }) => {
        const view = await useCases.updateProject(principal, params.id, { archived: verb === "archive" });
        return created(presentWholeProject(view, externalUrl));
      },
    }),
  ),
  apiRoute({
    method: "GET",
    path: "/projects/:id/import",
    access: "anyone",
    summary: "Show how far the import of a project is",
    params: projectParams,
    answer: importSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentImport(await useCases.findProject(principal, params.id))),
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/languages",
    access: "read_code",
    params: projectParams,
    summary: "Tell the languages of a project: none, nobody looks for them",
    answer: projectLanguagesSchema,
    handle: async ({ useCases, principal, params }) => ok(await useCases.readLanguages(principal, params.id)),
  }),
];
