import type { Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import { HARD_FAILURE_AFTER } from "../../domain/schedule.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { UseCases } from "../use-cases.ts";
import { configurePullMirror } from "./configure-pull-mirror.ts";
import { asSeen } from "./effective-mirror.ts";
import { requestUpdate } from "./request-update.ts";

type PullMirrorUseCases = Pick<UseCases, "findPullMirror" | "configurePullMirror" | "startPullMirror">;

export function pullMirrorUseCases(ports: Ports): PullMirrorUseCases {
  async function findEnabled(project: Project): Promise<Mirror | null> {
    const [mirror] = await asSeen(ports, await ports.mirrors.listOf(project.id, "pull"));
    return mirror?.enabled ? mirror : null;
  }

  return {
    async findPullMirror(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-mirrors");
      return await findEnabled(project);
    },
    async configurePullMirror(principal, which, settings) {
      const project = await findProjectFor(ports, principal, which, "admin-mirrors");
      return await configurePullMirror(ports, requireSignedIn(principal).user, project, settings);
    },
    async startPullMirror(principal, which, { force }) {
      const project = await findProjectFor(ports, principal, which, "admin-mirrors");
      const mirror = await findEnabled(project);
      if (!mirror) return null;
      if (mirror.retryCount > HARD_FAILURE_AFTER && !force) return { status: "on-pause", nextUpdateAt: null };
      if (mirror.updateStatus === "started") {
        await requestUpdate(ports, mirror, "manual");
        return { status: "running", nextUpdateAt: null };
      }
      const notBefore = await earliestStart(ports, mirror);
      await requestUpdate(ports, mirror, "manual", notBefore);
      const now = ports.clock.now();
      return notBefore && notBefore > now
        ? { status: "later", nextUpdateAt: notBefore }
        : { status: "queued", nextUpdateAt: now };
    },
  };
}

/** A mirror that never succeeded may start at once; others keep the minimum interval since the last attempt. */
async function earliestStart(ports: Ports, mirror: Mirror): Promise<Date | undefined> {
  if (!mirror.lastSuccessfulUpdateAt || !mirror.lastUpdateAt) return undefined;
  const { pullMirrorMinIntervalSeconds } = await ports.settings.read();
  return new Date(mirror.lastUpdateAt.getTime() + pullMirrorMinIntervalSeconds * 1000);
}
