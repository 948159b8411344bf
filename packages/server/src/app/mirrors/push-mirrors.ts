import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { ProjectAction } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { PathOrId, UseCases } from "../use-cases.ts";
import { auditMirror } from "./audit-mirror.ts";
import { asSeen, asSeenNow } from "./effective-mirror.ts";
import { findMirroredProject } from "./mirroring-access.ts";
import { saveMirror } from "./save-mirror.ts";
import { startPush } from "./start-mirror.ts";

type PushMirrorUseCases = Pick<
  UseCases,
  | "listPushMirrors"
  | "findPushMirror"
  | "createPushMirror"
  | "updatePushMirror"
  | "removePushMirror"
  | "syncPushMirror"
>;

/** A project's push mirrors, as GitLab's API has them. */
export function pushMirrorUseCases(ports: Ports): PushMirrorUseCases {
  async function find(
    principal: Principal,
    which: PathOrId,
    mirrorId: number,
    action: ProjectAction = "admin-mirrors",
  ): Promise<{ project: Project; mirror: Mirror }> {
    const project = await findMirroredProject(ports, principal, which, action);
    const mirror = await ports.mirrors.find(mirrorId);
    if (mirror?.projectId !== project.id || mirror.direction !== "push") {
      throw new HeliostatError("not-found", "Not found");
    }
    return { project, mirror };
  }

  return {
    async listPushMirrors(principal, which) {
      const project = await findMirroredProject(ports, principal, which, "read-mirrors");
      return await asSeen(ports, project, await ports.mirrors.listOf(project.id, "push"));
    },
    async findPushMirror(principal, which, mirrorId) {
      const { mirror } = await find(principal, which, mirrorId, "read-mirrors");
      return await asSeenNow(ports, mirror);
    },
    async createPushMirror(principal, which, draft) {
      const project = await findMirroredProject(ports, principal, which, "admin-mirrors");
      const target = { kind: "new", direction: "push" } as const;
      return await asSeenNow(
        ports,
        await saveMirror(ports, requireSignedIn(principal), project, target, draft),
      );
    },
    async updatePushMirror(principal, which, mirrorId, changes) {
      const { project } = await find(principal, which, mirrorId);
      const target = { kind: "existing", direction: "push", id: mirrorId } as const;
      return await asSeenNow(
        ports,
        await saveMirror(ports, requireSignedIn(principal), project, target, changes),
      );
    },
    async removePushMirror(principal, which, mirrorId, unmodifiedSince) {
      const { project, mirror } = await find(principal, which, mirrorId);
      if (unmodifiedSince !== null && secondOf(mirror.updatedAt) > secondOf(unmodifiedSince)) {
        throw new HeliostatError("conflict", "The mirror has changed meanwhile.");
      }
      await ports.mirrors.remove(mirror.id);
      await auditMirror(ports, principal, { project, mirror }, "mirror-removed");
      await ports.queue.cancel(mirror.id);
      // It may have been the one that its host's others wait for.
      ports.queue.wakeAt(ports.clock.now());
    },
    async syncPushMirror(principal, which, mirrorId) {
      const { project, mirror } = await find(principal, which, mirrorId);
      await startPush(ports, requireSignedIn(principal).user, project, mirror);
    },
  };
}

/** Times in HTTP are whole seconds. */
function secondOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
