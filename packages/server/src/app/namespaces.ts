import { HeliostatError } from "../domain/errors.ts";
import type { Namespace } from "../domain/project.ts";
import type { User } from "../domain/user.ts";
import { requireAdmin, requireSignedIn } from "./access.ts";
import { PATH_MESSAGE, PATH_PATTERN, RESERVED_TOP_LEVEL } from "./path-rules.ts";
import type { Ports } from "./ports.ts";
import type { UseCases } from "./use-cases.ts";

type NamespaceUseCases = Pick<UseCases, "listNamespaces" | "findNamespace" | "createGroup">;

export function namespaceUseCases(ports: Pick<Ports, "namespaces">): NamespaceUseCases {
  return {
    async listNamespaces(principal, filter, page) {
      const { user } = requireSignedIn(principal);
      return await ports.namespaces.list({ ...filter, visibleTo: user }, page);
    },
    async findNamespace(principal, which, kind) {
      const { user } = requireSignedIn(principal);
      const namespace =
        typeof which === "number"
          ? await ports.namespaces.find(which)
          : await ports.namespaces.findByFullPath(which);
      if (!namespace || (kind && namespace.kind !== kind) || !maySee(user, namespace)) {
        throw new HeliostatError("not-found", kind === "group" ? "Group Not Found" : "Namespace Not Found");
      }
      return namespace;
    },
    async createGroup(principal, group) {
      // Groups have no members yet, so only an admin could use one.
      requireAdmin(principal);
      const fields: Record<string, string[]> = {};
      if (!PATH_PATTERN.test(group.path)) fields["path"] = [PATH_MESSAGE];
      else if (group.parentId === null && RESERVED_TOP_LEVEL.has(group.path.toLowerCase())) {
        fields["path"] = ["is a reserved name"];
      }
      if (group.name.trim() === "") fields["name"] = ["can't be blank"];
      if (Object.keys(fields).length > 0) {
        throw new HeliostatError("model-invalid", "the group is not valid", { fields });
      }
      return await ports.namespaces.createGroup(group);
    },
  };
}

function maySee(user: User, namespace: Namespace): boolean {
  return user.isAdmin || namespace.kind === "group" || namespace.ownerId === user.id;
}
