import { invalidField } from "../../domain/errors.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import { lookAgain } from "../mirrors/look-again.ts";
import type { Ports, ProtectedTag } from "../ports.ts";
import { describeGrantees } from "./describe-entries.ts";
import type { ProtectionUseCases } from "./protection-use-cases.ts";
import { type GranteePorts, refuseStrangers } from "./refuse-strangers.ts";
import { auditRule, MAINTAINERS, noRule, requireRule } from "./rules.ts";

type ProtectedTagUseCases = Pick<
  ProtectionUseCases,
  "listProtectedTags" | "findProtectedTag" | "createProtectedTag" | "removeProtectedTag"
>;

type ProtectedTagPorts = GranteePorts &
  Pick<Ports, "audit" | "clock" | "mirrors" | "projects" | "protectedTags" | "queue">;

/** The rules of tags; pull mirrors look again at once. */
export function protectedTagUseCases(ports: ProtectedTagPorts): ProtectedTagUseCases {
  return {
    async listProtectedTags(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-code");
      return await ports.protectedTags.list(project.id);
    },
    async findProtectedTag(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "read-code");
      return requireRule(await ports.protectedTags.list(project.id), name);
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
      const tag = requireRule(await ports.protectedTags.list(project.id), name);
      if (!(await ports.protectedTags.remove(project.id, name))) throw noRule();
      await note(principal, project, "protected-tag-removed", tag);
      await updatePullMirrors(ports, project.id, requireSignedIn(principal).user.id);
    },
  };

  async function note(
    principal: Principal,
    project: Project,
    action: string,
    tag: ProtectedTag,
  ): Promise<void> {
    const details = { create: describeGrantees(tag.create) };
    await auditRule(ports, principal, project, { action, type: "ProtectedTag", rule: tag, details });
  }
}

/** What was held may be let in now, and the other way round. */
async function updatePullMirrors(ports: ProtectedTagPorts, projectId: number, userId: number): Promise<void> {
  await lookAgain(ports, await ports.mirrors.listOf(projectId, "pull"), userId);
}
