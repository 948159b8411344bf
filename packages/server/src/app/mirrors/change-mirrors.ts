import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { MirrorView, UseCases } from "../use-cases.ts";
import { auditMirror } from "./audit-mirror.ts";
import { viewMirrors } from "./mirror-view.ts";
import { findMirroredProject, findMirrorToChange } from "./mirroring-access.ts";
import { type SaveTarget, saveMirror } from "./save-mirror.ts";
import { startPull, startPush } from "./start-mirror.ts";

type MirrorChangeUseCases = Pick<
  UseCases,
  "createMirror" | "updateMirror" | "removeMirror" | "syncMirror" | "cancelUpdate"
>;

/** What may be done to mirrors of any direction, with every option. */
export function mirrorChangeUseCases(ports: Ports): MirrorChangeUseCases {
  async function view(mirror: Mirror): Promise<MirrorView> {
    const project = await ports.projects.find(mirror.projectId);
    // As it is now: with the wish for the update that saving it has started.
    const [seen] = project
      ? await viewMirrors(ports, project, [(await ports.mirrors.find(mirror.id)) ?? mirror])
      : [];
    if (!seen) throw new HeliostatError("not-found", "Project Not Found");
    return seen;
  }

  return {
    async createMirror(principal, which, { direction, ...settings }) {
      const project = await findMirroredProject(ports, principal, which, "admin-mirrors");
      return await view(
        await saveMirror(ports, requireSignedIn(principal), project, { kind: "new", direction }, settings),
      );
    },
    async updateMirror(principal, which, mirrorId, changes) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      const target: SaveTarget = { kind: "existing", direction: mirror.direction, id: mirror.id };
      return await view(await saveMirror(ports, requireSignedIn(principal), project, target, changes));
    },
    async removeMirror(principal, which, mirrorId) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      await ports.mirrors.remove(mirror.id);
      await auditMirror(ports, principal, { project, mirror }, "mirror-removed");
      await ports.queue.cancel(mirror.id);
      // It may have been the one that its host's others wait for.
      ports.queue.wakeAt(ports.clock.now());
    },
    async syncMirror(principal, which, mirrorId, options) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      const { user } = requireSignedIn(principal);
      if (mirror.direction === "push") return await startPush(ports, user, project, mirror);
      return await startPull(ports, principal, project, mirror, options);
    },
    async cancelUpdate(principal, which, mirrorId) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      const { user } = requireSignedIn(principal);
      const cancelled = await ports.mirrors.requestCancel(mirror.id, ports.clock.now(), user.id);
      await auditMirror(ports, principal, { project, mirror }, "mirror-update-cancelled");
      // Another node hears of it when it next renews the lease.
      if (cancelled === "running") await ports.queue.cancel(mirror.id);
    },
  };
}
