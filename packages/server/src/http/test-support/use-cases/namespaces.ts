import type { UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { Namespace } from "../../../domain/project.ts";
import { partOf } from "./memory.ts";

/** The group in which all projects are, and the only one. */
export const GROUP: Namespace = {
  id: 5,
  kind: "group",
  name: "Sub X",
  path: "sub.x",
  fullPath: "grp/sub.x",
  parentId: 4,
  ownerId: null,
  traversalIds: [],
  visibility: "public",
  description: null,
};

/** The namespace of that group. */
export function namespacesInMemory() {
  return {
    listNamespaces: async (_principal, _filter, page) => partOf([GROUP], page),
    checkNamespacePath: async () => ({ exists: false, suggests: [] }),
    findNamespace: async (_principal, which) => {
      if (which === GROUP.id || which === GROUP.fullPath) return GROUP;
      throw new HeliostatError("not-found", "Namespace Not Found");
    },
  } satisfies Partial<UseCases>;
}
