import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { ACCESS_LEVELS } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Grantee } from "../../domain/protections.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import { auditedProject } from "../audit/entities.ts";
import { lookAgain } from "../mirrors/look-again.ts";
import type { Ports, ProtectedTag } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import { describeGrantees } from "./describe-entries.ts";
import type { ProtectionUseCases } from "./protection-use-cases.ts";
import { type GranteePorts, refuseStrangers } from "./refuse-strangers.ts";

type ProtectedTagUseCases = Pick<
  ProtectionUseCases,
  "listProtectedTags" | "findProtectedTag" | "createProtectedTag" | "removeProtectedTag"
>;

type ProtectedTagPorts = GranteePorts &
  Pick<Ports, "audit" | "clock" | "mirrors" | "projects" | "protectedTags" | "queue">;

const MAINTAINERS: readonly Grantee[] = [{ kind: "role", level: ACCESS_LEVELS.maintainer }];

export function protectedTagUseCases(ports: ProtectedTagPorts): ProtectedTagUseCases {
  return {
    async listProtectedTags(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-code");
      return await ports.protectedTags.list(project.id);
    },
    async findProtectedTag(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "read-code");
      return await find(project, name);
    },
    async createProtectedTag(principal, which, name, create = MAINTAINERS) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (name.trim() === "") throw invalidField("name", "can't be blank");
      await refuseStrangers(ports, project, "Create access levels", create);
      const tag = await ports.protectedTags.create(project.id, name, create);
      await note(principal, project, "protected-tag-created", tag);
      await updatePullMirrors(ports, project.id, requireSignedIn(principal).user.id);
      return tag;
    },
    async removeProtectedTag(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      const tag = await find(project, name);
      if (!(await ports.protectedTags.remove(project.id, name))) {
        throw new HeliostatError("not-found", "Not found");
      }
      await note(principal, project, "protected-tag-removed", tag);
      await updatePullMirrors(ports, project.id, requireSignedIn(principal).user.id);
    },
  };

  async function find(project: Project, name: string): Promise<ProtectedTag> {
    const found = (await ports.protectedTags.list(project.id)).find((tag) => tag.name === name);
    if (!found) throw new HeliostatError("not-found", "Not found");
    return found;
  }

  async function note(
    principal: Principal,
    project: Project,
    action: string,
    tag: ProtectedTag,
  ): Promise<void> {
    await recordAudit(ports, principal, {
      action,
      entity: auditedProject(project),
      target: { type: "ProtectedTag", id: tag.id, details: tag.name },
      details: { create: describeGrantees(tag.create) },
    });
  }
}

/** What was held may be let in now, and the other way round. */
async function updatePullMirrors(ports: ProtectedTagPorts, projectId: number, userId: number): Promise<void> {
  await lookAgain(ports, await ports.mirrors.listOf(projectId, "pull"), userId);
}
