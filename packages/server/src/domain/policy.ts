import type { TokenScope } from "@heliostat/contract";
import type { Namespace, Project } from "./project.ts";
import type { Principal, User } from "./user.ts";

/** GitLab's numbers for what somebody is to a project, as far as we know such people. */
export const ACCESS_LEVELS = { none: 0, reporter: 20, developer: 30, maintainer: 40, owner: 50 } as const;

/**
 * - `read-project`: see that it exists, its settings and refs through the API;
 * - `read-repository`, `write-repository`: fetch from and push to it with git;
 * - `read-mirrors`, `admin-mirrors`: see its mirrors; change and start them;
 * - `admin-project`: change, archive or remove it.
 */
export type ProjectAction =
  | "read-project"
  | "read-repository"
  | "write-repository"
  | "read-mirrors"
  | "admin-mirrors"
  | "admin-project";

interface Requirement {
  readonly level: number;
  /** Any one of these scopes lets a token do it. */
  readonly scopes: readonly TokenScope[];
}

const REQUIREMENTS: Readonly<Record<ProjectAction, Requirement>> = {
  "read-project": { level: ACCESS_LEVELS.reporter, scopes: ["api", "read_api"] },
  "read-repository": {
    level: ACCESS_LEVELS.reporter,
    scopes: ["api", "read_repository", "write_repository"],
  },
  "write-repository": { level: ACCESS_LEVELS.developer, scopes: ["api", "write_repository"] },
  "read-mirrors": { level: ACCESS_LEVELS.maintainer, scopes: ["api", "read_api"] },
  "admin-mirrors": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
  "admin-project": { level: ACCESS_LEVELS.maintainer, scopes: ["api"] },
};

/**
 * What somebody is to a project, whatever their token allows: 0 when they may not know that it exists, 20 when it is
 * visible to them, 50 for admins and the owner of the namespace. A blocked user is nobody, even to public projects.
 */
export function accessLevel(principal: Principal, project: Project): number {
  const user = principal.kind === "user" ? principal.user : null;
  if (user?.state === "blocked") return ACCESS_LEVELS.none;
  if (user !== null && (user.isAdmin || isOwner(user, project))) return ACCESS_LEVELS.owner;
  const isVisible = project.visibility === "public" || (project.visibility === "internal" && user !== null);
  return isVisible ? ACCESS_LEVELS.reporter : ACCESS_LEVELS.none;
}

/** Whether somebody may do this now: by what they are, what their token allows and the state of the project. */
export function may(principal: Principal, action: ProjectAction, project: Project): boolean {
  const { level, scopes } = REQUIREMENTS[action];
  if (action === "write-repository" && project.archived) return false;
  return accessLevel(principal, project) >= level && allows(principal, scopes);
}

/**
 * - `read-credential`: see that it exists, and what uses it;
 * - `use-credential`: have a mirror of one's own show it to a remote, or try it at one;
 * - `admin-credential`: make, change, rotate and remove it.
 */
export type CredentialAction = "read-credential" | "use-credential" | "admin-credential";

const CREDENTIAL_SCOPES: Readonly<Record<CredentialAction, readonly TokenScope[]>> = {
  "read-credential": ["api", "read_api"],
  "use-credential": ["api"],
  "admin-credential": ["api"],
};

/** Whether somebody may do this with the named credentials of this namespace, by what they are and their token allows. */
export function mayHandleCredential(
  principal: Principal,
  action: CredentialAction,
  namespace: CredentialOwner,
): boolean {
  if (principal.kind === "anonymous") return false;
  return ownsCredentials(principal.user, namespace) && allows(principal, CREDENTIAL_SCOPES[action]);
}

/**
 * Whether the named credentials of this namespace are somebody's to see and to use: admins' all, everybody's their own.
 * Those of a group are admins' only, until groups have members.
 */
export function ownsCredentials(user: User, namespace: CredentialOwner): boolean {
  if (user.state === "blocked") return false;
  return user.isAdmin || (namespace.kind === "user" && namespace.ownerId === user.id);
}

type CredentialOwner = Pick<Namespace, "kind" | "ownerId">;

/** Whether somebody may change mirrors at all: everybody whose project it is, or only admins, as the instance says. */
export function mayMirror(
  principal: Principal,
  { mirrorAvailable }: { readonly mirrorAvailable: boolean },
): boolean {
  return mirrorAvailable || (principal.kind === "user" && principal.user.isAdmin);
}

function isOwner(user: User, { namespace }: Project): boolean {
  return namespace.kind === "user" && namespace.ownerId === user.id;
}

/** Only a token limits: a person who signed in, and an anonymous one, can use all that they have. */
function allows(principal: Principal, scopes: readonly TokenScope[]): boolean {
  if (principal.kind === "anonymous" || principal.token === null) return true;
  return principal.token.scopes.some((scope) => scopes.includes(scope));
}
