import { z } from "zod";
import {
  AUTH_METHODS,
  MIRROR_DELETIONS,
  MIRROR_DIRECTIONS,
  REF_OUTCOMES,
  UPDATE_STATUSES,
  UPDATE_TRIGGERS,
} from "../words.ts";
import {
  nullableInteger,
  nullableText,
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalWord,
  pathOrId,
  rowId,
  text,
  timestamp,
} from "./parameters.ts";

/** A mirror of any direction with every option: what GitLab's API has no one word for. */
export const mirrorSchema = z.object({
  id: z.int(),
  project_id: z.int(),
  direction: z.enum(MIRROR_DIRECTIONS),
  enabled: z.boolean(),
  url: z.string().nullable(),
  auth_method: z.enum(AUTH_METHODS),
  update_status: z.enum(UPDATE_STATUSES),
  last_error: z.string().nullable(),
  last_update_at: timestamp.nullable(),
  last_update_started_at: timestamp.nullable(),
  last_successful_update_at: timestamp.nullable(),
  next_check_at: timestamp.nullable(),
  /** When it is looked at or run next, as far as is known; null: not by itself, or it runs at this moment. */
  next_update_at: timestamp.nullable(),
  retry_count: z.int(),
  /** After too many failures in a row, until a person starts it with `force`. */
  paused: z.boolean(),
  /** Its host does not answer, and is left alone until then; one mirror at a time tries it afterwards. Null: it is not. */
  host_paused_until: timestamp.nullable(),
  only_protected_branches: z.boolean(),
  mirror_branch_regex: z.string().nullable(),
  keep_divergent_refs: z.boolean(),
  overwrites_diverged_branches: z.boolean(),
  trigger_builds: z.boolean(),
  mirror_tags: z.string(),
  mirror_deletions: z.enum(MIRROR_DELETIONS),
  follow_default_branch: z.boolean(),
  interval_seconds: z.int().nullable(),
  adaptive_interval: z.boolean(),
  user_id: z.int().nullable(),
  created_at: timestamp,
  updated_at: timestamp,
});
export type MirrorAnswer = z.infer<typeof mirrorSchema>;

/** One run of a mirror and what became of each ref that it had to change. */
export const mirrorUpdateSchema = z.object({
  id: z.int(),
  mirror_id: z.int(),
  trigger: z.enum(UPDATE_TRIGGERS),
  status: z.enum(["started", "finished", "failed", "cancelled"]),
  started_at: timestamp,
  finished_at: timestamp.nullable(),
  error: z.string().nullable(),
  /** Sentences for the person who reads it, such as that no branch matches the filter. */
  notes: z.array(z.string()),
  refs: z.array(
    z.object({
      ref: z.string(),
      outcome: z.enum(REF_OUTCOMES),
      old_oid: z.string().nullable(),
      new_oid: z.string().nullable(),
      message: z.string().nullable(),
    }),
  ),
});
export type MirrorUpdateAnswer = z.infer<typeof mirrorUpdateSchema>;

export const mirrorListParams = z.object({ id: pathOrId });
export const mirrorParams = z.object({ id: pathOrId, mirror_id: rowId });
export const mirrorUpdateListParams = mirrorParams.extend({
  /** How many of the newest; 1 to 100. */
  limit: optionalInteger.transform((limit) => Math.min(Math.max(limit ?? 20, 1), 100)),
});

/** What starting an update answers. */
export const mirrorStartSchema = z.object({
  status: z.enum(["queued", "running", "later"]),
  next_update_at: timestamp.nullable(),
});
export type MirrorStartAnswer = z.infer<typeof mirrorStartSchema>;

const settings = {
  enabled: optionalFlag,
  auth_user: nullableText,
  auth_password: nullableText,
  auth_method: optionalWord(AUTH_METHODS),
  only_protected_branches: optionalFlag,
  mirror_branch_regex: nullableText,
  keep_divergent_refs: optionalFlag,
  overwrites_diverged_branches: optionalFlag,
  trigger_builds: optionalFlag,
  /** `all`, `none` or an RE2 regex; null and empty: `all`. */
  mirror_tags: nullableText,
  mirror_deletions: optionalWord(MIRROR_DELETIONS),
  follow_default_branch: optionalFlag,
  /** Null: as the instance says. */
  interval_seconds: nullableInteger,
  adaptive_interval: optionalFlag,
} as const;

export const newMirrorParams = z.object({
  id: pathOrId,
  direction: z.enum(MIRROR_DIRECTIONS),
  url: text,
  ...settings,
});
export const mirrorChangeParams = mirrorParams.extend({ url: optionalText, ...settings });
export const mirrorSyncParams = mirrorParams.extend({ force: optionalFlag });
