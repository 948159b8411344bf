import type { Project } from "../../domain/project.ts";
import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";

/**
 * Who looks after a project and is told when something is wrong with it: the owner of its namespace, or for a group,
 * which nobody owns yet, whoever made the project. Where these are blocked or gone, the active admins: somebody must
 * hear of it.
 */
export async function projectManagers(
  ports: Pick<Ports, "users">,
  project: Project,
): Promise<readonly User[]> {
  const { namespace, creatorId } = project;
  const id = namespace.kind === "user" ? namespace.ownerId : creatorId;
  const user = id === null ? null : await ports.users.find(id);
  if (user !== null && user.state === "active" && user.botOfProjectId === null) return [user];
  return await ports.users.listActiveAdmins();
}
