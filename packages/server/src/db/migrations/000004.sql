-- Accounts, roles and keys: who may come in, by which door, and what they may do there.

-- Groups. The way from the root to each namespace, itself included, so that who is a member above it is found at once.
alter table namespaces
  add column traversal_ids integer[],
  -- of a group; a user's own namespace is as visible as the user
  add column visibility text check (visibility in ('private', 'internal', 'public')),
  add column description text;
with recursive paths as (
  select id, array[id] as ids from namespaces where parent_id is null
  union all
  select below.id, paths.ids || below.id from namespaces below join paths on below.parent_id = paths.id
)
update namespaces set traversal_ids = paths.ids from paths where paths.id = namespaces.id;
-- Until now everybody who was signed in saw all groups; one with public projects below it shows its name by them.
update namespaces set visibility = case
    when exists (
      select from projects join namespaces home on home.id = projects.namespace_id
      where namespaces.id = any (home.traversal_ids) and projects.visibility = 'public'
    ) then 'public' else 'internal' end
  where kind = 'group';
alter table namespaces
  alter column traversal_ids set not null,
  add check ((kind = 'group') = (visibility is not null));
create index namespaces_traversal on namespaces using gin (traversal_ids);
create index namespaces_parent on namespaces (parent_id) where parent_id is not null;

create table members (
  id integer generated always as identity primary key,
  -- of a group, and so of all below it, or of one project
  namespace_id integer references namespaces (id) on delete cascade,
  project_id integer references projects (id) on delete cascade,
  user_id integer not null references users (id) on delete cascade,
  access_level integer not null check (access_level in (10, 20, 30, 40, 50)),
  -- the first day without it
  expires_at date,
  created_by integer references users (id) on delete set null,
  created_at timestamptz not null default now(),
  check ((namespace_id is null) <> (project_id is null)),
  unique (namespace_id, user_id),
  unique (project_id, user_id)
);
create index members_user on members (user_id);

-- Tokens. Those of a project or a group act as a user of their own, a bot, who is its member.
alter table users
  add column is_token_bot boolean not null default false,
  -- what the bot belongs to, and goes with
  add column token_bot_of_project_id integer references projects (id) on delete cascade,
  add column token_bot_of_namespace_id integer references namespaces (id) on delete cascade,
  add check (is_token_bot = (num_nonnulls(token_bot_of_project_id, token_bot_of_namespace_id) = 1)),
  -- RFC 6238: the secret, sealed; in force once it was confirmed by a first code
  add column totp_secret_sealed bytea,
  add column totp_key_id text,
  add column totp_confirmed_at timestamptz,
  -- the last time step of which a code was taken: no code is good twice
  add column totp_last_step bigint,
  add check ((totp_secret_sealed is null) = (totp_key_id is null)),
  add check (totp_confirmed_at is null or totp_secret_sealed is not null);
create index users_token_bot_of_project on users (token_bot_of_project_id)
  where token_bot_of_project_id is not null;
create index users_token_bot_of_namespace on users (token_bot_of_namespace_id)
  where token_bot_of_namespace_id is not null;

alter table instance_settings
  add column require_two_factor_authentication boolean not null default false;

alter table access_tokens
  add column description text,
  -- what its bot is a member of; both null: a personal token
  add column project_id integer references projects (id) on delete cascade,
  add column namespace_id integer references namespaces (id) on delete cascade,
  add column created_by integer references users (id) on delete set null,
  -- the first of the tokens that came of each other by rotation; null: this one
  add column family_id integer,
  add check (project_id is null or namespace_id is null);
create index access_tokens_family on access_tokens (family_id) where family_id is not null;
create index access_tokens_project on access_tokens (project_id) where project_id is not null;
create index access_tokens_namespace on access_tokens (namespace_id) where namespace_id is not null;

-- Can start one mirror, and do nothing else.
create table mirror_trigger_tokens (
  id integer generated always as identity primary key,
  mirror_id integer not null references mirrors (id) on delete cascade,
  name text not null,
  digest bytea not null unique,
  created_by integer references users (id) on delete set null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz
);
create index mirror_trigger_tokens_mirror on mirror_trigger_tokens (mirror_id);

-- SSH keys that let somebody in here: of a user, or of the projects that they are given to. One key is one identity.
create table ssh_keys (
  id integer generated always as identity primary key,
  kind text not null check (kind in ('user', 'deploy')),
  user_id integer references users (id) on delete cascade,
  title text not null,
  -- one line, as it was given: type, base64, comment
  key text not null,
  fingerprint_sha256 text not null unique,
  fingerprint_md5 text not null,
  created_by integer references users (id) on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  check ((kind = 'user') = (user_id is not null))
);
create index ssh_keys_user on ssh_keys (user_id) where user_id is not null;
create index ssh_keys_fingerprint_md5 on ssh_keys (fingerprint_md5);

create table deploy_key_projects (
  ssh_key_id integer not null references ssh_keys (id) on delete cascade,
  project_id integer not null references projects (id) on delete cascade,
  can_push boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (ssh_key_id, project_id)
);
create index deploy_key_projects_project on deploy_key_projects (project_id);

-- Sign-in. A session is known by the digest of its secret, which is in a cookie and nowhere else.
create table sessions (
  id bigint generated always as identity primary key,
  digest bytea not null unique,
  -- the secret before this one, good for a moment after a rotation: requests that were under way had it
  previous_digest bytea unique,
  -- whether the new secret has come back since; until then the one before stays good: the answer may have been lost
  rotation_confirmed boolean not null default true,
  -- what the pages of this session send with each change; of no use without the secret
  csrf_token text not null,
  user_id integer not null references users (id) on delete cascade,
  created_at timestamptz not null,
  rotated_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- whatever is done with it, it ends then
  expires_at timestamptz not null,
  address text,
  user_agent text,
  method text not null check (method in ('password', 'oidc'))
);
create index sessions_user on sessions (user_id);
create index sessions_expiring on sessions (expires_at);

