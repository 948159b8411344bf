import type {
  AuthMethod,
  MirrorDirection,
  UpdateStatus,
  UpdateTrigger,
  Visibility,
} from "@heliostat/contract";
import type { Generated, GeneratedAlways, JSONColumnType } from "kysely";
import type { RefResult } from "../domain/refs.ts";

/** The tables as Kysely sees them. The source is `migrations/`; `schema.txt` shows what they make. */
export interface Database {
  instance_settings: InstanceSettingsTable;
  users: UsersTable;
  namespaces: NamespacesTable;
  access_tokens: AccessTokensTable;
  projects: ProjectsTable;
  protected_branches: ProtectedBranchesTable;
  mirrors: MirrorsTable;
  mirror_updates: MirrorUpdatesTable;
}

interface InstanceSettingsTable {
  only_row: Generated<boolean>;
  allow_local_requests: Generated<boolean>;
  mirror_available: Generated<boolean>;
  pull_mirror_interval_seconds: Generated<number>;
  pull_mirror_min_interval_seconds: Generated<number>;
  push_mirror_min_interval_seconds: Generated<number>;
}

interface UsersTable {
  id: GeneratedAlways<number>;
  username: string;
  name: string;
  email: string;
  password_hash: string | null;
  is_admin: Generated<boolean>;
  state: Generated<"active" | "blocked">;
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
  created_at: Generated<Date>;
}

interface AccessTokensTable {
  id: GeneratedAlways<number>;
  user_id: number;
  name: string;
  digest: Buffer;
  scopes: string[];
  revoked: Generated<boolean>;
  created_at: Generated<Date>;
  last_used_at: Date | null;
  expires_at: Date | null;
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
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  last_activity_at: Generated<Date>;
}

interface ProtectedBranchesTable {
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
  username: string | null;
  password_sealed: Buffer | null;
  password_key_id: string | null;
  only_protected_branches: Generated<boolean>;
  branch_regex: string | null;
  keep_divergent_refs: Generated<boolean>;
  overwrites_diverged_branches: Generated<boolean>;
  trigger_builds: Generated<boolean>;
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
  requested_at: Date | null;
  requested_trigger: UpdateTrigger | null;
  lease_token: string | null;
  lease_expires_at: Date | null;
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
}
