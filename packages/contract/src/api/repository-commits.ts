import { z } from "zod";
import {
  nullableMoment,
  optionalFlag,
  optionalStrings,
  optionalText,
  optionalWord,
  pageParams,
  pathOrId,
  text,
  zonedTime,
} from "./parameters.ts";

/** A commit, as every answer shows it. */
export const commitSchema = z
  .object({
    id: z.string(),
    short_id: z.string(),
    created_at: zonedTime,
    parent_ids: z.array(z.string()),
    title: z.string(),
    message: z.string(),
    author_name: z.string(),
    author_email: z.string(),
    authored_date: zonedTime,
    committer_name: z.string(),
    committer_email: z.string(),
    committed_date: zonedTime,
    trailers: z.record(z.string(), z.string()),
    extended_trailers: z.record(z.string(), z.array(z.string())),
    web_url: z.string(),
    /** Where it was asked for. */
    stats: z.object({ additions: z.int(), deletions: z.int(), total: z.int() }).optional(),
  })
  .meta({ id: "Commit" });
export type CommitAnswer = z.infer<typeof commitSchema>;

/** A commit that was asked for by itself. */
export const singleCommitSchema = commitSchema
  .extend({
    status: z.null(),
    project_id: z.int(),
    last_pipeline: z.null(),
  })
  .meta({ id: "SingleCommit" });
export type SingleCommitAnswer = z.infer<typeof singleCommitSchema>;

export const fileDiffSchema = z
  .object({
    /** From the first `@@` on; empty where it is too large, or where other files took the room. */
    diff: z.string(),
    new_path: z.string(),
    old_path: z.string(),
    a_mode: z.string(),
    b_mode: z.string(),
    new_file: z.boolean(),
    renamed_file: z.boolean(),
    deleted_file: z.boolean(),
    generated_file: z.null(),
    collapsed: z.boolean(),
    too_large: z.boolean(),
  })
  .meta({ id: "FileDiff" });
export type FileDiffAnswer = z.infer<typeof fileDiffSchema>;

export const comparisonSchema = z
  .object({
    commit: commitSchema.nullable(),
    commits: z.array(commitSchema),
    diffs: z.array(fileDiffSchema),
    compare_timeout: z.boolean(),
    compare_same_ref: z.boolean(),
    web_url: z.string(),
  })
  .meta({ id: "Comparison" });
export type ComparisonAnswer = z.infer<typeof comparisonSchema>;

export const commitRefSchema = z
  .object({ type: z.enum(["branch", "tag"]), name: z.string() })
  .meta({ id: "CommitRef" });
export type CommitRefAnswer = z.infer<typeof commitRefSchema>;

/** Of a commit or tag; nobody has verified it. */
export const signatureSchema = z
  .object({
    signature_type: z.enum(["PGP", "SSH", "X509"]),
    verification_status: z.literal("unverified"),
  })
  .meta({ id: "Signature" });
export type SignatureAnswer = z.infer<typeof signatureSchema>;

export const commitListParams = z.object({
  id: pathOrId,
  ref_name: optionalText,
  path: optionalText,
  author: optionalText,
  since: nullableMoment,
  until: nullableMoment,
  all: optionalFlag,
  first_parent: optionalFlag,
  with_stats: optionalFlag,
  order: optionalWord(["default", "topo"]),
  ...pageParams,
});
export const commitParams = z.object({ id: pathOrId, sha: text, stats: optionalFlag });
export const commitDiffParams = z.object({ id: pathOrId, sha: text, ...pageParams });
export const commitRefsParams = z.object({
  id: pathOrId,
  sha: text,
  type: optionalWord(["branch", "tag", "all"]),
  ...pageParams,
});
export const mergeBaseParams = z.object({ id: pathOrId, refs: optionalStrings });
export const compareParams = z.object({ id: pathOrId, from: text, to: text, straight: optionalFlag });
