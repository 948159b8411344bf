import { z } from "zod";
import { filledText, optionalRowId, optionalText, pageParams, pathOrId } from "./parameters.ts";

export const groupSchema = z.object({
  id: z.int(),
  web_url: z.string(),
  name: z.string(),
  path: z.string(),
  description: z.string(),
  visibility: z.enum(["private", "internal", "public"]),
  avatar_url: z.string().nullable(),
  full_name: z.string(),
  full_path: z.string(),
  parent_id: z.int().nullable(),
});
export type GroupAnswer = z.infer<typeof groupSchema>;

export const groupListParams = z.object({ search: optionalText, ...pageParams });
export const groupParams = z.object({ id: pathOrId });
export const newGroupParams = z.object({ name: filledText, path: filledText, parent_id: optionalRowId });
