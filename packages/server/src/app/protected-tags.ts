import { HeliostatError, invalidField } from "../domain/errors.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import { findProjectFor, requireSignedIn } from "./access.ts";
import { lookAgain } from "./mirrors/look-again.ts";
import type { Ports } from "./ports.ts";
import type { UseCases } from "./use-cases.ts";

type ProtectedTagUseCases = Pick<
  UseCases,
  "listProtectedTags" | "findProtectedTag" | "createProtectedTag" | "removeProtectedTag"
>;

type ProtectedTagPorts = Pick<Ports, "clock" | "mirrors" | "projects" | "protectedTags" | "queue">;

export function protectedTagUseCases(ports: ProtectedTagPorts): ProtectedTagUseCases {
  return {
    async listProtectedTags(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-project");
      return await ports.protectedTags.list(project.id);
    },
    async findProtectedTag(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "read-project");
      const found = (await ports.protectedTags.list(project.id)).find((tag) => tag.name === name);
      if (!found) throw new HeliostatError("not-found", "Not found");
      return found;
    },
    async createProtectedTag(principal, which, name, createAccessLevel = ACCESS_LEVELS.maintainer) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (name.trim() === "") throw invalidField("name", "can't be blank");
      const tag = await ports.protectedTags.create(project.id, name, createAccessLevel);
      await updatePullMirrors(ports, project.id, requireSignedIn(principal).user.id);
      return tag;
    },
    async removeProtectedTag(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (!(await ports.protectedTags.remove(project.id, name))) {
        throw new HeliostatError("not-found", "Not found");
      }
      await updatePullMirrors(ports, project.id, requireSignedIn(principal).user.id);
    },
  };
}

/** What was held may be let in now, and the other way round. */
async function updatePullMirrors(ports: ProtectedTagPorts, projectId: number, userId: number): Promise<void> {
  await lookAgain(ports, await ports.mirrors.listOf(projectId, "pull"), userId);
}
