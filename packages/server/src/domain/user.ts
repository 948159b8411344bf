import type { TokenScope } from "@heliostat/contract";

export interface User {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly isAdmin: boolean;
  readonly state: "active" | "blocked";
  /** Not null: the own identity of this project, with which nobody signs in. */
  readonly botOfProjectId: number | null;
  readonly createdAt: Date;
}

/** A personal access token as stored: the secret itself is only a digest in the database. */
export interface AccessToken {
  readonly id: number;
  readonly userId: number;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly revoked: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  /** Midnight UTC of the day from which the token no longer works; null: never expires. */
  readonly expiresAt: Date | null;
}

/**
 * Who asks: nobody, or a user who signed in by password (`token` null: every scope) or by an access token.
 * Every use case takes one and hands it to `policy`.
 */
export type Principal =
  | { readonly kind: "anonymous" }
  | { readonly kind: "user"; readonly user: User; readonly token: AccessToken | null };
