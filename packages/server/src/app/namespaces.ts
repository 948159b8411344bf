import { HeliostatError } from "../domain/errors.ts";
import { mayIn } from "../domain/policy.ts";
import { requireSignedIn, requireViewer } from "./access.ts";
import { findByPathOrId } from "./path-or-id.ts";
import type { Ports } from "./ports.ts";
import type { UseCases } from "./use-cases.ts";

type NamespaceUseCases = Pick<UseCases, "listNamespaces" | "findNamespace">;

/** Namespaces of users and groups, for whoever is signed in and may see them. */
export function namespaceUseCases(ports: Pick<Ports, "namespaces">): NamespaceUseCases {
  return {
    async listNamespaces(principal, filter, page) {
      return await ports.namespaces.list({ ...filter, visibleTo: requireViewer(principal) }, page);
    },
    async findNamespace(principal, which) {
      requireSignedIn(principal);
      const namespace = await findByPathOrId(ports.namespaces, which);
      if (!namespace || !mayIn(principal, "read-namespace", namespace)) {
        throw new HeliostatError("not-found", "Namespace Not Found");
      }
      return namespace;
    },
  };
}
