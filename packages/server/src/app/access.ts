import { HeliostatError } from "../domain/errors.ts";
import { may, type ProjectAction } from "../domain/policy.ts";
import type { Project } from "../domain/project.ts";
import type { Principal, User } from "../domain/user.ts";
import type { Ports } from "./ports.ts";
import type { PathOrId, SignedIn } from "./use-cases.ts";

/** The signed-in principal, or `unauthenticated`. */
export function requireSignedIn(principal: Principal): SignedIn {
  if (principal.kind === "user") return principal;
  throw new HeliostatError("unauthenticated", "Unauthorized");
}

/** The signed-in admin; `forbidden` for anybody else. */
export function requireAdmin(principal: Principal): User {
  const { user } = requireSignedIn(principal);
  if (user.isAdmin) return user;
  throw new HeliostatError("forbidden", "Forbidden");
}

/** The viewer for lists: null for nobody. */
export function viewerOf(principal: Principal): User | null {
  return principal.kind === "user" ? principal.user : null;
}

/** The project, if the principal may see it; else `not-found`, so that its existence is not told. */
export async function findVisibleProject(
  ports: Pick<Ports, "projects">,
  principal: Principal,
  which: PathOrId,
): Promise<Project> {
  const project =
    typeof which === "number" ? await ports.projects.find(which) : await ports.projects.findByFullPath(which);
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
