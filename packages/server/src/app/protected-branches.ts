import { HeliostatError, invalidField } from "../domain/errors.ts";
import { findProjectFor, requireSignedIn } from "./access.ts";
import { lookAgain } from "./mirrors/look-again.ts";
import type { Ports } from "./ports.ts";
import type { UseCases } from "./use-cases.ts";

type ProtectedBranchUseCases = Pick<
  UseCases,
  "listProtectedBranches" | "findProtectedBranch" | "createProtectedBranch" | "removeProtectedBranch"
>;

type ProtectedBranchPorts = Pick<Ports, "clock" | "mirrors" | "projects" | "protectedBranches" | "queue">;

export function protectedBranchUseCases(ports: ProtectedBranchPorts): ProtectedBranchUseCases {
  return {
    async listProtectedBranches(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-project");
      return await ports.protectedBranches.list(project.id);
    },
    async findProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "read-project");
      const found = (await ports.protectedBranches.list(project.id)).find((branch) => branch.name === name);
      if (!found) throw new HeliostatError("not-found", "Not found");
      return found;
    },
    async createProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (name.trim() === "") throw invalidField("name", "can't be blank");
      const branch = await ports.protectedBranches.create(project.id, name);
      await updateFilteredMirrors(ports, project.id, requireSignedIn(principal).user.id);
      return branch;
    },
    async removeProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (!(await ports.protectedBranches.remove(project.id, name))) {
        throw new HeliostatError("not-found", "Not found");
      }
      await updateFilteredMirrors(ports, project.id, requireSignedIn(principal).user.id);
    },
  };
}

/** Mirrors of protected branches only want other branches now. */
async function updateFilteredMirrors(
  ports: ProtectedBranchPorts,
  projectId: number,
  userId: number,
): Promise<void> {
  const mirrors = await ports.mirrors.listOf(projectId);
  const filtered = mirrors.filter(({ options }) => options.onlyProtectedBranches);
  await lookAgain(ports, filtered, userId);
}
