/** The closed word lists of the product, shared by server, UI and CLI. `docs/glossary.md` explains them. */

export const MIRROR_DIRECTIONS = ["pull", "push"] as const;
export type MirrorDirection = (typeof MIRROR_DIRECTIONS)[number];

/** GitLab's status words of a mirror. Push mirrors never are `scheduled` there; here they may be. */
export const UPDATE_STATUSES = ["none", "scheduled", "started", "finished", "failed", "to_retry"] as const;
export type UpdateStatus = (typeof UPDATE_STATUSES)[number];

/** What started an update. */
export const UPDATE_TRIGGERS = [
  "push",
  "pull",
  "schedule",
  "manual",
  "configured",
  "retry",
  "recovery",
] as const;
export type UpdateTrigger = (typeof UPDATE_TRIGGERS)[number];

/** How a mirror shows who it is, by GitLab's names. */
export const AUTH_METHODS = ["password", "ssh_public_key"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** What a credential is: user name and password or token, or an SSH key pair. */
export const CREDENTIAL_KINDS = ["password", "ssh_key"] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** What is kept sealed of a mirror; `client_key` is that of its client certificate, `hook_secret` signs webhooks to it. */
export const SECRET_KINDS = [...CREDENTIAL_KINDS, "client_key", "hook_secret"] as const;
export type SecretKind = (typeof SECRET_KINDS)[number];

/** What is kept sealed at all: the secrets of mirrors, of people the second factor, and what hooks and pipeline triggers show. */
export const SEALED_KINDS = [...SECRET_KINDS, "second_factor", "hook"] as const;
export type SealedKind = (typeof SEALED_KINDS)[number];

/** Key pairs that are made here. */
export const SSH_KEY_TYPES = ["ed25519", "rsa"] as const;
export type SshKeyType = (typeof SSH_KEY_TYPES)[number];

/** What incoming objects are checked for: `off`: that they are whole; `error`, `warn`: git's fsck of this severity and above refuses them. */
export const FSCK_SEVERITIES = ["off", "error", "warn"] as const;
export type FsckSeverity = (typeof FSCK_SEVERITIES)[number];

/** Why a mirror waits for somebody. `docs/mirroring/watching.md` says what to do about each. */
export const ATTENTION_REASONS = [
  "needs-secret",
  "host-key-revoked",
  "host-key-changed",
  "host-key-missing",
  "ssh-key-refused",
  "credential-refused",
  "credential-expired",
  "credential-expires-soon",
  "paused",
] as const;
export type AttentionReason = (typeof ATTENTION_REASONS)[number];

/** What a mirror does with refs that its source no longer has (`mirror_deletions`). */
export const MIRROR_DELETIONS = ["default", "never", "always"] as const;
export type MirrorDeletions = (typeof MIRROR_DELETIONS)[number];

/** Who sees a project or group: its members, whoever is signed in, everybody. */
export const VISIBILITIES = ["private", "internal", "public"] as const;
export type Visibility = (typeof VISIBILITIES)[number];

/** What becomes of a client's push to a branch that the pull mirror writes. */
export const PUSHES_TO_MIRRORED_BRANCHES = ["allow", "warn", "refuse"] as const;
export type PushesToMirroredBranches = (typeof PUSHES_TO_MIRRORED_BRANCHES)[number];

/** What an access token is good for; without `admin_mode` an admin's does no more than anybody's. */
export const TOKEN_SCOPES = [
  "api",
  "read_api",
  "read_repository",
  "write_repository",
  "admin_mode",
  "sudo",
] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** What the token of a project or a group may have: its bot is no admin. */
export const RESOURCE_TOKEN_SCOPES = [
  "api",
  "read_api",
  "read_repository",
  "write_repository",
] as const satisfies readonly TokenScope[];

/** GitLab's numbers for what a member is: guest, reporter, developer, maintainer, owner. */
export const ACCESS_LEVEL_NUMBERS = [10, 20, 30, 40, 50] as const;

/** What became of one ref in one update. */
export const REF_OUTCOMES = [
  "created",
  "fast-forward",
  "forced",
  "deleted",
  "up-to-date",
  "diverged",
  "held",
  "rejected",
  "skipped",
] as const;
export type RefOutcome = (typeof REF_OUTCOMES)[number];

/** Why a ref was refused, as far as the remote's words tell. */
export const REJECTION_REASONS = [
  "protected-branch",
  "hidden-ref",
  "file-too-large",
  "push-too-large",
  "hook-declined",
  "email-privacy",
  "missing-workflow-scope",
  "secret-found",
  "lfs-objects-missing",
  "name-conflict",
  "stale-lease",
  "not-fast-forward",
  "default-branch",
  "read-only",
  "quota",
  "corrupt-object",
  "broken-off",
  "other",
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** What happens here that a hook can be told of; `mirror_update_events` is ours. */
export const FIRED_HOOK_EVENTS = [
  "push_events",
  "tag_push_events",
  "repository_update_events",
  "mirror_update_events",
] as const;
export type FiredHookEvent = (typeof FIRED_HOOK_EVENTS)[number];

/** All switches of a hook. GitLab's others are kept for clients that compare, and never happen here. */
export const HOOK_EVENTS = [
  ...FIRED_HOOK_EVENTS,
  "merge_requests_events",
  "issues_events",
  "confidential_issues_events",
  "note_events",
  "confidential_note_events",
  "job_events",
  "pipeline_events",
  "wiki_page_events",
  "deployment_events",
  "releases_events",
  "milestone_events",
  "emoji_events",
  "feature_flag_events",
  "resource_access_token_events",
  "resource_deploy_token_events",
  "vulnerability_events",
] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** What became of an update, as hooks are told. */
export const MIRROR_UPDATE_ACTIONS = ["finished", "failed", "paused", "recovered"] as const;
export type MirrorUpdateAction = (typeof MIRROR_UPDATE_ACTIONS)[number];

/** Which pushes a hook is told of, by the branch. */
export const BRANCH_FILTER_STRATEGIES = ["wildcard", "regex", "all_branches"] as const;
export type BranchFilterStrategy = (typeof BRANCH_FILTER_STRATEGIES)[number];

/** Whom a pipeline trigger calls, and so in which form. */
export const PIPELINE_TRIGGER_KINDS = [
  "gitlab",
  "github",
  "gitea",
  "forgejo",
  "woodpecker",
  "jenkins",
  "generic",
] as const;
export type PipelineTriggerKind = (typeof PIPELINE_TRIGGER_KINDS)[number];

/** What a mirror waits for that is not running, or why it never will by itself. */
export const MIRROR_WAITS_FOR = [
  "end-of-run",
  "disabled",
  "archived",
  "silent-mode",
  "unavailable",
  "secret",
  "resume",
  "change",
  "host",
  "time",
  "capacity",
  "host-capacity",
  "node",
] as const;
export type MirrorWaitingFor = (typeof MIRROR_WAITS_FOR)[number];
