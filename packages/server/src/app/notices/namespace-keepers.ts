import { ACCESS_LEVELS } from "../../domain/policy.ts";
import type { Namespace } from "../../domain/project.ts";
import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";

/**
 * Who is told of what belongs to a namespace: the owners of a group, or the user whose own it is. Where there is none who
 * can act, the active admins: somebody must hear of it.
 */
export async function namespaceKeepers(
  ports: Pick<Ports, "members" | "users">,
  namespace: Namespace,
): Promise<readonly User[]> {
  if (namespace.kind === "group") {
    const owners = await ports.members.listPeople({ projectId: null, namespace }, ACCESS_LEVELS.owner);
    return owners.length > 0 ? owners : await ports.users.listActiveAdmins();
  }
  const user = namespace.ownerId === null ? null : await ports.users.find(namespace.ownerId);
  return user?.state === "active" ? [user] : await ports.users.listActiveAdmins();
}
