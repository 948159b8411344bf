import type { Project } from "../../domain/project.ts";
import { defaultBranchRule } from "../../domain/protections.ts";
import { shortName } from "../../domain/ref-name.ts";
import { lookAgain } from "../mirrors/look-again.ts";
import type { Ports } from "../ports.ts";

/**
 * Protects the default branch when it has come for the first time, as the instance's `default_branch_protection` says.
 * Once for each project: a rule that somebody removes does not come back. Mirrors of protected branches carry it then.
 */
export async function protectDefaultBranch(
  ports: Pick<
    Ports,
    "clock" | "log" | "mirrors" | "protectedBranches" | "queue" | "repositories" | "settings"
  >,
  { id: projectId, defaultBranchWasProtected }: Pick<Project, "id" | "defaultBranchWasProtected">,
): Promise<void> {
  if (defaultBranchWasProtected) return;
  const branch = await ports.repositories.readDefaultBranch(ports.repositories.pathOf(projectId));
  if (branch === null) return;
  const { defaultBranchProtection } = await ports.settings.read();
  const rule = defaultBranchRule(defaultBranchProtection);
  const draft =
    rule === null ? null : { name: shortName(branch), allowForcePush: false, ...rule, unprotect: [] };
  if (!(await ports.protectedBranches.protectDefault(projectId, draft))) return;
  ports.log.info({ projectId, branch: shortName(branch) }, "default branch protected");
  const filtered = (await ports.mirrors.listOf(projectId)).filter(
    ({ options }) => options.onlyProtectedBranches,
  );
  await lookAgain(ports, filtered, null);
}
