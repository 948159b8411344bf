import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { refusalToStart } from "../../domain/mirroring-switches.ts";
import type { Project } from "../../domain/project.ts";
import { HARD_FAILURE_AFTER } from "../../domain/schedule.ts";
import type { Principal, User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import type { MirrorStart } from "../use-cases.ts";
import { auditMirror } from "./audit-mirror.ts";
import { asSeenNow } from "./effective-mirror.ts";
import { requestUpdate } from "./request-update.ts";

const NOT_READY = "Cannot proceed with the push mirroring. Please verify your mirror configuration.";

/**
 * Starts an update of a pull mirror for somebody who may, or for a trigger token, which is nobody; or says when it will
 * start. `model-invalid` with the reason when it is off, or a switch or the archived project is in the way.
 */
export async function startPull(
  ports: Ports,
  principal: Principal,
  project: Project,
  mirror: Mirror,
  { force }: { readonly force: boolean },
): Promise<MirrorStart> {
  if (!(await asSeenNow(ports, mirror)).enabled) {
    throw new HeliostatError("model-invalid", "The mirror is disabled and will not sync.");
  }
  await refuseHindered(ports, project, mirror);
  const isPaused = mirror.retryCount > HARD_FAILURE_AFTER;
  if (isPaused && !force) return { status: "on-pause", nextUpdateAt: null };
  // Any other start is in the history of updates, with who asked for it.
  if (force) await auditMirror(ports, principal, { project, mirror }, "mirror-update-forced");
  const userId = principal.kind === "user" ? principal.user.id : null;
  if (mirror.updateStatus === "started") {
    await requestUpdate(ports, mirror, "manual", { userId, resumes: isPaused });
    return { status: "running", nextUpdateAt: null };
  }
  const notBefore = await earliestStart(ports, mirror);
  await requestUpdate(ports, mirror, "manual", { notBefore, userId, resumes: isPaused });
  const now = ports.clock.now();
  return notBefore && notBefore > now
    ? { status: "later", nextUpdateAt: notBefore }
    : { status: "queued", nextUpdateAt: now };
}

/** Starts an update of a push mirror; `model-invalid` with GitLab's sentence when something is in the way. */
export async function startPush(
  ports: Ports,
  user: User | null,
  project: Project,
  mirror: Mirror,
): Promise<MirrorStart> {
  if (project.archived) await refuseHindered(ports, project, mirror);
  if (!(await asSeenNow(ports, mirror)).enabled) throw new HeliostatError("model-invalid", NOT_READY);
  await requestUpdate(ports, mirror, "manual", { userId: user?.id ?? null });
  return mirror.updateStatus === "started"
    ? { status: "running", nextUpdateAt: null }
    : { status: "queued", nextUpdateAt: ports.clock.now() };
}

async function refuseHindered(ports: Ports, project: Project, mirror: Mirror): Promise<void> {
  const reason = refusalToStart(mirror.direction, project, await ports.settings.read());
  if (reason !== null) throw new HeliostatError("model-invalid", reason);
}

/** A mirror that never succeeded may start at once; others keep the minimum interval since the last attempt. */
async function earliestStart(ports: Ports, mirror: Mirror): Promise<Date | undefined> {
  if (!mirror.lastSuccessfulUpdateAt || !mirror.lastUpdateAt) return undefined;
  const { pullMirrorMinIntervalSeconds } = await ports.settings.read();
  return new Date(mirror.lastUpdateAt.getTime() + pullMirrorMinIntervalSeconds * 1000);
}
