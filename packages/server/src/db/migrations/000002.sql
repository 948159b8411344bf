-- Mirroring in full: every option, a schedule that knows hosts, a history that says everything, events, mail.

alter table instance_settings
  add column silent_mode_enabled boolean not null default false,
  -- minutes; GitLab's rule: more than 30 and a minute of jitter
  add column mirror_max_delay integer not null default 300 check (mirror_max_delay > 31),
  add column mirror_max_capacity integer not null default 100 check (mirror_max_capacity > 0),
  add column mirror_capacity_threshold integer not null default 50 check (mirror_capacity_threshold > 0),
  add column mirror_max_updates_per_host integer not null default 8 check (mirror_max_updates_per_host > 0),
  add column mirror_update_timeout_seconds integer not null default 10800 check (mirror_update_timeout_seconds > 0),
  add column mirror_stall_timeout_seconds integer not null default 120 check (mirror_stall_timeout_seconds > 0),
  add column mirror_update_retention_days integer not null default 30 check (mirror_update_retention_days > 0),
  add column push_event_activities_limit integer not null default 3 check (push_event_activities_limit >= 0),
  add column push_event_hooks_limit integer not null default 3 check (push_event_hooks_limit >= 0),
  add column git_push_pipeline_limit integer not null default 4 check (git_push_pipeline_limit >= 0),
  add column outbound_allowlist text[] not null default '{}',
  add column deny_all_requests_except_allowed boolean not null default false,
  add column dns_rebinding_protection_enabled boolean not null default true,
  add check (mirror_capacity_threshold <= mirror_max_capacity);

alter table users
  -- the project whose own identity this is: nobody signs in with it
  add column bot_of_project_id integer unique references projects (id) on delete cascade;

alter table projects
  -- null: as the instance setting `mirror_available` says
  add column pull_mirror_available_overridden boolean,
  add column remote_mirror_available_overridden boolean,
  -- until then a node puts the repository in order; others keep off
  add column housekeeping_until timestamptz;

create table protected_tags (
  id integer generated always as identity primary key,
  project_id integer not null references projects (id) on delete cascade,
  name text not null,
  -- GitLab's numbers: 0 no one, 30 developers, 40 maintainers
  create_access_level integer not null default 40 check (create_access_level in (0, 30, 40)),
  created_at timestamptz not null default now(),
  unique (project_id, name)
);

alter table mirrors
  -- `all`, `none`, or an RE2 regex
  add column tags text not null default 'all',
  add column deletions text not null default 'default' check (deletions in ('default', 'never', 'always')),
  add column follow_default_branch boolean not null default false,
  -- null: as the instance setting says
  add column interval_seconds integer check (interval_seconds > 0),
  add column adaptive_interval boolean not null default false,
  -- host and port of the URL: what the limits on hosts count by
  add column remote_host text not null default '',
  -- when an update last changed a ref: what an adaptive interval goes by
  add column last_changed_at timestamptz,
  add column requested_by integer references users (id) on delete set null,
  add column cancel_requested_at timestamptz,
  add column cancel_requested_by integer references users (id) on delete set null,
  -- the run under way is one of a URL that the mirror no longer has: it may record nothing, and the next one waits for
  -- it to let the lease go
  add column lease_superseded boolean not null default false,
  -- code of the last error: whether one and the same trouble came twice
  add column last_error_code text,
  -- the last run came to its end and left refs held or diverged: it stays failed while nothing changes
  add column holds_refs boolean not null default false,
  -- what `next_check_at` was set to when the mirror was last given out for a check: as long as both are the same, and
  -- lie ahead, that is under way
  add column check_claimed_until timestamptz,
  -- what people were last told of the mirror by mail
  add column told_health text not null default 'good' check (told_health in ('good', 'failed', 'paused'));

update mirrors set remote_host = lower(parts[2]) || ':' ||
    coalesce(parts[3], case parts[1] when 'http' then '80' when 'https' then '443' when 'ssh' then '22' else '9418' end)
  from (
    select id, regexp_match(url, '^([a-z]+)://(?:[^/?#]*@)?(\[[^\]]*\]|[^:/?#]*)(?::([0-9]+))?') as parts from mirrors
  ) as split
  where split.id = mirrors.id and parts is not null;

-- Every mirror that is on has a next step from now on: what never ran, or pushes, had no time to look at it.
update mirrors set next_check_at = now() where next_check_at is null and (direction = 'push' or retry_count <= 14);

create index mirrors_running on mirrors (remote_host) where lease_token is not null;

alter table mirror_updates
  -- who asked for it; null: nobody did, or they are gone
  add column user_id integer references users (id) on delete set null,
  -- outcome → number of refs, all of them, whether or not they are named
  add column counts jsonb not null default '{}',
  -- refs without a change, by name: at most a thousand each
  add column up_to_date_refs text[] not null default '{}',
  add column skipped_refs text[] not null default '{}',
  add column bytes_received bigint not null default 0,
  add column bytes_sent bigint not null default 0,
  -- {at, text}
  add column log jsonb not null default '[]',
  -- how far it is, while it runs
  add column progress jsonb;
create index mirror_updates_started on mirror_updates (started_at);
-- Whoever removes a user asks for it.
create index mirror_updates_user on mirror_updates (user_id) where user_id is not null;

-- A host that did not answer; one that works has no row.
create table remote_hosts (
  host text primary key,
  failures integer not null,
  last_error text not null,
  failing_since timestamptz not null,
  -- null: its mirrors run as ever
  paused_until timestamptz,
  -- the one mirror that may try it meanwhile
  probe_mirror_id integer references mirrors (id) on delete set null,
  probe_expires_at timestamptz
);

create table events (
  id bigint generated always as identity primary key,
  project_id integer not null references projects (id) on delete cascade,
  author_id integer references users (id) on delete set null,
  action text not null check (action in ('created', 'pushed', 'removed')),
  ref_type text not null check (ref_type in ('branch', 'tag')),
  -- short name; null for an event that stands for many refs
  ref text,
  ref_count integer,
  commit_from text,
  commit_to text,
  commit_count integer not null default 0,
  commit_title text,
  created_at timestamptz not null,
  check ((ref is null) = (ref_count is not null))
);
create index events_project on events (project_id, created_at desc, id desc);
create index events_author on events (author_id, id desc);

create table outgoing_mails (
  id bigint generated always as identity primary key,
  recipient text not null,
  subject text not null,
  body_text text not null,
  body_html text not null,
  created_at timestamptz not null,
  attempts integer not null default 0,
  -- null: sent, or given up
  next_attempt_at timestamptz,
  sent_at timestamptz,
  last_error text
);
create index outgoing_mails_waiting on outgoing_mails (next_attempt_at) where next_attempt_at is not null;
