import type { TokenScope, Visibility } from "@heliostat/contract";
import type { Namespace, Project } from "../../domain/project.ts";
import type { AccessToken, Member, Membership, User, Viewer } from "../../domain/user.ts";
import type { Page, Paged, Part, Window } from "./instance.ts";

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

export interface UserFilter {
  /** The identities of projects and of tokens too, not only people. */
  readonly withBots: boolean;
  /** A part of the user name or the name; or, `byEmail`, the whole address. */
  readonly search?: string;
  readonly byEmail?: boolean;
  readonly state?: User["state"];
  readonly admins?: boolean;
}

export interface UserStore {
  /** Makes the user and the namespace of the same name; `model-invalid` when the name is taken. */
  create(user: NewUser): Promise<User>;
  find(id: number): Promise<User | null>;
  findByUsername(username: string): Promise<User | null>;
  /** The user and the stored hash, for signing in. */
  findForSignIn(username: string): Promise<{ user: User; passwordHash: string | null } | null>;
  list(filter: UserFilter, window: Window): Promise<Part<User>>;
  count(): Promise<number>;
  listActiveAdmins(): Promise<readonly User[]>;
  setPasswordHash(id: number, passwordHash: string): Promise<void>;
  /** `not-found` when there is no such user; `forbidden` for the last admin. */
  setState(id: number, state: User["state"]): Promise<User>;
  /**
   * A new user name is the new path of their namespace, and of the projects there, too. `not-found`; `model-invalid` when
   * the name or the address is taken; `forbidden` for the last admin, who is to be none.
   */
  update(id: number, changes: Partial<Pick<User, "username" | "name" | "email" | "isAdmin">>): Promise<User>;
  /**
   * Takes the user and their namespace away; nothing done, and `conflict`, while there are projects in it or a group has
   * no other owner, `forbidden` for the last admin.
   */
  remove(id: number): Promise<void>;
  /** The project's own identity, made when there is none: no password, no namespace, no token. */
  findOrCreateBot(project: Pick<Project, "id" | "name">): Promise<User>;
}

/** What one can be a member of: a project (in that namespace), or, `projectId` null, the group itself. */
export interface MemberSource {
  readonly projectId: number | null;
  readonly namespace: Namespace;
}

/** A membership as its group or project lists it. */
export interface MemberOfSource {
  readonly user: User;
  readonly accessLevel: number;
  /** The first day without it, `2030-01-31`; null: it lasts. */
  readonly expiresAt: string | null;
  readonly createdAt: Date;
  /** Null: nobody, or they are gone. */
  readonly createdBy: User | null;
}

export interface MemberFilter {
  /** Those of the groups above too: of each user the highest. */
  readonly withInherited: boolean;
  readonly search?: string;
  readonly userIds?: readonly number[];
}

/**
 * Who is what to which group and project. A membership that has expired is none. Who owns the namespace of a project is
 * its member, an owner, without a row.
 */
export interface MemberStore {
  /** All that this user is a member of today. */
  membershipsOf(userId: number): Promise<readonly Membership[]>;
  list(source: MemberSource, filter: MemberFilter, page: Page): Promise<Paged<MemberOfSource>>;
  /** The people who can act and have this level at least, inherited too. */
  listPeople(source: MemberSource, leastLevel: number): Promise<readonly User[]>;
  /** The highest membership of a group above, and the name of that group; null: there is none. */
  findInherited(
    source: MemberSource,
    userId: number,
  ): Promise<{ readonly accessLevel: number; readonly groupName: string } | null>;
  /** `conflict` when they are a member already. */
  add(
    source: MemberSource,
    member: { userId: number; accessLevel: number; expiresAt: string | null; createdBy: number },
  ): Promise<void>;
  /** `not-found`; `forbidden` for the last owner of a group. */
  change(
    source: MemberSource,
    userId: number,
    changes: { accessLevel: number; expiresAt?: string | null },
  ): Promise<void>;
  /** The same; `alsoBelow`: what they are a member of below the group goes too. Answers what went there, without the source. */
  remove(
    source: MemberSource,
    userId: number,
    options: { alsoBelow: boolean },
  ): Promise<readonly RemovedBelow[]>;
}

/** A membership that went with that of a group above it. */
export interface RemovedBelow {
  readonly kind: "group" | "project";
  readonly id: number;
  readonly fullPath: string;
  readonly accessLevel: number;
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
  /**
   * The token with this digest, whether it is still good or not, its user, and all that they are a member of today; null
   * when there never was one.
   */
  findByDigest(digest: Buffer): Promise<(Member & { readonly token: AccessToken }) | null>;
  /** Personal ones, but with `userId` those of a bot too. */
  list(filter: TokenFilter, page: Page, now: Date): Promise<Paged<AccessToken>>;
  listOfHome(home: TokenHome, filter: TokenFilter, page: Page, now: Date): Promise<Paged<ResourceToken>>;
  find(id: number): Promise<AccessToken | null>;
  findOfHome(home: TokenHome, id: number): Promise<ResourceToken | null>;
  /** A bot whose token is revoked is a member of nothing any more. False, and nothing done, when it was revoked already. */
  revoke(id: number): Promise<boolean>;
  /** Revokes this token and makes its successor, in one; null, and nothing done, when it was revoked already. */
  rotate(
    id: number,
    successor: { readonly digest: Buffer; readonly expiresAt: Date | null },
  ): Promise<AccessToken | null>;
  /** Revokes all that came of this token by rotation, and what it came of; answers how many were still good. */
  revokeFamily(id: number): Promise<number>;
  /** Those that are still good, of users who may act, expire after the one moment and by the other, and were not told of. */
  listExpiring(after: Date, until: Date): Promise<readonly AccessToken[]>;
  /** Written at most once in a while for each token: it is a hint, not an audit. */
  touch(token: AccessToken, now: Date): Promise<void>;
}

export interface NamespaceFilter {
  readonly search?: string;
  readonly kind?: Namespace["kind"];
  /** Null: nobody, who sees what is public. */
  readonly visibleTo: Viewer | null;
  /** Only those of which the viewer is a member of this level at least. */
  readonly leastLevel?: number;
  /** Right below this group; null: those at the top. */
  readonly parentId?: number | null;
  /** At any depth below this group. */
  readonly belowId?: number;
  readonly visibility?: Visibility;
  readonly order?: { readonly by: "id" | "name" | "path"; readonly descending: boolean };
}

export interface NamespaceStore {
  find(id: number): Promise<Namespace | null>;
  findByFullPath(fullPath: string): Promise<Namespace | null>;
  /** `creatorId`: whoever becomes its owner. `model-invalid` as the group's fields say. */
  createGroup(group: {
    name: string;
    path: string;
    parentId: number | null;
    visibility: Visibility;
    description: string | null;
    creatorId?: number;
  }): Promise<Namespace>;
  /**
   * Another path is that of all below it too. `model-invalid` for one that is taken, and for a visibility that does not fit
   * to what is above or below.
   */
  updateGroup(
    id: number,
    changes: {
      readonly name?: string;
      readonly path?: string;
      readonly visibility?: Visibility;
      readonly description?: string | null;
    },
  ): Promise<Namespace>;
  /** Takes the group and all that hangs on it away; `conflict`, and nothing done, while there is anything in it. */
  removeGroup(id: number): Promise<void>;
  /** `visibleTo`: their own namespace, and the groups that `read-namespace` lets them see; an admin sees all. */
  list(filter: NamespaceFilter, window: Window): Promise<Part<Namespace>>;
}
