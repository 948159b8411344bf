import { z } from "zod";
import { filledText, pageParams, pathOrId, text } from "./parameters.ts";

const accessLevelSchema = z.object({
  id: z.int(),
  access_level: z.int().nullable(),
  access_level_description: z.string(),
  deploy_key_id: z.int().nullable(),
  user_id: z.int().nullable(),
  group_id: z.int().nullable(),
});
export type AccessLevelAnswer = z.infer<typeof accessLevelSchema>;

export const protectedBranchSchema = z.object({
  id: z.int(),
  name: z.string(),
  push_access_levels: z.array(accessLevelSchema),
  merge_access_levels: z.array(accessLevelSchema),
  unprotect_access_levels: z.array(accessLevelSchema),
  allow_force_push: z.boolean(),
  code_owner_approval_required: z.boolean(),
  inherited: z.boolean(),
});
export type ProtectedBranchAnswer = z.infer<typeof protectedBranchSchema>;

export const protectedBranchListParams = z.object({ id: pathOrId, ...pageParams });
export const protectedBranchParams = z.object({ id: pathOrId, name: text });
export const newProtectedBranchParams = z.object({ id: pathOrId, name: filledText });
