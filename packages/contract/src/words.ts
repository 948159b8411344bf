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

export const AUTH_METHODS = ["password", "ssh_public_key"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

export const VISIBILITIES = ["private", "internal", "public"] as const;
export type Visibility = (typeof VISIBILITIES)[number];

export const TOKEN_SCOPES = [
  "api",
  "read_api",
  "read_repository",
  "write_repository",
  "admin_mode",
  "sudo",
] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** What became of one ref in one update. */
export const REF_OUTCOMES = [
  "created",
  "fast-forward",
  "forced",
  "deleted",
  "diverged",
  "held",
  "rejected",
] as const;
export type RefOutcome = (typeof REF_OUTCOMES)[number];
