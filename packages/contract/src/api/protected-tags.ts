import { z } from "zod";
import { filledText, optionalNumber, pageParams, pathOrId, text } from "./parameters.ts";
import { accessEntryParams, accessLevelSchema, PROTECTION_LEVELS } from "./protected-branches.ts";

export const protectedTagSchema = z
  .object({
    name: z.string(),
    create_access_levels: z.array(accessLevelSchema),
  })
  .meta({ id: "ProtectedTag" });
export type ProtectedTagAnswer = z.infer<typeof protectedTagSchema>;

export const protectedTagListParams = z.object({ id: pathOrId, ...pageParams });
export const protectedTagParams = z.object({ id: pathOrId, name: text });
export const newProtectedTagParams = z.object({
  id: pathOrId,
  name: filledText,
  create_access_level: optionalNumber(PROTECTION_LEVELS),
  allowed_to_create: accessEntryParams,
});
