import { HeliostatError } from "../domain/errors.ts";
import { findProjectFor } from "./access.ts";
import type { Ports } from "./ports.ts";
import type { UseCases } from "./use-cases.ts";

type ProtectedBranchUseCases = Pick<
  UseCases,
  "listProtectedBranches" | "findProtectedBranch" | "createProtectedBranch" | "removeProtectedBranch"
>;

export function protectedBranchUseCases(
  ports: Pick<Ports, "projects" | "protectedBranches">,
): ProtectedBranchUseCases {
  return {
    async listProtectedBranches(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-repository");
      return await ports.protectedBranches.list(project.id);
    },
    async findProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "read-repository");
      const found = (await ports.protectedBranches.list(project.id)).find((branch) => branch.name === name);
      if (!found) throw new HeliostatError("not-found", "Not found");
      return found;
    },
    async createProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (name.trim() === "") {
        throw new HeliostatError("model-invalid", "name can't be blank", {
          fields: { name: ["can't be blank"] },
        });
      }
      return await ports.protectedBranches.create(project.id, name);
    },
    async removeProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (!(await ports.protectedBranches.remove(project.id, name))) {
        throw new HeliostatError("not-found", "Not found");
      }
    },
  };
}
