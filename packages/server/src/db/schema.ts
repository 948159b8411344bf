import type {
  AuthMethod,
  BranchFilterStrategy,
  CredentialKind,
  ErrorCode,
  FsckSeverity,
  MirrorDeletions,
  MirrorDirection,
  PipelineTriggerKind,
  PushesToMirroredBranches,
  UpdateStatus,
  UpdateTrigger,
  Visibility,
} from "@heliostat/contract";
import type { KeptAttributes } from "@heliostat/contract/api/kept-attributes.ts";
import type { Generated, GeneratedAlways, JSONColumnType } from "kysely";
import type { AuditEntityType } from "../domain/audit-event.ts";
import type { ExpiryNews } from "../domain/credential.ts";
import type { MirrorHealth, OutcomeCounts, UpdateLogLine, UpdateProgress } from "../domain/mirror.ts";
import type { PipelineOptions } from "../domain/pipeline-trigger.ts";
import type { RefResult } from "../domain/refs.ts";
import type { SignInMethod } from "../domain/session.ts";
import type { Door } from "../domain/user.ts";

/** The tables as Kysely sees them. The source is `migrations/`; `schema.txt` shows what they make. */
export interface Database {
  instance_settings: InstanceSettingsTable;
  users: UsersTable;
  namespaces: NamespacesTable;
  access_tokens: AccessTokensTable;
  projects: ProjectsTable;
  protected_branches: ProtectedBranchesTable;
  protected_tags: ProtectedTagsTable;
  credentials: CredentialsTable;
  mirrors: MirrorsTable;
  mirror_updates: MirrorUpdatesTable;
  remote_hosts: RemoteHostsTable;
  events: EventsTable;
  outgoing_mails: OutgoingMailsTable;
  members: MembersTable;
  mirror_trigger_tokens: MirrorTriggerTokensTable;
  ssh_keys: SshKeysTable;
  deploy_key_projects: DeployKeyProjectsTable;
  sessions: SessionsTable;
  sign_in_failures: SignInFailuresTable;
  sign_in_addresses: SignInAddressesTable;
  recovery_codes: RecoveryCodesTable;
  identities: IdentitiesTable;
  protected_branch_access_levels: ProtectedBranchAccessLevelsTable;
  protected_tag_access_levels: ProtectedTagAccessLevelsTable;
  audit_events: AuditEventsTable;
  hooks: HooksTable;
  pipeline_triggers: PipelineTriggersTable;
  hook_secrets: HookSecretsTable;
  deliveries: DeliveriesTable;
  mirror_hook_secrets: MirrorHookSecretsTable;
  mirror_hook_messages: MirrorHookMessagesTable;
}

interface InstanceSettingsTable {
  only_row: Generated<boolean>;
  session_expire_delay: Generated<number>;
  allow_local_requests: Generated<boolean>;
  mirror_available: Generated<boolean>;
  pull_mirror_interval_seconds: Generated<number>;
  pull_mirror_min_interval_seconds: Generated<number>;
  push_mirror_min_interval_seconds: Generated<number>;
  silent_mode_enabled: Generated<boolean>;
  mirror_max_delay: Generated<number>;
  mirror_max_capacity: Generated<number>;
  mirror_capacity_threshold: Generated<number>;
  mirror_max_updates_per_host: Generated<number>;
  mirror_update_timeout_seconds: Generated<number>;
  mirror_stall_timeout_seconds: Generated<number>;
  mirror_update_retention_days: Generated<number>;
  audit_event_retention_days: Generated<number>;
  repository_size_limit: Generated<number>;
  max_refs: Generated<number>;
  fsck_severity: Generated<FsckSeverity>;
  push_event_activities_limit: Generated<number>;
  push_event_hooks_limit: Generated<number>;
  git_push_pipeline_limit: Generated<number>;
  outbound_allowlist: Generated<string[]>;
  deny_all_requests_except_allowed: Generated<boolean>;
  dns_rebinding_protection_enabled: Generated<boolean>;
  throttle_unauthenticated_api_enabled: Generated<boolean>;
  throttle_unauthenticated_api_requests_per_period: Generated<number>;
  throttle_unauthenticated_api_period_in_seconds: Generated<number>;
  throttle_authenticated_api_enabled: Generated<boolean>;
  throttle_authenticated_api_requests_per_period: Generated<number>;
  throttle_authenticated_api_period_in_seconds: Generated<number>;
  default_branch_protection: Generated<number>;
  max_file_size: Generated<number>;
  max_push_size: Generated<number>;
  require_two_factor_authentication: Generated<boolean>;
}

