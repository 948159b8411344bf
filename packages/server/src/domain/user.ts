import type { TokenScope } from "@heliostat/contract";
import type { Session } from "./session.ts";
import type { DeployKey, UserSshKey } from "./ssh-key.ts";

export interface User {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly isAdmin: boolean;
  readonly state: "active" | "blocked";
  /** Not null: the own identity of this project, with which nobody signs in. */
  readonly botOfProjectId: number | null;
  /** Whether it is what an access token of a project or group acts as; nobody signs in with its name either. */
  readonly isTokenBot: boolean;
  /** Whether a code is asked for beside the password: their second factor is set up and confirmed. */
  readonly hasSecondFactor: boolean;
  readonly createdAt: Date;
}

/** Whether it is no person, but what a mirror or a token acts as. */
export function isBot(user: User): boolean {
  return user.botOfProjectId !== null || user.isTokenBot;
}

/** What somebody is to a group, and so to all below it, or to one project. Those that have expired are not among them. */
export interface Membership {
  /** One of the two is null. */
  readonly namespaceId: number | null;
  readonly projectId: number | null;
  /** Ids of the group, or of the project's namespace, and of all above it. */
  readonly traversalIds: readonly number[];
  /** GitLab's number, one of `ACCESS_LEVELS`. */
  readonly accessLevel: number;
}

/** A user with all that they are a member of. */
export interface Member {
  readonly user: User;
  readonly memberships: readonly Membership[];
}

/** An access token as stored: the secret itself is only a digest in the database. */
export interface AccessToken {
  readonly id: number;
  readonly userId: number;
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly TokenScope[];
  /** What its bot is a member of; both null: a personal token. */
  readonly projectId: number | null;
  readonly namespaceId: number | null;
  readonly revoked: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  /** Midnight UTC of the day from which the token no longer works; null: never expires. */
  readonly expiresAt: Date | null;
}

/** By which way a request came in; `internal`: by none, it is ours. */
export type Door = "http" | "ssh" | "cli" | "internal";

/** Where a request came from, for the audit log. */
export interface Origin {
  readonly door: Door;
  /** IP address; null where there is none. */
  readonly address: string | null;
}

/**
 * Who asks: nobody, a user who signed in (`token` null: every scope) or came with an access token, or a deploy key. Every
 * use case takes one and hands it to `policy`. An `impersonator` is the admin who really asks, by `Sudo`, in the user's
 * place.
 */
export type Principal = (
  | { readonly kind: "anonymous" }
  | ({
      readonly kind: "user";
      readonly token: AccessToken | null;
      /** By which they came in; left out: not by one. */
      readonly session?: Session;
      /** By which they came in; left out: not by one. */
      readonly sshKey?: UserSshKey;
      /** Which password of theirs they showed with this request; left out: none. Of no use to anybody, and never shown. */
      readonly passwordMark?: string;
      /** The admin who acts for them (`Sudo`); left out: nobody does. */
      readonly impersonator?: User;
    } & Member)
  | { readonly kind: "deploy-key"; readonly key: DeployKey }
) & { readonly from?: Origin };

/** For lists: whose eyes the store looks with. */
export interface Viewer {
  readonly id: number;
  /** All that there is. */
  readonly isAdmin: boolean;
  /** What is internal; not so for the bot of a project or group. */
  readonly seesInternal: boolean;
}
