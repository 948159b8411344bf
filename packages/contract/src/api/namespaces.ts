import { z } from "zod";
import { optionalRowId, optionalText, pageParams, pathOrId, text } from "./parameters.ts";

export const namespaceSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    path: z.string(),
    kind: z.enum(["user", "group"]),
    full_path: z.string(),
    parent_id: z.int().nullable(),
    avatar_url: z.string().nullable(),
    web_url: z.string(),
  })
  .meta({ id: "Namespace" });
export type NamespaceAnswer = z.infer<typeof namespaceSchema>;

export const namespaceListParams = z.object({ search: optionalText, ...pageParams });
export const namespaceExistsParams = z.object({ path: text, parent_id: optionalRowId });
export const namespaceExistsSchema = z
  .object({ exists: z.boolean(), suggests: z.array(z.string()) })
  .meta({ id: "NamespaceExists" });
export const namespaceParams = z.object({ id: pathOrId });
