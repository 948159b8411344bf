import { z } from "zod";
import {
  AUTH_METHODS,
  MIRROR_DELETIONS,
  MIRROR_DIRECTIONS,
  REF_OUTCOMES,
  REJECTION_REASONS,
  SECRET_KINDS,
  UPDATE_STATUSES,
  UPDATE_TRIGGERS,
} from "../words.ts";
import { hostKeySchema, sshAttributes } from "./host-keys.ts";
import {
  integer,
  nullableInteger,
  nullableRowId,
  nullableText,
  optionalFlag,
  optionalInteger,
  optionalPageParams,
  optionalText,
  optionalWord,
  pageParams,
  pathOrId,
  rowId,
  text,
  timestamp,
  wordList,
} from "./parameters.ts";
import { userSchema } from "./users.ts";

/** What is told of a certificate. */
export const certificateSchema = z
  .object({
    subject: z.string(),
    issuer: z.string(),
    not_after: timestamp,
    /** Two hexadecimal digits a byte, colons between. */
    fingerprint_sha256: z.string(),
  })
  .meta({ id: "Certificate" });

/** A mirror of any direction with every option: what GitLab's API has no one word for. */
export const mirrorSchema = z
  .object({
    id: z.int(),
    project_id: z.int(),
    direction: z.enum(MIRROR_DIRECTIONS),
    enabled: z.boolean(),
    url: z.string().nullable(),
    auth_method: z.enum(AUTH_METHODS),
    /** Of its key pair, to be given to the remote; null: it has none. */
    public_key: z.string().nullable(),
    public_key_fingerprint_sha256: z.string().nullable(),
    /** Lines in known_hosts form: what the remote's SSH server must show; `host_keys` describes them. */
    ssh_known_hosts: z.string(),
    host_keys: z.array(hostKeySchema),
    /** Null: there are none, or nobody has looked at them. */
    host_keys_verified_at: timestamp.nullable(),
    /** Null too when they are gone. */
    host_keys_verified_by: userSchema.nullable(),
    /** The named credential that it uses; null: it has its own, or none. */
    credential: z.object({ id: z.int(), name: z.string() }).nullable(),
    credential_expires_at: timestamp.nullable(),
    /** Within seven days, or it has. */
    credential_expires_soon: z.boolean(),
    /** PEM: trusted for this remote beside those of the system and the instance. */
    ca_certificates: z.string().nullable(),
    ca_certificate_details: z.array(certificateSchema),
    /** PEM: shown to the remote; its key is never answered. */
    client_certificate: z.string().nullable(),
    client_certificate_details: certificateSchema.nullable(),
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
    /** The key that sealed a secret of it is lost: that one is to be given again. */
    needs_secret: z.boolean(),
    /** Which ones. */
    lost_secrets: z.array(z.enum(SECRET_KINDS)),
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
    /** What the other side tells it by webhooks. */
    hook: z.object({
      /** Whether it has a hook secret, by which signed webhooks are known. */
      has_secret: z.boolean(),
      /** Of the last that told of a change; null: none did. */
      received_at: timestamp.nullable(),
      /** Changes in a row that polling found, and of which no webhook had told. */
      missed_count: z.int(),
      /** Of the last such change; null: there was none. */
      missed_at: timestamp.nullable(),
      /** False: changes come about of which it is not told. */
      reliable: z.boolean(),
    }),
    user_id: z.int().nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: "Mirror" });
export type MirrorAnswer = z.infer<typeof mirrorSchema>;

/** What became of one ref. Of one that was left as it was (`up-to-date`, `skipped`), no value is kept. */
export const updateRefSchema = z
  .object({
    ref: z.string(),
    outcome: z.enum(REF_OUTCOMES),
    old_oid: z.string().nullable(),
    new_oid: z.string().nullable(),
    /** Why, for a ref that was not changed as it should have been. */
    message: z.string().nullable(),
    /** For `rejected`: the class of the refusal, and how to mend it. */
    reason: z.enum(REJECTION_REASONS).nullable(),
    fix: z.string().nullable(),
  })
  .meta({ id: "UpdateRef" });

/** One run of a mirror, as lists show it. */
export const mirrorUpdateSchema = z
  .object({
    id: z.int(),
    mirror_id: z.int(),
    trigger: z.enum(UPDATE_TRIGGERS),
    status: z.enum(["started", "finished", "failed", "cancelled"]),
    started_at: timestamp,
    finished_at: timestamp.nullable(),
    error: z.string().nullable(),
    /** Who asked for it; null: nobody did, or they are gone. */
    user_id: z.int().nullable(),
    user: userSchema.nullable(),
    /** Every ref that the run looked at, by what became of it. Always exact. */
    counts: z.record(z.enum(REF_OUTCOMES), z.int()),
    /** As far as git tells: what is more than 1 KiB is rounded. */
    bytes_received: z.int(),
    bytes_sent: z.int(),
    /** Sentences for the person who reads it, such as that no branch matches the filter. */
    notes: z.array(z.string()),
    /** Refs that changed, or were to be changed and were not. In a list at most the first 100. */
    refs: z.array(updateRefSchema),
  })
  .meta({ id: "MirrorUpdate" });
