-- Reaching remotes safely: credentials as things of their own, host keys, certificates.

-- What a remote is shown. A named one belongs to a namespace and serves any number of mirrors; an unnamed one is what one
-- mirror was given by itself, and goes with it.
create table credentials (
  id integer generated always as identity primary key,
  namespace_id integer references namespaces (id) on delete cascade,
  name text,
  -- of a named one; which half of an unnamed one counts is said by its mirror's `auth_method`
  kind text check (kind in ('password', 'ssh_key')),
  mirror_id integer unique references mirrors (id) on delete cascade,
  username text,
  -- a user name that may be a token is sealed with the password, on a line before it; `alone`: there is no password
  sealed_username text check (sealed_username in ('alone', 'with-password')),
  -- AES-256-GCM; the keys with these ids are in the secrets file
  password_sealed bytea,
  password_key_id text,
  -- of an SSH key pair, in OpenSSH's form
  private_key_sealed bytea,
  private_key_key_id text,
  -- one line in OpenSSH's form
  public_key text,
  -- as its owner says it; null: not known
  expires_at timestamptz,
  -- of which expiry people were told, and what they were told last
  told_expires_at timestamptz,
  told_expiry text check (told_expiry in ('week', 'day', 'expired')),
  rotated_at timestamptz not null default now(),
  created_by integer references users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((name is null) = (namespace_id is null)),
  check ((name is null) = (kind is null)),
  check ((name is null) = (mirror_id is not null)),
  check ((password_sealed is null) = (password_key_id is null)),
  check (sealed_username is null or (username is null and password_sealed is not null)),
  check ((private_key_sealed is null) = (private_key_key_id is null)),
  check ((private_key_sealed is null) = (public_key is null))
);
create unique index credentials_name on credentials (namespace_id, lower(name));
create index credentials_expiring on credentials (expires_at) where expires_at is not null;

insert into credentials (mirror_id, username, password_sealed, password_key_id)
  select id, username, password_sealed, password_key_id from mirrors
    where username is not null or password_sealed is not null;

alter table mirrors
  drop column username,
  drop column password_sealed,
  drop column password_key_id,
  -- the named one; null: the unnamed one, if there is any
  add column credential_id integer references credentials (id),
  -- lines in known_hosts form: what an SSH server must show
  add column known_hosts text not null default '',
  add column host_keys_verified_at timestamptz,
  add column host_keys_verified_by integer references users (id) on delete set null,
  -- PEM: certificates that are trusted beside those of the instance, and what is shown to the remote
  add column ca_certificates text,
  add column client_certificate text,
  add column client_key_sealed bytea,
  add column client_key_key_id text,
  -- a run is under way that shows its remote a secret which has been replaced since
  add column lease_shows_old_secret boolean not null default false,
  add check ((client_key_sealed is null) = (client_key_key_id is null)),
  add check ((client_key_sealed is null) = (client_certificate is null));
create index mirrors_credential on mirrors (credential_id) where credential_id is not null;

-- What may come in; of a project null means: as the instance says.
alter table instance_settings
  -- bytes on disk; 0: no limit
  add column repository_size_limit bigint not null default 0 check (repository_size_limit >= 0),
  add column max_refs integer not null default 1000000 check (max_refs > 0),
  add column fsck_severity text not null default 'off' check (fsck_severity in ('off', 'error', 'warn'));

alter table projects
  add column repository_size_limit bigint check (repository_size_limit >= 0),
  add column max_refs integer check (max_refs > 0),
  add column fsck_severity text check (fsck_severity in ('off', 'error', 'warn'));
