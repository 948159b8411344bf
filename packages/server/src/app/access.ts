import type { TokenScope } from "@heliostat/contract";
import { HeliostatError } from "../domain/errors.ts";
import {
  actsAsAdmin,
  may,
  mayIn,
  type NamespaceAction,
  type ProjectAction,
  seesInternal,
} from "../domain/policy.ts";
import type { Namespace, Project } from "../domain/project.ts";
import { isBot, type Principal, type User, type Viewer } from "../domain/user.ts";
import { findByPathOrId } from "./path-or-id.ts";
import type { Ports } from "./ports.ts";
import type { PathOrId, SignedIn } from "./use-cases.ts";

/** The signed-in principal, or `unauthenticated`. */
export function requireSignedIn(principal: Principal): SignedIn {
  if (principal.kind === "user") return principal;
  throw new HeliostatError("unauthenticated", "Unauthorized");
}

/**
 * The signed-in principal, if they came with a session; `forbidden` for a token: a script with one must not be able to
 * change how its owner signs in.
 */
export function requireInPerson(principal: Principal): SignedIn {
  const signedIn = requireSignedIn(principal);
  if (signedIn.session !== undefined) return signedIn;
  throw new HeliostatError("forbidden", "A token cannot do this. Sign in with your browser.");
}

/** The admin who may act as one now; `forbidden` for anybody else, with the reason where only their token keeps them. */
export function requireAdmin(principal: Principal): User {
  const { user } = requireSignedIn(principal);
  if (actsAsAdmin(principal)) return user;
  throw new HeliostatError(
    "forbidden",
    user.isAdmin ? "This needs a token with the scope admin_mode." : "Forbidden",
  );
}

/** `insufficient-scope` unless the principal signed in by password or the token has one of the scopes. */
export function requireScope(principal: Principal, scopes: readonly TokenScope[]): void {
  if (principal.kind !== "user" || principal.token === null) return;
  const { token } = principal;
  if (scopes.some((scope) => token.scopes.includes(scope))) return;
  throw new HeliostatError(
    "insufficient-scope",
    `The token needs one of these scopes: ${scopes.join(", ")}.`,
    {
      fields: { scope: scopes },
    },
  );
}

/** Whose eyes lists are made for: null for nobody. */
export function viewerOf(principal: Principal): Viewer | null {
  return principal.kind === "user" ? requireViewer(principal) : null;
}

/** The same, or `unauthenticated`. */
export function requireViewer(principal: Principal): Viewer {
  const { user } = requireSignedIn(principal);
  return { id: user.id, isAdmin: actsAsAdmin(principal), seesInternal: seesInternal({ user }) };
}

type UserPorts = Pick<Ports, "users" | "members" | "projects" | "namespaces">;

/** The user by id or name, if the principal may know of them; else `not-found`. `unauthenticated` for nobody. */
export async function findVisibleUser(
  ports: UserPorts,
  principal: Principal,
  which: PathOrId,
): Promise<User> {
  requireSignedIn(principal);
  const user =
    typeof which === "number" ? await ports.users.find(which) : await ports.users.findByUsername(which);
  if (user && (!isBot(user) || (await seesBot(ports, principal, user)))) return user;
  throw new HeliostatError("not-found", "User Not Found");
}

/** A bot's name tells of its project or group, and of the token: only those who see that one may know of it. */
async function seesBot(
  ports: Pick<Ports, "members" | "projects" | "namespaces">,
  principal: Principal,
  bot: User,
): Promise<boolean> {
  if (actsAsAdmin(principal) || (principal.kind === "user" && principal.user.id === bot.id)) return true;
  const homes = await ports.members.membershipsOf(bot.id);
  const projectIds = [bot.botOfProjectId, ...homes.map(({ projectId }) => projectId)];
  const projects = await ports.projects.findAll(projectIds.flatMap((id) => id ?? []));
  if (projects.some((project) => may(principal, "read-project", project))) return true;
  for (const { namespaceId } of homes) {
    const group = namespaceId === null ? null : await ports.namespaces.find(namespaceId);
    if (group && mayIn(principal, "read-namespace", group)) return true;
  }
  return false;
}

/** The project, if the principal may see it; else `not-found`, so that its existence is not told. */
export async function findVisibleProject(
  ports: Pick<Ports, "projects">,
  principal: Principal,
  which: PathOrId,
): Promise<Project> {
  const project = await findByPathOrId(ports.projects, which);
  if (!project || !may(principal, "read-project", project)) {
    throw new HeliostatError("not-found", "Project Not Found");
  }
  return project;
}

/** The project, if the principal may see it and do this with it (`not-found`, `unauthenticated`, `forbidden`). */
export async function findProjectFor(
  ports: Pick<Ports, "projects">,
  principal: Principal,
  which: PathOrId,
  action: ProjectAction,
): Promise<Project> {
  const project = await findVisibleProject(ports, principal, which);
  if (!may(principal, action, project)) {
    requireSignedIn(principal);
    throw new HeliostatError("forbidden", "Forbidden");
  }
  return project;
}

/** The group, if the principal may know of it; else `not-found`. */
export async function findGroup(
  ports: Pick<Ports, "namespaces">,
  principal: Principal,
  which: PathOrId,
): Promise<Namespace> {
  const group = await findByPathOrId(ports.namespaces, which);
  if (group?.kind === "group" && mayIn(principal, "read-namespace", group)) return group;
  throw new HeliostatError("not-found", "Group Not Found");
}

/** The group, if the principal may know of it and do this with it (`not-found`, `unauthenticated`, `forbidden`). */
export async function findGroupFor(
  ports: Pick<Ports, "namespaces">,
  principal: Principal,
  which: PathOrId,
  action: NamespaceAction,
): Promise<Namespace> {
  const group = await findGroup(ports, principal, which);
  if (!mayIn(principal, action, group)) {
    requireSignedIn(principal);
    throw new HeliostatError("forbidden", "Forbidden");
  }
  return group;
}
