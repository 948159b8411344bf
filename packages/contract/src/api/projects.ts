import { z } from "zod";
import { FSCK_SEVERITIES, MIRROR_DELETIONS, PUSHES_TO_MIRRORED_BRANCHES, VISIBILITIES } from "../words.ts";
import { keptAttributeParams, keptAttributesSchema } from "./kept-attributes.ts";
import { namespaceSchema } from "./namespaces.ts";
import {
  nullableFlag,
  nullableInteger,
  nullableText,
  nullableWord,
  optionalFlag,
  optionalLevel,
  optionalMoment,
  optionalRowId,
  optionalText,
  optionalTextList,
  optionalWord,
  pathOrId,
  rowId,
  timestamp,
  windowParams,
} from "./parameters.ts";

export const IMPORT_STATUSES = ["none", "scheduled", "started", "finished", "failed"] as const;

export const projectSchema = z
  .object({
    id: z.int(),
    description: z.string().nullable(),
    name: z.string(),
    name_with_namespace: z.string(),
    path: z.string(),
    path_with_namespace: z.string(),
    created_at: timestamp,
    updated_at: timestamp,
    last_activity_at: timestamp,
    default_branch: z.string().nullable(),
    topics: z.array(z.string()),
    tag_list: z.array(z.string()),
    http_url_to_repo: z.string(),
    ssh_url_to_repo: z.string().nullable(),
    web_url: z.string(),
    readme_url: z.string().nullable(),
    avatar_url: z.string().nullable(),
    forks_count: z.int(),
    star_count: z.int(),
    visibility: z.enum(VISIBILITIES),
    empty_repo: z.boolean(),
    archived: z.boolean(),
    creator_id: z.int().nullable(),
    namespace: namespaceSchema,
    marked_for_deletion_on: z.null(),
    permissions: z.object({
      project_access: z.object({ access_level: z.int(), notification_level: z.int() }).nullable(),
      group_access: z.object({ access_level: z.int(), notification_level: z.int() }).nullable(),
    }),
    import_status: z.enum(IMPORT_STATUSES),
    mirror: z.boolean(),
    /** From here on: shown to those who may mirror the project. */
    import_url: z.string().nullable().optional(),
    import_type: z.string().nullable().optional(),
    import_error: z.string().nullable().optional(),
    /** What is null is as the instance says; a size of 0 is no limit. */
    repository_size_limit: z.int().nullable().optional(),
    max_refs: z.int().nullable().optional(),
    fsck_severity: z.enum(FSCK_SEVERITIES).nullable().optional(),
    max_file_size: z.int().nullable().optional(),
    max_push_size: z.int().nullable().optional(),
    pushes_to_mirrored_branches: z.enum(PUSHES_TO_MIRRORED_BRANCHES).optional(),
    /** From here on: not in lists. */
    ...keptAttributesSchema.partial().shape,
    /** From here on: while it is a mirror. */
    mirror_user_id: z.int().nullable().optional(),
    mirror_trigger_builds: z.boolean().optional(),
    only_mirror_protected_branches: z.boolean().optional(),
    mirror_overwrites_diverged_branches: z.boolean().optional(),
  })
  .meta({ id: "Project" });
export type ProjectAnswer = z.infer<typeof projectSchema>;

/** What is needed to find and clone one: what lists have with `simple`. */
export const simpleProjectSchema = projectSchema
  .pick({
    id: true,
    description: true,
    name: true,
    name_with_namespace: true,
    path: true,
    path_with_namespace: true,
    created_at: true,
    default_branch: true,
    tag_list: true,
    topics: true,
    ssh_url_to_repo: true,
    http_url_to_repo: true,
    web_url: true,
    readme_url: true,
    forks_count: true,
    avatar_url: true,
    star_count: true,
    last_activity_at: true,
    visibility: true,
    namespace: true,
  })
  .meta({ id: "SimpleProject" });
export type SimpleProjectAnswer = z.infer<typeof simpleProjectSchema>;

/** As it stands in a list. */
export const listedProjectSchema = z
  .union([projectSchema, simpleProjectSchema])
  .meta({ id: "ListedProject" });