interface UsersTable {
  id: GeneratedAlways<number>;
  username: string;
  name: string;
  email: string;
  password_hash: string | null;
  is_admin: Generated<boolean>;
  state: Generated<"active" | "blocked">;
  bot_of_project_id: number | null;
  is_token_bot: Generated<boolean>;
  token_bot_of_project_id: number | null;
  token_bot_of_namespace_id: number | null;
  totp_secret_sealed: Buffer | null;
  totp_key_id: string | null;
  totp_begun_at: Date | null;
  totp_confirmed_at: Date | null;
  totp_last_step: number | null;
  created_at: Generated<Date>;
}

interface NamespacesTable {
  id: GeneratedAlways<number>;
  kind: "user" | "group";
  name: string;
  path: string;
  full_path: string;
  parent_id: number | null;
  owner_id: number | null;
  traversal_ids: number[];
  visibility: Visibility | null;
  description: string | null;
  created_at: Generated<Date>;
}

interface AccessTokensTable {
  id: GeneratedAlways<number>;
  user_id: number;
  name: string;
  digest: Buffer;
  scopes: string[];
  description: string | null;
  project_id: number | null;
  namespace_id: number | null;
  created_by: number | null;
  family_id: number | null;
  revoked: Generated<boolean>;
  created_at: Generated<Date>;
  last_used_at: Date | null;
  expires_at: Date | null;
  expiry_told: Generated<boolean>;
}

interface ProjectsTable {
  id: GeneratedAlways<number>;
  namespace_id: number;
  name: string;
  path: string;
  description: string | null;
  visibility: Visibility;
  archived: Generated<boolean>;
  creator_id: number | null;
  refs_generation: Generated<number>;
  refs_writers: Generated<number>;
  pull_mirror_available_overridden: boolean | null;
  remote_mirror_available_overridden: boolean | null;
  housekeeping_until: Date | null;
  repository_size_limit: number | null;
  max_refs: number | null;
  fsck_severity: FsckSeverity | null;
  max_file_size: number | null;
  max_push_size: number | null;
  pushes_to_mirrored_branches: Generated<PushesToMirroredBranches>;
  default_branch_was_protected: Generated<boolean>;
  topics: Generated<string[]>;
  kept_attributes: JSONColumnType<Partial<KeptAttributes>, string | undefined, string>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  last_activity_at: Generated<Date>;
}

interface ProtectedBranchesTable {
  id: GeneratedAlways<number>;
  project_id: number;
  name: string;
  allow_force_push: Generated<boolean>;
  created_at: Generated<Date>;
}

interface ProtectedTagsTable {
  id: GeneratedAlways<number>;
  project_id: number;
  name: string;
  created_at: Generated<Date>;
}

export interface MirrorsTable {
  id: GeneratedAlways<number>;
  project_id: number;
  direction: MirrorDirection;
  enabled: boolean;
  url: string;
  url_had_userinfo: Generated<boolean>;
  auth_method: Generated<AuthMethod>;
  credential_id: number | null;
  known_hosts: Generated<string>;
  host_keys_verified_at: Date | null;
  host_keys_verified_by: number | null;
  ca_certificates: string | null;
  client_certificate: string | null;
  client_key_sealed: Buffer | null;
  client_key_key_id: string | null;
  only_protected_branches: Generated<boolean>;
  branch_regex: string | null;
  keep_divergent_refs: Generated<boolean>;
  overwrites_diverged_branches: Generated<boolean>;
  trigger_builds: Generated<boolean>;
  tags: Generated<string>;
  deletions: Generated<MirrorDeletions>;
  follow_default_branch: Generated<boolean>;
  interval_seconds: number | null;
  adaptive_interval: Generated<boolean>;
  remote_host: Generated<string>;
  user_id: number | null;
  update_status: Generated<UpdateStatus>;
  last_error: string | null;
  last_update_at: Date | null;
  last_update_started_at: Date | null;
  last_successful_update_at: Date | null;
  retry_count: Generated<number>;
  next_check_at: Date | null;
  applied_digest: string | null;
  applied_generation: number | null;
  last_changed_at: Date | null;
  check_claimed_until: Date | null;
  requested_at: Date | null;
  requested_trigger: UpdateTrigger | null;
  requested_by: number | null;
  cancel_requested_at: Date | null;
  cancel_requested_by: number | null;
  last_error_code: ErrorCode | null;
  holds_refs: Generated<boolean>;
  told_health: Generated<MirrorHealth>;
  lease_token: string | null;
  lease_expires_at: Date | null;
  lease_superseded: Generated<boolean>;
  lease_shows_old_secret: Generated<boolean>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  hook_received_at: Date | null;
  hook_missed_count: Generated<number>;
  hook_missed_at: Date | null;
}

