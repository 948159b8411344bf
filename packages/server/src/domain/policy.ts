import type { TokenScope, Visibility } from "@heliostat/contract";
import type { Namespace, Project } from "./project.ts";
import { type AccessToken, isBot, type Member, type Principal, type User } from "./user.ts";

/** GitLab's numbers for what somebody is to a project or a group. */
export const ACCESS_LEVELS = {
  none: 0,
  guest: 10,
  reporter: 20,
  developer: 30,
  maintainer: 40,
  owner: 50,
} as const;

/**
 * - `read-project`: see that it exists, its settings and its members;
 * - `read-repository`: fetch from it with git;
 * - `read-code`: look at its refs, commits and files through the API;
 * - `write-repository`: push to it, as far as its protected branches and tags allow;
 * - `read-mirrors`, `admin-mirrors`: see its mirrors; change and start them;
 * - `read-hooks`, `admin-hooks`: see its webhooks and what was sent to them; change, test and remove them;
 * - `admin-project`: change its settings and protections, give access to it: members, tokens, deploy keys;
 * - `own-project`: what cannot be taken back by a maintainer: remove, archive, move it, change who sees it.
 */
export type ProjectAction =
  | "read-project"
  | "read-repository"
  | "read-code"
  | "write-repository"
  | "read-mirrors"
  | "admin-mirrors"
  | "read-hooks"
  | "admin-hooks"
  | "admin-project"
  | "own-project";

interface Requirement {
  readonly level: number;
  /** Whether everybody may to whom the project or group is visible. */
  readonly isOpen?: boolean;
  /** Any one of these scopes lets a token do it. */
  readonly scopes: readonly TokenScope[];
}

const READ: readonly TokenScope[] = ["api", "read_api"];

const PROJECT_REQUIREMENTS: Readonly<Record<ProjectAction, Requirement>> = {
  "read-project": { level: ACCESS_LEVELS.guest, isOpen: true, scopes: READ },
  "read-repository": {
    level: ACCESS_LEVELS.reporter,
    isOpen: true,
    scopes: ["api", "read_repository", "write_repository"],
  },
  "read-code": { level: ACCESS_LEVELS.reporter, isOpen: true, scopes: [...READ, "read_repository"] },
  "write-repository": { level: ACCESS_LEVELS.developer, scopes: ["api", "write_repository"] },
  "read-mirrors": { level: ACCESS_LEVELS.maintainer, scopes: READ },
  "admin-mirrors": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
  "read-hooks": { level: ACCESS_LEVELS.maintainer, scopes: READ },
  "admin-hooks": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
  "admin-project": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
  "own-project": { level: ACCESS_LEVELS.owner, scopes: ["api"] },
};

/**
 * - `read-namespace`: see that it exists, and its members;
 * - `create-project`: make projects in it; `transfer-projects`: move some into it from elsewhere; `create-subgroup`;
 * - `admin-namespace`: change or remove a group, give access to it: members, tokens;
 * - `use-credential`: see its named credentials, what uses them, and have a mirror show them to a remote;
 * - `admin-credential`: make, change, rotate and remove these.
 */
export type NamespaceAction =
  | "read-namespace"
  | "create-project"
  | "transfer-projects"
  | "create-subgroup"
  | "admin-namespace"
  | "read-credential"
  | "use-credential"
  | "admin-credential";

const NAMESPACE_REQUIREMENTS: Readonly<Record<NamespaceAction, Requirement>> = {
  "read-namespace": { level: ACCESS_LEVELS.guest, isOpen: true, scopes: READ },
  "create-project": { level: ACCESS_LEVELS.developer, scopes: ["api"] },
  "transfer-projects": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
  "create-subgroup": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
  "admin-namespace": { level: ACCESS_LEVELS.owner, scopes: ["api"] },
  "read-credential": { level: ACCESS_LEVELS.maintainer, scopes: READ },
  "use-credential": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
  "admin-credential": { level: ACCESS_LEVELS.owner, scopes: ["api"] },
};

/** Whether somebody may do this now: by what they are, what their token or key allows and the state of the project. */
export function may(principal: Principal, action: ProjectAction, project: Project): boolean {
  if (action === "write-repository" && project.archived) return false;
  if (principal.kind === "deploy-key") return mayByKey(principal, action, project);
  const { level, isOpen, scopes } = PROJECT_REQUIREMENTS[action];
  if (!allows(principal, scopes)) return false;
  return accessLevel(principal, project) >= level || (isOpen === true && sees(principal, project));
}

/** Whether somebody may do this with a group, or with the own namespace of a user. */
export function mayIn(principal: Principal, action: NamespaceAction, namespace: NamespaceFacts): boolean {
  const { level, isOpen, scopes } = NAMESPACE_REQUIREMENTS[action];
  if (!allows(principal, scopes)) return false;
  if (namespaceLevel(principal, namespace) >= level) return true;
  return isOpen === true && (sees(principal, namespace) || isMemberBelow(principal, namespace));
}

/**
 * Whether somebody may make members of this level in a project, and change or remove those who have it: nobody gives, or
 * takes away, more than they have themselves.
 */
