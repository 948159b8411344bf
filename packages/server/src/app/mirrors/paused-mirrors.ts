import { HeliostatError } from "../../domain/errors.ts";
import { may, mayMirror } from "../../domain/policy.ts";
import { requireAdmin, requireSignedIn } from "../access.ts";
import { INSTANCE } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { UseCases } from "../use-cases.ts";

type PausedMirrorUseCases = Pick<UseCases, "listFailingHosts" | "resumeMirrors">;

/** What has stopped over many projects, and how it goes on. */
export function pausedMirrorUseCases(ports: Ports): PausedMirrorUseCases {
  return {
    async listFailingHosts(principal) {
      requireAdmin(principal);
      return await ports.hosts.list();
    },
    async resumeMirrors(principal, { host }) {
      const { user } = requireSignedIn(principal);
      if (!mayMirror(principal, await ports.settings.read())) {
        throw new HeliostatError("forbidden", "Mirror settings are only available to administrators.");
      }
      const paused = await ports.mirrors.listPaused(host);
      const projects = await ports.projects.findAll(paused.map(({ projectId }) => projectId));
      const theirs = new Set(
        projects.flatMap((project) => (may(principal, "admin-mirrors", project) ? [project.id] : [])),
      );
      const resumed = paused.flatMap(({ id, projectId }) => (theirs.has(projectId) ? [id] : []));
      const now = ports.clock.now();
      // Not `manual`: a thousand of them at once are no thousand people who may try a paused host each.
      await ports.mirrors.resume(resumed, { trigger: "configured", at: now, userId: user.id });
      const details = { host, mirrors: resumed.length };
      await recordAudit(ports, principal, { action: "mirrors-resumed", entity: INSTANCE, details });
      ports.queue.wakeAt(now);
      ports.log.info({ username: user.username, host, mirrors: resumed.length }, "paused mirrors resumed");
      return resumed.length;
    },
  };
}
