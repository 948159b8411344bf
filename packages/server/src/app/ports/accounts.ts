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

export interface TokenStore {
  create(token: {
    userId: number;
    name: string;
    digest: Buffer;
    scopes: readonly TokenScope[];
    expiresAt: Date | null;
  }): Promise<AccessToken>;
  /** The live token with this digest and its user, or null when unknown, revoked or expired at `now`. */
  findLive(digest: Buffer, now: Date): Promise<{ token: AccessToken; user: User } | null>;
  /** Whether there is or was a token with this digest. */
  isKnown(digest: Buffer): Promise<boolean>;
  listOf(userId: number, page: Page): Promise<Paged<AccessToken>>;
  find(id: number): Promise<AccessToken | null>;
  revoke(id: number): Promise<void>;
  /** Written at most once in a while for each token: it is a hint, not an audit. */
  touch(id: number, now: Date): Promise<void>;
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
