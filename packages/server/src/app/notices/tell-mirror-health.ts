import type { FinishedUpdate, Ports, UpdateLease } from "../ports.ts";
import { healthAfter, mirrorNotice } from "./mirror-notice.ts";
import { writeMails } from "./notice.ts";
import { projectManagers } from "./project-managers.ts";

type NoticePorts = Pick<
  Ports,
  "clock" | "instance" | "log" | "mails" | "members" | "projects" | "settings" | "users"
>;

/**
 * Tells those who look after the project by mail when this update, which has been recorded, made the mirror's health
 * another one. Once for each change, whatever runs at the same time, and not when a later update has ended meanwhile;
 * what fails here is a line in the log.
 *
 * In Silent Mode nobody is told, and it is not noted as told either: the first update after it tells how things stand.
 */
export async function tellMirrorHealth(
  ports: NoticePorts,
  { mirror, updateId }: Pick<UpdateLease, "mirror" | "updateId">,
  finished: FinishedUpdate,
): Promise<void> {
  const { mails } = ports;
  const health = healthAfter(mirror, finished);
  // Most updates end here, with what was known when they began; the store looks again.
  if (mails === null || health === null || health === mirror.toldHealth) return;
  try {
    if ((await ports.settings.read()).silentModeEnabled) return;
    const project = await ports.projects.find(mirror.projectId);
    if (!project) return;
    const people = await projectManagers(ports, project);
    const notice = mirrorNotice(project, mirror, health, finished);
    const written = writeMails(ports.instance.externalUrl, project, people, notice);
    if (await mails.tellHealth({ mirrorId: mirror.id, updateId, health }, written, ports.clock.now()))
      ports.log.info({ mirrorId: mirror.id, health, mails: written.length }, "the mirror's health changed");
  } catch (error) {
    ports.log.warn({ mirrorId: mirror.id, err: error }, "the change of a mirror's health could not be told");
  }
}
