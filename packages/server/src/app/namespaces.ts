import { HeliostatError } from "../domain/errors.ts";
import { mayIn } from "../domain/policy.ts";
import { requireAdmin, requireSignedIn, requireViewer } from "./access.ts";
import { auditedNamespace } from "./audit/entities.ts";
import { PATH_MESSAGE, PATH_PATTERN, RESERVED_TOP_LEVEL } from "./path-rules.ts";
import type { Ports } from "./ports.ts";
import { recordAudit } from "./record-audit.ts";
import type { UseCases } from "./use-cases.ts";

type NamespaceUseCases = Pick<UseCases, "listNamespaces" | "findNamespace" | "createGroup">;

export function namespaceUseCases(ports: Pick<Ports, "audit" | "clock" | "namespaces">): NamespaceUseCases {
  return {
    async listNamespaces(principal, filter, page) {
      return await ports.namespaces.list({ ...filter, visibleTo: requireViewer(principal) }, page);
    },
    async findNamespace(principal, which, kind) {
      requireSignedIn(principal);
      const namespace =
        typeof which === "number"
          ? await ports.namespaces.find(which)
          : await ports.namespaces.findByFullPath(which);
      if (!namespace || (kind && namespace.kind !== kind) || !mayIn(principal, "read-namespace", namespace)) {
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
      const made = await ports.namespaces.createGroup({ visibility: "private", description: null, ...group });
      await recordAudit(ports, principal, { action: "group-created", entity: auditedNamespace(made) });
      return made;
    },
  };
}
