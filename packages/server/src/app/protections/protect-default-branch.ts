import type { Project } from "../../domain/project.ts";
import { defaultBranchRule } from "../../domain/protections.ts";
import { shortName } from "../../domain/ref-name.ts";
import { auditedProject } from "../audit/entities.ts";
import { lookAgain } from "../mirrors/look-again.ts";
import type { Ports } from "../ports.ts";
import { recordOwnAudit } from "../record-audit.ts";

/**
 * Protects the default branch when it has come for the first time, as the instance's `default_branch_protection` says.
 * Once for each project: a rule that somebody removes does not come back. Mirrors of protected branches carry it then.
 */
export async function protectDefaultBranch(
  ports: Pick<
    Ports,
    "audit" | "clock" | "log" | "mirrors" | "protectedBranches" | "queue" | "repositories" | "settings"
  >,
  project: Project,
): Promise<void> {
  const { id: projectId, defaultBranchWasProtected } = project;
  if (defaultBranchWasProtected) return;
  const branch = await ports.repositories.readDefaultBranch(ports.repositories.pathOf(projectId));
  if (branch === null) return;
  const { defaultBranchProtection } = await ports.settings.read();
  const rule = defaultBranchRule(defaultBranchProtection);
  const draft =
    rule === null ? null : { name: shortName(branch), allowForcePush: false, ...rule, unprotect: [] };
  if (!(await ports.protectedBranches.protectDefault(projectId, draft))) return;
  ports.log.info({ projectId, branch: shortName(branch) }, "default branch protected");
  if (draft !== null) {
    await recordOwnAudit(ports, "default branch protection", {
      action: "protected-branch-created",
      entity: auditedProject(project),
      target: { type: "ProtectedBranch", id: null, details: draft.name },
      details: { default_branch_protection: defaultBranchProtection, allow_force_push: draft.allowForcePush },
    });
  }
  const filtered = (await ports.mirrors.listOf(projectId)).filter(
    ({ options }) => options.onlyProtectedBranches,
  );
  await lookAgain(ports, filtered, null);
}
