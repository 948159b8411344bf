import type { Project } from "../../domain/project.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { Ports } from "../ports.ts";

/**
 * After refs were written: where HEAD's branch is not there, another becomes the default one, and is answered. To be called within the
 * bracket of the write, and before the default branch is protected.
 */
export async function adoptDefaultBranch(
  {
    repositories,
  }: { readonly repositories: Pick<Ports["repositories"], "adoptHead" | "pathOf" | "readDefaultBranch"> },
  { id: projectId, defaultBranchWasProtected }: Pick<Project, "id" | "defaultBranchWasProtected">,
): Promise<RefName | null> {
  const path = repositories.pathOf(projectId);
  // Two first pushes may be at this at once. A look alone would not do: the other one may be about to move HEAD, and what
  // is protected then would not be the default branch.
  if (defaultBranchWasProtected && (await repositories.readDefaultBranch(path)) !== null) return null;
  return await repositories.adoptHead(path);
}
