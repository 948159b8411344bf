/**
 * The kind of an error alone decides retry, HTTP status and reporting (house style, `docs/architecture.md`):
 * - `invalid`, `not-found`, `conflict`, `denied`, `unauthenticated`: the request, or our state; never retried;
 * - `throttled`: too much at a time, or too often; the client waits;
 * - `transient`: the network or a service; retried;
 * - `credential`: the remote refused us, or could not show who it is: a person must do something; `remote`: the remote answered something that is no Git repository;
 * - `corrupt`: bad objects; `full`: no space left; `cancelled`: we stopped it; `bug`: anything else.
 */
export const ERROR_KINDS = [
  "invalid",
  "unauthenticated",
  "denied",
  "not-found",
  "conflict",
  "throttled",
  "transient",
  "credential",
  "remote",
  "corrupt",
  "full",
  "cancelled",
  "bug",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** Stable codes, one for each thing that can go wrong in a way a person or a script may want to tell apart. */
export const ERROR_CODES = {
  // configuration and start
  "config-invalid": "invalid",
  "data-dir-in-use": "conflict",
  "database-version": "conflict",
  "database-unavailable": "transient",
  "listen-failed": "conflict",
  "git-too-old": "invalid",
  "git-missing": "invalid",
  // requests
  "parameter-invalid": "invalid",
  "model-invalid": "invalid",
  "protection-invalid": "invalid",
  unauthenticated: "unauthenticated",
  "token-invalid": "unauthenticated",
  "sign-in-refused": "unauthenticated",
  "account-blocked": "unauthenticated",
  /** The password is right, and the account wants a code beside it; or a token in its place, where no code can be given. */
  "second-factor-needed": "unauthenticated",
  "password-not-enough": "unauthenticated",
  // OpenID Connect
  "provider-unreachable": "transient",
  "preview-failed": "remote",
  "provider-misconfigured": "remote",
  "provider-refused": "denied",
  "sign-in-expired": "invalid",
  "sign-in-untrusted": "denied",
  "insufficient-scope": "denied",
  forbidden: "denied",
  "not-found": "not-found",
  conflict: "conflict",
  "mirror-on-pause": "denied",
  "too-many-streams": "throttled",
  "too-many-scans": "throttled",
  "too-many-tests": "throttled",
  "too-many-starts": "throttled",
  "too-many-archives": "throttled",
  "too-many-deliveries": "throttled",
  /** A test of a hook, or a delivery that was sent again, did not go well; or there is nothing to test with. */
  "hook-test-failed": "remote",
  "too-many-sign-ins": "throttled",
  "too-many-requests": "throttled",
  "csrf-refused": "denied",
  // webhooks of other forges
  "hook-refused": "unauthenticated",
  "hook-replayed": "conflict",
  "server-busy": "throttled",
  // words of the domain
  "oid-invalid": "invalid",
  "ref-name-invalid": "invalid",
  "refspec-invalid": "invalid",
  "url-invalid": "invalid",
  "url-blocked": "invalid",
  // remotes
  "remote-unreachable": "transient",
  "remote-timeout": "transient",
  "remote-closed": "transient",
  "remote-busy": "transient",
  "remote-redirects": "remote",
  "remote-not-found": "remote",
  "remote-not-git": "remote",
  "remote-too-large": "remote",
  "remote-tls": "remote",
  "remote-proxy": "transient",
  // SSH
  "remote-not-ssh": "remote",
  "remote-noise": "remote",
  "ssh-algorithms": "remote",
  "ssh-key-refused": "credential",
  "host-key-missing": "credential",
  "host-key-changed": "credential",
  "host-key-revoked": "credential",
  "remote-credential": "credential",
  "remote-forbidden": "credential",
  "object-format-mismatch": "remote",
  // limits of this instance or project
  "repository-too-large": "remote",
  "too-many-refs": "remote",
  "push-malformed": "invalid",
  "remote-lacks-object": "transient",
  /** File names that an archive would unpack elsewhere. */
  "tree-unsafe": "remote",
  // objects that the check of incoming ones refuses
  "fsck-refused": "corrupt",
  // repositories
  "ref-changed": "conflict",
  "repository-corrupt": "corrupt",
  "disk-full": "full",
  "git-failed": "bug",
  "output-too-large": "bug",
  cancelled: "cancelled",
  "timed-out": "transient",
  // secrets
  "secret-unreadable": "credential",
  bug: "bug",
} as const satisfies Record<string, ErrorKind>;
export type ErrorCode = keyof typeof ERROR_CODES;