-- Failed sign-ins in a row, of an account and from an address.
create table sign_in_failures (
  key text primary key,
  failures integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  blocked_until timestamptz
);

-- From where somebody signed in with their password: strangers who guess at the account do not lock them out there.
create table sign_in_addresses (
  user_id integer not null references users (id) on delete cascade,
  network text not null,
  last_at timestamptz not null,
  primary key (user_id, network)
);

create table recovery_codes (
  user_id integer not null references users (id) on delete cascade,
  digest bytea not null,
  primary key (user_id, digest)
);

-- Who somebody is at an OpenID Connect provider.
create table identities (
  id integer generated always as identity primary key,
  user_id integer not null references users (id) on delete cascade,
  issuer text not null,
  subject text not null,
  created_at timestamptz not null default now(),
  unique (issuer, subject),
  unique (user_id, issuer)
);

-- Protected branches and tags: who may do what to them. A row names a role, or one user, group or deploy key.
alter table protected_branches
  add column allow_force_push boolean not null default false;
create table protected_branch_access_levels (
  id integer generated always as identity primary key,
  protected_branch_id integer not null references protected_branches (id) on delete cascade,
  -- merge: kept for GitLab's clients; there are no merge requests
  action text not null check (action in ('push', 'merge', 'unprotect')),
  access_level integer check (access_level in (0, 30, 40, 60)),
  user_id integer references users (id) on delete cascade,
  group_id integer references namespaces (id) on delete cascade,
  deploy_key_id integer references ssh_keys (id) on delete cascade,
  check (num_nonnulls(access_level, user_id, group_id, deploy_key_id) = 1)
);
create index protected_branch_access_levels_branch on protected_branch_access_levels (protected_branch_id);
create index protected_branch_access_levels_user on protected_branch_access_levels (user_id) where user_id is not null;
create index protected_branch_access_levels_group on protected_branch_access_levels (group_id) where group_id is not null;
create index protected_branch_access_levels_deploy_key on protected_branch_access_levels (deploy_key_id) where deploy_key_id is not null;
insert into protected_branch_access_levels (protected_branch_id, action, access_level)
  select id, action, 40 from protected_branches, unnest(array['push', 'merge']) as action;

create table protected_tag_access_levels (
  id integer generated always as identity primary key,
  protected_tag_id integer not null references protected_tags (id) on delete cascade,
  access_level integer check (access_level in (0, 30, 40, 60)),
  user_id integer references users (id) on delete cascade,
  group_id integer references namespaces (id) on delete cascade,
  deploy_key_id integer references ssh_keys (id) on delete cascade,
  check (num_nonnulls(access_level, user_id, group_id, deploy_key_id) = 1)
);
create index protected_tag_access_levels_tag on protected_tag_access_levels (protected_tag_id);
create index protected_tag_access_levels_user on protected_tag_access_levels (user_id) where user_id is not null;
create index protected_tag_access_levels_group on protected_tag_access_levels (group_id) where group_id is not null;
create index protected_tag_access_levels_deploy_key on protected_tag_access_levels (deploy_key_id) where deploy_key_id is not null;
insert into protected_tag_access_levels (protected_tag_id, access_level)
  select id, create_access_level from protected_tags;
alter table protected_tags drop column create_access_level;

-- Minutes that a session may go unused. GitLab's default: a week.
alter table instance_settings
  add column session_expire_delay integer not null default 10080 check (session_expire_delay > 0);

-- What clients may push. Of a project null means: as the instance says.
alter table instance_settings
  -- GitLab's numbers: 0 none, 1 developers push, 2 maintainers push, 3 as 2 but developers merge, 4 as 2 after the first push
  add column default_branch_protection integer not null default 2 check (default_branch_protection between 0 and 4),
  -- bytes; 0: no limit
  add column max_file_size bigint not null default 0 check (max_file_size >= 0),
  add column max_push_size bigint not null default 0 check (max_push_size >= 0);

alter table projects
  add column max_file_size bigint check (max_file_size >= 0),
  add column max_push_size bigint check (max_push_size >= 0),
  -- of a client, to a branch that the pull mirror writes
  add column pushes_to_mirrored_branches text not null default 'warn'
    check (pushes_to_mirrored_branches in ('allow', 'warn', 'refuse')),
  -- Whether the default branch got its protection when it first came; projects from before are left as they are.
  add column default_branch_was_protected boolean not null default true;
alter table projects alter column default_branch_was_protected set default false;

-- Who did what, from where, to which object. Rows outlive what they speak of, so nothing is referenced.
create table audit_events (
  id bigint generated always as identity primary key,
  created_at timestamptz not null,
  author_id integer,
  author_name text not null,
  -- personal, project or group token, or key, by which the author came in
  authenticated_by text,
  address text,
  door text check (door in ('http', 'ssh', 'cli', 'internal')),
  action text not null,
  -- what it is filed under
  entity_type text not null check (entity_type in ('Instance', 'User', 'Group', 'Project')),
  entity_id integer,
  entity_path text,
  -- the object itself
  target_type text,
  target_id bigint,
  target_details text,
  details jsonb not null default '{}'
);
create index audit_events_created on audit_events (created_at, id);
create index audit_events_entity on audit_events (entity_type, entity_id, id desc);
create index audit_events_author on audit_events (author_id, id desc);
