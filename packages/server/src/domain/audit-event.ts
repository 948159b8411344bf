import type { Origin } from "./user.ts";

/** What an audit event is filed under. GitLab's words. */
export type AuditEntityType = "Instance" | "User" | "Group" | "Project";

/** The thing that an audit event is filed under: the project of a mirror, the group of a member. */
export interface AuditEntity {
  readonly type: AuditEntityType;
  /** Null for the instance. */
  readonly id: number | null;
  /** Full path or user name at that time; null for the instance. */
  readonly path: string | null;
}

/** One change, as the use case that made it tells it. Never a secret, not even a part of one. */
export interface AuditNews {
  /** What was done, past tense: `member-added`, `token-revoked`, `mirror-url-changed`. */
  readonly action: string;
  readonly entity: AuditEntity;
  /** The object itself, when it is not the entity: kind, id, and words by which people know it. */
  readonly target?: { readonly type: string; readonly id: number | null; readonly details: string };
  /** What changed: by name, the old and the new value, or whatever else says what happened. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A change with who made it, how they came in, from where and when. */
export interface NewAuditEvent extends AuditNews {
  readonly at: Date;
  readonly author: { readonly id: number | null; readonly name: string };
  /** The token or key by which they came in, by kind and name; null: by signing in. */
  readonly authenticatedBy: string | null;
  readonly from: Origin | null;
}

export interface AuditEvent extends NewAuditEvent {
  readonly id: number;
}
