import { UNSET_ATTRIBUTES } from "@heliostat/contract/api/kept-attributes.ts";
import { changedValues } from "../../domain/changed-values.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { auditedProject } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";

type AuditPorts = Pick<Ports, "audit" | "clock">;

/** Notes what a change of a project's settings has changed, by what auditors look for; nothing where all is the same. */
export async function auditProjectChange(
  ports: AuditPorts,
  principal: Principal,
  before: Project,
  after: Project,
): Promise<void> {
  const { visibility, archived, full_path: path, ...other } = changedValues(factsOf(before), factsOf(after));
  const entity = auditedProject(after);
  const note = (action: string, details = {}) => recordAudit(ports, principal, { action, entity, details });
  if (visibility) await note("project-visibility-changed", visibility);
  if (archived) await note(after.archived ? "project-archived" : "project-unarchived");
  if (path) await note("project-path-changed", path);
  if (Object.keys(other).length > 0) await note("project-changed", { changes: other });
}

/** Notes where a project went, and what became of who sees it on the way. */
export async function auditTransfer(
  ports: AuditPorts,
  principal: Principal,
  before: Project,
  after: Project,
): Promise<void> {
  const details = { changes: changedValues(factsOf(before), factsOf(after)) };
  await recordAudit(ports, principal, {
    action: "project-transferred",
    entity: auditedProject(after),
    details,
  });
}

function factsOf(project: Project) {
  const { name, description, visibility, archived, limits, pushesToMirroredBranches } = project;
  const { pullMirrorAvailable, pushMirrorsAvailable, topics, keptAttributes } = project;
  return {
    ...{ name, description, visibility, archived, ...limits, pushesToMirroredBranches },
    ...{ pullMirrorAvailable, pushMirrorsAvailable, fullPath: fullPathOf(project) },
    ...{ topics, ...UNSET_ATTRIBUTES, ...keptAttributes },
  };
}
