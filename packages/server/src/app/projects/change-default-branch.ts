import { changedValues } from "../../domain/changed-values.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { Project } from "../../domain/project.ts";
import { isRefName, type RefName, shortName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import { auditedProject } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";

/** The branch of this name; `model-invalid`, in GitLab's words, where it is not there. */
export async function requireBranch(
  { browsing, repositories }: Pick<Ports, "browsing" | "repositories">,
  { id }: Pick<Project, "id">,
  name: string,
): Promise<RefName> {
  const ref = `refs/heads/${name}`;
  if (isRefName(ref) && (await browsing.readRef(repositories.pathOf(id), ref)) !== null) return ref;
  const message = `Could not change HEAD: branch '${name}' does not exist`;
  throw new HeliostatError("model-invalid", message, { fields: { base: [message] } });
}

/** Points HEAD at a branch that is there, and notes who did. The protection of branches stays as it is. */
export async function changeDefaultBranch(
  ports: Pick<Ports, "audit" | "clock" | "projects" | "repositories">,
  principal: Principal,
  project: Project,
  branch: RefName,
): Promise<void> {
  const path = ports.repositories.pathOf(project.id);
  const before = await ports.repositories.readDefaultBranch(path);
  if (before === branch) return;
  await ports.projects.beginRefsWrite(project.id);
  try {
    await ports.repositories.setHead(path, branch);
  } finally {
    await ports.projects.endRefsWrite(project.id);
  }
  const changes = changedValues(
    { defaultBranch: before === null ? null : shortName(before) },
    { defaultBranch: shortName(branch) },
  );
  const entity = auditedProject(project);
  await recordAudit(ports, principal, { action: "project-changed", entity, details: { changes } });
}
