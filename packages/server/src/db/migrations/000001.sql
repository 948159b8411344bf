-- The ground floor: accounts, projects, mirrors and their updates.
-- Times are instants; ids are ours and are never reused; text is what people or remotes gave us, checked before.

create table instance_settings (
  -- one row, for ever
  only_row boolean primary key default true check (only_row),
  allow_local_requests boolean not null default false,
  mirror_available boolean not null default true,
  pull_mirror_interval_seconds integer not null default 1800 check (pull_mirror_interval_seconds > 0),
  pull_mirror_min_interval_seconds integer not null default 60 check (pull_mirror_min_interval_seconds >= 0),
  push_mirror_min_interval_seconds integer not null default 5 check (push_mirror_min_interval_seconds >= 0)
);

create table users (
  id integer generated always as identity primary key,
  username text not null,
  name text not null,
  email text not null,
  -- argon2id in PHC form; null: no sign-in by password
  password_hash text,
  is_admin boolean not null default false,
  state text not null default 'active' check (state in ('active', 'blocked')),
  created_at timestamptz not null default now()
);
create unique index users_username on users (lower(username));
create unique index users_email on users (lower(email));

create table namespaces (
  id integer generated always as identity primary key,
  kind text not null check (kind in ('user', 'group')),
  name text not null,
  path text not null,
  full_path text not null,
  parent_id integer references namespaces (id),
  owner_id integer references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  check ((kind = 'user') = (owner_id is not null))
);
create unique index namespaces_full_path on namespaces (lower(full_path));

create table access_tokens (
  id integer generated always as identity primary key,
  user_id integer not null references users (id) on delete cascade,
  name text not null,
  -- SHA-256 of the secret: tokens are long and random, so a slow hash would buy nothing
  digest bytea not null unique,
  scopes text[] not null,
  revoked boolean not null default false,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz
);
create index access_tokens_user on access_tokens (user_id);

create table projects (
  id integer generated always as identity primary key,
  namespace_id integer not null references namespaces (id),
  name text not null,
  path text not null,
  description text,
  visibility text not null check (visibility in ('private', 'internal', 'public')),
  archived boolean not null default false,
  creator_id integer references users (id) on delete set null,
  -- see Project.refsGeneration
  refs_generation bigint not null default 0,
  refs_writers integer not null default 0 check (refs_writers >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_activity_at timestamptz not null default now()
);
create unique index projects_path on projects (namespace_id, lower(path));

create table protected_branches (
  id integer generated always as identity primary key,
  project_id integer not null references projects (id) on delete cascade,
  name text not null,
  created_at timestamptz not null default now(),
  unique (project_id, name)
);

create table mirrors (
  id integer generated always as identity primary key,
  project_id integer not null references projects (id) on delete cascade,
  direction text not null check (direction in ('pull', 'push')),
  enabled boolean not null,
  -- without user name and password
  url text not null,
  url_had_userinfo boolean not null default false,
  auth_method text not null default 'password' check (auth_method in ('password', 'ssh_public_key')),
  username text,
  -- AES-256-GCM; the key with this id is in the secrets file
  password_sealed bytea,
  password_key_id text,
  only_protected_branches boolean not null default false,
  branch_regex text,
  keep_divergent_refs boolean not null default false,
  overwrites_diverged_branches boolean not null default false,
  trigger_builds boolean not null default false,
  user_id integer references users (id) on delete set null,
  update_status text not null default 'none'
    check (update_status in ('none', 'scheduled', 'started', 'finished', 'failed', 'to_retry')),
  last_error text,
  last_update_at timestamptz,
  last_update_started_at timestamptz,
  last_successful_update_at timestamptz,
  retry_count integer not null default 0,
  next_check_at timestamptz,
  applied_digest text,
  applied_generation bigint,
  -- the wish for an update: kept here so that it outlives a crash and a lost queue
  requested_at timestamptz,
  requested_trigger text,
  -- the lease of the run that is under way: a token that only that run knows, and when it lapses
  lease_token uuid,
  lease_expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((password_sealed is null) = (password_key_id is null))
);
create index mirrors_project on mirrors (project_id);
create unique index mirrors_one_pull_mirror on mirrors (project_id) where direction = 'pull';
create index mirrors_due on mirrors (next_check_at) where enabled;
create index mirrors_requested on mirrors (requested_at) where requested_at is not null;

create table mirror_updates (
  id bigint generated always as identity primary key,
  mirror_id integer not null references mirrors (id) on delete cascade,
  trigger text not null,
  status text not null check (status in ('started', 'finished', 'failed', 'cancelled')),
  started_at timestamptz not null,
  finished_at timestamptz,
  error text,
  -- one object a ref that changed or was held: {ref, outcome, old, new, message}
  results jsonb not null default '[]',
  notes text[] not null default '{}'
);
create index mirror_updates_mirror on mirror_updates (mirror_id, id desc);
-- no two runs of one mirror are ever under way
create unique index mirror_updates_one_running on mirror_updates (mirror_id) where status = 'started';
