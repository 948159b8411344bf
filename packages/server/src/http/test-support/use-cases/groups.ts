import type { GroupUseCases } from "../../../app/groups/group-use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { type Memory, partOf } from "./memory.ts";
import { GROUP } from "./namespaces.ts";

/** One group; what is made or changed is answered, and not kept. */
export function groupsInMemory({ nextId }: Memory): GroupUseCases {
  return {
    listGroups: async (_principal, _filter, page) => partOf([GROUP], page),
    findGroup: async (_principal, which) => {
      if (which === GROUP.id || which === GROUP.fullPath) return GROUP;
      throw new HeliostatError("not-found", "Group Not Found");
    },
    createGroup: async (_principal, draft) => ({ ...GROUP, ...draft, id: nextId() }),
    updateGroup: async (_principal, _which, changes) => ({ ...GROUP, ...changes }),
    removeGroup: async () => undefined,
  };
}