export function mayGiveRole(principal: Principal, level: number, project: Project): boolean {
  return may(principal, "admin-project", project) && level <= accessLevel(principal, project);
}

/**
 * What somebody is to a project, whatever the scopes of their token: the highest of their memberships of it and of the
 * groups above it, 50 for admins and the owner of the namespace, 0 for everybody else, and for blocked users.
 */
export function accessLevel(principal: Principal, project: Project): number {
  if (actsAsAdmin(principal)) return ACCESS_LEVELS.owner;
  const { project: direct, group } = rolesIn(principal, project);
  return Math.max(direct ?? ACCESS_LEVELS.none, group ?? ACCESS_LEVELS.none);
}

/** By what somebody is a member; null: not by that. */
export interface Roles {
  /** The project itself, or that it lives in their own namespace. */
  readonly project: number | null;
  /** The groups above it: the highest. */
  readonly group: number | null;
}

/** The memberships behind the access level, which an admin may have too. */
export function rolesIn(principal: Principal, { id, namespace }: Project): Roles {
  if (principal.kind !== "user" || !isActive(principal)) return { project: null, group: null };
  const direct = principal.memberships.find(({ projectId }) => projectId === id)?.accessLevel;
  const above = memberLevel(principal, namespace) || null;
  if (namespace.kind === "user") return { project: above ?? direct ?? null, group: null };
  return { project: direct ?? null, group: above };
}

/** The same for a group, or for the own namespace of a user. */
export function namespaceLevel(principal: Principal, namespace: NamespaceFacts): number {
  if (principal.kind !== "user" || !isActive(principal)) return ACCESS_LEVELS.none;
  if (actsAsAdmin(principal)) return ACCESS_LEVELS.owner;
  return memberLevel(principal, namespace);
}

/** The same for a user who is not asking: the one in whose name a mirror runs. Admins are owners of everything. */
export function levelOfUser(member: Member, project: Project): number {
  return accessLevel({ kind: "user", token: null, ...member }, project);
}

/**
 * Whether this is an admin who may act as one: with an access token that takes the scope `admin_mode`, so that the token
 * of a script that an admin runs is not one for everything.
 */
export function actsAsAdmin(principal: Principal): boolean {
  if (principal.kind !== "user" || !isActive(principal) || !principal.user.isAdmin) return false;
  return principal.token === null || principal.token.scopes.includes("admin_mode");
}

/** Whether somebody may change mirrors at all: everybody whose project it is, or only admins, as the instance says. */
export function mayMirror(
  principal: Principal,
  { mirrorAvailable }: { readonly mirrorAvailable: boolean },
): boolean {
  return mirrorAvailable || actsAsAdmin(principal);
}

export type NamespaceFacts = Pick<Namespace, "kind" | "ownerId" | "traversalIds" | "visibility">;

type UserPrincipal = Extract<Principal, { kind: "user" }>;

function mayByKey(
  { key }: Extract<Principal, { kind: "deploy-key" }>,
  action: ProjectAction,
  project: Project,
): boolean {
  const opened = key.projects.find(({ projectId }) => projectId === project.id);
  if (action === "read-repository") return opened !== undefined;
  return action === "write-repository" && opened?.canPush === true;
}

function memberLevel({ user, memberships }: Member, namespace: NamespaceFacts): number {
  if (namespace.kind === "user" && namespace.ownerId === user.id) return ACCESS_LEVELS.owner;
  const levels = memberships.flatMap(({ namespaceId, accessLevel: level }) =>
    namespaceId !== null && namespace.traversalIds.includes(namespaceId) ? [level] : [],
  );
  return Math.max(ACCESS_LEVELS.none, ...levels);
}

/** As in GitLab: who is a member of a project knows the groups above it. */
function isMemberBelow(principal: Principal, namespace: NamespaceFacts): boolean {
  const id = namespace.traversalIds.at(-1);
  if (principal.kind !== "user" || !isActive(principal) || id === undefined) return false;
  return principal.memberships.some(({ traversalIds }) => traversalIds.includes(id));
}

/** Whether it is visible to somebody who need not be a member. A blocked user sees nothing, not even what is public. */
function sees(principal: Principal, { visibility }: { readonly visibility: Visibility | null }): boolean {
  if (principal.kind === "deploy-key") return false;
  if (principal.kind === "user" && !isActive(principal)) return false;
  if (visibility === "public") return true;
  return visibility === "internal" && principal.kind === "user" && seesInternal(principal);
}

/** What is internal is for people: the bot of a project or group has that one, and what everybody may see. */
export function seesInternal({ user }: { readonly user: User }): boolean {
  return !isBot(user);
}

function isActive({ user }: UserPrincipal): boolean {
  return user.state === "active";
}

/** Only a token limits: a person who signed in, and an anonymous one, can use all that they have. */
function allows(principal: Principal, scopes: readonly TokenScope[]): boolean {
  const token = tokenOf(principal);
  return token === null || token.scopes.some((scope) => scopes.includes(scope));
}

function tokenOf(principal: Principal): AccessToken | null {
  return principal.kind === "user" ? principal.token : null;
}
