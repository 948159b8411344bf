import type { TokenScope, Visibility } from "@heliostat/contract";
import type { Namespace, Project } from "../../domain/project.ts";
import type { AccessToken, Membership, User, Viewer } from "../../domain/user.ts";
import type { Page, Paged } from "./instance.ts";

export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** False for a wrong password; a malformed hash is an error. */
  verify(password: string, hash: string): Promise<boolean>;
}

export interface NewUser {
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly isAdmin: boolean;
  readonly passwordHash: string | null;
}

export interface UserStore {
  /** Makes the user and the namespace of the same name; `model-invalid` when the name is taken. */
  create(user: NewUser): Promise<User>;
  find(id: number): Promise<User | null>;
  findByUsername(username: string): Promise<User | null>;
  /** The user and the stored hash, for signing in. */
  findForSignIn(username: string): Promise<{ user: User; passwordHash: string | null } | null>;
  /** People; `withBots`: the own identities of projects too. */
  list(filter: { withBots: boolean }, page: Page): Promise<Paged<User>>;
  count(): Promise<number>;
  listActiveAdmins(): Promise<readonly User[]>;
  /** `not-found` when there is no such user. */
  setState(id: number, state: User["state"]): Promise<User>;
  /** Takes the user and their namespace away; `conflict`, and nothing done, while there are projects in it. */
  remove(id: number): Promise<void>;
  /** The project's own identity, made when there is none: no password, no namespace, no token. */
  findOrCreateBot(project: Pick<Project, "id" | "name">): Promise<User>;
}

/** Who is what to which group and project. */
export interface MemberStore {
  /** All that this user is a member of today. */
  membershipsOf(userId: number): Promise<readonly Membership[]>;
}

/** What an access token is for: of a project or a group there is a bot that it acts as. */
export interface NewToken {
  readonly userId: number;
  readonly name: string;
  readonly description: string | null;
  readonly digest: Buffer;
  readonly scopes: readonly TokenScope[];
  readonly expiresAt: Date | null;
  /** Who made it; null: the first start. */
  readonly createdBy: number | null;
}

/** What a token of a project or a group opens, and its bot is a member of. */
export type TokenHome = { readonly projectId: number } | { readonly namespaceId: number };

/** A token of a project or a group, with what its bot is there. */
export interface ResourceToken {
  readonly token: AccessToken;
  /** GitLab's number; 0 when it is revoked, or somebody took the membership away. */
  readonly accessLevel: number;
}

/** Which tokens a list is to have; what is left out does not matter. */
export interface TokenFilter {
  readonly userId?: number;
  /** Active: neither revoked nor expired. */
  readonly state?: "active" | "inactive";
  readonly revoked?: boolean;
  /** In the name. */
  readonly search?: string;
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
  readonly lastUsedAfter?: Date;
  readonly lastUsedBefore?: Date;
  readonly expiresAfter?: Date;
  readonly expiresBefore?: Date;
}

export interface TokenStore {
  create(token: NewToken): Promise<AccessToken>;
  /** Makes the bot, its membership and the token, all or none. The bot's user name has this word in it. */
  createWithBot(
    home: TokenHome,
    token: Omit<NewToken, "userId"> & { readonly accessLevel: number; readonly word: string },
  ): Promise<ResourceToken>;
  /** The token with this digest and its user, whether it is still good or not; null when there never was one. */
  findByDigest(digest: Buffer): Promise<{ token: AccessToken; user: User } | null>;
  /** Personal ones, but with `userId` those of a bot too. */
  list(filter: TokenFilter, page: Page, now: Date): Promise<Paged<AccessToken>>;
  listOfHome(home: TokenHome, filter: TokenFilter, page: Page, now: Date): Promise<Paged<ResourceToken>>;
  find(id: number): Promise<AccessToken | null>;
  findOfHome(home: TokenHome, id: number): Promise<ResourceToken | null>;
  /** A bot whose token is revoked is a member of nothing any more. */
  revoke(id: number): Promise<void>;
  /** Revokes this token and makes its successor, in one; null, and nothing done, when it was revoked already. */
  rotate(
    id: number,
    successor: { readonly digest: Buffer; readonly expiresAt: Date | null },
  ): Promise<AccessToken | null>;
  /** Revokes all that came of this token by rotation, and what it came of; answers how many were still good. */
  revokeFamily(id: number): Promise<number>;
  /** Written at most once in a while for each token: it is a hint, not an audit. */
  touch(token: AccessToken, now: Date): Promise<void>;
}

export interface NamespaceStore {
  find(id: number): Promise<Namespace | null>;
  findByFullPath(fullPath: string): Promise<Namespace | null>;
  createGroup(group: {
    name: string;
    path: string;
    parentId: number | null;
    visibility: Visibility;
    description: string | null;
  }): Promise<Namespace>;
  /** `visibleTo`: their own namespace, and the groups that `read-namespace` lets them see; an admin sees all. */
  list(
    filter: { search?: string; kind?: Namespace["kind"]; visibleTo: Viewer },
    page: Page,
  ): Promise<Paged<Namespace>>;
}
