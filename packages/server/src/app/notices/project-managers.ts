import { ACCESS_LEVELS } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";

/**
 * Who looks after a project and is told when something is wrong with it: its maintainers and owners, those of the groups
 * above it too. Where there is none who can act, the active admins: somebody must hear of it.
 */
export async function projectManagers(
  ports: Pick<Ports, "members" | "users">,
  { id, namespace }: Project,
): Promise<readonly User[]> {
  const people = await ports.members.listPeople({ projectId: id, namespace }, ACCESS_LEVELS.maintainer);
  return people.length > 0 ? people : await ports.users.listActiveAdmins();
}
