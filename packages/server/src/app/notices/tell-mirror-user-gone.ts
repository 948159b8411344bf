import type { Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import type { Ports } from "../ports.ts";
import { mirrorUserGoneNotice } from "./mirror-notice.ts";
import { writeMails } from "./notice.ts";
import { projectManagers } from "./project-managers.ts";

/**
 * Tells those who look after the project that its pull mirror goes on without its user. To be called once, when that
 * happens: nothing here remembers that it was told. Not told in Silent Mode, or without a mail server; what fails here
 * is a line in the log.
 */
export async function tellMirrorUserGone(
  ports: Pick<Ports, "clock" | "instance" | "log" | "mails" | "members" | "settings" | "users">,
  project: Project,
  mirror: Mirror,
): Promise<void> {
  const { mails } = ports;
  if (mails === null) return;
  try {
    if ((await ports.settings.read()).silentModeEnabled) return;
    const people = await projectManagers(ports, project);
    const notice = mirrorUserGoneNotice(project, mirror);
    await mails.put(writeMails(ports.instance.externalUrl, project, people, notice), ports.clock.now());
  } catch (error) {
    ports.log.warn({ mirrorId: mirror.id, err: error }, "the loss of a mirror's user could not be told");
  }
}
