import { HeliostatError } from "../domain/errors.ts";
import { mayIn } from "../domain/policy.ts";
import { requireSignedIn, requireViewer } from "./access.ts";
import { findByPathOrId } from "./path-or-id.ts";
import type { Ports } from "./ports.ts";
import type { UseCases } from "./use-cases.ts";

type NamespaceUseCases = Pick<UseCases, "listNamespaces" | "findNamespace" | "checkNamespacePath">;

const FREE = { exists: false, suggests: [] } as const;
/** Somebody who takes so many has a way to name the next one. */
const MOST_SUGGESTIONS = 10;

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
    async checkNamespacePath(principal, path, parentId) {
      requireSignedIn(principal);
      const parent = parentId === null ? null : await ports.namespaces.find(parentId);
      if (parentId !== null && (!parent || !mayIn(principal, "read-namespace", parent))) return FREE;
      const isTaken = async (each: string): Promise<boolean> =>
        (await ports.namespaces.findByFullPath(parent === null ? each : `${parent.fullPath}/${each}`)) !==
        null;
      if (!(await isTaken(path))) return FREE;
      for (let number = 1; number <= MOST_SUGGESTIONS; number += 1) {
        if (!(await isTaken(`${path}${number}`))) return { exists: true, suggests: [`${path}${number}`] };
      }
      return { exists: true, suggests: [] };
    },
  };
}
