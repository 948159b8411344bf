import { z } from "zod";
import {
  filledText,
  keysetParams,
  optionalText,
  optionalWord,
  pageParams,
  pathOrId,
  text,
  timestamp,
  zonedTime,
} from "./parameters.ts";
import { commitSchema } from "./repository-commits.ts";

export const branchSchema = z
  .object({
    name: z.string(),
    commit: commitSchema,
    merged: z.boolean(),
    protected: z.boolean(),
    developers_can_push: z.boolean(),
    developers_can_merge: z.boolean(),
    can_push: z.boolean(),
    default: z.boolean(),
    web_url: z.string(),
    /**
     * Ours: how the branch stands to that of its name upstream, as the pull mirror's newest update saw that one. Null:
     * there is no pull mirror, or nothing is known of the branch. `ahead`: commits that only the project has. What is not
     * known is null.
     */
    upstream: z
      .object({
        id: z.string().nullable(),
        ahead: z.int().nullable(),
        behind: z.int().nullable(),
        diverged: z.boolean(),
        seen_at: timestamp,
      })
      .nullable(),
  })
  .meta({ id: "Branch" });
export type BranchAnswer = z.infer<typeof branchSchema>;

export const tagSchema = z
  .object({
    name: z.string(),
    /** Of an annotated tag; empty for any other. */
    message: z.string(),
    /** The tag object, where there is one. */
    target: z.string(),
    /** Null where the tag is one of a tree or a file. */
    commit: commitSchema.nullable(),
    release: z.null(),
    protected: z.boolean(),
    /** Of an annotated tag. */
    created_at: zonedTime.nullable(),
  })
  .meta({ id: "Tag" });
export type TagAnswer = z.infer<typeof tagSchema>;

export const foundRefSchema = z
  .object({ name: z.string(), type: z.enum(["branch", "tag"]) })
  .meta({ id: "FoundRef" });
export type FoundRefAnswer = z.infer<typeof foundRefSchema>;

export const branchListParams = z.object({
  id: pathOrId,
  search: optionalText,
  regex: optionalText,
  sort: optionalWord(["name_asc", "updated_asc", "updated_desc"]),
  ...keysetParams,
  ...pageParams,
});
export const branchParams = z.object({ id: pathOrId, branch: text });
export const newBranchParams = z.object({ id: pathOrId, branch: filledText, ref: filledText });

export const tagListParams = z.object({
  id: pathOrId,
  search: optionalText,
  order_by: optionalWord(["name", "updated", "version"]),
  sort: optionalWord(["asc", "desc"]),
  ...keysetParams,
  ...pageParams,
});
export const tagParams = z.object({ id: pathOrId, tag_name: text });
export const newTagParams = z.object({
  id: pathOrId,
  tag_name: filledText,
  ref: filledText,
  message: optionalText,
});

export const refSearchParams = z.object({ id: pathOrId, search: optionalText, ...pageParams });