export const importSchema = z
  .object({
    id: z.int(),
    description: z.string().nullable(),
    name: z.string(),
    name_with_namespace: z.string(),
    path: z.string(),
    path_with_namespace: z.string(),
    created_at: timestamp,
    import_status: z.enum(IMPORT_STATUSES),
    import_type: z.string().nullable(),
    import_error: z.string().nullable(),
    correlation_id: z.string().nullable(),
    failed_relations: z.array(z.never()),
  })
  .meta({ id: "Import" });
export type ImportAnswer = z.infer<typeof importSchema>;

/** The deprecated way to a pull mirror: attributes of the project. */
const pullMirrorAttributes = {
  import_url: optionalText,
  mirror: optionalFlag,
  mirror_trigger_builds: optionalFlag,
  only_mirror_protected_branches: nullableFlag,
  mirror_overwrites_diverged_branches: optionalFlag,
  mirror_branch_regex: nullableText,
  // Ours.
  mirror_tags: nullableText,
  mirror_deletions: optionalWord(MIRROR_DELETIONS),
  follow_default_branch: optionalFlag,
} as const;

/** For admins to set. */
const limitAttributes = {
  repository_size_limit: nullableInteger,
  max_refs: nullableInteger,
  fsck_severity: nullableWord(FSCK_SEVERITIES),
  max_file_size: nullableInteger,
  max_push_size: nullableInteger,
} as const;

/** `tag_list` is the older word for them. An empty text, or an empty list, takes them away. */
const topicAttributes = { topics: optionalTextList, tag_list: optionalTextList } as const;

/** GitLab's; by what we do not count, such as stars, the order is that of the ids. */
export const PROJECT_ORDERS = [
  "id",
  "name",
  "path",
  "created_at",
  "updated_at",
  "last_activity_at",
  "similarity",
  "star_count",
] as const;

export const projectFilterParams = {
  search: optionalText,
  owned: optionalFlag,
  membership: optionalFlag,
  visibility: optionalWord(VISIBILITIES),
  archived: optionalFlag,
  min_access_level: optionalLevel,
  order_by: optionalWord(PROJECT_ORDERS),
  sort: optionalWord(["asc", "desc"]),
  simple: optionalFlag,
  id_after: optionalRowId,
  id_before: optionalRowId,
  last_activity_after: optionalMoment,
  last_activity_before: optionalMoment,
  topic: optionalTextList,
  ...windowParams,
} as const;

export const projectListParams = z.object(projectFilterParams);
/** `:user_id` is an id or a user name. */
export const userProjectListParams = z.object({ user_id: pathOrId, ...projectFilterParams });
export const projectTransferParams = z.object({ id: pathOrId, namespace: z.preprocess(String, pathOrId) });
export const projectParams = z.object({ id: pathOrId });

export const newProjectParams = z.object({
  name: optionalText,
  path: optionalText,
  namespace_id: optionalRowId,
  description: nullableText,
  visibility: optionalWord(VISIBILITIES),
  default_branch: optionalText,
  initialize_with_readme: optionalFlag,
  ...topicAttributes,
  ...keptAttributeParams,
  ...limitAttributes,
  ...pullMirrorAttributes,
});

/** `:user_id` whose namespace it is to be in. */
export const newUserProjectParams = newProjectParams.extend({ user_id: rowId });
/** Shares in percent, under their names. */
export const projectLanguagesSchema = z.record(z.string(), z.number()).meta({ id: "ProjectLanguages" });

export const projectChangeParams = z.object({
  id: pathOrId,
  name: optionalText,
  path: optionalText,
  description: nullableText,
  visibility: optionalWord(VISIBILITIES),
  archived: optionalFlag,
  mirror_user_id: optionalRowId,
  pushes_to_mirrored_branches: optionalWord(PUSHES_TO_MIRRORED_BRANCHES),
  default_branch: optionalText,
  ...topicAttributes,
  ...keptAttributeParams,
  ...limitAttributes,
  ...pullMirrorAttributes,
});
