import type { AuditEntity } from "../../domain/audit-event.ts";
import { fullPathOf, type Namespace, type Project } from "../../domain/project.ts";
import type { User } from "../../domain/user.ts";

/** The whole instance, as what a change is filed under. */
export const INSTANCE: AuditEntity = { type: "Instance", id: null, path: null };

/** The project as events name it: by the path that it has now, which it may lose later. */
export function auditedProject(project: Project): AuditEntity {
  return { type: "Project", id: project.id, path: fullPathOf(project) };
}

/** The same for a user, by their name. */
export function auditedUser(user: Pick<User, "id" | "username">): AuditEntity {
  return { type: "User", id: user.id, path: user.username };
}

/** A group; or the user whose own namespace it is. */
export function auditedNamespace({ kind, id, ownerId, fullPath }: Namespace): AuditEntity {
  return kind === "group"
    ? { type: "Group", id, path: fullPath }
    : { type: "User", id: ownerId, path: fullPath };
}
