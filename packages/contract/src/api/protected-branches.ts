import { z } from "zod";
import {
  filledText,
  optionalFlag,
  optionalNumber,
  optionalRowId,
  pageParams,
  pathOrId,
  text,
} from "./parameters.ts";

/** No one, developers and up, maintainers and up, admins of the instance. */
export const PROTECTION_LEVELS = [0, 30, 40, 60] as const;

export const accessLevelSchema = z
  .object({
    id: z.int(),
    access_level: z.int().nullable(),
    access_level_description: z.string(),
    deploy_key_id: z.int().nullable(),
    user_id: z.int().nullable(),
    group_id: z.int().nullable(),
  })
  .meta({ id: "AccessLevel" });
export type AccessLevelAnswer = z.infer<typeof accessLevelSchema>;

export const protectedBranchSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    push_access_levels: z.array(accessLevelSchema),
    merge_access_levels: z.array(accessLevelSchema),
    unprotect_access_levels: z.array(accessLevelSchema),
    allow_force_push: z.boolean(),
    code_owner_approval_required: z.boolean(),
    inherited: z.boolean(),
  })
  .meta({ id: "ProtectedBranch" });
export type ProtectedBranchAnswer = z.infer<typeof protectedBranchSchema>;

export const protectedBranchListParams = z.object({ id: pathOrId, ...pageParams });
export const protectedBranchParams = z.object({ id: pathOrId, name: text });

const accessEntryParam = z.object({
  id: optionalRowId,
  access_level: optionalNumber(PROTECTION_LEVELS),
  user_id: optionalRowId,
  group_id: optionalRowId,
  deploy_key_id: optionalRowId,
  _destroy: optionalFlag,
});
export type AccessEntryParam = z.output<typeof accessEntryParam>;

/** A list, or as some form encoders have it, an object whose values are its elements. */
export const accessEntryParams = z.preprocess((value) => {
  if (value === null || value === "") return undefined;
  const isKeyed = typeof value === "object" && !Array.isArray(value) && value !== undefined;
  return isKeyed && Object.keys(value).every((key) => /^\d+$/.test(key)) ? Object.values(value) : value;
}, z.array(accessEntryParam).max(200).optional());

const entries = {
  allow_force_push: optionalFlag,
  allowed_to_push: accessEntryParams,
  allowed_to_merge: accessEntryParams,
  allowed_to_unprotect: accessEntryParams,
} as const;

export const newProtectedBranchParams = z.object({
  id: pathOrId,
  name: filledText,
  push_access_level: optionalNumber(PROTECTION_LEVELS),
  merge_access_level: optionalNumber(PROTECTION_LEVELS),
  unprotect_access_level: optionalNumber(PROTECTION_LEVELS),
  ...entries,
});
export const protectedBranchChangeParams = z.object({ id: pathOrId, name: text, ...entries });