export type MirrorUpdateAnswer = z.infer<typeof mirrorUpdateSchema>;

/**
 * One run whole. `refs` has the refs that changed or were to change, at most 10,000, those that were left behind before
 * others where there are more; then those that were equal on both sides and those that the filter left out, at most
 * 1,000 of each.
 */
export const wholeMirrorUpdateSchema = mirrorUpdateSchema
  .extend({
    log: z.array(z.object({ at: timestamp, text: z.string() })),
  })
  .meta({ id: "WholeMirrorUpdate" });
export type WholeMirrorUpdateAnswer = z.infer<typeof wholeMirrorUpdateSchema>;

/** How far a mirror's update is. `update_id` and all after it are null while none runs; bytes, while none flow. */
export const mirrorProgressSchema = z
  .object({
    mirror_id: z.int(),
    status: z.enum(UPDATE_STATUSES),
    update_id: z.int().nullable(),
    trigger: z.enum(UPDATE_TRIGGERS).nullable(),
    started_at: timestamp.nullable(),
    /** Git's own word where git says it: `Receiving objects`, `Resolving deltas`, `Writing objects`. */
    phase: z.string().nullable(),
    done: z.int().nullable(),
    /** Null too while git only counts. */
    total: z.int().nullable(),
    bytes: z.int().nullable(),
    bytes_per_second: z.int().nullable(),
  })
  .meta({ id: "MirrorProgress" });
export type MirrorProgressAnswer = z.infer<typeof mirrorProgressSchema>;

/** What the event `end` of the progress stream carries. */
export const mirrorUpdateEndSchema = mirrorUpdateSchema
  .pick({
    id: true,
    mirror_id: true,
    trigger: true,
    status: true,
    started_at: true,
    finished_at: true,
    error: true,
    counts: true,
  })
  .meta({ id: "MirrorUpdateEnd" });
export type MirrorUpdateEndAnswer = z.infer<typeof mirrorUpdateEndSchema>;

export const mirrorListParams = z.object({ id: pathOrId });
export const mirrorParams = z.object({ id: pathOrId, mirror_id: rowId });
export const mirrorUpdateListParams = mirrorParams.extend(pageParams);
export const mirrorUpdateParams = mirrorParams.extend({
  update_id: integer,
  /** Only refs with one of these outcomes. */
  outcome: wordList(REF_OUTCOMES).optional(),
  /** One page of the refs; without them all. */
  ...optionalPageParams,
});
export const mirrorProgressParams = mirrorParams.extend({
  /** Streams: the first update with a higher id is the one to follow, also when it has ended by now. */
  after: optionalInteger,
});

/** What starting an update answers. */
export const mirrorStartSchema = z
  .object({
    status: z.enum(["queued", "running", "later"]),
    next_update_at: timestamp.nullable(),
  })
  .meta({ id: "MirrorStart" });

/** What a webhook that starts no update is answered: a test, or one that tells of nothing that the mirror carries. */
export const mirrorHookHeardSchema = z.object({ message: z.string() }).meta({ id: "MirrorHookHeard" });
export type MirrorHookHeardAnswer = z.infer<typeof mirrorHookHeardSchema>;
export type MirrorStartAnswer = z.infer<typeof mirrorStartSchema>;

const options = {
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

const settings = {
  enabled: optionalFlag,
  auth_user: nullableText,
  auth_password: nullableText,
  auth_method: optionalWord(AUTH_METHODS),
  ...sshAttributes,
  /** A named credential, in place of `auth_user` and `auth_password`; null: none. */
  credential_id: nullableRowId,
  /** PEM; null and empty take it away. */
  ca_certificates: nullableText,
  /**
   * PEM, both together: its chain may follow it; the key without a passphrase. Null takes both away. The certificate that
   * is stored may come back without its key.
   */
  client_certificate: nullableText,
  client_key: nullableText,
  ...options,
} as const;

export const newMirrorParams = z.object({
  id: pathOrId,
  direction: z.enum(MIRROR_DIRECTIONS),
  url: text,
  ...settings,
});
export const mirrorChangeParams = mirrorParams.extend({ url: optionalText, ...settings });
/** Options in the place of the mirror's own, to see what they would do. */
export const mirrorPreviewParams = mirrorParams.extend(options);
export const mirrorSyncParams = mirrorParams.extend({ force: optionalFlag });

/** What an update would do with one ref, or why it would leave it alone. */
export const previewedRefSchema = z
  .object({
    ref: z.string(),
    outcome: z.enum(REF_OUTCOMES),
    old_oid: z.string().nullable(),
    new_oid: z.string().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: "PreviewedRef" });

/** What an update would do now. No ref has changed by it. */
export const mirrorPreviewSchema = z
  .object({
    mirror_id: z.int(),
    /** Every ref that would be looked at, by what would become of it. Always exact. */
    counts: z.record(z.enum(REF_OUTCOMES), z.int()),
    /** Those that would change, in their order, and those that would be left behind; at most 10,000. */
    refs: z.array(previewedRefSchema),
    notes: z.array(z.string()),
    /** What would make the update fail. */
    failures: z.array(z.string()),
  })
  .meta({ id: "MirrorPreview" });
export type MirrorPreviewAnswer = z.infer<typeof mirrorPreviewSchema>;
