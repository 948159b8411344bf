import { z } from "zod";
import { AUTH_METHODS, MIRROR_DELETIONS, UPDATE_STATUSES } from "../words.ts";
import { sshAttributes } from "./host-keys.ts";
import {
  nullableFlag,
  nullableRowId,
  nullableText,
  optionalFlag,
  optionalText,
  optionalWord,
  pageParams,
  pathOrId,
  rowId,
  text,
  timestamp,
} from "./parameters.ts";

/** A push mirror, with exactly GitLab's keys. */
export const remoteMirrorSchema = z
  .object({
    id: z.int(),
    enabled: z.boolean(),
    url: z.string().nullable(),
    update_status: z.enum(UPDATE_STATUSES),
    last_update_at: timestamp.nullable(),
    last_update_started_at: timestamp.nullable(),
    last_successful_update_at: timestamp.nullable(),
    last_error: z.string().nullable(),
    only_protected_branches: z.boolean(),
    keep_divergent_refs: z.boolean(),
    auth_method: z.enum(AUTH_METHODS),
    host_keys: z.array(z.object({ fingerprint_sha256: z.string() })),
    mirror_branch_regex: z.string().nullable(),
  })
  .meta({ id: "RemoteMirror" });
export type RemoteMirrorAnswer = z.infer<typeof remoteMirrorSchema>;

export const remoteMirrorListParams = z.object({ id: pathOrId, ...pageParams });
export const remoteMirrorParams = z.object({ id: pathOrId, mirror_id: rowId });

const attributes = {
  enabled: optionalFlag,
  keep_divergent_refs: optionalFlag,
  only_protected_branches: nullableFlag,
  mirror_branch_regex: nullableText,
  // Ours, so that a script that sets them here is not ignored without a word.
  mirror_tags: nullableText,
  mirror_deletions: optionalWord(MIRROR_DELETIONS),
  follow_default_branch: optionalFlag,
  ...sshAttributes,
  credential_id: nullableRowId,
} as const;

export const newRemoteMirrorParams = z.object({
  id: pathOrId,
  url: text,
  auth_method: optionalWord(AUTH_METHODS),
  ...attributes,
});

/** `auth_method` is free text here: GitLab checks it in the model when it changes, with another error. */
export const remoteMirrorChangeParams = z.object({
  id: pathOrId,
  mirror_id: rowId,
  auth_method: optionalText,
  ...attributes,
});