export interface CredentialsTable {
  id: GeneratedAlways<number>;
  namespace_id: number | null;
  name: string | null;
  kind: CredentialKind | null;
  mirror_id: number | null;
  username: string | null;
  sealed_username: "alone" | "with-password" | null;
  password_sealed: Buffer | null;
  password_key_id: string | null;
  private_key_sealed: Buffer | null;
  private_key_key_id: string | null;
  public_key: string | null;
  expires_at: Date | null;
  told_expires_at: Date | null;
  told_expiry: ExpiryNews | null;
  rotated_at: Generated<Date>;
  created_by: number | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

interface MirrorUpdatesTable {
  id: GeneratedAlways<number>;
  mirror_id: number;
  trigger: UpdateTrigger;
  status: "started" | "finished" | "failed" | "cancelled";
  started_at: Date;
  finished_at: Date | null;
  error: string | null;
  results: JSONColumnType<RefResult[]>;
  notes: Generated<string[]>;
  user_id: number | null;
  counts: JSONColumnType<OutcomeCounts, string | undefined, string>;
  up_to_date_refs: Generated<string[]>;
  skipped_refs: Generated<string[]>;
  bytes_received: Generated<number>;
  bytes_sent: Generated<number>;
  log: JSONColumnType<UpdateLogLine[], string | undefined, string>;
  progress: JSONColumnType<UpdateProgress | null, string | null | undefined, string | null>;
}

interface RemoteHostsTable {
  host: string;
  failures: number;
  last_error: string;
  failing_since: Date;
  paused_until: Date | null;
  probe_mirror_id: number | null;
  probe_expires_at: Date | null;
}

export interface EventsTable {
  id: GeneratedAlways<number>;
  project_id: number;
  author_id: number | null;
  action: "created" | "pushed" | "removed";
  ref_type: "branch" | "tag";
  ref: string | null;
  ref_count: number | null;
  commit_from: string | null;
  commit_to: string | null;
  commit_count: Generated<number>;
  commit_title: string | null;
  created_at: Date;
}

interface OutgoingMailsTable {
  id: GeneratedAlways<number>;
  recipient: string;
  subject: string;
  body_text: string;
  body_html: string;
  created_at: Date;
  attempts: Generated<number>;
  next_attempt_at: Date | null;
  sent_at: Date | null;
  last_error: string | null;
}

interface MembersTable {
  id: GeneratedAlways<number>;
  namespace_id: number | null;
  project_id: number | null;
  user_id: number;
  access_level: number;
  expires_at: Day | null;
  created_by: number | null;
  created_at: Generated<Date>;
}

/** A calendar day, `2030-01-31`. */
type Day = string;

interface MirrorTriggerTokensTable {
  id: GeneratedAlways<number>;
  mirror_id: number;
  name: string;
  digest: Buffer;
  created_by: number | null;
  created_at: Generated<Date>;
  last_used_at: Date | null;
}

interface SshKeysTable {
  id: GeneratedAlways<number>;
  kind: "user" | "deploy";
  user_id: number | null;
  title: string;
  key: string;
  fingerprint_sha256: string;
  fingerprint_md5: string;
  created_by: number | null;
  created_at: Generated<Date>;
  expires_at: Date | null;
  last_used_at: Date | null;
}

interface DeployKeyProjectsTable {
  ssh_key_id: number;
  project_id: number;
  can_push: Generated<boolean>;
  created_at: Generated<Date>;
}

interface SessionsTable {
  id: GeneratedAlways<number>;
  digest: Buffer;
  previous_digest: Buffer | null;
  rotation_confirmed: Generated<boolean>;
  csrf_token: string;
  user_id: number;
  created_at: Date;
  rotated_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  address: string | null;
  user_agent: string | null;
  method: SignInMethod;
}

interface SignInFailuresTable {
  key: string;
  failures: number;
  first_at: Date;
  last_at: Date;
  blocked_until: Date | null;
}

interface SignInAddressesTable {
  user_id: number;
  network: string;
  last_at: Date;
}

interface RecoveryCodesTable {
  user_id: number;
  digest: Buffer;
}

interface IdentitiesTable {
  id: GeneratedAlways<number>;
  user_id: number;
  issuer: string;
  subject: string;
  created_at: Generated<Date>;
}

interface ProtectedBranchAccessLevelsTable {
  id: GeneratedAlways<number>;
  protected_branch_id: number;
  action: "push" | "merge" | "unprotect";
  access_level: number | null;
  user_id: number | null;
  group_id: number | null;
  deploy_key_id: number | null;
}

interface ProtectedTagAccessLevelsTable {
  id: GeneratedAlways<number>;
  protected_tag_id: number;
  access_level: number | null;
  user_id: number | null;
  group_id: number | null;
  deploy_key_id: number | null;
}

interface AuditEventsTable {
  id: GeneratedAlways<number>;
  created_at: Date;
  author_id: number | null;
  author_name: string;
  authenticated_by: string | null;
  address: string | null;
  door: Door | null;
  action: string;
  entity_type: AuditEntityType;
  entity_id: number | null;
  entity_path: string | null;
  target_type: string | null;
  target_id: number | null;
  target_details: string | null;
  details: JSONColumnType<Record<string, unknown>, string | undefined, string>;
}

export interface HooksTable {
  id: GeneratedAlways<number>;
  project_id: number;
  url: string;
  name: string | null;
  description: string | null;
  enable_ssl_verification: Generated<boolean>;
  events: string[];
  push_events_branch_filter: string | null;
  branch_filter_strategy: Generated<BranchFilterStrategy>;
  custom_webhook_template: string | null;
  failure_count: Generated<number>;
  backoff_count: Generated<number>;
  disabled_until: Date | number | null;
  created_by: number | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

interface PipelineTriggersTable {
  id: GeneratedAlways<number>;
  project_id: number;
  kind: PipelineTriggerKind;
  name: string;
  url: string;
  enabled: Generated<boolean>;
  enable_ssl_verification: Generated<boolean>;
  ref_filter: string | null;
  options: JSONColumnType<PipelineOptions>;
  failure_count: Generated<number>;
  backoff_count: Generated<number>;
  disabled_until: Date | number | null;
  created_by: number | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

interface HookSecretsTable {
  id: GeneratedAlways<number>;
  hook_id: number | null;
  pipeline_trigger_id: number | null;
  kind: "token" | "signing_token" | "header" | "url_variable";
  name: Generated<string>;
  value_sealed: Buffer;
  value_key_id: string;
}

export interface DeliveriesTable {
  id: GeneratedAlways<number>;
  project_id: number;
  hook_id: number | null;
  pipeline_trigger_id: number | null;
  event: string;
  event_uuid: string;
  idempotency_key: string;
  payload: string;
  url: string | null;
  request_headers: JSONColumnType<Readonly<Record<string, string>>> | null;
  response_status: number | null;
  response_headers: JSONColumnType<Readonly<Record<string, string>>> | null;
  response_body: string | null;
  execution_duration: number | null;
  error: string | null;
  attempts: Generated<number>;
  next_attempt_at: Date | null;
  leased_until: Date | null;
  created_at: Generated<Date>;
  finished_at: Date | null;
}

interface MirrorHookSecretsTable {
  mirror_id: number;
  secret_sealed: Buffer;
  secret_key_id: string;
  created_by: number | null;
  created_at: Generated<Date>;
}

interface MirrorHookMessagesTable {
  mirror_id: number;
  digest: Buffer;
  received_at: Generated<Date>;
}
