-- What projects tell others: webhooks, the pipelines that they trigger, and each request that is sent for them; and what
-- others tell mirrors.

create table hooks (
  id integer generated always as identity primary key,
  project_id integer not null references projects (id) on delete cascade,
  -- with {name} where a value of hook_secrets is put in
  url text not null,
  name text,
  description text,
  enable_ssl_verification boolean not null default true,
  -- of the events, those that it is told of; GitLab's others are kept and never happen here
  events text[] not null,
  push_events_branch_filter text,
  branch_filter_strategy text not null default 'wildcard'
    check (branch_filter_strategy in ('wildcard', 'regex', 'all_branches')),
  custom_webhook_template text,
  -- deliveries in a row that failed
  failure_count integer not null default 0,
  -- times in a row that it was switched off for a while
  backoff_count integer not null default 0,
  -- infinity: for good, until a test goes well
  disabled_until timestamptz,
  created_by integer references users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index hooks_of_project on hooks (project_id, id);

create table pipeline_triggers (
  id integer generated always as identity primary key,
  project_id integer not null references projects (id) on delete cascade,
  kind text not null
    check (kind in ('gitlab', 'github', 'gitea', 'forgejo', 'woodpecker', 'jenkins', 'generic')),
  name text not null,
  url text not null,
  enabled boolean not null default true,
  enable_ssl_verification boolean not null default true,
  ref_filter text,
  -- what the kind needs besides: workflow, inputs, variables
  options jsonb not null default '{}',
  failure_count integer not null default 0,
  backoff_count integer not null default 0,
  disabled_until timestamptz,
  created_by integer references users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index pipeline_triggers_of_project on pipeline_triggers (project_id, id);

-- Tokens, values of headers and of parts of URLs: all that may be a secret.
create table hook_secrets (
  id integer generated always as identity primary key,
  hook_id integer references hooks (id) on delete cascade,
  pipeline_trigger_id integer references pipeline_triggers (id) on delete cascade,
  kind text not null check (kind in ('token', 'signing_token', 'header', 'url_variable')),
  -- of a header or a part of the URL: its name
  name text not null default '',
  value_sealed bytea not null,
  value_key_id text not null,
  check (num_nonnulls(hook_id, pipeline_trigger_id) = 1)
);
create unique index hook_secrets_of_hook on hook_secrets (hook_id, kind, name) where hook_id is not null;
create unique index hook_secrets_of_pipeline_trigger on hook_secrets (pipeline_trigger_id, kind, name)
  where pipeline_trigger_id is not null;
create index hook_secrets_key on hook_secrets (value_key_id);

-- One for each request that is to be sent, and what came of it. None of the secrets is in here.
create table deliveries (
  id bigint generated always as identity primary key,
  project_id integer not null references projects (id) on delete cascade,
  hook_id integer references hooks (id) on delete cascade,
  pipeline_trigger_id integer references pipeline_triggers (id) on delete cascade,
  event text not null,
  -- the same for all deliveries of one event, and for a delivery that is sent again
  event_uuid text not null,
  idempotency_key text not null,
  payload text not null,
  url text,
  request_headers jsonb,
  response_status integer,
  response_headers jsonb,
  response_body text,
  -- seconds
  execution_duration double precision,
  error text,
  attempts integer not null default 0,
  -- null: delivered, or given up
  next_attempt_at timestamptz,
  -- until then somebody is at it
  leased_until timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check (num_nonnulls(hook_id, pipeline_trigger_id) = 1)
);
create index deliveries_waiting on deliveries (next_attempt_at) where next_attempt_at is not null;
create index deliveries_of_hook on deliveries (hook_id, id desc) where hook_id is not null;
create index deliveries_of_pipeline_trigger on deliveries (pipeline_trigger_id, id desc)
  where pipeline_trigger_id is not null;
create index deliveries_of_project on deliveries (project_id);
create index deliveries_finished on deliveries (finished_at) where finished_at is not null;

-- With what another forge signs what it tells a mirror.
create table mirror_hook_secrets (
  mirror_id integer primary key references mirrors (id) on delete cascade,
  secret_sealed bytea not null,
  secret_key_id text not null,
  created_by integer references users (id) on delete set null,
  created_at timestamptz not null default now()
);

-- What was told lately: the same once more is a replay.
create table mirror_hook_messages (
  mirror_id integer not null references mirrors (id) on delete cascade,
  digest bytea not null,
  received_at timestamptz not null default now(),
  primary key (mirror_id, digest)
);
create index mirror_hook_messages_age on mirror_hook_messages (received_at);

alter table mirrors
  add column hook_received_at timestamptz,
  -- changes in a row that polling found and no hook had told of
  add column hook_missed_count integer not null default 0,
  add column hook_missed_at timestamptz;

-- How many requests the API takes, of an address without a token and of a user; GitLab's names and numbers.
alter table instance_settings
  add column throttle_unauthenticated_api_enabled boolean not null default true,
  add column throttle_unauthenticated_api_requests_per_period integer not null default 3600
    check (throttle_unauthenticated_api_requests_per_period > 0),
  add column throttle_unauthenticated_api_period_in_seconds integer not null default 3600
    check (throttle_unauthenticated_api_period_in_seconds > 0),
  add column throttle_authenticated_api_enabled boolean not null default false,
  add column throttle_authenticated_api_requests_per_period integer not null default 7200
    check (throttle_authenticated_api_requests_per_period > 0),
  add column throttle_authenticated_api_period_in_seconds integer not null default 3600
    check (throttle_authenticated_api_period_in_seconds > 0);

-- When the secret was shown that a first code is to confirm; null: nothing is to be confirmed.
alter table users add column totp_begun_at timestamptz;
update users set totp_begun_at = now() where totp_secret_sealed is not null and totp_confirmed_at is null;

-- How long the audit log keeps its events; 0: for ever.
alter table instance_settings
  add column audit_event_retention_days integer not null default 0 check (audit_event_retention_days >= 0);

-- Whether somebody was told that the token expires soon.
alter table access_tokens
  add column expiry_told boolean not null default false;
create index access_tokens_expiring on access_tokens (expires_at)
  where expires_at is not null and not revoked and not expiry_told;

alter table projects
  add column topics text[] not null default '{}',
  -- attributes that GitLab's clients set and read back, and that mean nothing here
  add column kept_attributes jsonb not null default '{}';
-- For long lists of projects, by page and by keyset.
create index projects_by_name on projects (name, id);
create index projects_by_path on projects (path, id);
create index projects_by_creation on projects (created_at, id);
create index projects_by_change on projects (updated_at, id);
create index projects_by_activity on projects (last_activity_at, id);
create index projects_public on projects (id) where visibility = 'public';
drop index events_author;
create index events_author on events (author_id, created_at desc, id desc);
