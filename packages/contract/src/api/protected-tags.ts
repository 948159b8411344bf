import { z } from "zod";
import { filledText, optionalNumber, pageParams, pathOrId, text } from "./parameters.ts";

/** Who may create a protected tag: no one, developers and up, maintainers and up. */
export const TAG_ACCESS_LEVELS = [0, 30, 40] as const;

const tagAccessLevelSchema = z.object({
  id: z.int(),
  access_level: z.int(),
  access_level_description: z.string(),
});

export const protectedTagSchema = z.object({
  name: z.string(),
  create_access_levels: z.array(tagAccessLevelSchema),
});
export type ProtectedTagAnswer = z.infer<typeof protectedTagSchema>;

export const protectedTagListParams = z.object({ id: pathOrId, ...pageParams });
export const protectedTagParams = z.object({ id: pathOrId, name: text });
export const newProtectedTagParams = z.object({
  id: pathOrId,
  name: filledText,
  create_access_level: optionalNumber(TAG_ACCESS_LEVELS),
});
