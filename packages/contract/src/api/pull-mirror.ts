import { z } from "zod";
import { AUTH_METHODS, MIRROR_DELETIONS, UPDATE_STATUSES } from "../words.ts";
import { sshAttributes } from "./host-keys.ts";
import { mirrorHookHeardSchema } from "./mirrors.ts";
import {
  nullableFlag,
  nullableRowId,
  nullableText,
  optionalFlag,
  optionalText,
  optionalWord,
  pathOrId,
  timestamp,
} from "./parameters.ts";

/** The pull mirror of a project with GitLab's keys, and those that GitLab has for push mirrors only. */
export const pullMirrorSchema = z
  .object({
    id: z.int(),
    update_status: z.enum(UPDATE_STATUSES),
    url: z.string().nullable(),
    last_error: z.string().nullable(),
    last_update_at: timestamp.nullable(),
    last_update_started_at: timestamp.nullable(),
    last_successful_update_at: timestamp.nullable(),
    enabled: z.boolean(),
    mirror_trigger_builds: z.boolean(),
    only_mirror_protected_branches: z.boolean().nullable(),
    mirror_overwrites_diverged_branches: z.boolean(),
    mirror_branch_regex: z.string().nullable(),
    auth_method: z.enum(AUTH_METHODS),
    host_keys: z.array(z.object({ fingerprint_sha256: z.string() })),
  })
  .meta({ id: "PullMirror" });
export type PullMirrorAnswer = z.infer<typeof pullMirrorSchema>;

/** What starting an update answers; GitLab gives a bare number here, which no client reads. */
export const pullMirrorStartSchema = z
  .object({
    message: z.string(),
    next_update_at: timestamp.nullable(),
  })
  .meta({ id: "PullMirrorStart" });
export type PullMirrorStartAnswer = z.infer<typeof pullMirrorStartSchema>;

/** What a start by a client or by a webhook answers. */
export const pullMirrorTriggerSchema = z
  .union([pullMirrorStartSchema, mirrorHookHeardSchema])
  .meta({ id: "PullMirrorTrigger" });

export const pullMirrorParams = z.object({ id: pathOrId });

export const pullMirrorSettingsParams = z.object({
  id: pathOrId,
  enabled: optionalFlag,
  url: optionalText,
  auth_user: nullableText,
  auth_password: nullableText,
  auth_method: optionalWord(AUTH_METHODS),
  mirror_trigger_builds: optionalFlag,
  only_mirror_protected_branches: nullableFlag,
  mirror_overwrites_diverged_branches: optionalFlag,
  mirror_branch_regex: nullableText,
  // Ours, so that a script that sets them here is not ignored without a word.
  mirror_tags: nullableText,
  mirror_deletions: optionalWord(MIRROR_DELETIONS),
  follow_default_branch: optionalFlag,
  ...sshAttributes,
  credential_id: nullableRowId,
});

/** With `import_url` this configures as well, as one widespread client library expects. */
export const pullMirrorStartParams = z.object({
  id: pathOrId,
  force: optionalFlag,
  import_url: optionalText,
  mirror: optionalFlag,
  mirror_trigger_builds: optionalFlag,
  only_protected_branches: nullableFlag,
});
