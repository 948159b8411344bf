import { z } from "zod";
import { VISIBILITIES } from "../words.ts";
import {
  filledText,
  nullableText,
  optionalFlag,
  optionalLevel,
  optionalRowId,
  optionalText,
  optionalWord,
  pathOrId,
  windowParams,
} from "./parameters.ts";
import { projectFilterParams } from "./projects.ts";

export const groupSchema = z
  .object({
    id: z.int(),
    web_url: z.string(),
    name: z.string(),
    path: z.string(),
    description: z.string(),
    visibility: z.enum(VISIBILITIES),
    avatar_url: z.string().nullable(),
    full_name: z.string(),
    full_path: z.string(),
    parent_id: z.int().nullable(),
  })
  .meta({ id: "Group" });
export type GroupAnswer = z.infer<typeof groupSchema>;

const groupFilterParams = {
  search: optionalText,
  owned: optionalFlag,
  min_access_level: optionalLevel,
  visibility: optionalWord(VISIBILITIES),
  order_by: optionalWord(["name", "path", "id", "similarity"]),
  sort: optionalWord(["asc", "desc"]),
  ...windowParams,
} as const;

export const groupListParams = z.object({ top_level_only: optionalFlag, ...groupFilterParams });
export const groupParams = z.object({ id: pathOrId });
export const groupsBelowParams = z.object({ id: pathOrId, ...groupFilterParams });
export const groupProjectListParams = z.object({
  id: pathOrId,
  include_subgroups: optionalFlag,
  ...projectFilterParams,
});
export const newGroupParams = z.object({
  name: filledText,
  path: filledText,
  parent_id: optionalRowId,
  visibility: optionalWord(VISIBILITIES),
  description: nullableText,
});
export const groupChangeParams = z.object({
  id: pathOrId,
  name: optionalText,
  path: optionalText,
  visibility: optionalWord(VISIBILITIES),
  description: nullableText,
});
export const projectIntoGroupParams = z.object({ id: pathOrId, project_id: pathOrId });
