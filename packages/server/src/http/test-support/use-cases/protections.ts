import type { AccessEntry, ProtectedBranch, ProtectedTag } from "../../../app/ports.ts";
import type { ProtectionUseCases } from "../../../app/protections/protection-use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { Grantee } from "../../../domain/protections.ts";
import type { Memory } from "./memory.ts";

const MAINTAINERS: readonly Grantee[] = [{ kind: "role", level: 40 }];

/** Protected branches and tags, the same for all projects. */
export function protectionsInMemory({ nextId, findView }: Memory): ProtectionUseCases {
  const branches: ProtectedBranch[] = [];
  const tags: ProtectedTag[] = [];

  function entriesOf(grantees: readonly Grantee[]): readonly AccessEntry[] {
    return grantees.map((grantee) => ({
      ...{ id: nextId(), grantee, name: grantee.kind === "role" ? null : `${grantee.kind} ${grantee.id}` },
    }));
  }

  return {
    listProtectedBranches: async () => branches,
    findProtectedBranch: async (_principal, _which, name) => {
      const branch = branches.find((candidate) => candidate.name === name);
      if (branch === undefined) throw new HeliostatError("not-found", "Not found");
      return branch;
    },
    createProtectedBranch: async (_principal, which, { name, ...draft }) => {
      if (branches.some((branch) => branch.name === name)) {
        throw new HeliostatError("conflict", `Protected branch '${name}' already exists`);
      }
      const { push = MAINTAINERS, merge = MAINTAINERS, unprotect = [], allowForcePush = false } = draft;
      const branch = {
        ...{ id: nextId(), projectId: findView(which).project.id, name, allowForcePush },
        ...{ push: entriesOf(push), merge: entriesOf(merge), unprotect: entriesOf(unprotect) },
      };
      branches.push(branch);
      return branch;
    },
    updateProtectedBranch: async (_principal, _which, name, { allowForcePush, push }) => {
      const at = branches.findIndex((branch) => branch.name === name);
      const before = branches[at];
      if (before === undefined) throw new HeliostatError("not-found", "Not found");
      const kept = before.push
        .filter(({ id }) => !push?.remove.includes(id))
        .map((entry) => ({
          ...entry,
          grantee: push?.change.find(({ id }) => id === entry.id)?.grantee ?? entry.grantee,
        }));
      const after = {
        ...before,
        push: [...kept, ...entriesOf(push?.add ?? [])],
        allowForcePush: allowForcePush ?? before.allowForcePush,
      };
      branches[at] = after;
      return after;
    },
    removeProtectedBranch: async (_principal, _which, name) => {
      branches.splice(
        branches.findIndex((branch) => branch.name === name),
        1,
      );
    },
    listProtectedTags: async () => tags,
    findProtectedTag: async (_principal, _which, name) => {
      const tag = tags.find((candidate) => candidate.name === name);
      if (tag === undefined) throw new HeliostatError("not-found", "Not found");
      return tag;
    },
    createProtectedTag: async (_principal, which, name, create = MAINTAINERS) => {
      if (tags.some((tag) => tag.name === name)) {
        throw new HeliostatError("conflict", `Protected tag '${name}' already exists`);
      }
      const tag = { id: nextId(), projectId: findView(which).project.id, name, create: entriesOf(create) };
      tags.push(tag);
      return tag;
    },
    removeProtectedTag: async (_principal, _which, name) => {
      tags.splice(
        tags.findIndex((tag) => tag.name === name),
        1,
      );
    },
  };
}
