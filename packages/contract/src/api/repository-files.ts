import { z } from "zod";
import {
  filledText,
  keysetParams,
  optionalFlag,
  optionalText,
  pageParams,
  pathOrId,
  text,
} from "./parameters.ts";

export const treeEntrySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.enum(["tree", "blob", "commit"]),
    path: z.string(),
    mode: z.string(),
  })
  .meta({ id: "TreeEntry" });
export type TreeEntryAnswer = z.infer<typeof treeEntrySchema>;

export const fileSchema = z
  .object({
    file_name: z.string(),
    file_path: z.string(),
    size: z.int(),
    encoding: z.literal("base64"),
    content_sha256: z.string(),
    ref: z.string(),
    blob_id: z.string(),
    commit_id: z.string(),
    last_commit_id: z.string(),
    execute_filemode: z.boolean(),
    content: z.string(),
  })
  .meta({ id: "File" });
export type FileAnswer = z.infer<typeof fileSchema>;

export const blobSchema = z
  .object({
    size: z.int(),
    encoding: z.literal("base64"),
    content: z.string(),
    sha: z.string(),
  })
  .meta({ id: "Blob" });
export type BlobAnswer = z.infer<typeof blobSchema>;

export const foundFileSchema = z.object({ path: z.string() }).meta({ id: "FoundFile" });
export type FoundFileAnswer = z.infer<typeof foundFileSchema>;

export const treeParams = z.object({
  id: pathOrId,
  path: optionalText,
  ref: optionalText,
  recursive: optionalFlag,
  ...keysetParams,
  ...pageParams,
});
export const fileParams = z.object({ id: pathOrId, file_path: text, ref: filledText });
/** GitLab takes the default branch here. */
export const rawFileParams = z.object({ id: pathOrId, file_path: text, ref: optionalText });
export const blobParams = z.object({ id: pathOrId, sha: text });
export const archiveParams = z.object({ id: pathOrId, sha: optionalText, path: optionalText });
export const fileSearchParams = z.object({ id: pathOrId, ref: optionalText, search: filledText });
